"""Time: cut to milliseconds, counted in the days of Asia/Shanghai, written with its offset."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.clock import end_of, local_day, now, rfc3339, start_of

moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


def test_the_present_is_in_utc_and_in_whole_milliseconds() -> None:
    present = now()
    assert present.tzinfo is UTC and present.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - present) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 4, 15, 59, 59, 999999, UTC), date(2026, 3, 4)),
        (datetime(2026, 3, 4, 16, 0, tzinfo=UTC), date(2026, 3, 5)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_day_turns_at_midnight_in_shanghai(moment: datetime, day: date) -> None:
    assert local_day(moment) == day


@settings(deadline=None)
@given(moment=moments)
def test_every_moment_lies_in_its_day_of_24_hours(moment: datetime) -> None:
    day = local_day(moment)
    assert start_of(day) <= moment < end_of(day) == start_of(day + timedelta(days=1))
    assert end_of(day) - start_of(day) == timedelta(hours=24)


def test_a_moment_is_written_with_milliseconds_and_the_offset() -> None:
    assert rfc3339(datetime(2026, 11, 23, 6, 41, 5, 120_000, UTC)) == "2026-11-23T14:41:05.120+08:00"
    assert rfc3339(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == "2027-01-01T00:00:00.000+08:00"


@settings(deadline=None)
@given(moment=moments)
def test_what_was_written_is_read_back_as_the_same_millisecond(moment: datetime) -> None:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert datetime.fromisoformat(rfc3339(moment)) == cut
