"""Who may claim what: a pure function of the offer, of what is known of the citizen, and of the moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from benefits.refusals import (
    LimitReached,
    OfferEnded,
    OfferNotStarted,
    PhoneRequired,
    RealNameRequired,
    SoldOut,
    SoldOutToday,
    TierTooLow,
    Unrated,
)
from citizens.ages import CreditSubjectAdult
from citizens.consents import ConsentRequired
from citizens.credit import IdentityUnverified
from citizens.credit_sources import CreditSourceUnavailable
from common.clock import local_day
from common.errors import DomainError
from models.citizen_enums import RealNameLevel
from models.enums import LimitPeriod, OfferStatus

LEVEL_NAMES = {1: "差", 2: "较差", 3: "中等", 4: "良好", 5: "优秀"}


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What an offer asks of a claim, with its counters as they stand."""

    status: OfferStatus
    claim_from: datetime
    claim_until: datetime
    min_tier_level: int | None
    per_citizen_limit: int | None
    per_citizen_period: LimitPeriod
    stock_left: int | None
    left_today: int | None
    use_until: datetime | None = None
    min_real_name_level: RealNameLevel = RealNameLevel.NONE


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a citizen: a tier counts only under a consent in force (rule 1).

    One that `is_due` is valid, and should be taken anew where somebody may be asked.
    """

    has_consent: bool
    tier_level: int | None = None
    data_date: date | None = None
    is_source_down: bool = False
    is_identified: bool = True
    is_due: bool = False
    is_adult: bool = True
    real_name_level: RealNameLevel = RealNameLevel.NONE

    @property
    def is_known(self) -> bool:
        """A source was asked and what it said is still valid."""
        return self.data_date is not None


NOBODY = Standing(has_consent=False)


def reasons_against(
    rules: ClaimRules, standing: Standing, held_in_period: int, now: datetime
) -> Iterator[DomainError]:
    """Why the citizen may not claim now, the first that matters first; nothing when he may.

    A low or absent tier says no only to an offer that asks for one (rule 3). When consent is given but
    no source was asked yet, the tier does not speak against the citizen: the claim will ask.

    Args:
        held_in_period: coupons of this offer that the natural person has in the limit's period.
    """
    # A coupon whose fixed dates are over could never be used.
    is_over = now >= rules.claim_until or (rules.use_until is not None and now >= rules.use_until)
    if rules.status is not OfferStatus.PUBLISHED or is_over:
        yield OfferEnded()
    if now < rules.claim_from:
        yield OfferNotStarted(starts_at=rules.claim_from)
    if standing.real_name_level < rules.min_real_name_level:
        yield RealNameRequired() if rules.min_real_name_level is RealNameLevel.REAL_NAME else PhoneRequired()
    if rules.min_tier_level is not None:
        yield from _credit_reasons(rules.min_tier_level, standing)
    if rules.per_citizen_limit is not None and held_in_period >= rules.per_citizen_limit:
        yield LimitReached(limit=rules.per_citizen_limit)
    if rules.stock_left is not None and rules.stock_left <= 0:
        yield SoldOut()
    elif rules.left_today is not None and rules.left_today <= 0:
        yield SoldOutToday()


def _credit_reasons(min_level: int, standing: Standing) -> Iterator[DomainError]:
    if not standing.has_consent:
        yield ConsentRequired()
    elif not standing.is_adult:
        yield CreditSubjectAdult()
    elif not standing.is_identified:
        yield IdentityUnverified()
    elif standing.is_source_down:
        yield CreditSourceUnavailable()
    elif standing.is_known and standing.tier_level is None:
        yield Unrated(data_date=str(standing.data_date))
    elif standing.tier_level is not None and standing.tier_level < min_level:
        yield TierTooLow(data_date=str(standing.data_date), wanted=LEVEL_NAMES[min_level])


def period_key(period: LimitPeriod, now: datetime) -> str:
    """The name of the span that a limit counts in, by the calendar of Asia/Shanghai: "", 2026, 2026-11, 2026-11-23."""
    if period is LimitPeriod.EVER:
        return ""
    day = local_day(now)
    match period:
        case LimitPeriod.YEAR:
            return f"{day:%Y}"
        case LimitPeriod.MONTH:
            return f"{day:%Y-%m}"
        case LimitPeriod.DAY:
            return f"{day:%Y-%m-%d}"
