"""The citizen's complaints, and the refused scans that he can attach."""

from dataclasses import asdict
from uuid import UUID

from sanic import Blueprint, Request

from alliance import complaint_files, complaints
from alliance.complaint_states import ComplaintNotPossible
from benefits.refusals import Busy, IdempotencyKeyReused
from common.actors import CitizenActor
from common.clock import now
from common.errors import NotFound
from common.request_keys import request_key
from models.office_enums import ComplaintKind, ComplaintStatus
from server.api.complaints import (
    ComplaintOut,
    Words,
    answer_due_note,
    complaint_out,
    complaint_page,
    place_of,
)
from server.api.due_notes import DueNote
from server.endpoints import ANY_AGENT, Answer, IdempotencyKey, endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, page_of

routes = Blueprint("citizen_complaints", url_prefix="/me")


class ComplaintIn(In):
    """About one thing: a redemption, a refused scan (`attempt_id`), or a store and perhaps an offer there.

    The member reads the text: no names belong in it, and numbers of phones and ID cards are masked.
    """

    kind: ComplaintKind
    text: Words
    redemption_id: UUID | None = None
    attempt_id: UUID | None = None
    store_id: UUID | None = None
    offer_id: UUID | None = None


class ComplainedOut(Out):
    """The complaint, and until when the member has to answer (exclusive)."""

    id: UUID
    status: ComplaintStatus
    complained_at: Moment
    answer_due_at: Moment
    due_note: DueNote


class RefusalOut(Out):
    """A refused scan of the coupon; `code` is the reason's, as staff saw it."""

    id: UUID
    attempted_at: Moment
    store_id: UUID
    store_name: str | None
    code: str
    is_preview: bool


@endpoint(
    routes,
    "POST",
    "/complaints",
    summary="投诉 / Complain",
    answers={201: ComplainedOut},
    refusals=(
        NotFound,
        complaints.ComplaintAboutOneThing,
        complaints.ComplaintsUsedUp,
        IdempotencyKeyReused,
        Busy,
    ),
    for_agents=ANY_AGENT,
)
async def create(request: Request, actor: CitizenActor, body: ComplaintIn, key: IdempotencyKey) -> Answer:
    """At most five a day; the member answers within the working days of its region's policy, then the alliance office decides."""
    grievance = complaints.Grievance(
        *(body.kind, body.text, body.redemption_id, body.attempt_id, body.store_id, body.offer_id)
    )
    keys = request.app.ctx.settings.data_keys
    asked = request_key(key, body.canonical("text"))
    made = await complaints.complain(
        actor.id, grievance, asked, keys, now(), actor.agent.id if actor.agent else None
    )
    out = ComplainedOut.model_validate({**asdict(made), "due_note": answer_due_note(made.answer_due_at)})
    return Answer(201, out, replayed=made.is_replayed)


@endpoint(
    routes,
    "GET",
    "/complaints",
    summary="我的投诉 / My complaints",
    answers={200: Page[ComplaintOut]},
    for_agents=ANY_AGENT,
)
async def listed(request: Request, actor: CitizenActor, query: PageQuery) -> Page[ComplaintOut]:
    """Newest first."""
    keys = request.app.ctx.settings.data_keys
    files = await complaint_files.of_citizen(actor.id, keys, place_of(query), query.limit + 1)
    return complaint_page(ComplaintOut, files, query.limit)


@endpoint(
    routes,
    "GET",
    "/complaints/<complaint_id>",
    summary="一件投诉 / One complaint",
    answers={200: ComplaintOut},
    for_agents=ANY_AGENT,
)
async def one(request: Request, actor: CitizenActor, complaint_id: UUID) -> ComplaintOut:
    """With the member's answer and the office's decision."""
    keys = request.app.ctx.settings.data_keys
    return complaint_out(ComplaintOut, await complaint_files.one_of_citizen(actor.id, complaint_id, keys))


@endpoint(
    routes,
    "POST",
    "/complaints/<complaint_id>/withdrawal",
    summary="撤回投诉 / Withdraw a complaint",
    answers={204: None},
    refusals=(ComplaintNotPossible,),
    for_agents=ANY_AGENT,
)
async def withdraw(actor: CitizenActor, complaint_id: UUID) -> None:
    """As long as it is not decided; its words are erased."""
    await complaints.withdraw(actor.id, complaint_id, now(), actor.agent.id if actor.agent else None)


@endpoint(
    routes,
    "DELETE",
    "/complaints/<complaint_id>/text",
    summary="删除投诉内容 / Erase the words of a complaint",
    answers={204: None},
    refusals=(ComplaintNotPossible,),
)
async def erase_text(actor: CitizenActor, complaint_id: UUID) -> None:
    """Of one that is closed, the answer and the reasons too; that there was a complaint stays."""
    await complaints.erase_text(actor.id, complaint_id, now())


@endpoint(
    routes,
    "GET",
    "/coupons/<coupon_id>/refusals",
    summary="被拒绝的扫码 / Refused scans of my coupon",
    answers={200: Page[RefusalOut]},
    for_agents=ANY_AGENT,
)
async def refusals(actor: CitizenActor, coupon_id: UUID, query: PageQuery) -> Page[RefusalOut]:
    """Newest first; the id of one can be given as `attempt_id` of a complaint."""
    rows = await complaints.refusals_of(actor.id, coupon_id, place_of(query), query.limit + 1)
    return page_of(
        Page[RefusalOut],
        rows,
        query.limit,
        lambda row: RefusalOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )
