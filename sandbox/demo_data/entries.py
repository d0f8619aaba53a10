"""What an entry of each demo file may hold: unknown fields and impossible values are refused by name."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from stdnum.cn import uscc

from merchants.stores import LATITUDES, LONGITUDES
from models.enums import AdminRole, DiscountKind, LimitPeriod, MemberKind, StaffRole, TierLevel

# What a discount of each kind must and may say; anything else is refused.
DISCOUNT_FIELDS: dict[DiscountKind, tuple[set[str], set[str]]] = {
    DiscountKind.PERCENT_OFF: ({"percent_off"}, {"cap_fen"}),
    DiscountKind.AMOUNT_OFF: ({"amount_off_fen"}, set()),
    DiscountKind.THRESHOLD_OFF: ({"amount_off_fen", "threshold_fen"}, set()),
    DiscountKind.FIXED_PRICE: ({"fixed_price_fen"}, set()),
    DiscountKind.FREE: (set(), {"gift"}),
    DiscountKind.DEPOSIT_WAIVED: ({"deposit_fen"}, set()),
    DiscountKind.PRIORITY_LANE: (set(), set()),
    DiscountKind.PAY_LATER: ({"pay_later_days"}, set()),
    DiscountKind.HIGHER_LIMIT: ({"higher_limit"}, set()),
}


def _checked_uscc(code: str) -> str:
    """A 统一社会信用代码 whose check digit is right (GB 32100)."""
    if not uscc.is_valid(code):
        raise ValueError("no valid unified social credit code: check its 18 characters and the last one")
    return code


def _checked_month_day(text: str) -> str:
    """A day that every year has: `10-01`."""
    date.fromisoformat(f"2026-{text}")
    return text


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
RegionCode = Annotated[str, StringConstraints(pattern=r"^33\d{4}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
MonthDay = Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$"), AfterValidator(_checked_month_day)]
Weekday = Annotated[int, Field(ge=1, le=7)]
Fen = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Entry(BaseModel):
    """A part of a demo file: read strictly, then never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StoreEntry(Entry):
    """门店: where it is, in WGS 84 degrees inside Zhejiang."""

    slug: Slug
    name: Title
    region: RegionCode
    address: Text
    lat: float = Field(ge=LATITUDES[0], le=LATITUDES[1])
    lng: float = Field(ge=LONGITUDES[0], le=LONGITUDES[1])


class MemberEntry(Entry):
    """联盟成员 with its stores."""

    slug: Slug
    kind: MemberKind
    name: Title
    uscc: Annotated[str, AfterValidator(_checked_uscc)]
    region: RegionCode
    joined_on: date
    stores: list[StoreEntry] = Field(min_length=1)


class DiscountEntry(Entry):
    """How an offer gives; money in fen."""

    kind: DiscountKind
    percent_off: int | None = Field(default=None, ge=1, le=99)
    cap_fen: Fen | None = None
    amount_off_fen: Fen | None = None
    threshold_fen: Fen | None = None
    fixed_price_fen: Fen | None = None
    deposit_fen: Fen | None = None
    pay_later_days: int | None = Field(default=None, ge=1, le=366)
    higher_limit: int | None = Field(default=None, ge=1)
    gift: Title | None = None

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> Self:
        needed, allowed = DISCOUNT_FIELDS[self.kind]
        given = self.model_fields_set - {"kind"}
        if missing := needed - given:
            raise ValueError(f"{self.kind} also needs {', '.join(sorted(missing))}")
        if surplus := given - needed - allowed:
            raise ValueError(f"{self.kind} has no {', '.join(sorted(surplus))}")
        if self.threshold_fen is not None and self.threshold_fen < (self.amount_off_fen or 0):
            raise ValueError("threshold_fen is below amount_off_fen")
        return self


class ValidityEntry(Entry):
    """Either fixed dates, the last one whole, or days after the claim with an optional wait."""

    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="until")
    days: int | None = Field(default=None, ge=1, le=3660)
    wait_days: int = Field(default=0, ge=0, le=366)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if self.days is not None:
            if self.first is not None or self.last is not None:
                raise ValueError("give either from and until, or days")
        elif self.first is None or self.last is None or self.last < self.first or self.wait_days:
            raise ValueError("give from and a later until, without wait_days, or give days")
        return self


class BlackoutEntry(Entry):
    """Days on which a coupon rests: the same each year, and single dates."""

    every_year: list[MonthDay] = []
    dates: list[date] = []


class LimitEntry(Entry):
    """How many coupons one natural person may claim in a period."""

    count: int = Field(ge=1, le=100)
    period: LimitPeriod


class StockEntry(Entry):
    """How many pieces there are, in all and on one day."""

    total: int | None = Field(default=None, ge=1)
    daily_limit: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.total is None and self.daily_limit is None:
            raise ValueError("give total, daily_limit or both, or leave the stock out")
        return self


class OfferEntry(Entry):
    """优惠项目. Without `stores` it is valid at all of its member's; `weekdays` are 1 (Monday) to 7."""

    slug: Slug
    programme: str
    member: Slug
    title: Title
    description: Text
    ordinary_path: Text | None = None
    min_tier_level: TierLevel | None = Field(le=TierLevel.GOOD)
    claim_from: date = date(2026, 1, 1)
    claim_until: date | None = None
    limit: LimitEntry | None = None
    stock: StockEntry | None = None
    discount: DiscountEntry
    validity: ValidityEntry
    uses_total: int | None = Field(ge=1, le=1000)
    daily_use_cap: int | None = Field(default=None, ge=1, le=1000)
    weekdays: list[Weekday] = Field(default=[1, 2, 3, 4, 5, 6, 7], min_length=1)
    hours: tuple[ClockTime, ClockTime] = ("00:00", "24:00")
    blackout: BlackoutEntry = BlackoutEntry()
    is_client_renewal_allowed: bool = True
    stores: list[Slug] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.uses_total is None and self.daily_use_cap is None:
            raise ValueError("unlimited uses need a daily_use_cap")
        if self.hours[0] >= self.hours[1]:
            raise ValueError("hours: the second time is not after the first")
        if len(set(self.weekdays)) != len(self.weekdays):
            raise ValueError("weekdays: one is named twice")
        if self.claim_until is not None and self.claim_until < self.claim_from:
            raise ValueError("claim_until is before claim_from")
        return self


class StaffEntry(Entry):
    """店员: the first store is the one that his screen opens with."""

    login: Slug
    member: Slug
    role: StaffRole
    stores: list[Slug] = Field(min_length=1)


class AdminEntry(Entry):
    """联盟管理员."""

    login: Slug
    roles: list[AdminRole] = Field(min_length=1)
    region: RegionCode


class BandEntry(Entry):
    """One band, half-open [low, high)."""

    code: Slug
    name: Title
    level: TierLevel
    low: int = Field(ge=0)
    high: int


class SchemeEntry(Entry):
    """等级方案: its bands leave no gap, and a better band is a higher level."""

    code: Slug
    version: int = Field(ge=1)
    name: Title
    explanation: str = Field(min_length=1)
    grace_points: int = Field(ge=0)
    validity_days: int = Field(ge=1)
    notice_days: int = Field(ge=0)
    published_on: date
    effective_on: date
    bands: list[BandEntry] = Field(min_length=2)

    @model_validator(mode="after")
    def _bands_join(self) -> Self:
        bands = sorted(self.bands, key=lambda band: band.low)
        for below, above in pairwise(bands):
            if below.high != above.low or below.level >= above.level:
                raise ValueError(f"bands: {below.code} and {above.code} do not join or do not rise")
        if (self.effective_on - self.published_on).days < self.notice_days:
            raise ValueError("effective_on comes before the notice period has passed")
        return self
