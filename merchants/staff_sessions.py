"""Where somebody is signed in: listed, and ended one by one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common.actors import MemberActor, StaffActor
from common.database import Row, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import NotFound
from common.ids import AFTER_ALL
from merchants.staff_rights import must_manage
from models import audit_log


async def of_staff(
    actor: MemberActor, staff_id: UUID, before: UUID | None, limit: int, now: datetime
) -> Sequence[Row]:
    """The open sessions of somebody whom the actor manages, newest first.

    Raises:
        NotFound: nobody whom he manages.
    """
    if staff_id != actor.id:
        await must_manage(actor, staff_id)
    return await open_ones(staff_id, before, limit, now)


async def open_ones(staff_id: UUID, before: UUID | None, limit: int, now: datetime) -> Sequence[Row]:
    """A person's open sessions, newest first; `rotated_at` is when each was refreshed last."""
    return await fetch_all(
        "SELECT id, created_at, rotated_at, expires_at FROM sessions WHERE actor_id = $1 AND actor_kind = 'staff'"
        " AND revoked_at IS NULL AND expires_at > $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        *(staff_id, now, before or AFTER_ALL, limit),
    )


async def end(actor: StaffActor | MemberActor, staff_id: UUID, session_id: UUID, now: datetime) -> None:
    """End one session of somebody's, or one's own. Ending it twice is ending it once.

    Raises:
        NotFound: no such session of somebody whom the actor manages.
    """
    if staff_id != actor.id:
        if not isinstance(actor, MemberActor):
            raise NotFound
        await must_manage(actor, staff_id)
    async with transaction():
        row = await fetch_one(
            "UPDATE sessions SET revoked_at = coalesce(revoked_at, $3),"
            " revoked_reason = coalesce(revoked_reason, 'ended_by_hand')"
            " WHERE id = $1 AND actor_id = $2 AND actor_kind = 'staff' RETURNING (SELECT m.region_id"
            "  FROM staff s JOIN members m ON m.id = s.member_id WHERE s.id = sessions.actor_id) AS region_id",
            *(session_id, staff_id, now),
        )
        if row is None:
            raise NotFound
        who, thing = audit_log.who(actor), ("session", session_id)
        await audit_log.record(who, "session.end", thing, now, region=row["region_id"])
    await wait_for_older_statements()
