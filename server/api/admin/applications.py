"""Applications for membership: the list, one in detail with its documents, and deciding them."""

from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from alliance import application_reviews, uscc_overrides
from alliance.application_reviews import MemberKindDiffers, NotYourStep, SuspensionOpen
from alliance.approvals import AlreadyAsked
from alliance.uscc_overrides import UsccNotInDoubt
from common.actors import AdminActor
from common.clock import now
from merchants import applications
from merchants.applications import ApplicationNotOpen
from merchants.submissions import AlreadyMember
from models import audit_log, stored_files
from models.enums import ApplicationState, Category, MemberKind
from models.office_enums import FilePurpose
from server.api.admin.approvals import AskedOut
from server.api.applicant import ApplicationOut, EventOut, application_out, event_out
from server.api.organisation_views import SearchText
from server.endpoints import endpoint
from server.file_answers import send_file
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_applications", url_prefix="/member-applications")


class ApplicationQuery(PageQuery):
    """Which ones; all of the admin's region without any."""

    region: RegionCode | None = None
    state: ApplicationState | None = None
    q: SearchText = ""


class ApplicationLineOut(Out):
    """An application in the list."""

    id: UUID
    uscc: str
    kind: MemberKind
    sector: Category
    region: str = Field(validation_alias="region_id")
    name: str
    state: ApplicationState
    begun_at: Moment
    submitted_at: Moment | None
    decided_at: Moment | None


class PassOnIn(In):
    """A word for the applicant, if there is one to say."""

    reason: Reason | None = None


class RefusalIn(In):
    """Why; the applicant reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class OverrideIn(In):
    """Why the code is right all the same."""

    reason: Reason


class ReviewedOut(Out):
    """Where the application stands now, and the member that it made."""

    state: ApplicationState
    member_id: UUID | None


@endpoint(
    routes,
    "GET",
    "",
    summary="入盟申请列表 / Applications for membership",
    answers={200: Page[ApplicationLineOut]},
    may="application.read",
)
async def listed(actor: AdminActor, query: ApplicationQuery) -> Page[ApplicationLineOut]:
    """Newest first, of the admin's region and below."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return page_of(
        Page[ApplicationLineOut],
        await application_reviews.listed(actor, query.region, query.state, query.q, before, query.limit + 1),
        query.limit,
        lambda row: ApplicationLineOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "GET",
    "/<application_id>",
    summary="申请详情 / One application",
    answers={200: ApplicationOut},
    may="application.read",
)
async def show(actor: AdminActor, request: Request, application_id: UUID) -> ApplicationOut:
    """With its documents, signature and check results; the contact is masked (rule 14)."""
    return await application_out(request, await application_reviews.one(actor, application_id))


@endpoint(
    routes,
    "GET",
    "/<application_id>/events",
    summary="申请经过 / What happened to an application",
    answers={200: Page[EventOut]},
    may="application.read",
)
async def events(
    request: Request, actor: AdminActor, application_id: UUID, query: PageQuery
) -> Page[EventOut]:
    """Newest first, as the applicant sees it; with the word of whoever passed it on."""
    await application_reviews.one(actor, application_id)
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return page_of(
        Page[EventOut],
        await applications.events(application_id, before, query.limit + 1),
        query.limit,
        partial(event_out, request),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "GET",
    "/<application_id>/documents/<document_id>",
    summary="下载证明材料 / Download a document",
    answers={200: {"application/pdf": None, "image/jpeg": None, "image/png": None}},
    may="application.read",
)
async def download(
    actor: AdminActor, request: Request, application_id: UUID, document_id: UUID
) -> HTTPResponse | None:
    """As an attachment, never shown in the browser; who read it is audited."""
    application = await application_reviews.one(actor, application_id)
    file = await stored_files.of_owner(document_id, FilePurpose.MEMBER_DOCUMENT, application_id)
    who, region = audit_log.who(actor), application["region_id"]
    await audit_log.record(who, "document.read", ("file", document_id), now(), region=region)
    return await send_file(
        request, file["name"], file["media_type"], request.app.ctx.files.chunks(file["sha256"])
    )


@endpoint(
    routes,
    "POST",
    "/<application_id>/approval",
    summary="审核通过 / Pass an application on, or approve it",
    answers={200: ReviewedOut},
    refusals=(NotYourStep, ApplicationNotOpen, AlreadyMember, MemberKindDiffers, SuspensionOpen),
    may="application.review",
)
async def approve(actor: AdminActor, application_id: UUID, body: PassOnIn) -> ReviewedOut:
    """The county's word passes it on to the city, where the region has two levels; the last word makes the member."""
    state, member_id = await application_reviews.approve(actor, application_id, body.reason, now())
    return ReviewedOut(state=state, member_id=member_id)


@endpoint(
    routes,
    "POST",
    "/<application_id>/refusal",
    summary="审核不通过 / Refuse an application",
    answers={204: None},
    refusals=(NotYourStep, ApplicationNotOpen),
    may="application.review",
)
async def refuse(actor: AdminActor, application_id: UUID, body: RefusalIn) -> None:
    """For good; the applicant may apply again."""
    await application_reviews.refuse(actor, application_id, body.reason, now())


@endpoint(
    routes,
    "POST",
    "/<application_id>/uscc-override",
    summary="提请放行统一社会信用代码 / Ask for a code to be taken in spite of its check digit",
    answers={202: AskedOut},
    refusals=(ApplicationNotOpen, UsccNotInDoubt, AlreadyAsked),
    may="application.ask_override",
)
async def override(actor: AdminActor, application_id: UUID, body: OverrideIn) -> AskedOut:
    """Done when a second admin agrees; the checks go on then."""
    return AskedOut(approval_id=await uscc_overrides.ask(actor, application_id, body.reason, now()))
