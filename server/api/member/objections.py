"""A member's objections to what is on record about it, and what it asks to have repaired."""

from typing import Literal
from uuid import UUID

from sanic import Blueprint, HTTPResponse, Request

from alliance import objection_evidence, objection_files, objection_steps, objections
from alliance.objection_evidence import TooMuchObjectionEvidence
from alliance.objection_states import ObjectionNotPossible
from alliance.objections import Contest, ObjectionOpen, ObjectionsUsedUp, RepairNotThere, party_of
from benefits.refusals import Busy, IdempotencyKeyReused
from common.actors import MemberActor
from common.clock import now
from common.errors import NotFound
from common.files import DOCUMENTS, TooManyUploads
from common.request_keys import request_key
from models.citizen_enums import ObjectionAbout, ObjectionKind
from server.api.applicant import FileNameQuery, FileOut
from server.api.complaints import place_of
from server.api.objections import (
    FiledOut,
    ObjectionDetailOut,
    ObjectionOut,
    Plea,
    detail_of,
    filed_answer,
    objection_page,
)
from server.endpoints import Answer, IdempotencyKey, endpoint
from server.file_answers import send_file
from server.schemas import In, Page, PageQuery
from server.uploads import Upload

routes = Blueprint("member_objections", url_prefix="/objections")


class ObjectionIn(In):
    """What is contested: an answer of the credit source (the newest without a `record_id`), or a suspension by its id.

    `repair` asks to have a record mended that was right, and goes with an answer of the source alone. The office and the
    source read the text: no names belong in it, and numbers of phones and ID cards are masked.
    """

    kind: ObjectionKind
    about: Literal["organisation_check", "suspension"]
    record_id: UUID | None = None
    text: Plea


@endpoint(
    routes,
    "POST",
    "",
    summary="提出异议或申请信用修复 / Object, or ask for repair",
    answers={201: FiledOut},
    refusals=(NotFound, RepairNotThere, ObjectionOpen, ObjectionsUsedUp, IdempotencyKeyReused, Busy),
    may="objection.file",
)
async def create(request: Request, actor: MemberActor, body: ObjectionIn, key: IdempotencyKey) -> Answer:
    """The record is marked as disputed at once; one open objection to a record, ten in all."""
    about = ObjectionAbout(body.about)
    contest = Contest(body.kind, about, body.text, body.record_id)
    asked, keys = request_key(key, body.canonical("text")), request.app.ctx.settings.data_keys
    return filed_answer(await objections.file(party_of(actor), contest, asked, keys, now()))


@endpoint(
    routes,
    "GET",
    "",
    summary="本单位的异议 / The member's objections",
    answers={200: Page[ObjectionOut]},
    may="objection.read",
)
async def listed(request: Request, actor: MemberActor, query: PageQuery) -> Page[ObjectionOut]:
    """Newest first."""
    keys, before = request.app.ctx.settings.data_keys, place_of(query)
    files = await objection_files.of_party(party_of(actor), keys, before, query.limit + 1)
    return objection_page(files, query.limit)


@endpoint(
    routes,
    "GET",
    "/<objection_id>",
    summary="一件异议 / One objection",
    answers={200: ObjectionDetailOut},
    may="objection.read",
)
async def one(request: Request, actor: MemberActor, objection_id: UUID) -> ObjectionDetailOut:
    """With the answer, what happened so far, and the evidence."""
    keys = request.app.ctx.settings.data_keys
    file = await objection_files.one_of_party(party_of(actor), objection_id, keys)
    steps = await objection_steps.of(objection_id)
    return detail_of(file, steps, await objection_evidence.of(objection_id))


@endpoint(
    routes,
    "POST",
    "/<objection_id>/evidence",
    summary="上传异议材料 / Upload evidence of an objection",
    answers={201: FileOut},
    refusals=(ObjectionNotPossible, TooMuchObjectionEvidence, TooManyUploads),
    takes=DOCUMENTS,
    may="objection.file",
)
async def add_evidence(
    request: Request, actor: MemberActor, objection_id: UUID, upload: Upload, query: FileNameQuery
) -> FileOut:
    """PDF, JPEG or PNG of at most 10 MB, at most ten, until it is answered; the body is the file itself."""
    files, party = request.app.ctx.files, party_of(actor)
    file_id = await objection_evidence.add(
        *(party, objection_id, query.name, upload.media_type, upload.chunks(), files), now()
    )
    return FileOut(id=file_id)


@endpoint(
    routes,
    "GET",
    "/<objection_id>/evidence/<file_id>",
    summary="下载异议材料 / Download one's evidence",
    answers={200: {"application/pdf": None, "image/jpeg": None, "image/png": None}},
    may="objection.read",
)
async def download(
    request: Request, actor: MemberActor, objection_id: UUID, file_id: UUID
) -> HTTPResponse | None:
    """As an attachment, never shown in the browser."""
    file = await objection_evidence.own_file(party_of(actor), objection_id, file_id)
    pieces = request.app.ctx.files.chunks(file["sha256"])
    return await send_file(request, file["name"], file["media_type"], pieces)


@endpoint(
    routes,
    "DELETE",
    "/<objection_id>",
    summary="撤回异议 / Withdraw an objection",
    answers={204: None},
    refusals=(ObjectionNotPossible,),
    may="objection.file",
)
async def withdraw(actor: MemberActor, objection_id: UUID) -> None:
    """As long as it is not answered; its words and its evidence are erased, and the mark ends."""
    await objections.withdraw(party_of(actor), objection_id, now())
