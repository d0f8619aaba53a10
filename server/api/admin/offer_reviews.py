"""Reviewing offers: the queue, one offer with what it would change, approving, sending back, publishing."""

from typing import Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from benefits import offer_reviews, offer_versions
from benefits.offer_lives import OfferHasNoTerms, OfferStateForbids
from benefits.offer_versions import VersionStateForbids
from benefits.proposals import BudgetNeedsMostCost
from benefits.share_consents import ShareNotAgreed
from common.actors import AdminActor
from common.clock import now
from common.files import DOCUMENTS
from models.enums import OfferStatus, OfferVersionState, ShareConsentState
from server.api.offer_forms import OfferLineOut, OfferStoryOut, story_out
from server.endpoints import endpoint
from server.file_answers import send_file
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, decode_cursor, page_of

routes = Blueprint("admin_offer_reviews", url_prefix="/offers")
queue = Blueprint("admin_offer_versions", url_prefix="/offer-versions")

STEP = (OfferStateForbids, VersionStateForbids)


class OffersQuery(PageQuery):
    """Which ones; `all` for every status."""

    status: OfferStatus | Literal["all"] = OfferStatus.SUBMITTED


class VersionsQuery(PageQuery):
    """Which ones."""

    state: OfferVersionState = OfferVersionState.SUBMITTED


class ReviewLineOut(Out):
    """A version in the queue: a new offer, or a change of one that is published."""

    offer_id: UUID
    number: int
    state: OfferVersionState
    title: str
    offer_status: OfferStatus
    region: str = Field(validation_alias="region_id")
    member_id: UUID
    member_name: str
    submitted_at: Moment | None
    list_price_fen: int | None
    raised_shortly_before: bool
    share_consent: ShareConsentState | None


class ApprovalIn(In):
    """The version that the reviewer has read."""

    number: int = Field(ge=1, le=1_000_000)


class SentBackIn(ApprovalIn):
    """Why; the member reads it."""

    reason: Reason


@endpoint(
    queue,
    "GET",
    "",
    summary="待审核的优惠版本 / Versions by state",
    answers={200: Page[ReviewLineOut]},
    may="offer.read",
)
async def versions(actor: AdminActor, query: VersionsQuery) -> Page[ReviewLineOut]:
    """In the admin's region and below, newest first; those that wait for a review without a state."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await offer_reviews.queue(actor, query.state, before, query.limit + 1)
    return page_of(
        Page[ReviewLineOut],
        rows,
        query.limit,
        lambda row: ReviewLineOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "GET",
    "",
    summary="优惠列表 / Offers by status",
    answers={200: Page[OfferLineOut]},
    may="offer.read",
)
async def listed(actor: AdminActor, query: OffersQuery) -> Page[OfferLineOut]:
    """In the admin's region and below, newest first; those that wait for a review without a status."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    status = None if query.status == "all" else query.status
    rows = await offer_reviews.in_region(actor, status, before, query.limit + 1)
    return page_of(
        Page[OfferLineOut],
        rows,
        query.limit,
        lambda row: OfferLineOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "GET",
    "/<offer_id>",
    summary="优惠与修改对照 / One offer, with what its open version changes",
    answers={200: OfferStoryOut},
    may="offer.read",
)
async def read(actor: AdminActor, offer_id: UUID) -> OfferStoryOut:
    """With the history of its versions and list prices; `changes` compares the open version with what is in force."""
    return story_out(await offer_reviews.story_of(actor, offer_id))


@endpoint(
    routes,
    "GET",
    "/<offer_id>/evidence/<file_id>",
    summary="原价凭证 / Evidence of the list price",
    answers={200: dict.fromkeys(sorted(DOCUMENTS))},
    may="offer.read",
)
async def evidence(request: Request, actor: AdminActor, offer_id: UUID, file_id: UUID) -> HTTPResponse | None:
    """The file that one of the offer's versions names."""
    file = await offer_reviews.evidence_of(actor, offer_id, file_id)
    return await send_file(
        request, file["name"], file["media_type"], request.app.ctx.files.chunks(file["sha256"])
    )


@endpoint(
    routes,
    "POST",
    "/<offer_id>/approval",
    summary="审核通过 / Approve the submitted version",
    answers={204: None},
    refusals=(*STEP, ShareNotAgreed),
    may="offer.review",
)
async def approve(actor: AdminActor, offer_id: UUID, body: ApprovalIn) -> None:
    """Its member is told and publishes it, or an operator does. A public unit that is to pay has to agree before."""
    await offer_versions.approve(actor, offer_id, body.number, now())


@endpoint(
    routes,
    "POST",
    "/<offer_id>/return",
    summary="退回修改 / Send back with reasons",
    answers={204: None},
    refusals=STEP,
    may="offer.review",
)
async def send_back(actor: AdminActor, offer_id: UUID, body: SentBackIn) -> None:
    """Its member reads why and goes on with a copy in draft; what was refused stays as it was."""
    await offer_versions.send_back(actor, offer_id, body.number, body.reason, now())


@endpoint(
    routes,
    "POST",
    "/<offer_id>/publication",
    summary="发布已通过的版本 / Publish the approved version",
    answers={204: None},
    refusals=(*STEP, OfferHasNoTerms, BudgetNeedsMostCost),
    may="offer.publish",
)
async def publish(actor: AdminActor, offer_id: UUID) -> None:
    """The offer, or its new terms; what was claimed before keeps its terms."""
    await offer_versions.publish(actor, offer_id, now())
