"""Publishing, pausing and ending offers, their stock and budget, and revoking all that is claimed."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from alliance import budget_changes, coupon_revocations
from alliance.approvals import AlreadyAsked
from alliance.budget_changes import RaiseNeedsReason
from alliance.coupon_revocations import NothingToRevoke
from benefits import offer_changes
from benefits.budgets import BudgetBelowReserved, BudgetChanged
from benefits.offer_changes import StockBelowIssued
from benefits.offer_lives import OfferHasNoTerms, OfferStateForbids
from benefits.proposals import BudgetNeedsMostCost
from benefits.share_consents import RaiseNotAgreed
from common.actors import AdminActor
from common.clock import now
from models.enums import OfferStatus
from server.api.admin.approvals import AskedOut
from server.endpoints import Answer, endpoint
from server.schemas import Fen, In, Reason

routes = Blueprint("admin_offers", url_prefix="/offers")


class StatusIn(In):
    """The status from now on, and why: the member reads it, so no names or numbers of citizens belong here."""

    status: Literal["published", "paused", "ended"]
    reason: Reason | None = None


class StockIn(In):
    """How many pieces there are in all, claimed ones included."""

    stock_total: Annotated[int, Field(ge=0, le=100_000_000)]


class BudgetIn(In):
    """What the caller saw and what he wants, null without a budget; a raise needs a reason for the second admin."""

    from_fen: Fen | None
    to_fen: Fen | None
    reason: Reason | None = None


class RevocationIn(In):
    """Why; every citizen who holds a coupon reads it."""

    reason: Reason


class AskedForAllOut(AskedOut):
    """A request that waits for a second admin, and how many coupons it would end now."""

    coupons: int


@endpoint(
    routes,
    "PUT",
    "/<offer_id>/status",
    summary="发布、暂停、结束优惠 / Publish, pause or end an offer",
    answers={204: None},
    refusals=(OfferHasNoTerms, OfferStateForbids, BudgetNeedsMostCost),
    may="offer.set_status",
)
async def set_status(actor: AdminActor, offer_id: UUID, body: StatusIn) -> None:
    """Shows in every list within two seconds; what was claimed stays usable. The member is told, with the reason if given."""
    await offer_changes.set_status(actor, offer_id, OfferStatus(body.status), now(), body.reason)


@endpoint(
    routes,
    "PUT",
    "/<offer_id>/stock",
    summary="调整总份数 / Set the stock",
    answers={204: None},
    refusals=(StockBelowIssued, RaiseNotAgreed),
    may="offer.set_stock",
)
async def set_stock(actor: AdminActor, offer_id: UUID, body: StockIn) -> None:
    """Never below what is claimed, nor above what a public unit that pays a share has agreed to."""
    await offer_changes.set_stock(actor, offer_id, body.stock_total, now())


@endpoint(
    routes,
    "PUT",
    "/<offer_id>/budget",
    summary="调整资金预算 / Change the budget",
    answers={204: None, 202: AskedOut},
    refusals=(
        BudgetChanged,
        BudgetBelowReserved,
        BudgetNeedsMostCost,
        RaiseNeedsReason,
        RaiseNotAgreed,
        AlreadyAsked,
    ),
    may="offer.set_budget",
)
async def set_budget(actor: AdminActor, offer_id: UUID, body: BudgetIn) -> Answer:
    """Only when it still is what the caller saw. Less counts at once (204); more when a second admin agrees (202)."""
    amounts = body.from_fen, body.to_fen
    approval_id = await budget_changes.change(actor, offer_id, amounts, body.reason, now())
    return Answer(204) if approval_id is None else Answer(202, AskedOut(approval_id=approval_id))


@endpoint(
    routes,
    "POST",
    "/<offer_id>/revocation",
    summary="提请作废全部已领优惠券 / Ask for all claimed coupons to be revoked",
    answers={202: AskedForAllOut},
    refusals=(NothingToRevoke, AlreadyAsked),
    may="offer.revoke_coupons",
)
async def revoke_all(actor: AdminActor, offer_id: UUID, body: RevocationIn) -> AskedForAllOut:
    """When a second admin agrees, what was claimed until then ends in the background; each citizen is told why."""
    approval_id, coupons = await coupon_revocations.ask_all(actor, offer_id, body.reason, now())
    return AskedForAllOut(approval_id=approval_id, coupons=coupons)
