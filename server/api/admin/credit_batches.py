"""Credit batches: what a source delivered, what was wrong with it, and how good its data is. For the province alone."""

from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import data_quality
from alliance.batch_failures import FAILURES, ROW_FAULTS
from alliance.data_quality import BatchErrorNotOpen, Quality
from alliance.numbers import SpanInvalid
from alliance.permissions import ProvinceAlone
from common.actors import AdminActor
from common.clock import now
from common.database import Row
from common.files import FileStore
from models.office_enums import BatchErrorState, BatchKind, BatchStatus
from server.api.numbers import SpanQuery
from server.endpoints import endpoint
from server.file_answers import send_file
from server.problems import sentence_of
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, decode_cursor, page_of

routes = Blueprint("admin_credit_batches", url_prefix="/credit-batches")
errors_routes = Blueprint("admin_credit_batch_errors", url_prefix="/credit-batch-errors")
quality_routes = Blueprint("admin_data_quality", url_prefix="/data-quality")

Rate = Annotated[int, Field(ge=0, le=10_000, description="万分之 / in parts of ten thousand")]


class QualityQuery(SpanQuery):
    """Which days of data, and whose."""

    source: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$")] | None = None


class ClosureIn(In):
    """Why no other delivery is needed."""

    reason: Reason


class BatchOut(Out):
    """A batch and what became of it; `failure` is a code where it was refused, `detail` what to do then."""

    id: UUID
    source: str
    source_batch_id: str
    data_date: date
    made_at: Moment
    delivered_at: Moment
    due_at: Moment
    status: BatchStatus
    failure: str | None
    failure_file: str | None
    detail: str | None
    has_errors: bool
    in_force_at: Moment | None
    ended_at: Moment | None


class BatchFileOut(Out):
    """A file of a batch: rows as promised, as read so far, and those that are sent back."""

    kind: BatchKind
    name: str
    rows_promised: int
    rows_read: int
    rows_bad: int
    is_loaded: bool


class BatchDetailOut(BatchOut):
    """A batch with its files."""

    files: list[BatchFileOut]


class BatchErrorOut(Out):
    """A bad row by its number in the file (the header is row 1) and its record id; never whose it is."""

    id: UUID
    kind: BatchKind
    row_number: int | None
    record_id: str
    field: str
    code: str
    detail: str | None
    state: BatchErrorState
    found_at: Moment
    ended_at: Moment | None
    mended_by: UUID | None
    closed_by: UUID | None
    reason: str | None


class QualityOut(Out):
    """One source's day of one kind, in rows and in rates; a rate is null where there is nothing to measure."""

    source: str
    day: date
    kind: BatchKind
    batch_id: UUID | None
    expected: int
    received: int
    bad: int
    wrong: int
    bad_open: int = Field(validation_alias="open")
    bad_mended: int = Field(validation_alias="mended")
    bad_closed: int = Field(validation_alias="closed")
    is_on_time: bool
    collection: Rate | None
    conformity: Rate | None
    timeliness: Rate | None
    accuracy: Rate | None
    rectification: Rate | None


class QualitiesOut(Out):
    """By source, kind and day."""

    items: list[QualityOut]


@endpoint(
    routes,
    "GET",
    "",
    summary="信用数据批次 / Credit batches",
    answers={200: Page[BatchOut]},
    refusals=(ProvinceAlone,),
    may="credit_batch.read",
)
async def listed(request: Request, actor: AdminActor, query: PageQuery) -> Page[BatchOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await data_quality.batches(actor, before, query.limit + 1)
    return page_of(Page[BatchOut], rows, query.limit, partial(_out, request), lambda row: (row["id"],))


@endpoint(
    routes,
    "GET",
    "/<batch_id>",
    summary="一个批次 / One batch",
    answers={200: BatchDetailOut},
    refusals=(ProvinceAlone,),
    may="credit_batch.read",
)
async def show(request: Request, actor: AdminActor, batch_id: UUID) -> BatchDetailOut:
    """With its files and how far they are loaded."""
    row, files = await data_quality.batch(actor, batch_id)
    shown = _out(request, row).model_dump(mode="python")
    return BatchDetailOut.model_validate({**shown, "files": [dict(file) for file in files]})


@endpoint(
    routes,
    "GET",
    "/<batch_id>/errors",
    summary="批次的问题数据 / Bad rows of a batch",
    answers={200: Page[BatchErrorOut]},
    refusals=(ProvinceAlone,),
    may="credit_batch.read",
)
async def errors(
    request: Request, actor: AdminActor, batch_id: UUID, query: PageQuery
) -> Page[BatchErrorOut]:
    """In the order in which they were found."""
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await data_quality.errors(actor, batch_id, after, query.limit + 1)
    return page_of(Page[BatchErrorOut], rows, query.limit, partial(_error, request), lambda row: (row["id"],))


@endpoint(
    routes,
    "GET",
    "/<batch_id>/error-file",
    summary="下载问题数据 / Download the bad rows",
    answers={200: {"text/csv": None}},
    refusals=(ProvinceAlone,),
    may="credit_batch.read",
)
async def error_file(request: Request, actor: AdminActor, batch_id: UUID) -> HTTPResponse | None:
    """To be sent back to the source: file, row, record id, field and code."""
    file = await data_quality.errors_file(actor, batch_id)
    files: FileStore = request.app.ctx.files
    return await send_file(request, file["name"], file["media_type"], files.chunks(file["sha256"]))


@endpoint(
    errors_routes,
    "POST",
    "/<error_id>/closure",
    summary="关闭问题数据 / Close a bad row",
    answers={204: None},
    refusals=(ProvinceAlone, BatchErrorNotOpen),
    may="credit_batch.close_error",
)
async def close(actor: AdminActor, error_id: UUID, body: ClosureIn) -> None:
    """For a reason; what a later batch delivers rightly is closed by itself."""
    await data_quality.close_error(actor, error_id, body.reason, now())


@endpoint(
    quality_routes,
    "GET",
    "",
    summary="数据质量 / Data quality",
    answers={200: QualitiesOut},
    refusals=(ProvinceAlone, SpanInvalid),
    may="credit_batch.read",
)
async def quality(actor: AdminActor, query: QualityQuery) -> QualitiesOut:
    """归集率、合规率、及时率、准确率和整改率 by source, kind and day of data."""
    span = query.span
    found = await data_quality.report(actor, span.first, span.last, query.source, now())
    return QualitiesOut(items=[_quality(each) for each in found])


def _out(request: Request, row: Row) -> BatchOut:
    return BatchOut.model_validate(
        {**dict(row), "detail": sentence_of(request, FAILURES.get(row["failure"]))}
    )


def _error(request: Request, row: Row) -> BatchErrorOut:
    return BatchErrorOut.model_validate(
        {**dict(row), "detail": sentence_of(request, ROW_FAULTS.get(row["code"]))}
    )


def _quality(each: Quality) -> QualityOut:
    return QualityOut.model_validate(each, from_attributes=True)
