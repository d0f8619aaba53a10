"""A member's own offers: writing, submitting, publishing, stopping, reading."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from benefits import offer_drafts, offer_lives, offer_reviews, offer_versions
from benefits.offer_drafts import EvidenceUnknown, MemberNotActive, TooMuchEvidence
from benefits.offer_lives import OfferEvent, OfferHasNoTerms, OfferStateForbids
from benefits.offer_versions import PriceNeedsEvidence, VersionStateForbids
from benefits.proposals import BudgetNeedsMostCost
from common.actors import MemberActor
from common.clock import now
from common.files import DOCUMENTS
from models.enums import OfferStatus
from server.api.offer_forms import WRITING, OfferLineOut, OfferStoryOut, ProposalIn, story_out
from server.endpoints import endpoint
from server.schemas import Out, Page, PageQuery, Query, decode_cursor, page_of
from server.uploads import Upload

routes = Blueprint("member_offers", url_prefix="/offers")
evidence = Blueprint("member_price_evidence", url_prefix="/price-evidence")

MOST_EVIDENCE_BYTES = 10 * 1024 * 1024
WRITTEN = (*WRITING, MemberNotActive, EvidenceUnknown)
STEP = (OfferStateForbids, VersionStateForbids)


class OwnOffersQuery(PageQuery):
    """Which ones; all without a status."""

    status: OfferStatus | None = None


class OfferIdOut(Out):
    """The offer that was made."""

    id: UUID


class NameQuery(Query):
    """What the sender calls the file."""

    name: Annotated[str, Field(min_length=1, max_length=128)]


class FileOut(Out):
    """The file as it was kept; offers name it by its id."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str


@endpoint(
    routes,
    "GET",
    "",
    summary="本单位的优惠 / The member's offers",
    answers={200: Page[OfferLineOut]},
    may="offer.read",
)
async def listed(actor: MemberActor, query: OwnOffersQuery) -> Page[OfferLineOut]:
    """Newest first, in every state."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await offer_reviews.of_member(actor, query.status, before, query.limit + 1)
    return page_of(
        Page[OfferLineOut],
        rows,
        query.limit,
        lambda row: OfferLineOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="新建优惠草稿 / Begin an offer",
    answers={201: OfferIdOut},
    refusals=WRITTEN,
    may="offer.write",
)
async def create(actor: MemberActor, body: ProposalIn) -> OfferIdOut:
    """A draft that nobody else sees until it is submitted."""
    return OfferIdOut(id=await offer_drafts.create(actor, body.proposal(), now()))


@endpoint(
    routes,
    "GET",
    "/<offer_id>",
    summary="优惠详情 / One offer with its versions",
    answers={200: OfferStoryOut},
    may="offer.read",
)
async def read(actor: MemberActor, offer_id: UUID) -> OfferStoryOut:
    """With its state, what is in force, every version with the reasons of its review, and counters."""
    return story_out(await offer_reviews.story_of(actor, offer_id))


@endpoint(
    routes,
    "PUT",
    "/<offer_id>",
    summary="修改优惠 / Change a draft, or propose a change",
    answers={204: None},
    refusals=(*WRITTEN, OfferStateForbids),
    may="offer.write",
)
async def change(actor: MemberActor, offer_id: UUID, body: ProposalIn) -> None:
    """A draft is saved anew; for a published offer it is a proposal, and what is in force stays so until it is published."""
    await offer_drafts.change(actor, offer_id, body.proposal(), now())


@endpoint(
    routes,
    "POST",
    "/<offer_id>/submission",
    summary="提交审核 / Submit for review",
    answers={204: None},
    refusals=(*STEP, PriceNeedsEvidence),
    may="offer.write",
)
async def submit(actor: MemberActor, offer_id: UUID) -> None:
    """The draft, or the proposal for what is published."""
    await offer_versions.submit(actor, offer_id, now())


@endpoint(
    routes,
    "DELETE",
    "/<offer_id>/submission",
    summary="撤回提交 / Take a submission back",
    answers={204: None},
    refusals=STEP,
    may="offer.write",
)
async def recall(actor: MemberActor, offer_id: UUID) -> None:
    """To go on writing; also when it is approved and not published yet."""
    await offer_versions.recall(actor, offer_id, now())


@endpoint(
    routes,
    "DELETE",
    "/<offer_id>/proposal",
    summary="放弃修改 / Give up a proposed change",
    answers={204: None},
    refusals=STEP,
    may="offer.write",
)
async def discard(actor: MemberActor, offer_id: UUID) -> None:
    """The published offer stays as it is."""
    await offer_versions.discard(actor, offer_id, now())


@endpoint(
    routes,
    "POST",
    "/<offer_id>/publication",
    summary="发布已通过的优惠 / Publish what is approved",
    answers={204: None},
    refusals=(*STEP, OfferHasNoTerms, BudgetNeedsMostCost),
    may="offer.write",
)
async def publish(actor: MemberActor, offer_id: UUID) -> None:
    """The offer, or its approved new version; what was claimed before keeps its terms."""
    await offer_versions.publish(actor, offer_id, now())


@endpoint(
    routes,
    "POST",
    "/<offer_id>/pause",
    summary="暂停发放 / Pause",
    answers={204: None},
    refusals=(OfferStateForbids,),
    may="offer.stop",
)
async def pause(actor: MemberActor, offer_id: UUID) -> None:
    """No new claims; what was claimed stays usable."""
    await offer_lives.stop(actor, offer_id, OfferEvent.PAUSED, now())


@endpoint(
    routes,
    "DELETE",
    "/<offer_id>/pause",
    summary="恢复发放 / Resume",
    answers={204: None},
    refusals=(OfferStateForbids,),
    may="offer.stop",
)
async def resume(actor: MemberActor, offer_id: UUID) -> None:
    """Claims go on."""
    await offer_lives.stop(actor, offer_id, OfferEvent.RESUMED, now())


@endpoint(
    routes,
    "POST",
    "/<offer_id>/end",
    summary="结束优惠 / End",
    answers={204: None},
    refusals=(OfferStateForbids,),
    may="offer.stop",
)
async def end(actor: MemberActor, offer_id: UUID) -> None:
    """For good; what was claimed stays usable."""
    await offer_lives.stop(actor, offer_id, OfferEvent.ENDED, now())


@endpoint(
    routes,
    "POST",
    "/<offer_id>/withdrawal",
    summary="撤下优惠 / Withdraw",
    answers={204: None},
    refusals=(OfferStateForbids,),
    may="offer.stop",
)
async def withdraw(actor: MemberActor, offer_id: UUID) -> None:
    """For good, in any state before its end; what was claimed stays usable."""
    await offer_lives.stop(actor, offer_id, OfferEvent.WITHDRAWN, now())


@endpoint(
    evidence,
    "POST",
    "",
    summary="上传原价凭证 / Send in evidence of a list price",
    answers={201: FileOut},
    refusals=(TooMuchEvidence,),
    takes=DOCUMENTS,
    may="offer.write",
)
async def add_evidence(request: Request, actor: MemberActor, upload: Upload, query: NameQuery) -> FileOut:
    """PDF, JPEG or PNG, 10 MB at most, 100 within a day; an offer names it by its id."""
    await offer_drafts.must_have_room(actor, now())
    content = await request.app.ctx.files.keep(upload.chunks(), upload.media_type, MOST_EVIDENCE_BYTES)
    file_id = await offer_drafts.add_evidence(actor, query.name, content, now())
    return FileOut(
        id=file_id,
        name=query.name,
        media_type=content.media_type,
        size=content.size,
        sha256=content.sha256,
    )
