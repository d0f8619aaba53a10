"""暂停资格: a member stops giving out coupons for a cause, and goes on when no cause is left.

What citizens have claimed stays usable all the while (rule 13): nothing here touches a coupon, a store or the staff.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from json import dumps
from uuid import UUID

from common.database import (
    Row,
    fetch_all,
    fetch_one,
    is_in_transaction,
    transaction,
    wait_for_older_statements,
)
from common.ids import new_id
from merchants import adverse_records, member_states
from models import audit_log, notice_log
from models.enums import MemberAction, MemberStatus, SuspensionCause


async def suspend(
    member_id: UUID,
    cause: SuspensionCause,
    facts: Mapping[str, object],
    by: audit_log.Who,
    now: datetime,
) -> bool:
    """Suspend a member for a cause and pause what it has published; whether that is new.

    False, and nothing changed, where it is suspended for this cause already, has left, or is not there. Runs in the
    caller's transaction or its own. In its own, no claim is written any more when it returns; a caller with a
    transaction calls `wait_for_older_statements` after it, if he promises that.

    Args:
        facts: plain values that the member reads with the cause, without personal data; `OFFICE` has a `reason`.
    """
    is_ours = not is_in_transaction()
    async with transaction():
        moved = await member_states.move(member_id, MemberAction.SUSPEND, now)
        suspension = moved and await fetch_one(
            "INSERT INTO suspensions (id, member_id, cause, facts, suspended_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (member_id, cause) WHERE lifted_at IS NULL DO NOTHING RETURNING id",
            *(new_id(), member_id, cause, dumps(facts, ensure_ascii=False, default=str), now),
        )
        if not moved or not suspension:
            return False
        paused = await fetch_all(
            "UPDATE offers SET status = 'paused', paused_for_suspension = true, office_reason = NULL"
            " WHERE member_id = $1 AND status = 'published' RETURNING id, region_id",
            member_id,
        )
        after = {"status": "paused", "suspension_id": suspension["id"]}
        await audit_log.record_each(by, "offer.paused", "offer", paused, after, now)
        told = {"reason": facts.get("reason", "")} if cause is SuspensionCause.OFFICE else {}
        once = f"suspended:{suspension['id']}"
        await notice_log.tell("member", member_id, f"suspended_{cause}", once, told, now)
        await _record("member.suspend", member_id, cause, moved, by, now)
    if is_ours:
        await wait_for_older_statements()
    return True


async def lift(member_id: UUID, cause: SuspensionCause, by: audit_log.Who, now: datetime) -> bool:
    """End one cause; whether there was one. With the last one the member is active and its offers are published again.

    An offer that an admin paused or ended meanwhile stays that. Runs in the caller's transaction or its own.
    """
    async with transaction():
        if await member_states.held(member_id) is None:
            return False
        lifted = await fetch_one(
            "UPDATE suspensions SET lifted_at = greatest($3, suspended_at)"
            " WHERE member_id = $1 AND cause = $2 AND lifted_at IS NULL RETURNING id",
            *(member_id, cause, now),
        )
        if lifted is None:
            return False
        is_last = not await open_causes(member_id)
        action = MemberAction.REINSTATE if is_last else MemberAction.LIFT
        moved = await member_states.move(member_id, action, now)
        assert moved is not None, "an active member has no open suspension"
        if moved[1] is MemberStatus.ACTIVE:
            again = await fetch_all(
                "UPDATE offers SET status = 'published', paused_for_suspension = false"
                " WHERE member_id = $1 AND status = 'paused' AND paused_for_suspension RETURNING id, region_id",
                member_id,
            )
            after = {"status": "published", "suspension_id": lifted["id"]}
            await audit_log.record_each(by, "offer.published_again", "offer", again, after, now)
        kind = "member_reinstated" if moved[1] is MemberStatus.ACTIVE else "suspension_lifted"
        await notice_log.tell("member", member_id, kind, f"lifted:{lifted['id']}", {}, now)
        await _record("member.lift", member_id, cause, moved, by, now)
    return True


async def open_causes(member_id: UUID) -> Sequence[SuspensionCause]:
    """Why a member is suspended at present."""
    rows = await fetch_all(
        "SELECT cause FROM suspensions WHERE member_id = $1 AND lifted_at IS NULL ORDER BY cause", member_id
    )
    return [SuspensionCause(row["cause"]) for row in rows]


async def of_member(member_id: UUID, now: datetime, limit: int = 100) -> Sequence[Row]:
    """A member's suspensions, newest first; one that was lifted is left out once it counts no more (rule 9)."""
    return await fetch_all(
        "SELECT id, cause, facts, suspended_at, lifted_at FROM suspensions WHERE member_id = $1"
        " AND (lifted_at IS NULL OR lifted_at >= $3) ORDER BY id DESC LIMIT $2",
        *(member_id, limit, adverse_records.counts_since(now)),
    )


async def _record(
    action: str,
    member_id: UUID,
    cause: SuspensionCause,
    moved: tuple[MemberStatus, MemberStatus],
    by: audit_log.Who,
    now: datetime,
) -> None:
    row = await fetch_one("SELECT region_id FROM members WHERE id = $1", member_id)
    before, after = ({"status": status, "cause": cause} for status in moved)
    region = row["region_id"] if row else None
    await audit_log.record(by, action, ("member", member_id), now, region=region, before=before, after=after)
