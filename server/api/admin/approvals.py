"""What waits for a second admin, and his decision."""

from json import loads
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, JsonValue
from sanic import Blueprint

from alliance import approvals, decisions, tier_what_ifs
from alliance.admin_rights import NotConfirmed
from alliance.approvals import NotOpen, OwnRequest
from alliance.tier_scheme_changes import OffersAdmitOneBand
from alliance.tier_what_ifs import WhatIfMissing
from alliance.white_list import WhiteListed
from benefits.budgets import BudgetBelowReserved, BudgetChanged
from benefits.offer_changes import CouponNotRevocable
from benefits.proposals import BudgetNeedsMostCost
from benefits.share_consents import RaiseNotAgreed
from citizens.tier_mapping_versions import MappingEndPast, MappingOverlaps, SchemeIsOurs
from citizens.tier_scheme_versions import LaterVersionAnnounced, NoticeTooShort
from common.actors import AdminActor
from common.clock import now
from common.database import Row
from merchants.applications import ApplicationNotOpen
from models.office_enums import ApprovalKind, ApprovalStatus
from server.api.tier_what_if_views import WhatIfOut
from server.endpoints import endpoint
from server.schemas import (
    In,
    Moment,
    Out,
    Page,
    PageQuery,
    Reason,
    decode_cursor,
    left_out_when_none,
    page_of,
)

routes = Blueprint("admin_approvals", url_prefix="/approvals")

# What carrying out may refuse; the request stays open then.
CARRYING_OUT = (
    *(CouponNotRevocable, BudgetChanged, BudgetBelowReserved, BudgetNeedsMostCost, RaiseNotAgreed),
    *(NoticeTooShort, LaterVersionAnnounced, ApplicationNotOpen, WhiteListed),
    *(WhatIfMissing, OffersAdmitOneBand, MappingOverlaps, MappingEndPast, SchemeIsOurs),
)


class ApprovalQuery(PageQuery):
    """Which ones; all without a status."""

    status: ApprovalStatus | None = None


class DecisionIn(In):
    """Why; whoever asked reads it."""

    reason: Reason


class AskedOut(Out):
    """A request that waits for a second admin; nothing has changed yet."""

    approval_id: UUID


class ApprovalOut(Out):
    """What was asked for, by whom and why, and how it was decided."""

    id: UUID
    kind: ApprovalKind
    region: str = Field(validation_alias="region_id")
    object_id: str
    details: Annotated[
        dict[str, JsonValue],
        BeforeValidator(loads),
        Field(
            validation_alias="payload",
            description="同意后执行的内容 / what is carried out when it is agreed to",
        ),
    ]
    reason: str
    status: ApprovalStatus
    asked_by: UUID
    asked_at: Moment
    expires_at: Moment
    decided_by: UUID | None
    decided_at: Moment | None
    decision_reason: str | None
    what_if: WhatIfOut | None = left_out_when_none()


@endpoint(
    routes,
    "GET",
    "",
    summary="待审批事项 / What waits for a second admin",
    answers={200: Page[ApprovalOut]},
    may="approval.read",
)
async def listed(actor: AdminActor, query: ApprovalQuery) -> Page[ApprovalOut]:
    """Newest first, of the admin's region and below; a tier scheme with what it would do, once that is counted."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await approvals.listed(actor, query.status, before, query.limit + 1)
    counted = await tier_what_ifs.of_requests(rows)
    return page_of(
        Page[ApprovalOut],
        rows,
        query.limit,
        lambda row: ApprovalOut.model_validate({**dict(row), "what_if": _dict(counted.get(row["id"]))}),
        lambda row: (row["id"],),
    )


def _dict(row: Row | None) -> dict[str, object] | None:
    return dict(row) if row is not None else None


@endpoint(
    routes,
    "POST",
    "/<approval_id>/approval",
    summary="同意 / Agree, and carry it out",
    answers={204: None},
    refusals=(OwnRequest, NotConfirmed, NotOpen, *CARRYING_OUT),
    may="approval.decide",
)
async def approve(actor: AdminActor, approval_id: UUID, body: DecisionIn) -> None:
    """By another head than the one who asked; it is carried out in the same moment, or stays open."""
    await decisions.approve(actor, approval_id, body.reason, now())


@endpoint(
    routes,
    "POST",
    "/<approval_id>/refusal",
    summary="不同意 / Refuse",
    answers={204: None},
    refusals=(OwnRequest, NotOpen),
    may="approval.decide",
)
async def refuse(actor: AdminActor, approval_id: UUID, body: DecisionIn) -> None:
    """Nothing is carried out; whoever asked reads why."""
    await decisions.refuse(actor, approval_id, body.reason, now())


@endpoint(
    routes,
    "DELETE",
    "/<approval_id>",
    summary="撤回提请 / Withdraw one's own request",
    answers={204: None},
    refusals=(NotOpen,),
    may="approval.withdraw",
)
async def withdraw(actor: AdminActor, approval_id: UUID) -> None:
    """As long as nobody has decided."""
    await approvals.withdraw(actor, approval_id, now())
