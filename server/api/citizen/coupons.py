"""Claiming, the wallet, giving back, and the codes."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from benefits import claims, coupons, refusals
from benefits.claims import Claimed
from benefits.coupons import Coupon
from benefits.eligibility import Standing
from citizens.ages import CreditSubjectAdult
from citizens.consents import ConsentRequired, SharingConsentRequired
from citizens.credit import CreditDesk, IdentityUnverified
from citizens.credit_sources import CreditSourceUnavailable
from common.actors import CitizenActor
from common.clock import local_day, now
from common.request_keys import request_key
from models.enums import CouponStatus, LookupReason
from server import qr
from server.api.offer_views import DiscountOut, OfferNameOut, discount_out, offer_name
from server.endpoints import ANY_AGENT, Answer, IdempotencyKey, endpoint
from server.problems import language_of
from server.schemas import (
    In,
    Moment,
    Out,
    Page,
    PageQuery,
    Query,
    decode_cursor,
    left_out_when_none,
    page_of,
)

routes = Blueprint("coupons")


class Status(StrEnum):
    """What a citizen sees; "expired" follows from the validity."""

    CLAIMED = CouponStatus.CLAIMED
    REDEEMED = CouponStatus.REDEEMED
    GIVEN_BACK = CouponStatus.GIVEN_BACK
    REVOKED = CouponStatus.REVOKED
    EXPIRED = coupons.EXPIRED


class ClaimIn(In):
    """Nothing to say: an empty object."""


class CouponOut(Out):
    """A coupon; `uses_left` is null where the uses are not counted."""

    id: UUID
    offer: OfferNameOut
    status: Status
    discount: DiscountOut
    valid_from: Moment
    valid_until: Moment
    claimed_at: Moment
    uses_left: int | None


class HistoryOut(Out):
    """Something that happened to the coupon; `redemption_id` asks for its proof, `store_id` is for a complaint."""

    event: Literal["claimed", "redeemed", "reversed", "given_back", "revoked"]
    at: Moment
    store: str | None
    store_id: UUID | None
    uses: int | None
    discount_fen: int | None
    redemption_id: UUID | None


class CouponDetailOut(CouponOut):
    """A coupon with its history, oldest first, and when it can be used."""

    hours: str
    ended_reason: str | None
    history: list[HistoryOut]


class CouponQuery(PageQuery):
    """Which coupons."""

    status: Status | None = Field(default=None, description="状态 / status")


class CodeQuery(Query):
    """`renewal=client`: also hand out the key with which the phone renews the code without a network."""

    renewal: Literal["client"] | None = None


class CodeOut(Out):
    """A code to show; ask again after `refresh_after_s`. `server_time` lets a phone with a wrong clock renew."""

    code: str
    expires_at: Moment
    refresh_after_s: int
    server_time: Moment
    renewal_key: str | None = left_out_when_none()


@endpoint(
    routes,
    "POST",
    "/offers/<offer_id>/coupons",
    summary="领取优惠券 / Claim a coupon",
    answers={201: CouponOut},
    refusals=(
        ConsentRequired,
        SharingConsentRequired,
        IdentityUnverified,
        CreditSubjectAdult,
        refusals.RealNameRequired,
        refusals.TierTooLow,
        refusals.Unrated,
        refusals.SoldOut,
        refusals.SoldOutToday,
        refusals.LimitReached,
        refusals.OfferNotStarted,
        refusals.OfferEnded,
        refusals.IdempotencyKeyReused,
        refusals.Busy,
        CreditSourceUnavailable,
    ),
    for_agents=ANY_AGENT,
)
async def claim(
    request: Request, actor: CitizenActor, offer_id: UUID, body: ClaimIn, key: IdempotencyKey
) -> Answer:
    """Takes one piece, on the terms of this moment."""
    at = now()
    desk: CreditDesk = request.app.ctx.credit_desk

    async def ask_source() -> Standing:
        snapshot = await desk.tier(actor.id, LookupReason.CLAIM, at)
        return Standing(True, snapshot.level, snapshot.data_date)

    claimed = await claims.claim(
        actor.id, offer_id, request_key(key, body.canonical(), offer_id), ask_source, at
    )
    return Answer(201, _claimed(claimed), replayed=claimed.is_replayed)


@endpoint(
    routes,
    "GET",
    "/me/coupons",
    summary="我的优惠券 / My coupons",
    answers={200: Page[CouponOut]},
    for_agents=ANY_AGENT,
)
async def wallet(actor: CitizenActor, query: CouponQuery) -> Page[CouponOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    found = await coupons.coupons_of(actor.id, query.status, before, query.limit + 1, now())
    return page_of(Page[CouponOut], found, query.limit, _coupon, lambda coupon: (coupon.id,))


@endpoint(
    routes,
    "GET",
    "/coupons/<coupon_id>",
    summary="优惠券详情 / One coupon",
    answers={200: CouponDetailOut},
    for_agents=ANY_AGENT,
)
async def show(request: Request, actor: CitizenActor, coupon_id: UUID) -> CouponDetailOut:
    """With everything that happened to it."""
    at = now()
    coupon = await coupons.coupon_of(actor.id, coupon_id, at)
    history = await coupons.history_of(coupon.id)
    return CouponDetailOut(
        **_coupon(coupon).__dict__,
        hours=coupon.terms.hours_text(local_day(at), language_of(request)),
        ended_reason=coupon.ended_reason,
        history=[HistoryOut.model_validate(entry) for entry in history],
    )


@endpoint(
    routes,
    "DELETE",
    "/coupons/<coupon_id>",
    summary="退回优惠券 / Give back",
    answers={204: None},
    refusals=(
        refusals.UsedNotReturnable,
        refusals.CouponExpired,
        refusals.CouponRevoked,
        refusals.Busy,
    ),
    for_agents=ANY_AGENT,
)
async def give_back(actor: CitizenActor, coupon_id: UUID) -> None:
    """The piece returns to the stock; somebody else can claim it."""
    await claims.give_back(actor.id, coupon_id, now())


@endpoint(
    routes,
    "GET",
    "/coupons/<coupon_id>/code",
    summary="券码 / The code to show",
    answers={200: {"application/json": CodeOut, "image/svg+xml": None, "image/png": None}},
    refusals=(
        refusals.AlreadyRedeemed,
        refusals.CouponExpired,
        refusals.CouponRevoked,
        refusals.RenewalNotAllowed,
    ),
    for_agents=ANY_AGENT,
)
async def code(
    request: Request, actor: CitizenActor, coupon_id: UUID, query: CodeQuery
) -> Answer | HTTPResponse:
    """JSON unless `Accept` asks for a picture; never stored on the way."""
    picture = qr.wanted(request.headers.get("accept", ""))
    # A new key ends the one before, so it is made only where it reaches somebody.
    # Who acts for somebody gets none: his phone would go on renewing after that was ended.
    is_key_shown = picture is None and request.method == "GET" and actor.agent is None
    shown = await coupons.code_of(
        *(actor.id, actor.session_id, coupon_id, request.app.ctx.settings.code_master_keys, now()),
        is_client_renewal=query.renewal == "client" and is_key_shown,
    )
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if picture is not None:
        return HTTPResponse(await qr.draw(shown.code, picture), 200, headers, picture)
    return Answer(200, CodeOut.model_validate(shown), headers)


def _claimed(claimed: Claimed) -> CouponOut:
    """The answer of the claim, the same however late it is asked for again."""
    return CouponOut(
        id=claimed.id,
        offer=offer_name(claimed.terms),
        status=Status.CLAIMED,
        discount=discount_out(claimed.terms),
        valid_from=claimed.valid_from,
        valid_until=claimed.valid_until,
        claimed_at=claimed.claimed_at,
        uses_left=claimed.terms.uses_total,
    )


def _coupon(coupon: Coupon) -> CouponOut:
    return CouponOut(
        id=coupon.id,
        offer=offer_name(coupon.terms),
        status=Status(coupon.status),
        discount=discount_out(coupon.terms),
        valid_from=coupon.valid_from,
        valid_until=coupon.valid_until,
        claimed_at=coupon.claimed_at,
        uses_left=coupon.uses_left,
    )
