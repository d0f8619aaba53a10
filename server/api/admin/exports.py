"""A region's statements as a file: asked for by one admin, agreed to by another, read by the first."""

from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import exports
from alliance.approvals import AlreadyAsked
from alliance.exports import ExportDeleted, ExportNotReady
from common.actors import AdminActor
from common.clock import now
from common.database import Row
from common.errors import NotFound
from common.files import XLSX, FileStore
from models.office_enums import ExportFormat, ExportState
from server.api.admin.approvals import AskedOut
from server.api.statement_views import Period, PeriodOut, first_day
from server.endpoints import endpoint
from server.file_answers import send_file
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_exports", url_prefix="/exports")


class ExportIn(In):
    """Which region's month, and why."""

    region: RegionCode
    period: Period
    format: ExportFormat = ExportFormat.CSV
    reason: Reason


class ExportOut(Out):
    """How far an export has come; `id` is the request's that was agreed to."""

    id: UUID
    region: str = Field(validation_alias="region_id")
    period: PeriodOut
    format: ExportFormat
    state: ExportState
    rows_done: int
    agreed_at: Moment
    ready_at: Moment | None
    kept_until: Moment | None


@endpoint(
    routes,
    "POST",
    "",
    summary="提请导出对账单 / Ask for an export of statements",
    answers={202: AskedOut},
    refusals=(NotFound, AlreadyAsked),
    may="export.ask",
)
async def ask(actor: AdminActor, body: ExportIn) -> AskedOut:
    """All lines of the month's closed statements; written when a second admin agrees."""
    approval_id = await exports.ask(
        actor, body.region, first_day(body.period), body.format, body.reason, now()
    )
    return AskedOut(approval_id=approval_id)


@endpoint(
    routes, "GET", "", summary="我的导出 / My exports", answers={200: Page[ExportOut]}, may="export.read"
)
async def listed(actor: AdminActor, query: PageQuery) -> Page[ExportOut]:
    """What the admin asked for and others agreed to, newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await exports.of_asker(actor, before, query.limit + 1)
    return page_of(Page[ExportOut], rows, query.limit, _export, lambda row: (row["id"],))


@endpoint(
    routes,
    "GET",
    "/<export_id>/file",
    summary="下载导出文件 / Download an export",
    answers={200: {"text/csv": None, XLSX: None}},
    refusals=(ExportNotReady, ExportDeleted),
    may="export.read",
)
async def download(request: Request, actor: AdminActor, export_id: UUID) -> HTTPResponse | None:
    """For whoever asked for it, for 7 days; every download is recorded."""
    file = await exports.opened(actor, export_id, now())
    files: FileStore = request.app.ctx.files
    return await send_file(request, file["name"], file["media_type"], files.chunks(file["sha256"]))


def _export(row: Row) -> ExportOut:
    kept_until = row["ready_at"] + exports.KEPT if row["ready_at"] else None
    return ExportOut.model_validate({**dict(row), "kept_until": kept_until})
