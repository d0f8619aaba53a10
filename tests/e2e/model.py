"""What must be, in plain Python: offers, coupons, the ledger and consents, one thing after the other."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from common.clock import local_day

DONE = "done"
CASHIER_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class OfferModel:
    """An offer's rules."""

    id: str
    uses_total: int | None
    stock: int | None = None
    per_citizen: int | None = None
    daily_cap: int | None = None
    asks_for_tier: bool = False


@dataclass(eq=False)
class CouponModel:
    """A coupon as it must be."""

    id: UUID
    offer: OfferModel
    citizen: UUID
    valid_until: datetime
    status: str = "claimed"
    uses_done: int = 0
    uses_day: date | None = None
    uses_today: int = 0
    burnt: set[int] = field(default_factory=set)

    def used_on(self, day: date) -> int:
        """Uses on one day."""
        return self.uses_today if self.uses_day and self.uses_day >= day else 0


@dataclass(eq=False)
class RedemptionModel:
    """One record."""

    id: UUID
    coupon: CouponModel
    uses: int
    at: datetime
    is_reversed: bool = False


@dataclass
class World:
    """Everything, and what each action must come to now."""

    coupons: list[CouponModel] = field(default_factory=list)
    consenting: set[UUID] = field(default_factory=set)

    def issued(self, offer: OfferModel) -> int:
        """Pieces that are out."""
        return sum(c.offer is offer and c.status != "given_back" for c in self.coupons)

    def held(self, offer: OfferModel, citizen: UUID) -> int:
        """Pieces that one person has."""
        return sum(
            c.offer is offer and c.citizen == citizen and c.status != "given_back" for c in self.coupons
        )

    def claiming(self, citizen: UUID, offer: OfferModel) -> str:
        """What a claim comes to."""
        if offer.asks_for_tier and citizen not in self.consenting:
            return "consent_required"
        if offer.per_citizen is not None and self.held(offer, citizen) >= offer.per_citizen:
            return "limit_reached"
        if offer.stock is not None and self.issued(offer) >= offer.stock:
            return "sold_out"
        return DONE

    def giving_back(self, coupon: CouponModel, at: datetime) -> str:
        """What giving back comes to; twice is once."""
        if coupon.status == "given_back":
            return DONE
        if coupon.status == "revoked":
            return "coupon_revoked"
        if coupon.uses_done:
            return "already_redeemed"
        return "coupon_expired" if at >= coupon.valid_until else DONE

    def give_back(self, coupon: CouponModel) -> None:
        """It was given back."""
        coupon.status = "given_back"

    def redeeming(self, coupon: CouponModel, step: int, now_step: int, uses: int, at: datetime) -> str:
        """What a scan comes to, in the order of the contract: the code, the coupon, its uses."""
        if abs(step - now_step) > 1:
            return "code_expired"
        if coupon.status == "redeemed":
            return "already_redeemed"
        if step in coupon.burnt:
            return "code_used"
        if coupon.status != "claimed":
            return "coupon_revoked"
        if at >= coupon.valid_until:
            return "coupon_expired"
        total, cap = coupon.offer.uses_total, coupon.offer.daily_cap
        if total is not None and coupon.uses_done + uses > total:
            return "not_enough_uses"
        if cap is not None and coupon.used_on(local_day(at)) + uses > cap:
            return "daily_use_reached"
        return DONE

    def redeem(self, coupon: CouponModel, step: int, uses: int, at: datetime) -> None:
        """It was redeemed."""
        coupon.burnt.add(step)
        coupon.uses_today = coupon.used_on(local_day(at)) + uses
        coupon.uses_day = max(coupon.uses_day or date.min, local_day(at))
        coupon.uses_done += uses
        if coupon.uses_done == coupon.offer.uses_total:
            coupon.status = "redeemed"

    def reversing(self, redemption: RedemptionModel, at: datetime) -> str:
        """What a cashier's undoing comes to."""
        if redemption.is_reversed:
            return "already_reversed"
        return "reversal_window_closed" if at >= redemption.at + CASHIER_WINDOW else DONE

    def reverse(self, redemption: RedemptionModel) -> None:
        """It was undone; the step stays burnt."""
        coupon = redemption.coupon
        redemption.is_reversed = True
        coupon.uses_done -= redemption.uses
        if coupon.status == "redeemed":
            coupon.status = "claimed"
        if coupon.uses_day == local_day(redemption.at):
            coupon.uses_today = max(0, coupon.uses_today - redemption.uses)
