"""Opening hours: spans of a week's days as people tell them, and the minutes of the week that are stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from common.errors import Invalid

DAY = 1440


class HoursInvalid(Invalid):
    """Spans that overlap, or that end before they begin."""

    code = "hours_invalid"
    zh = "营业时间有误：每段的结束要晚于开始，各段不能重叠；过了零点的请分成两天写。"
    en = "The opening hours don't fit: each span ends after it begins and none overlap; split a night at midnight."
    pointer = "/hours"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Open on one weekday (1 Monday to 7) from one minute of the day until another (exclusive), Asia/Shanghai."""

    weekday: int
    open_minute: int
    close_minute: int


def minutes_of(spans: Iterable[Span] | None) -> list[int] | None:
    """The minutes of the week as `models.Store.hours` keeps them; nothing where nothing is told.

    Raises:
        HoursInvalid: the spans don't fit.
    """
    found = sorted(spans or ())
    flat = [
        minute
        for span in found
        for minute in (_of_week(span, span.open_minute), _of_week(span, span.close_minute))
    ]
    fits = all(span.open_minute < span.close_minute for span in found)
    if not fits or any(later < earlier for earlier, later in pairwise(flat)):
        raise HoursInvalid
    return flat or None


def _of_week(span: Span, minute: int) -> int:
    return (span.weekday - 1) * DAY + minute


def spans_of(minutes: Sequence[int] | None) -> list[Span] | None:
    """The spans of stored minutes, Monday's first."""
    if minutes is None:
        return None
    pairs = zip(minutes[::2], minutes[1::2], strict=True)
    return [Span(begin // DAY + 1, begin % DAY, end - begin // DAY * DAY) for begin, end in pairs]
