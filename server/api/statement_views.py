"""A statement as members and admins see it; amounts in fen may be below zero, as counter-entries are."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, PlainSerializer

from alliance.statement_views import StatementView
from common.database import Row
from common.ids import AFTER_ALL
from models.office_enums import AdjustmentReason, ExportFormat, StatementLineKind, StatementState
from server.schemas import Moment, Out, Page, PageQuery, Query, page_of

Period = Annotated[
    str,
    Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="账期 / a month: 2026-03", examples=["2026-03"]),
]
PeriodOut = Annotated[date, PlainSerializer(lambda day: f"{day:%Y-%m}", return_type=str)]


def first_day(period: str) -> date:
    """The first day of a `Period`."""
    return date.fromisoformat(f"{period}-01")


class LinesQuery(PageQuery):
    """A page of lines."""


class FileQuery(Query):
    """Which kind of table."""

    format: ExportFormat = ExportFormat.CSV


class FundedOut(Out):
    """A sum and who funds it: the three shares are the discount."""

    redemptions: int
    reversals: int
    discount_fen: int
    member_fen: int
    public_unit_fen: int
    alliance_fen: int


class StatementOut(FundedOut):
    """One member's month. The totals are there from the closing on; `dispute_reason` is why the member disputed it, `rejection_reason` what the office answered."""

    id: UUID
    member_id: UUID
    member_name: str
    region: str = Field(validation_alias="region_id")
    period: PeriodOut
    state: StatementState
    closed_at: Moment | None
    decided_at: Moment | None
    dispute_reason: str | None
    rejection_reason: str | None
    settled_at: Moment | None
    settlement_reference: str | None


class SumOut(FundedOut):
    """What a store gave by one offer; adjustments have neither."""

    store_id: UUID | None
    store: str | None
    offer_id: UUID | None
    offer: str | None


class DayOut(Out):
    """A day that no clerk closed (`close_id` is null) or that he counted differently from the service."""

    store_id: UUID
    day: date
    close_id: UUID | None
    redemptions: int | None
    reversals: int | None
    discount_fen: int | None
    server_redemptions: int | None
    server_reversals: int | None
    server_discount_fen: int | None


class StatementDetailOut(StatementOut):
    """With its sums by store and offer, and the days that don't agree with the clerks' counts."""

    sums: list[SumOut]
    days: list[DayOut]


class LineOut(Out):
    """One record of the ledger, or an adjustment; `redemption_id` is what a reversal undid."""

    id: UUID
    kind: StatementLineKind
    entry: int | None
    record_id: UUID
    redemption_id: UUID | None
    store_id: UUID | None
    offer_id: UUID | None
    at: Moment
    order_amount_fen: int | None
    discount_fen: int
    member_fen: int
    public_unit_fen: int
    alliance_fen: int
    public_unit_id: UUID | None
    reason_code: AdjustmentReason | None


class OwedOut(FundedOut):
    """What a public unit owes (`public_unit_fen`) for one offer; for adjustments `offer_id` is null."""

    offer_id: UUID | None


def statement_page(rows: Sequence[Row], limit: int) -> Page[StatementOut]:
    """A page of statements."""
    return page_of(
        Page[StatementOut], rows, limit, lambda row: StatementOut.model_validate(dict(row)), _by_id
    )


def statement_detail(view: StatementView) -> StatementDetailOut:
    """One statement; while it is open its totals are those of the lines that it has so far."""
    sums = [SumOut.model_validate(dict(row)) for row in view.sums]
    totals = {name: sum(getattr(each, name) for each in sums) for name in FundedOut.model_fields}
    days = [DayOut.model_validate(dict(row)) for row in view.days]
    return StatementDetailOut.model_validate({**dict(view.statement), **totals, "sums": sums, "days": days})


def line_page(rows: Sequence[Row], limit: int) -> Page[LineOut]:
    """A page of lines."""
    return page_of(Page[LineOut], rows, limit, lambda row: LineOut.model_validate(dict(row)), _by_id)


def owed_page(rows: Sequence[Row], limit: int) -> Page[OwedOut]:
    """A page of what a public unit owes."""
    return page_of(Page[OwedOut], rows, limit, _owed, lambda row: (row["offer_id"],))


def _owed(row: Row) -> OwedOut:
    values = dict(row)
    return OwedOut.model_validate(
        {**values, "offer_id": None if values["offer_id"] == AFTER_ALL else values["offer_id"]}
    )


def _by_id(row: Row) -> tuple[UUID]:
    return (row["id"],)
