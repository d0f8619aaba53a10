"""Complaints about the member, and its answers."""

from uuid import UUID

from sanic import Blueprint, Request

from alliance import complaint_answers, complaint_files
from alliance.complaint_answers import AnswerTooLate
from alliance.complaint_states import ComplaintNotPossible
from common.actors import MemberActor
from common.clock import now
from server.api.complaints import ComplaintOut, ComplaintQuery, Words, complaint_out, complaint_page, place_of
from server.endpoints import endpoint
from server.schemas import In, Page

routes = Blueprint("member_complaints", url_prefix="/complaints")


class AnswerIn(In):
    """What the member says to it; citizen and office read it."""

    text: Words


@endpoint(
    routes,
    "GET",
    "",
    summary="收到的投诉 / Complaints about the member",
    answers={200: Page[ComplaintOut]},
    may="complaint.read",
)
async def listed(request: Request, actor: MemberActor, query: ComplaintQuery) -> Page[ComplaintOut]:
    """Newest first; who complained is not told, and numbers of persons are masked."""
    keys, before = request.app.ctx.settings.data_keys, place_of(query)
    files = await complaint_files.of_member(actor.member_id, query.status, keys, before, query.limit + 1)
    return complaint_page(ComplaintOut, files, query.limit)


@endpoint(
    routes,
    "GET",
    "/<complaint_id>",
    summary="一件投诉 / One complaint",
    answers={200: ComplaintOut},
    may="complaint.read",
)
async def one(request: Request, actor: MemberActor, complaint_id: UUID) -> ComplaintOut:
    """As in the list; that it was opened is recorded, and the citizen sees it."""
    file = await complaint_files.opened(actor, complaint_id, request.app.ctx.settings.data_keys, now())
    return complaint_out(ComplaintOut, file)


@endpoint(
    routes,
    "POST",
    "/<complaint_id>/answer",
    summary="答复投诉 / Answer a complaint",
    answers={204: None},
    refusals=(ComplaintNotPossible, AnswerTooLate),
    may="complaint.answer",
)
async def answer(request: Request, actor: MemberActor, complaint_id: UUID, body: AnswerIn) -> None:
    """Once, before `answer_due_at`; then the alliance office decides."""
    keys = request.app.ctx.settings.data_keys
    await complaint_answers.answer(actor, complaint_id, body.text, keys, now())
