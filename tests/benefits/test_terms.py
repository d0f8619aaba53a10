"""When a coupon can be used: its days, its hours, and what is said about them; all in Asia/Shanghai."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benefits.terms import terms_by_id
from common.clock import SHANGHAI, local_day
from common.errors import NotFound
from tests.factories.members import a_shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer, new_terms, some_terms

MILLISECOND = timedelta(milliseconds=1)


def test_fixed_dates_stand_as_they_are() -> None:
    first, last = shanghai("2026-05-01 00:00"), shanghai("2026-06-01 00:00")
    terms = some_terms(valid_days=None, valid_from=first, valid_until=last)
    for claimed_at in (first - timedelta(days=40), first, last - MILLISECOND):
        assert terms.validity(claimed_at) == (first, last)


@pytest.mark.parametrize(
    ("days", "wait", "claimed", "first", "end"),
    [
        (1, 0, "2026-03-04 12:00", "2026-03-04 12:00", "2026-03-05 00:00"),
        (1, 0, "2026-03-04 00:00", "2026-03-04 00:00", "2026-03-05 00:00"),
        (1, 0, "2026-03-04 23:59", "2026-03-04 23:59", "2026-03-05 00:00"),
        (30, 0, "2026-03-04 12:00", "2026-03-04 12:00", "2026-04-03 00:00"),
        (1, 1, "2026-03-04 12:00", "2026-03-05 00:00", "2026-03-06 00:00"),
        (7, 3, "2026-03-04 23:59", "2026-03-07 00:00", "2026-03-14 00:00"),
        (1, 0, "2026-12-31 23:59", "2026-12-31 23:59", "2027-01-01 00:00"),
        (2, 0, "2026-12-31 23:59", "2026-12-31 23:59", "2027-01-02 00:00"),
        (1, 0, "2028-02-28 08:00", "2028-02-28 08:00", "2028-02-29 00:00"),
        (2, 0, "2027-02-27 08:00", "2027-02-27 08:00", "2027-03-01 00:00"),
        (365, 0, "2026-01-01 08:00", "2026-01-01 08:00", "2027-01-01 00:00"),
    ],
)
def test_days_after_the_claim_end_with_a_whole_day(
    days: int, wait: int, claimed: str, first: str, end: str
) -> None:
    terms = some_terms(valid_days=days, wait_days=wait)
    assert terms.validity(shanghai(claimed)) == (shanghai(first), shanghai(end))


def test_the_day_of_the_claim_is_hangzhous_not_greenwichs() -> None:
    late = datetime(2026, 3, 4, 17, 30, tzinfo=UTC)  # half past one of the 5th in Hangzhou
    assert some_terms(valid_days=1).validity(late)[1] == shanghai("2026-03-06 00:00")


@settings(deadline=None, max_examples=200)
@given(
    claimed=st.datetimes(datetime(2026, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC)),
    days=st.integers(1, 3660),
    wait=st.integers(0, 366),
)
def test_every_validity_is_ahead_and_every_day_has_24_hours(claimed: datetime, days: int, wait: int) -> None:
    first, end = some_terms(valid_days=days, wait_days=wait).validity(claimed)
    assert claimed <= first < end
    assert end.astimezone(SHANGHAI).time() == datetime.min.time()
    # There is no summer time: the span is a number of whole days from the first midnight.
    midnight = datetime.combine(local_day(claimed) + timedelta(days=wait), datetime.min.time(), SHANGHAI)
    assert end - midnight == timedelta(days=days)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-04 08:59:59.999", False),
        ("2026-03-04 09:00", True),
        ("2026-03-04 16:59:59.999", True),
        ("2026-03-04 17:00", False),
        ("2026-03-04 00:00", False),
    ],
)
def test_hours_are_half_open(moment: str, is_open: bool) -> None:
    assert some_terms(open_minute=9 * 60, close_minute=17 * 60).is_open_at(shanghai(moment)) is is_open


@pytest.mark.parametrize("moment", ["2026-03-04 00:00", "2026-03-04 23:59:59.999"])
def test_a_whole_day_is_open_from_its_first_to_its_last_moment(moment: str) -> None:
    assert some_terms().is_open_at(shanghai(moment))


@pytest.mark.parametrize("weekday", range(7))
def test_bit_0_of_the_weekdays_is_monday(weekday: int) -> None:
    monday = shanghai("2026-03-02 00:00")
    open_on = [
        some_terms(weekday_mask=1 << weekday).is_open_at(monday + timedelta(days=day)) for day in range(7)
    ]
    assert open_on == [day == weekday for day in range(7)]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-06 23:59:59.999", False),  # Friday
        ("2026-03-07 00:00", True),
        ("2026-03-08 23:59:59.999", True),
        ("2026-03-09 00:00", False),  # Monday
    ],
)
def test_a_weekend_begins_and_ends_at_midnight_in_hangzhou(moment: str, is_open: bool) -> None:
    assert some_terms(weekday_mask=0b1100000).is_open_at(shanghai(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-09-30 23:59:59.999", True),
        ("2026-10-01 00:00", False),
        ("2026-10-01 23:59:59.999", False),
        ("2026-10-02 00:00", True),
    ],
)
def test_a_blackout_date_is_left_out_whole(moment: str, is_open: bool) -> None:
    assert some_terms(blackout_dates=frozenset({date(2026, 10, 1)})).is_open_at(shanghai(moment)) is is_open


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "每天"),
        ({"weekday_mask": 0b1100000}, "周六、周日"),
        ({"open_minute": 540, "close_minute": 1020}, "每天 09:00–17:00"),
        ({"weekday_mask": 0b0011111, "close_minute": 1439}, "周一至周五 00:00–23:59"),
        ({"weekday_mask": 0b1010111}, "周一至周三、周五、周日"),
        (
            {"blackout_dates": frozenset({date(2026, 10, 2), date(2026, 10, 1)})},
            "每天；10月1日、10月2日不可用",
        ),
        (
            # Each year's holiday for ten years: people are told of the next one.
            {
                "blackout_dates": frozenset(
                    date(year, 10, day) for year in range(2025, 2035) for day in range(1, 8)
                )
            },
            "每天；10月1日至10月7日不可用",
        ),
        ({"blackout_dates": frozenset({NOON.date()})}, "每天；3月4日不可用"),
        ({"blackout_dates": frozenset({date(2026, 3, 3), date(2027, 3, 5)})}, "每天"),
    ],
)
def test_the_hours_are_told_as_people_say_them(changes: dict[str, Any], text: str) -> None:
    assert some_terms(**changes).hours_text(NOON.date()) == text


def test_the_hours_are_told_in_english_too() -> None:
    holidays = frozenset(date(2026, 10, day) for day in range(1, 8)) | {date(2026, 5, 1)}
    some = some_terms(weekday_mask=0b1011111, open_minute=540, close_minute=1020, blackout_dates=holidays)
    assert some.hours_text(NOON.date(), "en") == "Mon–Fri, Sun 09:00–17:00; not on 1 May, 1 Oct–7 Oct"
    assert some_terms(weekday_mask=0b11).hours_text(NOON.date(), "en") == "Mon, Tue"
    assert some_terms().hours_text(NOON.date(), "en") == "Every day"


async def test_terms_of_a_version_are_read_as_they_were_written(database: str) -> None:
    shop = await a_shop()
    offer_id = await an_offer(shop)
    until = shanghai("2026-06-01 00:00")
    written = {"valid_from": shanghai("2026-05-01 00:00"), "valid_until": until, "valid_days": None}
    terms_id = await new_terms(
        offer_id,
        **{"store_ids": [shop.store_id], "cap_fen": 5, "daily_use_cap": 2, "uses_total": None, **written},
        blackout_dates=[date(2026, 5, 3)],
        is_client_renewal_allowed=False,
    )
    read = await terms_by_id(terms_id)
    assert (read.offer_id, read.store_ids) == (offer_id, {shop.store_id})
    assert (read.cap_fen, read.daily_use_cap, read.uses_total) == (5, 2, None)
    assert (read.valid_until, read.valid_days, read.blackout_dates) == (until, None, {date(2026, 5, 3)})
    assert read.is_client_renewal_allowed is False


async def test_there_are_no_terms_without_a_version(database: str) -> None:
    with pytest.raises(NotFound):
        await terms_by_id(10**9)
