"""不良记录 (rule 9): what speaks against a member counts for five years, and is shown no longer than it counts."""

from datetime import date, datetime

from common.clock import local_day, start_of

YEARS = 5


def counts_since(now: datetime) -> datetime:
    """What ended or was found before this moment counts no more: five years ago, by the days of Asia/Shanghai."""
    today = local_day(now)
    if (today.month, today.day) == (2, 29):
        return start_of(date(today.year - YEARS, 3, 1))
    return start_of(today.replace(year=today.year - YEARS))
