"""Who may claim what: one table of an offer, a citizen's standing and a moment, and the reasons in their order."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from benefits.eligibility import LEVEL_NAMES, NOBODY, ClaimRules, Standing, period_key, reasons_against
from models.enums import LimitPeriod, OfferStatus, TierLevel
from tests.factories.moments import NOON, shanghai

AS_OF = date(2026, 3, 3)
ASKED_BEFORE = {"has_consent": True, "data_date": AS_OF}
EXCELLENT = Standing(**ASKED_BEFORE, tier_level=5)
POOR = Standing(**ASKED_BEFORE, tier_level=2)
NO_RECORD = Standing(**ASKED_BEFORE)
NOT_ASKED_YET = Standing(has_consent=True)
# A snapshot that outlived its consent counts for nothing.
WITHDRAWN = Standing(has_consent=False, tier_level=5, data_date=AS_OF)
SOURCE_DOWN = Standing(has_consent=True, is_source_down=True)
UNIDENTIFIED = Standing(has_consent=True, is_identified=False)
EVERYBODY = [NOBODY, EXCELLENT, POOR, NO_RECORD, NOT_ASKED_YET, WITHDRAWN, SOURCE_DOWN, UNIDENTIFIED]
MILLISECOND = timedelta(milliseconds=1)


def rules(**changes: Any) -> ClaimRules:
    """A published offer, open to all, without limits."""
    open_to_all = {
        "status": OfferStatus.PUBLISHED,
        "claim_from": NOON - timedelta(days=1),
        "claim_until": NOON + timedelta(days=1),
        "min_tier_level": None,
        "per_citizen_limit": None,
        "per_citizen_period": LimitPeriod.EVER,
        "stock_left": None,
        "left_today": None,
    }
    return ClaimRules(**{**open_to_all, **changes})


def codes(rules_: ClaimRules, standing: Standing = NOBODY, held: int = 0, at: datetime = NOON) -> list[str]:
    """The codes of all reasons, the first first."""
    return [reason.code for reason in reasons_against(rules_, standing, held, at)]


@pytest.mark.parametrize("standing", EVERYBODY)
def test_no_tier_is_ever_a_reason_against_an_offer_open_to_all(standing: Standing) -> None:
    """Rule 3: credit gives and never denies."""
    assert codes(rules(), standing) == []


@pytest.mark.parametrize(
    ("standing", "wanted", "expected"),
    [
        (NOBODY, 1, ["consent_required"]),
        (WITHDRAWN, 1, ["consent_required"]),
        (NOT_ASKED_YET, 4, []),
        (SOURCE_DOWN, 1, ["credit_source_unavailable"]),
        (UNIDENTIFIED, 1, ["identity_unverified"]),
        (NO_RECORD, 1, ["unrated"]),
        (POOR, 1, []),
        (POOR, 2, []),
        (POOR, 3, ["tier_too_low"]),
        (EXCELLENT, 4, []),
    ],
)
def test_an_offer_that_asks_for_a_tier_looks_at_a_tier_under_consent_only(
    standing: Standing, wanted: int, expected: list[str]
) -> None:
    assert codes(rules(min_tier_level=wanted), standing) == expected


@pytest.mark.parametrize("level", TierLevel)
@pytest.mark.parametrize("wanted", [1, 2, 3, 4])
def test_the_tier_asked_for_is_enough(level: TierLevel, wanted: int) -> None:
    expected = [] if level >= wanted else ["tier_too_low"]
    assert codes(rules(min_tier_level=wanted), Standing(**ASKED_BEFORE, tier_level=level)) == expected


@pytest.mark.parametrize(
    ("changes", "at", "expected"),
    [
        ({}, NOON - timedelta(days=1), []),
        ({}, NOON - timedelta(days=1) - MILLISECOND, ["offer_not_started"]),
        ({"claim_until": NOON}, NOON - MILLISECOND, []),
        ({"claim_until": NOON}, NOON, ["offer_ended"]),
        ({"use_until": NOON}, NOON - MILLISECOND, []),
        ({"use_until": NOON}, NOON, ["offer_ended"]),
        ({"status": OfferStatus.PAUSED}, NOON, ["offer_ended"]),
        ({"status": OfferStatus.ENDED}, NOON, ["offer_ended"]),
        ({"status": OfferStatus.DRAFT}, NOON, ["offer_ended"]),
    ],
)
def test_claiming_has_a_first_and_an_end_moment(
    changes: dict[str, Any], at: datetime, expected: list[str]
) -> None:
    assert codes(rules(**changes), at=at) == expected


@pytest.mark.parametrize(
    ("held", "expected"), [(0, []), (1, []), (2, ["limit_reached"]), (3, ["limit_reached"])]
)
def test_a_person_has_as_many_as_the_limit_allows(held: int, expected: list[str]) -> None:
    assert codes(rules(per_citizen_limit=2), held=held) == expected


def test_without_a_limit_any_number_is_fine() -> None:
    assert codes(rules(), held=10_000) == []


@pytest.mark.parametrize(
    ("stock_left", "left_today", "expected"),
    [
        (1, 1, []),
        (0, 5, ["sold_out"]),
        (-1, None, ["sold_out"]),
        (5, 0, ["sold_out_today"]),
        (None, 0, ["sold_out_today"]),
        (None, -2, ["sold_out_today"]),
        (0, 0, ["sold_out"]),
    ],
)
def test_what_is_sold_out_says_whether_tomorrow_helps(
    stock_left: int | None, left_today: int | None, expected: list[str]
) -> None:
    assert codes(rules(stock_left=stock_left, left_today=left_today)) == expected


def test_all_reasons_come_the_first_that_matters_first() -> None:
    everything_wrong = rules(
        status=OfferStatus.ENDED,
        claim_from=NOON + timedelta(days=1),
        min_tier_level=4,
        per_citizen_limit=1,
        stock_left=0,
        left_today=0,
    )
    expected = ["offer_ended", "offer_not_started", "tier_too_low", "limit_reached", "sold_out"]
    assert codes(everything_wrong, POOR, held=1) == expected


@pytest.mark.parametrize("wanted", [1, 2, 3, 4])
def test_a_refusal_for_the_tier_names_the_date_of_the_data_and_what_is_asked(wanted: int) -> None:
    """Rule 4."""
    standing = Standing(has_consent=True, tier_level=0, data_date=AS_OF)
    (reason,) = reasons_against(rules(min_tier_level=wanted), standing, 0, NOON)
    for language in ("zh", "en"):
        assert "2026-03-03" in reason.sentence(language)
        assert LEVEL_NAMES[wanted] in reason.sentence(language)


def test_every_level_has_a_name() -> None:
    assert set(LEVEL_NAMES) == set(TierLevel)


@pytest.mark.parametrize(
    ("moment", "year", "month", "day"),
    [
        ("2026-03-04 12:00", "2026", "2026-03", "2026-03-04"),
        ("2026-03-04 23:59:59.999", "2026", "2026-03", "2026-03-04"),
        ("2026-03-05 00:00", "2026", "2026-03", "2026-03-05"),
        ("2026-03-31 23:59:59.999", "2026", "2026-03", "2026-03-31"),
        ("2026-04-01 00:00", "2026", "2026-04", "2026-04-01"),
        ("2026-12-31 23:59:59.999", "2026", "2026-12", "2026-12-31"),
        ("2027-01-01 00:00", "2027", "2027-01", "2027-01-01"),
    ],
)
def test_periods_turn_at_midnight_in_hangzhou(moment: str, year: str, month: str, day: str) -> None:
    at = shanghai(moment)
    assert period_key(LimitPeriod.EVER, at) == ""
    assert period_key(LimitPeriod.YEAR, at) == year
    assert period_key(LimitPeriod.MONTH, at) == month
    assert period_key(LimitPeriod.DAY, at) == day
