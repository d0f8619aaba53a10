"""What citizens declared of themselves, for the region's office to look at."""

from dataclasses import asdict
from datetime import date
from uuid import UUID

from sanic import Blueprint, HTTPResponse, Request

from alliance import declaration_reviews
from alliance.declaration_reviews import DeclarationDecided, ForwardingNotAllowed, ValidityOutOfRange
from common.actors import AdminActor
from common.clock import now
from models.citizen_enums import DeclarationStatus
from server.api.admin.objections import OfficeEvidenceOut
from server.api.complaints import place_of
from server.api.declarations import DeclarationOut
from server.api.objections import ReasonIn
from server.endpoints import endpoint
from server.file_answers import file_answer, send_file
from server.schemas import In, Page, PageQuery, RegionCode, page_of

routes = Blueprint("admin_declarations", url_prefix="/declarations")


class DeclarationQuery(PageQuery):
    """Which ones; a region with everything below it. Drafts are their citizens' alone."""

    status: DeclarationStatus | None = None
    region: RegionCode | None = None


class OfficeDeclarationOut(DeclarationOut):
    """With its evidence; whose it is is not told."""

    evidence: list[OfficeEvidenceOut]


class AcceptanceIn(In):
    """The last day on which it is valid."""

    valid_until: date


@endpoint(
    routes,
    "GET",
    "",
    summary="自主申报 / Declarations",
    answers={200: Page[DeclarationOut]},
    may="declaration.read",
)
async def listed(request: Request, actor: AdminActor, query: DeclarationQuery) -> Page[DeclarationOut]:
    """Newest first, of the admin's region and below; `submitted` waits for him."""
    keys, before = request.app.ctx.settings.data_keys, place_of(query)
    found = await declaration_reviews.in_region(
        actor, query.status, query.region, keys, before, query.limit + 1, now()
    )
    return page_of(
        Page[DeclarationOut], found, query.limit, DeclarationOut.model_validate, lambda each: (each.id,)
    )


@endpoint(
    routes,
    "GET",
    "/<declaration_id>",
    summary="一条自主申报 / One declaration",
    answers={200: OfficeDeclarationOut},
    may="declaration.read",
)
async def one(request: Request, actor: AdminActor, declaration_id: UUID) -> OfficeDeclarationOut:
    """With its evidence; numbers of persons are masked. That it was read is recorded."""
    keys = request.app.ctx.settings.data_keys
    found, evidence = await declaration_reviews.opened(actor, declaration_id, keys, now())
    return OfficeDeclarationOut.model_validate(
        {**asdict(found), "evidence": [dict(each) for each in evidence]}
    )


@endpoint(
    routes,
    "GET",
    "/<declaration_id>/evidence/<file_id>",
    summary="下载申报材料 / Download evidence of a declaration",
    answers={200: {"application/pdf": None, "image/jpeg": None, "image/png": None}},
    may="declaration.read",
)
async def download(
    request: Request, actor: AdminActor, declaration_id: UUID, file_id: UUID
) -> HTTPResponse | None:
    """As an attachment, never shown in the browser; who read it is audited."""
    file = await declaration_reviews.file(actor, declaration_id, file_id, now())
    pieces = request.app.ctx.files.chunks(file["sha256"])
    return await send_file(request, str(file_id), file["media_type"], pieces)


@endpoint(
    routes,
    "POST",
    "/<declaration_id>/acceptance",
    summary="核实通过 / Accept a declaration",
    answers={204: None},
    refusals=(DeclarationDecided, ValidityOutOfRange),
    may="declaration.review",
)
async def accept(actor: AdminActor, declaration_id: UUID, body: AcceptanceIn) -> None:
    """Until a day within five years; the citizen is told."""
    await declaration_reviews.accept(actor, declaration_id, body.valid_until, now())


@endpoint(
    routes,
    "POST",
    "/<declaration_id>/refusal",
    summary="核实不通过 / Refuse a declaration",
    answers={204: None},
    refusals=(DeclarationDecided,),
    may="declaration.review",
)
async def refuse(request: Request, actor: AdminActor, declaration_id: UUID, body: ReasonIn) -> None:
    """With a reason that the citizen reads and may object to."""
    keys = request.app.ctx.settings.data_keys
    await declaration_reviews.refuse(actor, declaration_id, body.reason, keys, now())


@endpoint(
    routes,
    "POST",
    "/<declaration_id>/forwarding",
    summary="转送申报 / Pass a declaration on to the source",
    answers={200: {"application/json": None}},
    refusals=(ForwardingNotAllowed,),
    may="declaration.forward",
)
async def forward(request: Request, actor: AdminActor, declaration_id: UUID) -> HTTPResponse:
    """The file that the source is sent, by the citizen's consent alone; that it was made is recorded."""
    keys = request.app.ctx.settings.data_keys
    content = await declaration_reviews.forward(actor, declaration_id, keys, now())
    return file_answer(content, f"declaration-{declaration_id}.json", "application/json")
