"""店员: their stores, and taking their rights away at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.actors import AdminActor, MemberActor
from common.database import Row, execute, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import NotFound, Refused, Unauthenticated
from merchants.staff_rights import KEEPS_AN_OWNER, MANAGES, hold_member, must_manage
from models import audit_log, one_time_links
from models.enums import StaffRole
from models.region import subtree_prefix


class StaffRevoked(Unauthenticated):
    """The person's rights were taken away after he signed in."""

    code = "unauthenticated"
    zh = "您的店员账号已停用。如有疑问，请联系店长。"
    en = "Your staff account is no longer active. Ask your manager."


class LastOwner(Refused):
    """A member keeps an owner who can sign in."""

    code = "last_owner"
    zh = "这是本单位最后一位负责人，不能停用或改角色。请先邀请另一位负责人并等他设好密码。"
    en = "This is the last owner. Invite another one, and wait until he has set his password."


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """Who signs in, with what is needed to check his password."""

    id: UUID
    member_id: UUID
    role: StaffRole
    password_hash: str
    login: str


async def account_of(login: str) -> StaffAccount | None:
    """The active account of a login; a device, and who has not set a password yet, has none to sign in with."""
    row = await fetch_one(
        "SELECT id, member_id, role, login, password_hash FROM staff"
        " WHERE login = $1 AND status = 'active' AND role <> 'device' AND password_hash <> '!'",
        login,
    )
    return _account(row) if row else None


async def account_by_id(staff_id: UUID) -> StaffAccount | None:
    """The same by its id."""
    row = await fetch_one(
        "SELECT id, member_id, role, login, password_hash FROM staff"
        " WHERE id = $1 AND status = 'active' AND role <> 'device' AND password_hash <> '!'",
        staff_id,
    )
    return _account(row) if row else None


def _account(row: Row) -> StaffAccount:
    role = StaffRole(row["role"])
    return StaffAccount(row["id"], row["member_id"], role, row["password_hash"], row["login"])


async def role_of(staff_id: UUID) -> StaffRole | None:
    """What an active person or device is now."""
    row = await fetch_one("SELECT role FROM staff WHERE id = $1 AND status = 'active'", staff_id)
    return StaffRole(row["role"]) if row else None


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

    The alliance may do so with a member's last owner.

    Raises:
        NotFound: no such person of a member in the admin's region.
    """
    async with transaction():
        row = await fetch_one(
            "UPDATE staff s SET status = 'revoked', revoked_at = coalesce(s.revoked_at, $3) FROM members m"
            " WHERE s.id = $1 AND m.id = s.member_id AND m.region_id LIKE $2 || '%' RETURNING m.region_id, s.revoked_at = $3 AS is_new",
            *(staff_id, subtree_prefix(actor.region), now),
        )
        if row is None:
            raise NotFound
        await _end_all(audit_log.who(actor), staff_id, row["region_id"], now, is_new=row["is_new"])
    # A redemption that had begun before may still be written; once this is answered, none is.
    await wait_for_older_statements()


async def revoke_by_member(actor: MemberActor, staff_id: UUID, now: datetime) -> None:
    """The same by an owner or manager, of a person or a device; an owner may leave himself.

    Raises:
        NotFound: nobody whom he manages.
        LastOwner: the member would have no owner.
    """
    async with transaction():
        region = await hold_member(actor)
        row = await fetch_one(
            "UPDATE staff t SET status = 'revoked', revoked_at = coalesce(t.revoked_at, $3) FROM staff a"
            f" WHERE {MANAGES} AND (t.status = 'revoked' OR {KEEPS_AN_OWNER})"
            " RETURNING t.revoked_at = $3 AS is_new",
            *(actor.id, staff_id, now),
        )
        if row is None:
            await must_manage(actor, staff_id)
            raise LastOwner
        await _end_all(audit_log.who(actor), staff_id, region, now, is_new=row["is_new"])
    await wait_for_older_statements()


async def _end_all(actor: audit_log.Who, staff_id: UUID, region: str, now: datetime, *, is_new: bool) -> None:
    # A statement of its own, so that it also sees the session of a sign-in that the first one waited for.
    await end_sessions(staff_id, "staff_revoked", now)
    await one_time_links.forget(staff_id, now)
    await audit_log.record(
        actor,
        "staff.revoke",
        ("staff", staff_id),
        now,
        region=region,
        before={"status": "active" if is_new else "revoked"},
        after={"status": "revoked"},
    )


async def end_sessions(staff_id: UUID, reason: str, now: datetime, keep: UUID | None = None) -> None:
    """End every session of a person but one, inside the caller's transaction."""
    await execute(
        "UPDATE sessions SET revoked_at = $2, revoked_reason = $3"
        " WHERE actor_kind = 'staff' AND actor_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $4",
        *(staff_id, now, reason, keep),
    )
