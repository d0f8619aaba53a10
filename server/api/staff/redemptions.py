"""Scanning: preview, redeem, and reading what was redeemed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from benefits import redemption_log, redemptions, refusals
from benefits.redemption_log import Line
from benefits.redemption_rules import Order
from benefits.redemptions import Redeemed, ScanKeys
from common.actors import StaffActor
from common.clock import now
from common.request_keys import request_key
from merchants.staff import StaffRevoked
from server.api.offer_views import DiscountOut, OfferNameOut, discount_out, offer_name
from server.endpoints import Answer, IdempotencyKey, endpoint
from server.schemas import Fen, In, Moment, Out, Page, PageQuery, decode_cursor, left_out_when_none, page_of

routes = Blueprint("redemptions", url_prefix="/redemptions")

REFUSALS = (
    StaffRevoked,
    refusals.CodeMalformed,
    refusals.CodeForged,
    refusals.StoreNotAllowed,
    refusals.OwnCoupon,
    refusals.AlreadyRedeemed,
    refusals.CodeUsed,
    refusals.DailyUseReached,
    refusals.NotEnoughUses,
    refusals.CouponNotYetValid,
    refusals.CodeExpired,
    refusals.CouponExpired,
    refusals.CouponRevoked,
    refusals.BelowThreshold,
    refusals.AmountRequired,
    refusals.OutsideHours,
)


class ScanIn(In):
    """What was scanned, where, and the order. `uses` above 1 is for passes and families."""

    code: str
    store_id: UUID
    order_amount_fen: Fen | None = None
    uses: Annotated[int, Field(ge=1, le=1000)] = 1

    def order(self) -> Order:
        """The clerk's part of it."""
        return Order(self.store_id, self.order_amount_fen, self.uses)


class PreviewOut(Out):
    """What a redemption would give now; nothing was changed. `holder_masked_name`: only of offers that show it."""

    offer: OfferNameOut
    discount: DiscountOut
    store_id: UUID
    order_amount_fen: int | None
    discount_fen: int
    payable_fen: int | None
    uses: int
    uses_left: int | None
    holder_masked_name: str | None = left_out_when_none()


class RedemptionOut(Out):
    """One record of the ledger; `uses_left` is what was left then, null where uses are not counted.

    `holder_masked_name` is there at the scan alone, when the offer shows it and the holder agrees at that moment.
    """

    id: UUID
    offer: OfferNameOut
    store_id: UUID
    order_amount_fen: int | None
    discount_fen: int
    payable_fen: int | None
    redeemed_at: Moment
    uses: int
    uses_left: int | None
    holder_masked_name: str | None = left_out_when_none()


class ReversalBriefOut(Out):
    """The record that undid it; `reason` is null once it was erased."""

    id: UUID
    reversed_at: Moment
    reason: str | None


class RedemptionLineOut(RedemptionOut):
    """A redemption with its reversal, if there is one."""

    reversal: ReversalBriefOut | None


class RedemptionQuery(PageQuery):
    """Which redemptions; `from` is included, `to` is not."""

    store_id: UUID | None = None
    from_: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None


@endpoint(
    routes,
    "POST",
    "/preview",
    summary="试算 / What a redemption would give",
    answers={200: PreviewOut},
    refusals=REFUSALS,
)
async def preview(request: Request, actor: StaffActor, body: ScanIn) -> PreviewOut:
    """The same rules as the redemption; changes no coupon. A refusal is kept as an attempt."""
    seen = await redemptions.preview(actor, body.code, body.order(), _keys(request), now())
    return PreviewOut(
        offer=offer_name(seen.terms),
        discount=discount_out(seen.terms),
        store_id=body.store_id,
        order_amount_fen=body.order_amount_fen,
        discount_fen=seen.discount.discount_fen,
        payable_fen=seen.discount.payable_fen,
        uses=body.uses,
        uses_left=seen.uses_left,
        holder_masked_name=seen.holder_masked_name,
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="核销 / Redeem",
    answers={201: RedemptionOut},
    refusals=(*REFUSALS, refusals.IdempotencyKeyReused, refusals.Busy),
)
async def create(request: Request, actor: StaffActor, body: ScanIn, key: IdempotencyKey) -> Answer:
    """Once per coupon and use, whatever happens on the way; a retry with the same key gets this answer again."""
    done = await redemptions.redeem(
        *(actor, body.code, body.order(), request_key(key, body.canonical()), _keys(request), now())
    )
    return Answer(201, _redeemed(done), replayed=done.is_replayed)


@endpoint(routes, "GET", "", summary="核销记录 / Redemptions", answers={200: Page[RedemptionLineOut]})
async def list_redemptions(actor: StaffActor, query: RedemptionQuery) -> Page[RedemptionLineOut]:
    """Of the stores where the caller may redeem (managers and owners: all of the member's), newest first."""
    lines = await redemption_log.lines_of(
        actor,
        query.store_id,
        (query.from_, query.to),
        _before(query.cursor),
        query.limit + 1,
    )
    return page_of(Page[RedemptionLineOut], lines, query.limit, _line, _position)


@endpoint(
    routes, "GET", "/<redemption_id>", summary="一笔核销 / One redemption", answers={200: RedemptionLineOut}
)
async def show(actor: StaffActor, redemption_id: UUID) -> RedemptionLineOut:
    """With its reversal."""
    return _line(await redemption_log.line_of(actor, redemption_id))


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, redemption_id = decode_cursor(cursor, (datetime, UUID))
    return at, redemption_id


def _position(line: Line) -> tuple[datetime, UUID]:
    return line.redeemed.redeemed_at, line.redeemed.id


def _keys(request: Request) -> ScanKeys:
    keys: ScanKeys = request.app.ctx.scan_keys
    return keys


def _fields(done: Redeemed) -> dict[str, object]:
    return {
        "id": done.id,
        "offer": offer_name(done.terms),
        "store_id": done.store_id,
        "order_amount_fen": done.order_amount_fen,
        "discount_fen": done.discount.discount_fen,
        "payable_fen": done.discount.payable_fen,
        "redeemed_at": done.redeemed_at,
        "uses": done.uses,
        "uses_left": done.uses_left,
        "holder_masked_name": done.holder_masked_name,
    }


def _redeemed(done: Redeemed) -> RedemptionOut:
    return RedemptionOut.model_validate(_fields(done))


def _line(line: Line) -> RedemptionLineOut:
    reversal = line.reversal and ReversalBriefOut.model_validate(line.reversal)
    return RedemptionLineOut.model_validate({**_fields(line.redeemed), "reversal": reversal})
