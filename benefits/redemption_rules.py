"""May this scan be redeemed, and what does it give: plain values in, a discount or a refusal out.

Shared by the preview and the redemption, so that both always say the same.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from benefits.codes import Code, is_in_window, step_at
from benefits.discounts import Discount, discount
from benefits.refusals import (
    AlreadyRedeemed,
    CodeExpired,
    CodeForged,
    CodeTooEarly,
    CodeUsed,
    CouponExpired,
    CouponNotYetValid,
    CouponRevoked,
    DailyUseReached,
    NotEnoughUses,
    OutsideHours,
    OwnCoupon,
    StoreNotAllowed,
)
from benefits.terms import Terms
from common.clock import local_day
from merchants.staff import StaffRevoked
from models.enums import CouponStatus


@dataclass(frozen=True, slots=True)
class Order:
    """What the clerk enters: his store, the order in fen where the benefit needs it, uses at once."""

    store_id: UUID
    order_amount_fen: int | None
    uses: int


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who scans, as the database has him now."""

    is_active: bool
    may_redeem_at_store: bool
    is_holder: bool


@dataclass(frozen=True, slots=True)
class CouponState:
    """A coupon as it stands, and whether the scanned step was redeemed with before."""

    status: CouponStatus
    key_generation: int
    uses_total: int | None
    uses_done: int
    uses_day: date | None
    uses_today: int
    valid_from: datetime
    valid_until: datetime
    is_step_burnt: bool
    last_redeemed_at: datetime | None

    def used_on(self, day: date) -> int:
        """Uses on one day (Asia/Shanghai); a day that was counted later than it counts too (clock set back)."""
        return self.uses_today if self.uses_day is not None and self.uses_day >= day else 0


def judge(
    coupon: CouponState, clerk: Clerk, terms: Terms, code: Code, order: Order, now: datetime
) -> Discount:
    """Judge in the order of the contract: window and burnt step, rights, what coupon and offer allow.

    Raises:
        every refusal of a scan but those of form, MAC and key, which were judged before.
    """
    may_redeem = clerk.is_active and _may_redeem_at(clerk, terms, order)
    _judge_code(coupon, code, now, may_redeem=may_redeem)
    _judge_rights(clerk, terms, order)
    _judge_coupon(coupon, now)
    _judge_uses(coupon, terms, order, now)
    return discount(terms, order.order_amount_fen, order.uses)


def _judge_code(coupon: CouponState, code: Code, now: datetime, *, may_redeem: bool) -> None:
    if code.generation != coupon.key_generation:
        raise CodeForged
    if not is_in_window(code.step, now.timestamp()):
        raise CodeTooEarly if code.step > step_at(now.timestamp()) else CodeExpired
    if coupon.is_step_burnt:
        # When it was is the business of those only who could have redeemed it.
        if coupon.status is CouponStatus.REDEEMED and may_redeem:
            raise AlreadyRedeemed(redeemed_at=coupon.last_redeemed_at)
        raise CodeUsed


def _may_redeem_at(clerk: Clerk, terms: Terms, order: Order) -> bool:
    return clerk.may_redeem_at_store and order.store_id in terms.store_ids


def _judge_rights(clerk: Clerk, terms: Terms, order: Order) -> None:
    if not clerk.is_active:
        raise StaffRevoked
    if not _may_redeem_at(clerk, terms, order):
        raise StoreNotAllowed
    if clerk.is_holder:
        raise OwnCoupon


def _judge_coupon(coupon: CouponState, now: datetime) -> None:
    if coupon.status is CouponStatus.REDEEMED:
        raise AlreadyRedeemed(redeemed_at=coupon.last_redeemed_at)
    if coupon.status is not CouponStatus.CLAIMED:
        raise CouponRevoked
    if now >= coupon.valid_until:
        raise CouponExpired(valid_until=coupon.valid_until)
    if now < coupon.valid_from:
        raise CouponNotYetValid(valid_from=coupon.valid_from)


def _judge_uses(coupon: CouponState, terms: Terms, order: Order, now: datetime) -> None:
    if not terms.is_open_at(now):
        today = local_day(now)
        raise OutsideHours(terms.hours_text(today), terms.hours_text(today, "en"))
    if coupon.uses_total is not None and coupon.uses_done + order.uses > coupon.uses_total:
        raise NotEnoughUses(uses_left=coupon.uses_total - coupon.uses_done)
    if terms.daily_use_cap is not None and coupon.used_on(local_day(now)) + order.uses > terms.daily_use_cap:
        raise DailyUseReached(cap=terms.daily_use_cap)
