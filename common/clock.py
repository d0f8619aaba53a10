"""Time: one place to ask for it, and the days of Asia/Shanghai that the rules count in."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present, in UTC, cut to milliseconds: what is stored, answered and replayed is the same text."""
    present = datetime.now(UTC)
    return present.replace(microsecond=present.microsecond // 1000 * 1000)


def local_day(moment: datetime) -> date:
    """The calendar day in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).date()


def start_of(day: date) -> datetime:
    """00:00 of a day in Asia/Shanghai."""
    return datetime.combine(day, time(), SHANGHAI)


def end_of(day: date) -> datetime:
    """The first moment after a day in Asia/Shanghai: an end date means the end of that day."""
    return start_of(day + timedelta(days=1))


def rfc3339(moment: datetime) -> str:
    """`2026-11-23T14:41:05.120+08:00`: milliseconds and the offset of Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="milliseconds")
