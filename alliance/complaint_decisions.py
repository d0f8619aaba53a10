"""The office's side of a complaint: it is upheld or dismissed, with reasons; too many upheld ones suspend a member.

Why nobody is suspended late or twice: the deciding transaction locks the member's row before it counts, so that of two
decisions at once the second one counts what the first one wrote; and suspending is a guarded statement.
"""

from datetime import datetime, timedelta
from uuid import UUID

from alliance import suspensions
from alliance.complaint_files import DECISION
from alliance.complaint_states import ComplaintEvent, after
from common.actors import AdminActor
from common.clock import local_day, start_of
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_one, transaction, wait_for_older_statements
from common.errors import NotFound
from merchants import adverse_records, policies
from models import audit_log, notice_log
from models.enums import SuspensionCause
from models.office_enums import ComplaintStatus
from models.region import subtree_prefix


async def uphold(
    actor: AdminActor, complaint_id: UUID, reason: str, keys: PersonalDataKeys, now: datetime
) -> None:
    """Find for the citizen; it counts against the member, who is suspended when it has too many.

    Raises:
        NotFound: no such complaint about a store in the admin's region.
        ComplaintNotPossible: the member still has time to answer, or it is decided or withdrawn.
    """
    async with transaction():
        row = await _decide(actor, complaint_id, ComplaintEvent.UPHOLD, reason, keys, now)
        is_suspended = await _suspend_if_too_many(actor, row["member_id"], now)
    if is_suspended:
        # A claim that had begun before may still be written; once this is answered, none is.
        await wait_for_older_statements()


async def dismiss(
    actor: AdminActor, complaint_id: UUID, reason: str, keys: PersonalDataKeys, now: datetime
) -> None:
    """Find for the member.

    Raises:
        NotFound, ComplaintNotPossible: as for `uphold`.
    """
    async with transaction():
        await _decide(actor, complaint_id, ComplaintEvent.DISMISS, reason, keys, now)


async def reopen(actor: AdminActor, complaint_id: UUID, reason: str, now: datetime) -> None:
    """Undo a wrong decision: it counts no more, and has to be decided anew. A suspension is lifted elsewhere.

    Raises:
        NotFound: no such complaint about a store in the admin's region.
        ComplaintNotPossible: nothing is decided.
    """
    async with transaction():
        row = await _locked(actor, complaint_id)
        status = after(row["status"], ComplaintEvent.REOPEN)
        await execute(
            "UPDATE complaints SET status = $2, upheld_at = NULL WHERE id = $1", complaint_id, status
        )
        await _tell_both(row, "complaint_reopened", reason, now)
        await _record(actor, row, ComplaintEvent.REOPEN, status, now)


async def _decide(
    actor: AdminActor,
    complaint_id: UUID,
    event: ComplaintEvent,
    reason: str,
    keys: PersonalDataKeys,
    now: datetime,
) -> Row:
    row = await _locked(actor, complaint_id)
    status = after(row["status"], event)
    await execute(
        "UPDATE complaints SET status = $2, decided_at = $3, decided_by = $4, upheld_at = $5,"
        " decisions = decisions + 1 WHERE id = $1",
        *(complaint_id, status, now, actor.id, now if status is ComplaintStatus.UPHELD else None),
    )
    await execute(
        "UPDATE complaint_texts SET decision_encrypted = $2 WHERE complaint_id = $1",
        *(complaint_id, keys.encrypt(reason, DECISION)),
    )
    await _tell_both(row, f"complaint_{status}", reason, now)
    await _record(actor, row, event, status, now)
    return row


async def _suspend_if_too_many(actor: AdminActor, member_id: UUID, now: datetime) -> bool:
    member = await fetch_one("SELECT region_id FROM members WHERE id = $1 FOR NO KEY UPDATE", member_id)
    assert member is not None
    policy, _ = await policies.of_region(member["region_id"])
    window = start_of(local_day(now) - timedelta(days=policy.complaint_window_days))
    since = max(window, adverse_records.counts_since(now))
    # A statement of its own, so that it also sees what the one committed that the lock waited for.
    counted = await fetch_one(
        "SELECT count(*) AS upheld FROM complaints WHERE member_id = $1 AND upheld_at >= $2", member_id, since
    )
    assert counted is not None
    if counted["upheld"] < policy.complaint_limit:
        return False
    facts = {"upheld": counted["upheld"], "days": policy.complaint_window_days}
    return await suspensions.suspend(member_id, SuspensionCause.COMPLAINTS, facts, audit_log.who(actor), now)


async def _locked(actor: AdminActor, complaint_id: UUID) -> Row:
    row = await fetch_one(
        "SELECT id, status, member_id, citizen_id, region_id, decisions FROM complaints"
        " WHERE id = $1 AND region_id LIKE $2 || '%' FOR UPDATE",
        *(complaint_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


async def _tell_both(row: Row, kind: str, reason: str, now: datetime) -> None:
    facts = {"complaint_id": row["id"], "reason": reason}
    # After it was reopened it may be decided the same way again: that is another cause.
    once = f"{kind}:{row['id']}:{row['decisions']}"
    await notice_log.tell("citizen", row["citizen_id"], kind, once, facts, now)
    await notice_log.tell("member", row["member_id"], kind, once, facts, now)


async def _record(
    actor: AdminActor, row: Row, event: ComplaintEvent, status: ComplaintStatus, now: datetime
) -> None:
    await audit_log.record(
        audit_log.who(actor),
        f"complaint.{event}",
        ("complaint", row["id"]),
        now,
        region=row["region_id"],
        before={"status": row["status"]},
        after={"status": status, "member_id": row["member_id"]},
    )
