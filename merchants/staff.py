"""店员: their stores, and taking their rights away at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.actors import AdminActor
from common.database import execute, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import NotFound, Unauthenticated
from models import audit_log
from models.enums import StaffRole
from models.region import subtree_prefix


class StaffRevoked(Unauthenticated):
    """The person's rights were taken away after he signed in."""

    code = "unauthenticated"
    zh = "您的店员账号已停用。如有疑问，请联系店长。"
    en = "Your staff account is no longer active. Ask your manager."


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """Who signs in, with what is needed to check his password."""

    id: UUID
    member_id: UUID
    role: StaffRole
    password_hash: str


async def account_of(login: str) -> StaffAccount | None:
    """The active account of a login."""
    row = await fetch_one(
        "SELECT id, member_id, role, password_hash FROM staff WHERE login = $1 AND status = 'active'", login
    )
    if row is None:
        return None
    return StaffAccount(row["id"], row["member_id"], StaffRole(row["role"]), row["password_hash"])


async def stores_of(staff_id: UUID) -> Sequence[tuple[UUID, str]]:
    """Where a person may redeem, id and name; first the store that his screen opens with."""
    rows = await fetch_all(
        "SELECT st.id, st.name FROM staff_stores l JOIN stores st ON st.id = l.store_id"
        " WHERE l.staff_id = $1 AND st.is_active ORDER BY l.position, st.id",
        staff_id,
    )
    return [(row["id"], row["name"]) for row in rows]


async def revoke(actor: AdminActor, staff_id: UUID, now: datetime) -> None:
    """Take a person's rights away, and his sessions with them. Revoking twice is revoking once.

    Raises:
        NotFound: no such person of a member in the admin's region.
    """
    async with transaction():
        row = await fetch_one(
            "UPDATE staff s SET status = 'revoked', revoked_at = coalesce(s.revoked_at, $3) FROM members m"
            " WHERE s.id = $1 AND m.id = s.member_id AND m.region_id LIKE $2 || '%' RETURNING m.region_id",
            *(staff_id, subtree_prefix(actor.region), now),
        )
        if row is None:
            raise NotFound
        # A statement of its own, so that it also sees the session of a sign-in that the first one waited for.
        await execute(
            "UPDATE sessions SET revoked_at = $2, revoked_reason = 'staff_revoked'"
            " WHERE actor_kind = 'staff' AND actor_id = $1 AND revoked_at IS NULL",
            *(staff_id, now),
        )
        thing = ("staff", staff_id)
        await audit_log.record(audit_log.who(actor), "staff.revoke", thing, now, region=row["region_id"])
    # A redemption that had begun before may still be written; once this is answered, none is.
    await wait_for_older_statements()
