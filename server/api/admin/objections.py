"""Objections that the region's office answers: the list, the dossier, passing on, answering, more time."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import objection_answers, objection_dossiers, objection_evidence, objection_files
from alliance.approvals import AlreadyAsked
from alliance.objection_answers import NotExtendable, NothingToForward
from alliance.objection_files import Filters
from alliance.objection_states import ObjectionNotPossible
from common.actors import AdminActor
from common.clock import now
from models.citizen_enums import ObjectionKind, ObjectionStatus
from server.api.admin.approvals import AskedOut
from server.api.complaints import place_of
from server.api.objections import ObjectionOut, ReasonIn, StepOut, facts_of
from server.endpoints import endpoint
from server.file_answers import file_answer, send_file
from server.schemas import In, Moment, Out, Page, PageQuery, Query, Reason, RegionCode, page_of

routes = Blueprint("admin_objections", url_prefix="/objections")


class OfficeObjectionOut(ObjectionOut):
    """The same for an office: `member_id` is null where a citizen filed it; who he is is not told."""

    member_id: UUID | None


class OfficeStepOut(StepOut):
    """With who did it: an admin, a member's person, or the citizen's random subject id left out."""

    actor_id: UUID | None


class OfficeEvidenceOut(Out):
    """A file that bears it out; its name may name somebody and is not told."""

    id: UUID
    media_type: str
    size: int = Field(description="字节 / bytes")
    stored_at: Moment


class DossierOut(OfficeObjectionOut):
    """Everything in order."""

    steps: list[OfficeStepOut]
    evidence: list[OfficeEvidenceOut]


class OfficeObjectionQuery(PageQuery):
    """Which ones; a region with everything below it; `overdue` are those that wait longer than their time."""

    state: ObjectionStatus | None = None
    kind: ObjectionKind | None = None
    region: RegionCode | None = None
    overdue: bool | None = None


class ObjectionAnswerIn(ReasonIn):
    """Whether the record was wrong (`upheld`), was corrected or repaired by its source, or stands; and why."""

    outcome: Literal["upheld", "corrected", "dismissed"]


class ExtensionIn(In):
    """How many working days from the filing it takes in all, and why; the law allows twenty."""

    working_days: Annotated[int, Field(ge=6, le=20)]
    reason: Reason


class FormQuery(Query):
    """For a program or for people."""

    form: Literal["json", "html"] = "json"


@endpoint(
    routes,
    "GET",
    "",
    summary="异议与信用修复 / Objections and repairs",
    answers={200: Page[OfficeObjectionOut]},
    may="objection.read",
)
async def listed(
    request: Request, actor: AdminActor, query: OfficeObjectionQuery
) -> Page[OfficeObjectionOut]:
    """Newest first, of the admin's region and below; numbers of persons are masked."""
    keys, before = request.app.ctx.settings.data_keys, place_of(query)
    filters = Filters(query.state, query.kind, query.region, query.overdue)
    files = await objection_files.in_region(actor, filters, keys, before, query.limit + 1, now())
    return page_of(
        Page[OfficeObjectionOut],
        files,
        query.limit,
        lambda file: OfficeObjectionOut.model_validate(facts_of(file)),
        lambda file: (file.id,),
    )


@endpoint(
    routes,
    "GET",
    "/<objection_id>",
    summary="异议卷宗 / The dossier of an objection",
    answers={200: DossierOut},
    may="objection.read",
)
async def one(request: Request, actor: AdminActor, objection_id: UUID) -> DossierOut:
    """What was contested with its dates and the source's record id, who did what, and the evidence. That it was
    read is recorded."""
    keys = request.app.ctx.settings.data_keys
    dossier = await objection_dossiers.opened(actor, objection_id, keys, now())
    steps = [
        {**dict(step), "actor_id": None if step["actor_kind"] == "citizen" else step["actor_id"]}
        for step in dossier.steps
    ]
    evidence = [dict(each) for each in dossier.evidence]
    return DossierOut.model_validate({**facts_of(dossier.file), "steps": steps, "evidence": evidence})


@endpoint(
    routes,
    "GET",
    "/<objection_id>/evidence/<file_id>",
    summary="下载异议材料 / Download evidence of an objection",
    answers={200: {"application/pdf": None, "image/jpeg": None, "image/png": None}},
    may="objection.read",
)
async def download(
    request: Request, actor: AdminActor, objection_id: UUID, file_id: UUID
) -> HTTPResponse | None:
    """As an attachment, never shown in the browser; who read it is audited."""
    file = await objection_evidence.file_of_region(actor, objection_id, file_id, now())
    pieces = request.app.ctx.files.chunks(file["sha256"])
    return await send_file(request, str(file_id), file["media_type"], pieces)


@endpoint(
    routes,
    "POST",
    "/<objection_id>/forwarding",
    summary="转送信息提供单位 / Pass an objection on to its source",
    answers={204: None},
    refusals=(ObjectionNotPossible, NothingToForward),
    may="objection.forward",
)
async def forward(actor: AdminActor, objection_id: UUID) -> None:
    """Records that it was; what is sent is the file of the same path. Whoever filed it is told."""
    await objection_answers.forward(actor, objection_id, now())


@endpoint(
    routes,
    "GET",
    "/<objection_id>/forwarding",
    summary="转送材料 / What the source is sent",
    answers={200: {"application/json": None, "text/html": None}},
    refusals=(NothingToForward,),
    may="objection.forward",
)
async def outgoing(request: Request, actor: AdminActor, objection_id: UUID, query: FormQuery) -> HTTPResponse:
    """A file with the record's id and date, by which the agency finds it without anybody's name or number."""
    keys = request.app.ctx.settings.data_keys
    content = await objection_dossiers.outgoing(actor, objection_id, query.form, keys, now())
    media_type = objection_dossiers.MEDIA_TYPES[query.form]
    return file_answer(content, f"objection-{objection_id}.{query.form}", media_type)


@endpoint(
    routes,
    "POST",
    "/<objection_id>/answer",
    summary="答复异议 / Answer an objection",
    answers={204: None},
    refusals=(ObjectionNotPossible,),
    may="objection.answer",
)
async def answer(request: Request, actor: AdminActor, objection_id: UUID, body: ObjectionAnswerIn) -> None:
    """Once and for good. A tier that was wrong or is repaired counts no more; a member is checked anew."""
    keys = request.app.ctx.settings.data_keys
    await objection_answers.answer(actor, objection_id, body.outcome, body.reason, keys, now())


@endpoint(
    routes,
    "POST",
    "/<objection_id>/extension",
    summary="提请延期 / Ask for more time",
    answers={202: AskedOut},
    refusals=(NotExtendable, AlreadyAsked),
    may="objection.extend",
)
async def extend(actor: AdminActor, objection_id: UUID, body: ExtensionIn) -> AskedOut:
    """Once, before its time is over, to at most twenty working days in all; done when a second admin agrees."""
    approval_id = await objection_answers.ask_extension(
        actor, objection_id, body.working_days, body.reason, now()
    )
    return AskedOut(approval_id=approval_id)
