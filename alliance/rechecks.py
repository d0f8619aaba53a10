"""Every night each member is checked again, spread over hours; what is found suspends it, or lifts a suspension."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from alliance import objections, suspensions
from common import jobs
from common.actors import AdminActor
from common.clock import end_of, local_day
from common.database import execute, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import NotFound
from merchants import organisation_checks
from merchants.organisation_checks import Check
from merchants.organisation_sources import OrganisationSource
from models import audit_log
from models.enums import CheckFinding, SuspensionCause
from models.region import subtree_prefix

RECHECK_JOB = "member.recheck"
# From 01:00 in Asia/Shanghai on, within four hours, a member always at its own time.
BEGINS = timedelta(hours=1)
SPREAD_S = 4 * 3600
ASK_AGAIN = timedelta(hours=1)
BATCH = 100


async def enqueue_due(now: datetime) -> int:
    """Write a job for each member that is due and set its next night; how many. The background process calls it.

    What failed for good last night hinders nothing tonight: each night is asked for once, and has news of its own.
    """
    enqueued = 0
    while some := await _enqueue_some(now):
        enqueued += some
    return enqueued


async def _enqueue_some(now: datetime) -> int:
    async with transaction():
        rows = await fetch_all(
            "SELECT member_id FROM member_rechecks WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            *(now, BATCH),
        )
        ids = [row["member_id"] for row in rows]
        await execute(
            "UPDATE member_rechecks r SET due_at = next.due_at FROM unnest($1::uuid[], $2::timestamptz[])"
            " AS next (member_id, due_at) WHERE r.member_id = next.member_id",
            *(ids, [next_night(member_id, now) for member_id in ids]),
        )
        for member_id in ids:
            await _enqueue(member_id, RECHECK_JOB)
    return len(ids)


def next_night(member_id: UUID, now: datetime) -> datetime:
    """When a member is checked after today."""
    return end_of(local_day(now)) + BEGINS + timedelta(seconds=member_id.int % SPREAD_S)


async def ask(actor: AdminActor, member_id: UUID, now: datetime) -> None:
    """Have a member checked at once, for instance after its credit was repaired.

    Raises:
        NotFound: no such member in the admin's region.
    """
    async with transaction():
        row = await fetch_one(
            "SELECT region_id FROM members WHERE id = $1 AND region_id LIKE $2 || '%' AND status <> 'left'",
            *(member_id, subtree_prefix(actor.region)),
        )
        if row is None:
            raise NotFound
        await enqueue_changed([member_id], "asked")
        who, thing = audit_log.who(actor), ("member", member_id)
        await audit_log.record(who, "member.recheck", thing, now, region=row["region_id"])


async def enqueue_changed(member_ids: Sequence[UUID], change: str) -> None:
    """Have members checked whose data the source changed, in the transaction that changes it; `change` names it."""
    for member_id in member_ids:
        # Not the night's own, as for `ask`.
        await _enqueue(member_id, f"{RECHECK_JOB}.{change}")


async def run(source: OrganisationSource, member_id: UUID, now: datetime) -> CheckFinding | None:
    """Ask about a member and do what follows; None where it has left. Run twice, nothing is done twice.

    A source that gives no answer changes nothing and is asked again within the hour.
    """
    member = await fetch_one("SELECT uscc, region_id, status FROM members WHERE id = $1", member_id)
    if member is None or member["status"] == "left":
        return None
    record = await organisation_checks.ask(source, member["uscc"])
    async with transaction():
        found = await organisation_checks.keep(
            ("member", member_id), member["uscc"], member["region_id"], source, record, now
        )
        if found.finding is CheckFinding.UNAVAILABLE:
            await execute(
                "UPDATE member_rechecks SET due_at = least(due_at, $2) WHERE member_id = $1",
                *(member_id, now + ASK_AGAIN),
            )
            return found.finding
        is_suspended = not await _is_outdated(member_id, found, now) and await _judge(member_id, found, now)
    if is_suspended:
        await wait_for_older_statements()
    return found.finding


async def _is_outdated(member_id: UUID, found: Check, now: datetime) -> bool:
    """Whether somebody asked after us and was answered first, as while this process stood still."""
    await fetch_one("SELECT 1 FROM members WHERE id = $1 FOR NO KEY UPDATE", member_id)
    other = await fetch_one(
        "SELECT checked_at FROM organisation_checks WHERE member_id = $1 AND id <> $2 AND finding <> 'unavailable'"
        " ORDER BY id DESC LIMIT 1",
        *(member_id, found.id),
    )
    return other is not None and other["checked_at"] > now


async def _judge(member_id: UUID, found: Check, now: datetime) -> bool:
    """Suspend or lift; whether the member was suspended. A grade that is not there proves nothing either way."""
    facts: dict[str, object] = {"check_id": found.id, "data_date": found.record and found.record.data_date}
    is_new, by = False, audit_log.SYSTEM
    if found.is_dishonest:
        is_new = await suspensions.suspend(member_id, SuspensionCause.DISHONEST_LIST, facts, by, now)
    else:
        await suspensions.lift(member_id, SuspensionCause.DISHONEST_LIST, by, now)
    if found.is_white_listed or (found.grade is not None and found.grade >= found.min_grade):
        await suspensions.lift(member_id, SuspensionCause.GRADE, by, now)
    elif found.grade is not None and not await objections.is_disputed(member_id, found.id):
        # While it contests this very record, it is not suspended anew for it: decision 0034.
        facts |= {"grade": found.grade, "min_grade": found.min_grade}
        is_new |= await suspensions.suspend(member_id, SuspensionCause.GRADE, facts, by, now)
    return is_new


async def _enqueue(member_id: UUID, once: str) -> None:
    await jobs.enqueue(RECHECK_JOB, {"member_id": member_id}, once=f"{once}:{member_id}")
