"""The citizen's own tier, and who looked it up."""

from datetime import date
from typing import Literal
from uuid import UUID

from sanic import Blueprint, Request

from alliance import objections
from citizens.consents import ConsentRequired
from citizens.credit import CreditDesk, IdentityUnverified, LookupLine, Snapshot, lookups_of
from citizens.credit_sources import CreditSourceUnavailable
from common.actors import CitizenActor
from common.clock import now
from models.enums import LookupOutcome, LookupReason, ObjectionStatus
from server.endpoints import endpoint
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("credit", url_prefix="/me/credit")

UNRATED = "暂时没有您的信用记录。没有记录不是坏记录，不限等级的优惠都可以领取。"


class OpenObjectionOut(Out):
    """What is open about the tier; it is answered before `due_at`."""

    id: UUID
    state: ObjectionStatus
    due_at: Moment


class CreditOut(Out):
    """A dated tier under a scheme; without a record `tier` is null and `status` is `unrated`.

    While `objection` is not null the tier is disputed (有异议).
    """

    status: Literal["rated", "unrated"]
    tier: str | None
    tier_name: str | None
    scheme: str
    data_date: date
    valid_until: Moment
    explanation: str
    objection: OpenObjectionOut | None = None


class LookupOut(Out):
    """One look-up: who, when, why, under which consent; `is_disputed` while an objection to it is open."""

    id: UUID
    looked_up_at: Moment
    looked_up_by: str
    reason: LookupReason
    source: str
    consent_id: UUID
    consent_version: str
    outcome: LookupOutcome
    is_disputed: bool = False


@endpoint(
    routes,
    "GET",
    "",
    summary="我的信用等级 / My tier",
    answers={200: CreditOut},
    refusals=(ConsentRequired, IdentityUnverified, CreditSourceUnavailable),
)
async def show(request: Request, actor: CitizenActor) -> CreditOut:
    """The valid snapshot, or a fresh look-up under the consent in force."""
    desk: CreditDesk = request.app.ctx.credit_desk
    credit = _credit(await desk.tier(actor.id, LookupReason.MY_CREDIT, now()))
    found = await objections.open_about_tier(actor.id)
    if found is None:
        return credit
    mark = OpenObjectionOut(id=found["id"], state=found["status"], due_at=found["due_at"])
    return credit.model_copy(update={"objection": mark})


@endpoint(routes, "GET", "/lookups", summary="查询记录 / Who looked it up", answers={200: Page[LookupOut]})
async def lookups(actor: CitizenActor, query: PageQuery) -> Page[LookupOut]:
    """Newest first; kept for ten years."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    lines = await lookups_of(actor.id, before, query.limit + 1)
    disputed = await objections.disputed("citizen", actor.id)

    def show(line: LookupLine) -> LookupOut:
        return LookupOut.model_validate(line).model_copy(update={"is_disputed": line.id in disputed})

    return page_of(Page[LookupOut], lines, query.limit, show, lambda line: (line.id,))


def _credit(snapshot: Snapshot) -> CreditOut:
    band = snapshot.band
    return CreditOut(
        status="rated" if band else "unrated",
        tier=band.code if band else None,
        tier_name=band.name if band else None,
        scheme=snapshot.scheme.name,
        data_date=snapshot.data_date,
        valid_until=snapshot.valid_until,
        explanation=snapshot.scheme.explanation if band else UNRATED,
    )
