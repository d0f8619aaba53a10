"""Objections in any state, made the way they are made, and the records that they are about."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from alliance import objection_answers, objection_evidence, objections
from alliance.objections import Contest, Party
from common.database import Row, execute, fetch_all, fetch_one
from common.files import Content
from common.ids import new_id
from models import stored_files
from models.citizen_enums import ObjectionAbout, ObjectionEvent, ObjectionKind, ObjectionStatus
from models.enums import ActorKind
from models.office_enums import FilePurpose
from tests.factories.admins import an_admin
from tests.factories.citizens import KEYS, a_person, consent
from tests.factories.members import a_member
from tests.factories.moments import NOON, shanghai
from tests.factories.scans import a_key
from tests.factories.sources import Source, desk, rating

TEXT = "记录里的贷款不是我借的。我叫王小明，电话13812349050，身份证330106199001011237。"
ANSWER = "经核查，该记录属于重名人员。"
REGION = "330106"
# Filed at NOON, Wednesday 4 March: five working days are over with Wednesday the 11th.
DUE = shanghai("2026-03-12 00:00")
MINUTE = timedelta(minutes=1)

# How an objection gets into a state: the events, in order.
WAYS: dict[ObjectionStatus, tuple[ObjectionEvent, ...]] = {
    ObjectionStatus.OPEN: (),
    ObjectionStatus.FORWARDED: (ObjectionEvent.FORWARD,),
    ObjectionStatus.UPHELD: (ObjectionEvent.UPHOLD,),
    ObjectionStatus.CORRECTED: (ObjectionEvent.FORWARD, ObjectionEvent.CORRECT),
    ObjectionStatus.DISMISSED: (ObjectionEvent.DISMISS,),
    ObjectionStatus.WITHDRAWN: (ObjectionEvent.WITHDRAW,),
}
OUTCOMES = {event: outcome for outcome, event in objection_answers.OUTCOMES.items()}


def a_contest(**changes: Any) -> Contest:
    """A citizen's objection to his tier."""
    values: dict[str, Any] = {
        "kind": ObjectionKind.OBJECTION,
        "about": ObjectionAbout.TIER,
        "text": TEXT,
        "region": REGION,
    }
    return Contest(**{**values, **changes})


def a_citizens(citizen_id: UUID) -> Party:
    """A citizen as he contests."""
    return Party("citizen", citizen_id, (ActorKind.CITIZEN, citizen_id))


def a_members(member_id: UUID) -> Party:
    """Somebody who contests for a member."""
    return Party("member", member_id, (ActorKind.STAFF, uuid4()))


async def a_rated_citizen(score: int = 700, at: datetime = NOON) -> Party:
    """A person whose tier was looked up; the demo scheme is in force."""
    citizen_id = await a_person()
    await consent(citizen_id, at)
    await desk(Source(rating(score))).tier(citizen_id, "my_credit", at)  # type: ignore[arg-type]
    return a_citizens(citizen_id)


async def a_checked_member(finding: str = "grade_too_low", grade: int = 2, at: datetime = NOON) -> Party:
    """A member with an answer of the organisation source."""
    member_id = await a_member()
    await a_check(member_id, finding, grade, at)
    return a_members(member_id)


async def a_check(
    member_id: UUID, finding: str = "grade_too_low", grade: int = 2, at: datetime = NOON
) -> UUID:
    """One answer about a member."""
    check_id = new_id()
    await execute(
        "INSERT INTO organisation_checks (id, member_id, source, checked_at, finding, grade, min_grade, is_dishonest,"
        " is_white_listed, data_date, record_id)"
        " VALUES ($1, $2, 'test', $3, $4, $5, 3, $6, false, '2026-03-03', 'record-1')",
        *(check_id, member_id, at, finding, grade, finding == "dishonest"),
    )
    return check_id


async def filed(party: Party, at: datetime = NOON, **changes: Any) -> UUID:
    """An objection; its id."""
    return (await objections.file(party, a_contest(**changes), a_key(), KEYS, at)).id


async def objection_row(objection_id: UUID) -> Row:
    """The objection as it is stored."""
    row = await fetch_one("SELECT * FROM objections WHERE id = $1", objection_id)
    assert row is not None
    return row


async def evidence_of(party: Party, objection_id: UUID, at: datetime = NOON) -> UUID:
    """A file's row as evidence, without its content."""
    content = Content("application/pdf", 5, uuid4().hex * 2)
    await objection_evidence._must_have_room(party, objection_id, at)
    return await stored_files.add(FilePurpose.OBJECTION_EVIDENCE, objection_id, "王小明.pdf", content, at)


async def happen(party: Party, objection_id: UUID, event: ObjectionEvent) -> None:
    """Have something happen to an objection, by whoever may do it, at a moment when it may be done."""
    office, at = await an_admin(REGION, "operator"), NOON + MINUTE
    match event:
        case ObjectionEvent.FORWARD:
            await objection_answers.forward(office, objection_id, at)
        case ObjectionEvent.EXTEND:
            await execute("UPDATE objections SET extended_at = NULL WHERE id = $1", objection_id)
            payload = {"objection_id": str(objection_id), "working_days": 20}
            row = await objection_row(objection_id)
            await objection_answers.extend(office, row, payload, at)
        case ObjectionEvent.BECOME_OVERDUE:
            await objection_answers.mark_overdue_objections(DUE)
        case ObjectionEvent.UPHOLD | ObjectionEvent.CORRECT | ObjectionEvent.DISMISS:
            await objection_answers.answer(office, objection_id, OUTCOMES[event], ANSWER, KEYS, at)
        case ObjectionEvent.ADD_EVIDENCE:
            await evidence_of(party, objection_id, at)
        case ObjectionEvent.WITHDRAW:
            await objections.withdraw(party, objection_id, at)


async def objection_in(party: Party, status: ObjectionStatus, **changes: Any) -> UUID:
    """An objection that has come so far; its id."""
    objection_id = await filed(party, **changes)
    for event in WAYS[status]:
        await happen(party, objection_id, event)
    assert (await objection_row(objection_id))["status"] == status
    return objection_id


async def told(party: Party) -> list[str]:
    """The kinds of what a citizen or a member was told."""
    rows = await fetch_all(
        f"SELECT kind FROM {party.reader}_notices WHERE {party.reader}_id = $1 ORDER BY id", party.id
    )
    return [row["kind"] for row in rows]
