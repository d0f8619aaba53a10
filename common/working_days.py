"""工作日: the working days of the Chinese public calendar, by which time limits run (rule 8).

The State Council announces each year's days off and adjusted working weekends (调休) in the autumn before; the data
comes with a package. For a year that it does not know the days are estimated: Monday to Friday without the holidays
that have a fixed date. What rests on an estimate says so, to people too.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import structlog
from chinese_calendar import is_workday

log = structlog.get_logger()

ONE_DAY = timedelta(days=1)
# 元旦, 劳动节 and 国庆节 as the law has them (全国年节及纪念日放假办法, 2025): month and day. Those of the lunar calendar,
# and what is moved to or from a weekend, nobody knows before it is announced.
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})

_told: set[int] = set()


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last day of a time limit; not `is_certain` where a year's calendar had to be estimated."""

    day: date
    is_certain: bool


def is_working_day(day: date) -> bool:
    """Whether offices work on a day of Asia/Shanghai, as far as it is known."""
    return _look(day)[0]


def is_published(day: date) -> bool:
    """Whether the calendar of the day's year is known, and nothing about it an estimate."""
    return _look(day)[1]


def add_working_days(day: date, count: int) -> LastDay:
    """The day on which `count` working days (1 or more) after `day` are over; `day` itself counts for none.

    Raises:
        ValueError: fewer than one.
    """
    if count < 1:
        raise ValueError("a time limit has one working day or more")
    is_certain = True
    while count:
        day += ONE_DAY
        works, is_known = _look(day)
        is_certain &= is_known
        count -= works
    return LastDay(day, is_certain)


def _look(day: date) -> tuple[bool, bool]:
    """Whether a day is a working day, and whether that is known."""
    try:
        return bool(is_workday(day)), True
    except NotImplementedError:
        if day.year not in _told:
            _told.add(day.year)
            log.warning("working_days_estimated", year=day.year)
        return day.weekday() < 5 and (day.month, day.day) not in FIXED_HOLIDAYS, False
