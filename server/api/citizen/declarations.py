"""What a citizen declares of himself: voluntary service and honours, with evidence."""

from dataclasses import asdict
from datetime import date
from uuid import UUID

from sanic import Blueprint, HTTPResponse, Request

from alliance import declarations
from alliance.declarations import (
    DeclarationEvidenceMissing,
    DeclarationNotOpen,
    DeclarationsUsedUp,
    HoursOfServiceAlone,
    NotYetHappened,
    Statement,
    TooMuchDeclarationEvidence,
)
from benefits.refusals import Busy, IdempotencyKeyReused
from citizens.declaration_words import DeclaresTooMuch
from common.actors import CitizenActor
from common.clock import now
from common.files import DOCUMENTS, TooManyUploads
from common.request_keys import request_key
from merchants.regions import RegionUnknown
from models.citizen_enums import DeclarationKind
from server.api.applicant import FileNameQuery, FileOut
from server.api.complaints import Words, place_of
from server.api.declarations import DeclarationOut, Hours
from server.api.objections import EvidenceOut
from server.endpoints import Answer, IdempotencyKey, endpoint
from server.file_answers import send_file
from server.schemas import In, Out, Page, PageQuery, RegionCode, page_of
from server.uploads import Upload

routes = Blueprint("citizen_declarations", url_prefix="/me/declarations")


class DeclarationIn(In):
    """What is declared; `hours` with voluntary service alone, `region` is whose office looks at it.

    `may_forward` agrees to its being passed on to the credit source. Nothing of income, religion, genes, blood or illness
    belongs here.
    """

    kind: DeclarationKind
    region: RegionCode
    happened_on: date
    hours: Hours | None = None
    text: Words
    may_forward: bool = False


class DeclarationIdOut(Out):
    """The declaration that was begun."""

    id: UUID


class DeclarationDetailOut(DeclarationOut):
    """The same with its evidence."""

    evidence: list[EvidenceOut]


@endpoint(
    routes,
    "POST",
    "",
    summary="自主申报 / Declare something",
    answers={201: DeclarationIdOut},
    refusals=(
        *(DeclaresTooMuch, NotYetHappened, HoursOfServiceAlone, RegionUnknown, DeclarationsUsedUp),
        *(IdempotencyKeyReused, Busy),
    ),
)
async def create(request: Request, actor: CitizenActor, body: DeclarationIn, key: IdempotencyKey) -> Answer:
    """A draft: upload evidence next, then submit it. Twenty at most."""
    statement = Statement(
        *(body.kind, body.region, body.happened_on, body.hours, body.text, body.may_forward)
    )
    asked, keys = request_key(key, body.canonical("text")), request.app.ctx.settings.data_keys
    declaration_id, is_replayed = await declarations.begin(actor.id, statement, asked, keys, now())
    return Answer(201, DeclarationIdOut(id=declaration_id), replayed=is_replayed)


@endpoint(routes, "GET", "", summary="我的自主申报 / My declarations", answers={200: Page[DeclarationOut]})
async def listed(request: Request, actor: CitizenActor, query: PageQuery) -> Page[DeclarationOut]:
    """Newest first."""
    keys, before = request.app.ctx.settings.data_keys, place_of(query)
    found = await declarations.of_citizen(actor.id, keys, before, query.limit + 1, now())
    return page_of(
        Page[DeclarationOut], found, query.limit, DeclarationOut.model_validate, lambda each: (each.id,)
    )


@endpoint(
    routes,
    "GET",
    "/<declaration_id>",
    summary="一条自主申报 / One declaration",
    answers={200: DeclarationDetailOut},
)
async def one(request: Request, actor: CitizenActor, declaration_id: UUID) -> DeclarationDetailOut:
    """With its evidence, and the reason if it was refused."""
    keys = request.app.ctx.settings.data_keys
    found = await declarations.one_of_citizen(actor.id, declaration_id, keys, now())
    evidence = [dict(each) for each in await declarations.evidence_of(declaration_id)]
    return DeclarationDetailOut.model_validate({**asdict(found), "evidence": evidence})


@endpoint(
    routes,
    "POST",
    "/<declaration_id>/evidence",
    summary="上传申报材料 / Upload evidence of a declaration",
    answers={201: FileOut},
    refusals=(DeclarationNotOpen, TooMuchDeclarationEvidence, TooManyUploads, DeclaresTooMuch),
    takes=DOCUMENTS,
)
async def add_evidence(
    request: Request, actor: CitizenActor, declaration_id: UUID, upload: Upload, query: FileNameQuery
) -> FileOut:
    """PDF, JPEG or PNG of at most 10 MB, at most five, before it is submitted; the body is the file itself."""
    file_id = await declarations.add_evidence(
        *(actor.id, declaration_id, query.name, upload.media_type, upload.chunks()),
        request.app.ctx.files,
        now(),
    )
    return FileOut(id=file_id)


@endpoint(
    routes,
    "GET",
    "/<declaration_id>/evidence/<file_id>",
    summary="下载申报材料 / Download one's evidence",
    answers={200: {"application/pdf": None, "image/jpeg": None, "image/png": None}},
)
async def download(
    request: Request, actor: CitizenActor, declaration_id: UUID, file_id: UUID
) -> HTTPResponse | None:
    """As an attachment, never shown in the browser."""
    file = await declarations.own_file(actor.id, declaration_id, file_id)
    pieces = request.app.ctx.files.chunks(file["sha256"])
    return await send_file(request, file["name"], file["media_type"], pieces)


@endpoint(
    routes,
    "POST",
    "/<declaration_id>/submission",
    summary="提交申报 / Submit a declaration",
    answers={204: None},
    refusals=(DeclarationNotOpen, DeclarationEvidenceMissing),
)
async def submit(actor: CitizenActor, declaration_id: UUID) -> None:
    """With evidence; the region's office looks at it. Twice is once."""
    await declarations.submit(actor.id, declaration_id, now())


@endpoint(
    routes,
    "DELETE",
    "/<declaration_id>",
    summary="删除申报 / Delete a declaration",
    answers={204: None},
)
async def delete(actor: CitizenActor, declaration_id: UUID) -> None:
    """At any time, with its words and its evidence."""
    await declarations.delete(actor.id, declaration_id, now())
