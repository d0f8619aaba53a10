"""工作日: the published calendar day by day; beyond it an estimate that says so."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from chinese_calendar.constants import holidays, workdays
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from common import working_days
from common.working_days import LastDay, add_working_days, is_published, is_working_day

FIRST, LAST = date(min(holidays).year, 1, 1), date(max(holidays).year, 12, 31)
known = st.dates(FIRST, LAST - timedelta(days=60))
any_day = st.dates(date(2000, 1, 1), date(2090, 1, 1))
counts = st.integers(1, 20)


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize("year", range(FIRST.year, LAST.year + 1))
def test_every_day_of_a_published_year_is_what_was_published(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    assert [is_working_day(each) for each in days] == [chinese_calendar.is_workday(each) for each in days]
    # Days off on weekdays are none; adjusted working weekends (调休) are working days.
    assert not any(is_working_day(each) for each in holidays if each.year == year)
    assert all(is_working_day(each) for each in workdays if each.year == year)


@settings(deadline=None)
@given(begin=any_day, count=counts)
def test_a_limit_ends_on_a_working_day_with_just_so_many_since(begin: date, count: int) -> None:
    last = add_working_days(begin, count).day
    between = [begin + timedelta(days=number) for number in range(1, (last - begin).days + 1)]
    assert is_working_day(last) and sum(map(is_working_day, between)) == count


@settings(deadline=None)
@given(begin=any_day, first=counts, second=counts)
def test_limits_add_up(begin: date, first: int, second: int) -> None:
    assert add_working_days(add_working_days(begin, first).day, second).day == (
        add_working_days(begin, first + second).day
    )


@settings(deadline=None)
@given(begin=known, count=counts)
def test_in_a_published_year_it_is_certain(begin: date, count: int) -> None:
    assert add_working_days(begin, count).is_certain


@pytest.mark.parametrize(
    ("begin", "last"),
    [
        ("2026-03-04", "2026-03-11"),  # an ordinary week
        ("2026-03-07", "2026-03-13"),  # asked on a Saturday: Monday is the first
        ("2026-02-13", "2026-02-27"),  # 春节: off from the 15th to the 23rd; Saturday 14 is worked
        ("2026-02-27", "2026-03-05"),  # and Saturday 28
        ("2026-09-29", "2026-10-12"),  # 国庆节: off from the 1st to the 7th; Saturday 10 is worked
        ("2026-04-30", "2026-05-11"),  # 劳动节: off from the 1st to the 5th; Saturday 9 is worked
    ],
)
def test_five_working_days_across_the_holidays_of_2026(begin: str, last: str) -> None:
    assert add_working_days(day(begin), 5) == LastDay(day(last), is_certain=True)


def test_a_year_without_a_calendar_is_estimated_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_days, "_told", set())
    year = LAST.year + 10
    with capture_logs() as logs:
        for month, number in working_days.FIXED_HOLIDAYS:
            assert not is_working_day(date(year, month, number))
        ordinary = date(year, 3, 2)
        week = [is_working_day(ordinary + timedelta(days=number - ordinary.weekday())) for number in range(7)]
        assert week == [True] * 5 + [False] * 2
        assert not add_working_days(ordinary, 5).is_certain
    assert [(line["event"], line["year"]) for line in logs] == [("working_days_estimated", year)]


def test_the_years_that_are_published_are_known() -> None:
    assert all(is_published(each) for each in (FIRST, LAST))
    assert not is_published(LAST + timedelta(days=1))


def test_a_limit_that_runs_into_an_unknown_year_is_uncertain_as_a_whole() -> None:
    assert not add_working_days(date(LAST.year, 12, 30), 5).is_certain


@pytest.mark.parametrize("count", [0, -1])
def test_there_is_no_limit_of_no_days(count: int) -> None:
    with pytest.raises(ValueError, match="one working day"):
        add_working_days(date(2026, 3, 4), count)
