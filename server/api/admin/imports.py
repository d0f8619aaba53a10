"""Members, stores, staff and offers from files: upload, see what is wrong, and have it applied by a second admin."""

import asyncio
from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import import_invitations, imports
from alliance.admin_rights import NotConfirmed
from alliance.import_kinds import KINDS
from alliance.imports import MOST_BYTES, ImportHasErrors, ImportNotReady, OwnImport
from common.actors import AdminActor
from common.clock import now
from common.database import Row
from common.errors import NotFound
from common.files import TABLES, XLSX, FileStore
from common.table_exports import written
from models.office_enums import ImportKind, ImportStatus
from server.endpoints import Answer, endpoint
from server.file_answers import file_answer
from server.problems import sentence_of
from server.schemas import Moment, Out, Page, PageQuery, Query, decode_cursor, page_of
from server.uploads import Upload

routes = Blueprint("admin_imports", url_prefix="/imports")


class KindQuery(Query):
    """What the rows are."""

    kind: Annotated[ImportKind, Field(description="导入的内容 / what the rows are")]


class ImportOut(Out):
    """An uploaded file and what became of it; rows are counted as they are done.

    `failure` is a code where the file as a whole could not be read (`table_unreadable`, `table_too_large`,
    `encoding_unknown`, `too_many_rows`, `table_empty`, `table_gone`) or applied (`rows_refused`); `detail` says to
    people what it means and what to do next.
    """

    id: UUID
    kind: ImportKind
    region: str = Field(validation_alias="region_id")
    status: ImportStatus
    rows_total: int | None
    rows_done: int
    rows_bad: int
    has_errors: bool
    failure: str | None
    detail: str | None
    uploaded_by: UUID
    uploaded_at: Moment
    checked_at: Moment | None
    applied_by: UUID | None
    ended_at: Moment | None


@endpoint(
    routes,
    "POST",
    "",
    summary="上传导入文件 / Send a file to be imported",
    answers={202: ImportOut},
    may="import.upload",
    takes=TABLES,
)
async def upload(actor: AdminActor, query: KindQuery, upload: Upload, request: Request) -> Answer:
    """CSV (UTF-8 or GB18030) or XLSX, 20 MB and 50,000 rows at most; it is checked first and changes nothing."""
    files: FileStore = request.app.ctx.files
    content = await files.keep(upload.chunks(), upload.media_type, MOST_BYTES)
    return Answer(202, _out(request, await imports.add(actor, query.kind, content, now())))


@endpoint(
    routes,
    "GET",
    "",
    summary="导入记录 / Imports",
    answers={200: Page[ImportOut]},
    may="import.read",
)
async def listed(request: Request, actor: AdminActor, query: PageQuery) -> Page[ImportOut]:
    """Newest first, of the admin's region and below."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await imports.listed(actor, before, query.limit + 1)
    return page_of(Page[ImportOut], rows, query.limit, partial(_out, request), lambda row: (row["id"],))


@endpoint(
    routes,
    "GET",
    "/template",
    summary="导入模板 / Template",
    answers={200: {"text/csv": None}},
    may="import.read",
)
async def template(actor: AdminActor, query: KindQuery) -> HTTPResponse:
    """The columns and one row as an example."""
    kind = KINDS[query.kind]
    content = written([kind.columns, kind.example], "text/csv")
    return file_answer(content, f"{query.kind}.csv", "text/csv")


@endpoint(
    routes,
    "GET",
    "/<import_id>",
    summary="导入进度 / One import",
    answers={200: ImportOut},
    may="import.read",
)
async def show(request: Request, actor: AdminActor, import_id: UUID) -> ImportOut:
    """How far it is, and what was found."""
    return _out(request, await imports.of_admin(actor, import_id))


@endpoint(
    routes,
    "GET",
    "/<import_id>/errors",
    summary="下载错误清单 / Download the errors",
    answers={200: {"text/csv": None, XLSX: None}},
    may="import.read",
)
async def errors(actor: AdminActor, import_id: UUID, request: Request) -> HTTPResponse:
    """Row, column, code and what to do, in the format of the file that was sent in; the cells are not repeated."""
    file = await imports.errors_file(actor, import_id)
    files: FileStore = request.app.ctx.files
    try:
        content = await asyncio.to_thread(files.path(file["sha256"]).read_bytes)
    except FileNotFoundError:
        raise NotFound from None
    return file_answer(content, file["name"], file["media_type"])


@endpoint(
    routes,
    "POST",
    "/<import_id>/application",
    summary="确认导入 / Apply it",
    answers={202: ImportOut},
    refusals=(OwnImport, NotConfirmed, ImportHasErrors, ImportNotReady),
    may="import.apply",
)
async def apply(request: Request, actor: AdminActor, import_id: UUID) -> Answer:
    """By another admin than the one who sent the file; all rows or none, checked once more."""
    await imports.apply(actor, import_id, now())
    return Answer(202, _out(request, await imports.of_admin(actor, import_id)))


@endpoint(
    routes,
    "DELETE",
    "/<import_id>",
    summary="放弃导入 / Discard it",
    answers={204: None},
    refusals=(ImportNotReady,),
    may="import.discard",
)
async def discard(actor: AdminActor, import_id: UUID) -> None:
    """As long as nobody applies it."""
    await imports.discard(actor, import_id, now())


@endpoint(
    routes,
    "POST",
    "/<import_id>/invitations",
    summary="生成店员邀请 / Make invitations for imported staff",
    answers={200: {"text/csv": None}},
    refusals=(ImportNotReady,),
    may="import.invite",
)
async def invite(actor: AdminActor, import_id: UUID) -> HTTPResponse:
    """A file with one secret link for each of them who has no password yet, good for a week and shown once.

    Asked for again, there are new ones, and those before are good no more.
    """
    invited = await import_invitations.invite(actor, import_id, now())
    content = written([("member", "login", "invitation"), *invited], "text/csv")
    return file_answer(content, "invitations.csv", "text/csv")


def _out(request: Request, row: Row) -> ImportOut:
    detail = sentence_of(request, imports.FAILURES.get(row["failure"]))
    return ImportOut.model_validate(
        {**dict(row), "has_errors": row["errors_file_id"] is not None, "detail": detail}
    )
