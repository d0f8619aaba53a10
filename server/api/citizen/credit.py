"""The citizen's own tier, and who looked it up."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from alliance import objections
from benefits.eligibility import LEVEL_NAMES
from citizens import recognition
from citizens.ages import CreditSubjectAdult
from citizens.consents import ConsentRequired
from citizens.credit import CreditDesk, IdentityUnverified, LookupLine, Snapshot, lookups_of
from citizens.credit_sources import CreditSourceUnavailable
from citizens.recognition import RatedHere, RecognitionNotPossible, SchemeNotRecognised
from citizens.tier_mappings import Recognition
from citizens.tier_schemes import Scheme, next_change
from common.actors import CitizenActor
from common.clock import now, rfc3339
from models.citizen_enums import ObjectionStatus
from models.enums import LookupOutcome, LookupReason, TierLevel
from server.endpoints import endpoint
from server.problems import language_of
from server.schemas import In, Moment, Out, Page, PageQuery, decode_cursor, left_out_when_none, page_of

routes = Blueprint("credit", url_prefix="/me/credit")

UNRATED = "暂时没有您的信用记录。没有记录不是坏记录，不限等级的优惠都可以领取。"


RECOGNISED = "{place}{scheme}“{tier}”互认为“{level}”（{agreement}，互认第 {version} 版，自 {day} 起）。"
CHANGES = (
    "您所用的等级方案将于 {at} 换用新版本，此前按现行版本。新版本已公布，可在“等级方案”里查看。",
    "The scheme that you are rated under changes at {at}; until then the present version counts. Read the new one under"
    " “Tier schemes”.",
)


class OpenObjectionOut(Out):
    """What is open about the tier; it is answered before `due_at`."""

    id: UUID
    state: ObjectionStatus
    due_at: Moment


class RecognisedOut(Out):
    """互认: another place's tier and what it counts as here, by which version of which agreement."""

    place: str
    agreement: str
    version: int
    effective_from: date
    level: int
    level_name: str


class UpcomingOut(Out):
    """The next version of the scheme that he is rated under, announced and not in force yet."""

    effective_from: Moment
    note: str


class CreditOut(Out):
    """A dated tier under a scheme; without a record `tier` is null and `status` is `unrated`.

    `tier_level` is its place on the common ladder, 1 差 … 5 优秀.

    While `objection` is not null the tier is disputed (有异议).
    Not `is_fresh`: it should have been taken anew and the source does not answer; it is valid until `valid_until`.
    """

    status: Literal["rated", "unrated"]
    tier: str | None
    tier_name: str | None
    tier_level: TierLevel | None
    scheme: str
    data_date: date
    valid_until: Moment
    taken_at: Moment
    is_fresh: bool
    explanation: str
    objection: OpenObjectionOut | None = None
    recognised: RecognisedOut | None = left_out_when_none()
    upcoming: UpcomingOut | None = left_out_when_none()


class RecognitionIn(In):
    """Which of the recognised schemes he is rated under."""

    scheme_code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


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
    refusals=(ConsentRequired, IdentityUnverified, CreditSubjectAdult, CreditSourceUnavailable),
)
async def show(request: Request, actor: CitizenActor) -> CreditOut:
    """The valid snapshot, or a fresh look-up under the consent in force; the last valid one while the source is down."""
    desk: CreditDesk = request.app.ctx.credit_desk
    at = now()
    snapshot = await desk.tier(actor.id, LookupReason.MY_CREDIT, at)
    credit = _credit(snapshot, await next_change(snapshot.scheme.code, at), language_of(request))
    found = await objections.open_about_tier(actor.id)
    if found is None:
        return credit
    mark = OpenObjectionOut(id=found["id"], state=found["status"], due_at=found["due_at"])
    return credit.model_copy(update={"objection": mark})


@endpoint(
    routes,
    "POST",
    "/recognition",
    summary="申请互认外地信用等级 / Have another place's tier recognised",
    answers={200: CreditOut},
    refusals=(
        *(ConsentRequired, IdentityUnverified, CreditSourceUnavailable),
        *(SchemeNotRecognised, RatedHere, RecognitionNotPossible),
    ),
)
async def recognise(request: Request, actor: CitizenActor, body: RecognitionIn) -> CreditOut:
    """For whoever has no record here: a scheme of `/tier-recognitions` is asked what it says of him, under his consent."""
    snapshot = await recognition.recognise(request.app.ctx.credit_desk, actor.id, body.scheme_code, now())
    return _credit(snapshot, None, language_of(request))


@endpoint(routes, "GET", "/lookups", summary="查询记录 / Who looked it up", answers={200: Page[LookupOut]})
async def lookups(actor: CitizenActor, query: PageQuery) -> Page[LookupOut]:
    """Newest first; kept for ten years."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    lines = await lookups_of(actor.id, before, query.limit + 1)
    disputed = await objections.disputed("citizen", actor.id)

    def show(line: LookupLine) -> LookupOut:
        return LookupOut.model_validate(line).model_copy(update={"is_disputed": line.id in disputed})

    return page_of(Page[LookupOut], lines, query.limit, show, lambda line: (line.id,))


def _credit(snapshot: Snapshot, changes_at: datetime | None, language: str) -> CreditOut:
    band, recognised = snapshot.band, _recognised(snapshot)
    note = CHANGES[language == "en"].format(at=rfc3339(changes_at)[:10]) if changes_at else ""
    return CreditOut(
        status="rated" if band else "unrated",
        tier=band.code if band else None,
        tier_name=band.name if band else None,
        tier_level=snapshot.level,
        scheme=snapshot.scheme.name,
        data_date=snapshot.data_date,
        valid_until=snapshot.valid_until,
        taken_at=snapshot.taken_at,
        is_fresh=snapshot.is_fresh,
        explanation=_explanation(snapshot) if band else UNRATED,
        recognised=recognised,
        upcoming=UpcomingOut(effective_from=changes_at, note=note) if changes_at else None,
    )


def _recognised(snapshot: Snapshot) -> RecognisedOut | None:
    scheme, band = snapshot.scheme, snapshot.band
    if band is None or not isinstance(scheme, Recognition):
        return None
    return RecognisedOut(
        place=scheme.place,
        agreement=scheme.agreement,
        version=scheme.version,
        effective_from=scheme.effective_from,
        level=band.level,
        level_name=LEVEL_NAMES[band.level],
    )


def _explanation(snapshot: Snapshot) -> str:
    scheme, band = snapshot.scheme, snapshot.band
    if band is None or not isinstance(scheme, Recognition):
        return scheme.explanation if isinstance(scheme, Scheme) else ""
    return RECOGNISED.format(
        place=scheme.place,
        scheme=scheme.name,
        tier=band.name,
        level=LEVEL_NAMES[band.level],
        agreement=scheme.agreement,
        version=scheme.version,
        day=scheme.effective_from,
    )
