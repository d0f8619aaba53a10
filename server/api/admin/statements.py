"""Statements of a region: reading, answering disputes, settling, and what they add up to."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from alliance import statement_views, statements
from alliance.statement_states import StatementStateWrong
from alliance.statement_views import Filters
from alliance.statements import Adjustment, AdjustmentEmpty, PublicUnitUnknown
from common.actors import AdminActor
from common.clock import now
from common.database import Row
from common.money import MAX_FEN
from models.office_enums import AdjustmentReason, StatementState
from server.api.statement_views import (
    FundedOut,
    LineOut,
    LinesQuery,
    Period,
    StatementDetailOut,
    StatementOut,
    first_day,
    line_page,
    statement_detail,
    statement_page,
)
from server.endpoints import endpoint
from server.schemas import In, Out, Page, PageQuery, Reason, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_statements", url_prefix="/statements")

Change = Annotated[int, Field(ge=-MAX_FEN, le=MAX_FEN)]


class StatementQuery(PageQuery):
    """Which ones; all of the admin's region without any."""

    state: StatementState | None = None
    period: Period | None = None
    region: RegionCode | None = None
    member_id: UUID | None = None


class SumsQuery(PageQuery):
    """Which month."""

    period: Period


class RejectionIn(In):
    """Why nothing is wrong; the member reads it."""

    reason: Reason


class AdjustmentIn(In):
    """What changes, in fen, above or below zero; the member's next statement shows it."""

    member_fen: Change = 0
    public_unit_fen: Change = 0
    alliance_fen: Change = 0
    public_unit_id: UUID | None = None
    reason_code: AdjustmentReason


class SettlementIn(In):
    """The payment's number."""

    reference: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z][0-9A-Za-z._/-]*$")]


class AdjustedOut(Out):
    """The statement that the adjustment is on."""

    statement_id: UUID


class RegionSumOut(FundedOut):
    """What a region's closed statements add up to where one public unit pays a share, or none (null)."""

    region: str
    public_unit_id: UUID | None


@endpoint(
    routes,
    "GET",
    "",
    summary="辖区对账单 / Statements of the region",
    answers={200: Page[StatementOut]},
    may="statement.read",
)
async def listed(actor: AdminActor, query: StatementQuery) -> Page[StatementOut]:
    """Newest first, of the admin's region and below."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    period = first_day(query.period) if query.period else None
    filters = Filters(query.state, period, query.region, query.member_id)
    rows = await statement_views.in_region(actor, filters, before, query.limit + 1)
    return statement_page(rows, query.limit)


@endpoint(
    routes,
    "GET",
    "/sums",
    summary="按地区和承担方汇总 / Sums by region and funder",
    answers={200: Page[RegionSumOut]},
    may="statement.read",
)
async def sums(actor: AdminActor, query: SumsQuery) -> Page[RegionSumOut]:
    """Of a month's closed statements; the shares of all rows together are what the ledger gave."""
    after = decode_cursor(query.cursor, (str, UUID)) if query.cursor else None
    rows = await statement_views.sums_by_region(
        actor, first_day(query.period), (after[0], after[1]) if after else None, query.limit + 1
    )
    return page_of(
        Page[RegionSumOut], rows, query.limit, _sum, lambda row: (row["region_id"], row["public_unit_id"])
    )


@endpoint(
    routes,
    "GET",
    "/<statement_id>",
    summary="对账单 / One statement",
    answers={200: StatementDetailOut},
    may="statement.read",
)
async def show(actor: AdminActor, statement_id: UUID) -> StatementDetailOut:
    """As its member sees it."""
    return statement_detail(await statement_views.view(actor, statement_id))


@endpoint(
    routes,
    "GET",
    "/<statement_id>/lines",
    summary="对账单明细 / The lines of a statement",
    answers={200: Page[LineOut]},
    may="statement.read",
)
async def lines(actor: AdminActor, statement_id: UUID, query: LinesQuery) -> Page[LineOut]:
    """As its member sees them."""
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    await statement_views.seen(actor, statement_id)
    return line_page(await statement_views.lines(statement_id, after, query.limit + 1), query.limit)


@endpoint(
    routes,
    "POST",
    "/<statement_id>/rejection",
    summary="不采纳异议 / Reject a dispute",
    answers={204: None},
    refusals=(StatementStateWrong,),
    may="statement.resolve",
)
async def reject(actor: AdminActor, statement_id: UUID, body: RejectionIn) -> None:
    """The statement is closed as before; the member may confirm it or dispute it again."""
    await statements.reject(actor, statement_id, body.reason, now())


@endpoint(
    routes,
    "POST",
    "/<statement_id>/adjustment",
    summary="采纳异议 / Accept a dispute",
    answers={201: AdjustedOut},
    refusals=(StatementStateWrong, AdjustmentEmpty, PublicUnitUnknown),
    may="statement.resolve",
)
async def accept(actor: AdminActor, statement_id: UUID, body: AdjustmentIn) -> AdjustedOut:
    """The adjustment goes onto the member's next statement; the disputed one counts as confirmed."""
    adjustment = Adjustment(**dict(body))
    return AdjustedOut(statement_id=await statements.accept(actor, statement_id, adjustment, now()))


@endpoint(
    routes,
    "POST",
    "/<statement_id>/settlement",
    summary="结算 / Settle a statement",
    answers={204: None},
    refusals=(StatementStateWrong,),
    may="statement.settle",
)
async def settle(actor: AdminActor, statement_id: UUID, body: SettlementIn) -> None:
    """When the money was moved; the member reads the reference."""
    await statements.settle(actor, statement_id, body.reference, now())


def _sum(row: Row) -> RegionSumOut:
    unit = row["public_unit_id"]
    values = {**dict(row), "public_unit_id": None if unit == statement_views.NOBODY else unit}
    return RegionSumOut.model_validate({**values, "region": row["region_id"]})
