"""The office's side of an objection: passed on to the agency that keeps the record, answered in time, or marked as late.

What follows from an answer happens in its transaction: a tier that was wrong or is mended ends, so that the next look
is a fresh one; a member is checked anew; a refused declaration is looked at once more (rules 8 and 9).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from alliance import approvals, data_quality, objection_steps, rechecks, suspensions
from alliance.objection_states import after
from alliance.objections import ANSWER
from common.actors import AdminActor
from common.clock import end_of, local_day
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.working_days import add_working_days
from models import audit_log, notice_log
from models.citizen_enums import ObjectionAbout, ObjectionEvent, ObjectionKind, ObjectionStatus
from models.enums import SuspensionCause
from models.office_enums import ApprovalKind
from models.region import subtree_prefix

MOST_DAYS = 20
BATCH = 500
WRONG = (ObjectionStatus.UPHELD, ObjectionStatus.CORRECTED)
# The answers, as the office gives them.
OUTCOMES: Mapping[str, ObjectionEvent] = {
    "upheld": ObjectionEvent.UPHOLD,
    "corrected": ObjectionEvent.CORRECT,
    "dismissed": ObjectionEvent.DISMISS,
}
COLUMNS = (
    "id, kind, about, record_id, status, citizen_id, member_id, region_id, source, source_record_id, filed_at, due_at,"
    " extended_at"
)


class NothingToForward(Refused):
    """What it is about is kept by the alliance itself; no agency has a record of it."""

    code = "nothing_to_forward"
    zh = "这件异议针对的是联盟自己的记录，没有可以转送的信息提供单位。请直接核查并答复。"
    en = "The record is the alliance's own; there is no agency to pass this on to. Look into it and answer."


class NotExtendable(Refused):
    """Extended before, closed, or too late."""

    code = "objection_not_extendable"
    zh = "这件异议不能延期：只能在答复期限之前延期一次，且还没有答复或撤回。请尽快答复。"
    en = "This can't be extended: that is possible once, before its time is over, while it is not answered. Answer it soon."


async def forward(actor: AdminActor, objection_id: UUID, now: datetime) -> None:
    """Record that it was passed on to the agency that keeps the record; whoever filed it is told.

    Raises:
        NotFound: no such objection in the admin's region.
        NothingToForward: no agency keeps it.
        ObjectionNotPossible: it was passed on before, or is closed.
    """
    async with transaction():
        row = await _locked(actor, objection_id)
        status = after(row["status"], ObjectionEvent.FORWARD)
        if row["source"] is None:
            raise NothingToForward
        await execute(
            "UPDATE objections SET status = $2, forwarded_at = $3, forwarded_by = $4 WHERE id = $1",
            *(objection_id, status, now, actor.id),
        )
        await _tell(row, "objection_forwarded", {"last_day": _last_day(row["due_at"])}, now)
        await objection_steps.record(row, ObjectionEvent.FORWARD, status, audit_log.who(actor), now)


async def answer(
    actor: AdminActor, objection_id: UUID, outcome: str, reason: str, keys: PersonalDataKeys, now: datetime
) -> None:
    """Answer it, for good and once; late is better than never.

    Args:
        outcome: one of `OUTCOMES`: the record was wrong, it was corrected or repaired, or it stands.
        reason: whoever filed it reads it; kept encrypted.

    Raises:
        NotFound: no such objection in the admin's region.
        ObjectionNotPossible: it is closed.
    """
    event, who = OUTCOMES[outcome], audit_log.who(actor)
    async with transaction():
        row = await _locked(actor, objection_id)
        status = after(row["status"], event)
        await execute(
            "UPDATE objections SET status = $2, answered_at = $3, answered_by = $4, closed_at = $3 WHERE id = $1",
            *(objection_id, status, now, actor.id),
        )
        await execute(
            "UPDATE objection_texts SET answer_encrypted = $2 WHERE objection_id = $1",
            *(objection_id, keys.encrypt(reason, ANSWER)),
        )
        await _take_effect(row, status, who, now)
        kind = f"{row['kind']}_{status}"
        await _tell(row, kind, {}, now)
        await objection_steps.record(row, event, status, who, now)


async def ask_extension(
    actor: AdminActor, objection_id: UUID, working_days: int, reason: str, now: datetime
) -> UUID:
    """Ask a second admin for more time; the approval's id.

    Args:
        working_days: from the filing, in all: 6 to 20.

    Raises:
        NotFound: no such objection in the admin's region.
        NotExtendable: it was extended before, is closed, or its time is over.
        AlreadyAsked: it waits for a second admin.
    """
    row = await fetch_one(
        f"SELECT {COLUMNS}, closed_at FROM objections WHERE id = $1 AND region_id LIKE $2 || '%'",
        *(objection_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    if row["closed_at"] is not None or row["extended_at"] is not None or row["due_at"] <= now:
        raise NotExtendable
    payload = {"objection_id": objection_id, "working_days": working_days}
    thing, region = ("objection", objection_id), row["region_id"]
    return await approvals.ask(actor, ApprovalKind.OBJECTION_EXTENSION, thing, region, payload, reason, now)


async def extend(actor: AdminActor, _: Row, payload: Mapping[str, Any], now: datetime) -> None:
    """Give it the time that was asked for, once; what a second admin's agreement carries out.

    Raises:
        NotExtendable: it was answered, withdrawn or extended meanwhile, or its time is over.
    """
    objection_id, days = UUID(payload["objection_id"]), min(int(payload["working_days"]), MOST_DAYS)
    found = await fetch_one("SELECT filed_at FROM objections WHERE id = $1", objection_id)
    assert found is not None, "objections are never deleted"
    last = add_working_days(local_day(found["filed_at"]), days)
    row = await fetch_one(
        "UPDATE objections SET due_at = $2, is_due_certain = $3, extended_at = $4"
        " WHERE id = $1 AND closed_at IS NULL AND extended_at IS NULL AND due_at > $4 AND due_at < $2"
        f" RETURNING {COLUMNS}",
        *(objection_id, end_of(last.day), last.is_certain, now),
    )
    if row is None:
        raise NotExtendable
    status = after(row["status"], ObjectionEvent.EXTEND)
    await _tell(row, "objection_extended", {"last_day": last.day}, now)
    await objection_steps.record(row, ObjectionEvent.EXTEND, status, audit_log.who(actor), now)


async def mark_overdue_objections(now: datetime) -> int:
    """Mark what was not answered in time, and say so once to whoever filed it; how many. The background process calls it."""
    async with transaction():
        rows = await fetch_all(
            "UPDATE objections SET overdue_at = $1 WHERE closed_at IS NULL AND id IN ("
            " SELECT id FROM objections WHERE closed_at IS NULL AND due_at <= $1 AND overdue_at IS NULL ORDER BY due_at"
            f" LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING {COLUMNS}",
            *(now, BATCH),
        )
        for row in rows:
            status = after(row["status"], ObjectionEvent.BECOME_OVERDUE)
            await _tell(row, "objection_overdue", {}, now)
            await objection_steps.record(row, ObjectionEvent.BECOME_OVERDUE, status, audit_log.SYSTEM, now)
    return len(rows)


async def _take_effect(row: Row, status: ObjectionStatus, who: audit_log.Who, now: datetime) -> None:
    match ObjectionAbout(row["about"]):
        case ObjectionAbout.TIER | ObjectionAbout.LOOKUP as about if status in WRONG:
            # Of one look-up the tier that it gave; of the tier whatever counts now.
            await execute(
                "UPDATE tier_snapshots SET valid_until = greatest($2, taken_at + interval '1 microsecond')"
                " WHERE citizen_id = $1 AND valid_until > $2 AND ($3::uuid IS NULL OR lookup_id = $3)",
                *(row["citizen_id"], now, row["record_id"] if about is ObjectionAbout.LOOKUP else None),
            )
            # What was repaired was right before; what was wrong is counted against the source (准确率).
            if row["kind"] == ObjectionKind.OBJECTION and row["source_record_id"]:
                await data_quality.note_upheld(row["source"], row["source_record_id"], now)
        case ObjectionAbout.DECLARATION if status in WRONG:
            await _look_again(row["record_id"])
        case ObjectionAbout.ORGANISATION_CHECK:
            # Whatever the answer: what was held back while it was contested is judged now.
            await rechecks.enqueue_changed([row["member_id"]], "repaired")
        case ObjectionAbout.SUSPENSION if status in WRONG:
            await _end_suspension(row, who, now)


async def _look_again(declaration_id: UUID) -> None:
    """A refusal that was wrong: the declaration waits for its review once more."""
    again = await execute(
        "UPDATE declarations SET status = 'submitted', decided_at = NULL, decided_by = NULL"
        " WHERE id = $1 AND status = 'refused'",
        declaration_id,
    )
    if again:
        await execute(
            "UPDATE declaration_texts SET refusal_encrypted = NULL WHERE declaration_id = $1", declaration_id
        )


async def _end_suspension(row: Row, who: audit_log.Who, now: datetime) -> None:
    """What the alliance decided is lifted; what follows from a source's record follows from its next answer."""
    suspension = await fetch_one("SELECT cause FROM suspensions WHERE id = $1", row["record_id"])
    assert suspension is not None, "suspensions are never deleted"
    cause = SuspensionCause(suspension["cause"])
    if cause in (SuspensionCause.OFFICE, SuspensionCause.COMPLAINTS):
        await suspensions.lift(row["member_id"], cause, who, now)
    else:
        await rechecks.enqueue_changed([row["member_id"]], "repaired")


async def _locked(actor: AdminActor, objection_id: UUID) -> Row:
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM objections WHERE id = $1 AND region_id LIKE $2 || '%' FOR UPDATE",
        *(objection_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


async def _tell(row: Row, kind: str, facts: Mapping[str, object], now: datetime) -> None:
    """Once for each kind: what it says happens to an objection once at most."""
    reader: notice_log.Reader = "citizen" if row["citizen_id"] is not None else "member"
    told = {"objection_id": row["id"], **facts}
    await notice_log.tell(reader, row[f"{reader}_id"], kind, f"{kind}:{row['id']}", told, now)


def _last_day(due_at: datetime) -> str:
    """The last day on which the answer is in time."""
    return str(local_day(due_at - timedelta(seconds=1)))
