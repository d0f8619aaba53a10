"""A member's statements: reading, confirming, disputing, downloading; what a public unit owes; the day-closes."""

from datetime import date
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import statement_files, statement_views, statements
from alliance.statement_states import StatementStateWrong
from benefits import day_closes
from benefits.day_closes import DayCloseFilters
from common.actors import MemberActor
from common.clock import now
from common.files import XLSX
from server.api.staff.day_closes import DayCloseOut, day_close_page
from server.api.statement_views import (
    FileQuery,
    LineOut,
    LinesQuery,
    OwedOut,
    Period,
    StatementDetailOut,
    StatementOut,
    first_day,
    line_page,
    owed_page,
    statement_detail,
    statement_page,
)
from server.endpoints import endpoint
from server.file_answers import send_file
from server.schemas import In, Page, PageQuery, Reason, decode_cursor

routes = Blueprint("member_statements")


class DisputeIn(In):
    """What is wrong; no names or numbers of customers belong here."""

    reason: Reason


class DayClosesQuery(PageQuery):
    """Which day-closes; all without a filter."""

    store_id: UUID | None = Field(default=None, description="门店 / of one store")
    first: date | None = Field(default=None, alias="from", description="开始日期 / first day, Asia/Shanghai")
    last: date | None = Field(default=None, alias="to", description="结束日期（含）/ last day, included")


class OwedQuery(PageQuery):
    """Which month."""

    period: Period


@endpoint(
    routes,
    "GET",
    "/statements",
    summary="对账单列表 / The member's statements",
    answers={200: Page[StatementOut]},
    may="statement.read",
)
async def listed(actor: MemberActor, query: PageQuery) -> Page[StatementOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return statement_page(await statement_views.of_member(actor, before, query.limit + 1), query.limit)


@endpoint(
    routes,
    "GET",
    "/statements/<statement_id>",
    summary="对账单 / One statement",
    answers={200: StatementDetailOut},
    may="statement.read",
)
async def show(actor: MemberActor, statement_id: UUID) -> StatementDetailOut:
    """With sums by store and offer, and the days whose count is missing or different."""
    return statement_detail(await statement_views.view(actor, statement_id))


@endpoint(
    routes,
    "GET",
    "/statements/<statement_id>/lines",
    summary="对账单明细 / The lines of a statement",
    answers={200: Page[LineOut]},
    may="statement.read",
)
async def lines(actor: MemberActor, statement_id: UUID, query: LinesQuery) -> Page[LineOut]:
    """Each stands for one record of the ledger, in the order of the ledger."""
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    await statement_views.seen(actor, statement_id)
    return line_page(await statement_views.lines(statement_id, after, query.limit + 1), query.limit)


@endpoint(
    routes,
    "GET",
    "/statements/<statement_id>/file",
    summary="下载对账单 / Download a statement",
    answers={200: {"text/csv": None, XLSX: None}},
    may="statement.export",
)
async def download(
    request: Request, actor: MemberActor, statement_id: UUID, query: FileQuery
) -> HTTPResponse | None:
    """All its lines as a table; that it was downloaded is recorded."""
    pieces = await statement_files.own_file(actor, statement_id, query.format, now())
    name = f"statement-{statement_id}.{query.format}"
    return await send_file(request, name, statement_files.MEDIA_TYPES[query.format], pieces)


@endpoint(
    routes,
    "POST",
    "/statements/<statement_id>/confirmation",
    summary="确认对账单 / Confirm a statement",
    answers={204: None},
    refusals=(StatementStateWrong,),
    may="statement.answer",
)
async def confirm(actor: MemberActor, statement_id: UUID) -> None:
    """It is settled next."""
    await statements.confirm(actor, statement_id, now())


@endpoint(
    routes,
    "POST",
    "/statements/<statement_id>/dispute",
    summary="对账单异议 / Dispute a statement",
    answers={204: None},
    refusals=(StatementStateWrong,),
    may="statement.answer",
)
async def dispute(actor: MemberActor, statement_id: UUID, body: DisputeIn) -> None:
    """An admin of the member's region answers; an adjustment comes with the next statement."""
    await statements.dispute(actor, statement_id, body.reason, now())


@endpoint(
    routes,
    "GET",
    "/owed",
    summary="公共单位应承担金额 / What a public unit owes",
    answers={200: Page[OwedOut]},
    may="statement.owed",
)
async def owed(actor: MemberActor, query: OwedQuery) -> Page[OwedOut]:
    """By offer, of the month's closed statements; empty for who funds nobody's offers."""
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await statement_views.owed(actor, first_day(query.period), after, query.limit + 1)
    return owed_page(rows, query.limit)


@endpoint(
    routes,
    "GET",
    "/day-closes",
    summary="日结记录 / Day-closes of all stores",
    answers={200: Page[DayCloseOut]},
    may="day_close.read",
)
async def counts(actor: MemberActor, query: DayClosesQuery) -> Page[DayCloseOut]:
    """Newest first; the newest one of a store and day counts."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    which = DayCloseFilters(query.store_id, query.first, query.last)
    return day_close_page(await day_closes.of_member(actor, before, query.limit + 1, which), query.limit)
