"""What the alliance does in the admin's region."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from alliance import numbers
from alliance.numbers import SpanInvalid
from common.actors import AdminActor
from common.errors import NotFound
from models.enums import MemberKind, MemberStatus, OfferStatus
from models.office_enums import ComplaintKind, ComplaintStatus
from server.api.numbers import (
    NumbersOut,
    NumbersQuery,
    SpanQuery,
    numbers_out,
    position_of,
    span_of,
)
from server.endpoints import endpoint
from server.schemas import Out, Page, PageQuery, Query, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_numbers", url_prefix="/numbers")

REGION = Field(default=None, description="行政区划代码，含下级 / GB/T 2260 code, with all below it")


class RegionNumbersQuery(NumbersQuery):
    """Which days and region, and how the numbers are cut."""

    by: Literal["day", "offer", "member", "region", "programme"] = Field(
        default="day", description="分组 / cut by"
    )
    region: RegionCode | None = REGION


class RefusalsQuery(SpanQuery):
    """Which days and region."""

    region: RegionCode | None = REGION


class MembersQuery(Query):
    """Which region."""

    region: RegionCode | None = REGION


class RefusalCountOut(Out):
    """Refused scans of one reason."""

    code: str
    refusals: int


class RefusalsOut(Out):
    """Refused scans by reason, the most frequent first."""

    items: list[RefusalCountOut]
    total: int


class BudgetsQuery(PageQuery):
    """Which days and region."""

    first: date | None = Field(default=None, alias="from", description="开始日期 / first day, Asia/Shanghai")
    last: date | None = Field(default=None, alias="to", description="结束日期（含）/ last day, included")
    region: RegionCode | None = REGION


class ComplaintCountOut(Out):
    """Complaints of one kind that have come so far."""

    kind: ComplaintKind
    status: ComplaintStatus
    complaints: int


class ComplaintsOut(Out):
    """Complaints by kind and state."""

    items: list[ComplaintCountOut]
    total: int


class BudgetOut(Out):
    """An offer's budget: what of it is taken (held by coupons, or spent), and what the days asked for cost."""

    offer_id: UUID
    title: str
    member_id: UUID
    member_name: str
    region: str = Field(validation_alias="region_id")
    status: OfferStatus
    budget_fen: int
    reserved_fen: int
    spent_fen: int


class MemberCountOut(Out):
    """Members of one kind in one state."""

    kind: MemberKind
    status: MemberStatus
    members: int


class MembersOut(Out):
    """Members by kind and state."""

    items: list[MemberCountOut]
    total: int


@endpoint(
    routes,
    "GET",
    "",
    summary="辖区数据 / Numbers of the region",
    answers={200: NumbersOut},
    refusals=(SpanInvalid, NotFound),
    may="numbers.read",
)
async def read(actor: AdminActor, query: RegionNumbersQuery) -> NumbersOut:
    """Of the admin's region and below, or of one region in it; some seconds old."""
    span, after = span_of(query.first, query.last), position_of(query)
    found = await numbers.of_region(actor, query.region, span, query.by, after, query.limit + 1)
    return numbers_out(found, query.limit)


@endpoint(
    routes,
    "GET",
    "/refusals",
    summary="拒绝原因统计 / Refused scans by reason",
    answers={200: RefusalsOut},
    refusals=(SpanInvalid, NotFound),
    may="numbers.read",
)
async def refusals(actor: AdminActor, query: RefusalsQuery) -> RefusalsOut:
    """Refused previews included, unless they only lacked the amount; codes that were malformed or forged too."""
    rows = await numbers.refusals(actor, query.region, query.span)
    return RefusalsOut(
        items=[RefusalCountOut.model_validate(dict(row)) for row in rows],
        total=sum(row["refusals"] for row in rows),
    )


@endpoint(
    routes,
    "GET",
    "/members",
    summary="成员统计 / Members by state",
    answers={200: MembersOut},
    refusals=(NotFound,),
    may="numbers.read",
)
async def members(actor: AdminActor, query: MembersQuery) -> MembersOut:
    """As they are now."""
    rows = await numbers.members(actor, query.region)
    return MembersOut(
        items=[MemberCountOut.model_validate(dict(row)) for row in rows],
        total=sum(row["members"] for row in rows),
    )


@endpoint(
    routes,
    "GET",
    "/complaints",
    summary="投诉统计 / Complaints by kind and state",
    answers={200: ComplaintsOut},
    refusals=(SpanInvalid, NotFound),
    may="numbers.read",
)
async def complaints(actor: AdminActor, query: RefusalsQuery) -> ComplaintsOut:
    """Those made in these days about stores of the region; the states are today's."""
    rows = await numbers.complaints(actor, query.region, query.span)
    return ComplaintsOut(
        items=[ComplaintCountOut.model_validate(dict(row)) for row in rows],
        total=sum(row["complaints"] for row in rows),
    )


@endpoint(
    routes,
    "GET",
    "/budgets",
    summary="预算使用 / Budgets and what is taken of them",
    answers={200: Page[BudgetOut]},
    refusals=(SpanInvalid, NotFound),
    may="numbers.read",
)
async def budgets(actor: AdminActor, query: BudgetsQuery) -> Page[BudgetOut]:
    """Of the region's offers that have one, newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    span = span_of(query.first, query.last)
    rows = await numbers.budgets(actor, query.region, span, before, query.limit + 1)
    return page_of(
        Page[BudgetOut],
        rows,
        query.limit,
        lambda row: BudgetOut.model_validate(dict(row)),
        lambda row: (row["offer_id"],),
    )
