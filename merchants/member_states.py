"""The one table of what a member can become from what it is; every change of a member's status goes through it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from common.database import execute, fetch_one
from models.enums import MemberAction as Action
from models.enums import MemberStatus as Status

NEXT: Mapping[tuple[Status, Action], Status] = {
    (Status.ACTIVE, Action.SUSPEND): Status.SUSPENDED,
    (Status.ACTIVE, Action.LEAVE): Status.LEFT,
    # One cause more, or one of several less.
    (Status.SUSPENDED, Action.SUSPEND): Status.SUSPENDED,
    (Status.SUSPENDED, Action.LIFT): Status.SUSPENDED,
    (Status.SUSPENDED, Action.REINSTATE): Status.ACTIVE,
    (Status.SUSPENDED, Action.LEAVE): Status.LEFT,
    # Causes stay open when a suspended member leaves, so that leaving is no way around them: they can be lifted.
    (Status.LEFT, Action.LIFT): Status.LEFT,
    (Status.LEFT, Action.REINSTATE): Status.LEFT,
    (Status.LEFT, Action.REJOIN): Status.ACTIVE,
}
MAY_REJOIN = [before for before, action in NEXT if action is Action.REJOIN]


async def move(member_id: UUID, action: Action, now: datetime) -> tuple[Status, Status] | None:
    """Move a member, in the caller's transaction: status before and after; None where the table knows no such way.

    The member's row is held from here on, so that causes come and go one after the other.
    """
    before = await held(member_id)
    if before is None or (after := NEXT.get((before, action))) is None:
        return None
    if after is not before:
        await execute(
            "UPDATE members SET status = $3, status_since = $4 WHERE id = $1 AND status = $2",
            *(member_id, before, after, now),
        )
    return before, after


async def held(member_id: UUID) -> Status | None:
    """A member's status, which nobody else changes until the transaction ends."""
    row = await fetch_one("SELECT status FROM members WHERE id = $1 FOR NO KEY UPDATE", member_id)
    return None if row is None else Status(row["status"])
