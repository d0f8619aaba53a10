"""Guardians' requests of the region: the list, one with its proof, and deciding them."""

from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import guardianship_reviews
from alliance.guardianship_reviews import EvidenceMissing, GuardianshipOver
from citizens.accounts import NameDiffers
from citizens.agents import AlreadyBoundTo, TooManyBindings
from citizens.children import NotAChild, RequestNotOpen
from common.actors import AdminActor
from common.clock import now
from models.citizen_enums import GuardianshipState
from server.api.organisation_views import DocumentOut, document_out
from server.endpoints import endpoint
from server.file_answers import send_file
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_guardianships", url_prefix="/guardianships")


class GuardianshipQuery(PageQuery):
    """Which ones; a region with everything below it."""

    region: RegionCode | None = None
    state: GuardianshipState | None = None


class GuardianshipOut(Out):
    """A request; names and number are masked. The child's are gone once it is decided.

    `ended_at`: when a confirmed guardianship ended.
    """

    id: UUID
    region: str
    state: GuardianshipState
    guardian_name: str
    child_name: str | None
    child_id_number: str | None
    requested_at: Moment
    decided_at: Moment | None
    reason: str | None
    ended_at: Moment | None


class GuardianshipDetailOut(GuardianshipOut):
    """With its proofs."""

    evidence: list[DocumentOut]


class WhyIn(In):
    """Why; the guardian reads it. No names or numbers of persons belong here."""

    reason: Reason = Field(description="监护人会看到 / the guardian reads it")


@endpoint(
    routes,
    "GET",
    "",
    summary="监护申请列表 / Guardians' requests",
    answers={200: Page[GuardianshipOut]},
    may="guardianship.read",
)
async def listed(request: Request, actor: AdminActor, query: GuardianshipQuery) -> Page[GuardianshipOut]:
    """Newest first, of the admin's region and below; `requested` wait for a reviewer."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    keys = request.app.ctx.settings.data_keys
    found = await guardianship_reviews.listed(
        actor, query.region, query.state, keys, (before, query.limit + 1)
    )
    return page_of(
        Page[GuardianshipOut], found, query.limit, GuardianshipOut.model_validate, lambda view: (view.id,)
    )


@endpoint(
    routes,
    "GET",
    "/<guardianship_id>",
    summary="一份监护申请 / One request",
    answers={200: GuardianshipDetailOut},
    may="guardianship.read",
)
async def show(request: Request, actor: AdminActor, guardianship_id: UUID) -> GuardianshipDetailOut:
    """With the list of its proofs. That it was read is recorded."""
    keys = request.app.ctx.settings.data_keys
    view, files = await guardianship_reviews.opened(actor, guardianship_id, keys, now())
    return GuardianshipDetailOut(
        **GuardianshipOut.model_validate(view).__dict__, evidence=[document_out(file) for file in files]
    )


@endpoint(
    routes,
    "GET",
    "/<guardianship_id>/evidence/<file_id>",
    summary="下载监护关系证明 / Download a proof",
    answers={200: {"application/pdf": None, "image/jpeg": None, "image/png": None}},
    may="guardianship.review",
)
async def download(
    request: Request, actor: AdminActor, guardianship_id: UUID, file_id: UUID
) -> HTTPResponse | None:
    """As an attachment, never shown in the browser; for reviewers alone, and audited."""
    file = await guardianship_reviews.read_evidence(actor, guardianship_id, file_id, now())
    pieces = request.app.ctx.files.chunks(file["sha256"])
    return await send_file(request, file["name"], file["media_type"], pieces)


@endpoint(
    routes,
    "POST",
    "/<guardianship_id>/confirmation",
    summary="确认监护关系 / Confirm a guardian",
    answers={204: None},
    refusals=(RequestNotOpen, EvidenceMissing, NotAChild, NameDiffers, TooManyBindings, AlreadyBoundTo),
    may="guardianship.review",
)
async def confirm(request: Request, actor: AdminActor, guardianship_id: UUID) -> None:
    """He acts for the child at once, until the 14th birthday."""
    await guardianship_reviews.confirm(actor, guardianship_id, request.app.ctx.settings.data_keys, now())


@endpoint(
    routes,
    "POST",
    "/<guardianship_id>/refusal",
    summary="退回监护申请 / Refuse a guardian",
    answers={204: None},
    refusals=(RequestNotOpen,),
    may="guardianship.review",
)
async def refuse(actor: AdminActor, guardianship_id: UUID, body: WhyIn) -> None:
    """The child's data and the proof are deleted."""
    await guardianship_reviews.refuse(actor, guardianship_id, body.reason, now())


@endpoint(
    routes,
    "POST",
    "/<guardianship_id>/ending",
    summary="结束监护关系 / End a guardianship",
    answers={204: None},
    refusals=(GuardianshipOver,),
    may="guardianship.end",
)
async def end(actor: AdminActor, guardianship_id: UUID, body: WhyIn) -> None:
    """At once; the child keeps what was claimed."""
    await guardianship_reviews.end(actor, guardianship_id, body.reason, now())
