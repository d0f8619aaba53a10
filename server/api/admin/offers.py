"""Publishing, pausing and ending offers, and their stock."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from benefits import offer_changes
from benefits.offer_changes import StockBelowIssued
from benefits.offer_lives import OfferHasNoTerms, OfferStateForbids
from benefits.proposals import BudgetNeedsMostCost
from common.actors import AdminActor
from common.clock import now
from models.enums import OfferStatus
from server.endpoints import endpoint
from server.schemas import In

routes = Blueprint("admin_offers", url_prefix="/offers")


class StatusIn(In):
    """The status from now on."""

    status: Literal["published", "paused", "ended"]


class StockIn(In):
    """How many pieces there are in all, claimed ones included."""

    stock_total: Annotated[int, Field(ge=0, le=100_000_000)]


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
    """Shows in every list within two seconds; what was claimed stays usable."""
    await offer_changes.set_status(actor, offer_id, OfferStatus(body.status), now())


@endpoint(
    routes,
    "PUT",
    "/<offer_id>/stock",
    summary="调整总份数 / Set the stock",
    answers={204: None},
    refusals=(StockBelowIssued,),
    may="offer.set_stock",
)
async def set_stock(actor: AdminActor, offer_id: UUID, body: StockIn) -> None:
    """Never below what is claimed."""
    await offer_changes.set_stock(actor, offer_id, body.stock_total, now())
