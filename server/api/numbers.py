"""Numbers as members and admins both see them."""

from datetime import date, timedelta

from pydantic import Field

from alliance.numbers import Lines, Span
from common.clock import local_day, now
from server.schemas import Out, PageQuery, Query, decode_cursor, encode_cursor

DEFAULT_DAYS = 30


class SpanQuery(Query):
    """Which days, both included; the last thirty by default. At most 366."""

    first: date | None = Field(default=None, alias="from", description="开始日期 / first day, Asia/Shanghai")
    last: date | None = Field(default=None, alias="to", description="结束日期（含）/ last day, included")

    @property
    def span(self) -> Span:
        """The days.

        Raises:
            SpanInvalid: none, or too many.
        """
        return span_of(self.first, self.last)


def span_of(first: date | None, last: date | None) -> Span:
    """The days asked for, or the last thirty.

    Raises:
        SpanInvalid: none, or too many.
    """
    last = last or max(first or date.min, local_day(now()))
    return Span(first or max(date.min + timedelta(DEFAULT_DAYS), last) - timedelta(DEFAULT_DAYS - 1), last)


class NumbersQuery(PageQuery):
    """Which days, and how the numbers are cut."""

    first: date | None = Field(default=None, alias="from", description="开始日期 / first day, Asia/Shanghai")
    last: date | None = Field(default=None, alias="to", description="结束日期（含）/ last day, included")


class FlowOut(Out):
    """以实惠换流量: views → claims → redemptions → customers. Sums of money may go beyond a single amount's limit.

    A new customer redeemed at the member for the first time ever, a returning one on a later day than before; each
    counts once a day. A reversal counts on its own day, with what it took back in `reversed_fen`.
    """

    views: int
    claims: int
    given_back: int
    redemptions: int
    reversals: int
    discount_fen: int
    reversed_fen: int
    new_customers: int
    returning_customers: int


class FlowLineOut(FlowOut):
    """The sums of one day, offer, store, member, region or programme, with its id or code in `key`."""

    key: str
    name: str | None


class NumbersOut(Out):
    """A page of lines, and the sums of all of them together."""

    items: list[FlowLineOut]
    next_cursor: str | None
    totals: FlowOut


def position_of(query: NumbersQuery) -> tuple[int, str] | None:
    """Where the page goes on."""
    if not query.cursor:
        return None
    rank, key = decode_cursor(query.cursor, (int, str))
    return rank, key


def numbers_out(found: Lines, limit: int) -> NumbersOut:
    """A page; it was read with one line more than it shows."""
    shown = found.lines[:limit]
    cursor = encode_cursor((shown[-1]["rank"], shown[-1]["key"])) if len(found.lines) > limit else None
    return NumbersOut(
        items=[FlowLineOut.model_validate(dict(line)) for line in shown],
        next_cursor=cursor,
        totals=FlowOut.model_validate(found.totals),
    )
