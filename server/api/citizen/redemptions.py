"""What a citizen used and saved."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sanic import Blueprint

from benefits import own_redemptions
from benefits.own_redemptions import OwnRedemption
from common.actors import CitizenActor
from server.api.offer_views import OfferNameOut, offer_name
from server.endpoints import ANY_AGENT, endpoint
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("own_redemptions", url_prefix="/me/redemptions")


class OwnRedemptionOut(Out):
    """Something used, at which store, and what it saved; `reversed_at` once the store undid it. Money in fen."""

    id: UUID
    coupon_id: UUID
    offer: OfferNameOut
    store_id: UUID
    store: str
    status: Literal["redeemed", "reversed"]
    redeemed_at: Moment
    reversed_at: Moment | None
    uses: int
    discount_fen: int


class OwnTotalOut(Out):
    """All that was used, on whatever page it is listed; what was undone does not count. Money in fen."""

    redemptions: int
    saved_fen: int


class OwnRedemptionPageOut(Page[OwnRedemptionOut]):
    """A page of them, and the total of all."""

    total: OwnTotalOut


@endpoint(
    routes,
    "GET",
    "",
    summary="使用记录 / What I used",
    answers={200: OwnRedemptionPageOut},
    for_agents=ANY_AGENT,
)
async def listed(actor: CitizenActor, query: PageQuery) -> OwnRedemptionPageOut:
    """Newest first, what was undone among it."""
    before = decode_cursor(query.cursor, (datetime, UUID)) if query.cursor else None
    found, total = await own_redemptions.redemptions_of(actor.id, before, query.limit + 1)
    page = page_of(
        Page[OwnRedemptionOut], found, query.limit, _redemption, lambda each: (each.redeemed_at, each.id)
    )
    return OwnRedemptionPageOut(
        items=page.items, next_cursor=page.next_cursor, total=OwnTotalOut.model_validate(total)
    )


def _redemption(each: OwnRedemption) -> OwnRedemptionOut:
    return OwnRedemptionOut(
        id=each.id,
        coupon_id=each.coupon_id,
        offer=offer_name(each.terms),
        store_id=each.store_id,
        store=each.store,
        status="redeemed" if each.reversed_at is None else "reversed",
        redeemed_at=each.redeemed_at,
        reversed_at=each.reversed_at,
        uses=each.uses,
        discount_fen=each.discount_fen,
    )
