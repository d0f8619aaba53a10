"""店员账号: invited by a link that is good once, changed, and let in again when a password is forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from common.actors import AdminActor, MemberActor, StaffActor
from common.database import Row, constraint_of, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import NotFound, Refused
from common.ids import new_id
from merchants.staff import StaffRevoked, end_sessions
from merchants.staff_rights import (
    MANAGES,
    NO_PASSWORD,
    RoleNotYours,
    StoresUnknown,
    hold_member,
    place_at,
)
from models import audit_log, one_time_links
from models.enums import ActorKind, StaffRole
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid
from models.region import subtree_prefix

INVITED_FOR = timedelta(hours=72)
RESET_FOR = timedelta(hours=24)
LinkFor = Literal[LinkPurpose.STAFF_INVITATION, LinkPurpose.STAFF_RESET]
GOOD_FOR = {LinkPurpose.STAFF_INVITATION: INVITED_FOR, LinkPurpose.STAFF_RESET: RESET_FOR}

PERSON = """
SELECT t.id, t.login, t.role, t.status, t.created_at, t.revoked_at, t.password_hash = '!' AS is_invited,
       ARRAY(SELECT l.store_id FROM staff_stores l WHERE l.staff_id = t.id ORDER BY l.position, l.store_id) AS store_ids
"""
READ = f"{PERSON} FROM staff a JOIN staff t ON t.member_id = a.member_id"
# Whose business a change of `staff` is, for the audit.
REGION = "(SELECT m.region_id FROM members m WHERE m.id = staff.member_id) AS region_id"


class StaffLoginTaken(Refused):
    """Logins are there once, whichever member has them."""

    code = "staff_login_taken"
    zh = "这个登录名已经有人用了，请换一个。"
    en = "Somebody has this login already; choose another one."


@dataclass(frozen=True, slots=True)
class Link:
    """A secret that is shown once, for whom it is, and until when it is good."""

    staff_id: UUID
    secret: str
    expires_at: datetime


async def invite(
    actor: MemberActor, login: str, role: StaffRole, store_ids: Sequence[UUID], now: datetime
) -> Link:
    """Make an account that nobody can use before its person has set a password with the link.

    Raises:
        RoleNotYours: only an owner makes owners and managers.
        StaffLoginTaken, StoresUnknown.
    """
    staff_id = new_id()
    try:
        async with transaction():
            region = await hold_member(actor)
            made = await fetch_one(
                "INSERT INTO staff (id, member_id, login, password_hash, role, created_at)"
                " SELECT $2, a.member_id, $3, $4, $5::varchar, $6 FROM staff a WHERE a.id = $1 AND a.status = 'active'"
                "  AND (a.role = 'owner' OR (a.role = 'manager' AND $5::varchar = 'cashier')) RETURNING id",
                *(actor.id, staff_id, login, NO_PASSWORD, role, now),
            )
            if made is None:
                raise RoleNotYours
            await _place(actor, staff_id, role, store_ids)
            return await _made_link(actor, staff_id, LinkPurpose.STAFF_INVITATION, region, now)
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "staff_login_once":
            raise StaffLoginTaken from None
        raise


async def change(
    actor: MemberActor, staff_id: UUID, role: StaffRole, store_ids: Sequence[UUID], now: datetime
) -> None:
    """Give somebody another role or other stores; the next thing that he does is judged by them.

    Raises:
        NotFound: nobody whom the actor manages, or a device.
        RoleNotYours, StoresUnknown.
    """
    async with transaction():
        region = await hold_member(actor)
        before = await fetch_one(f"{READ} WHERE {MANAGES}", actor.id, staff_id)
        # Who demotes an owner is one himself, active at this moment, and not the same: one stays.
        changed = await fetch_one(
            f"UPDATE staff t SET role = $3 FROM staff a WHERE {MANAGES} AND t.status = 'active'"
            " AND t.role <> 'device' AND (a.role = 'owner' OR $3::varchar = 'cashier')"
            " AND (t.role = $3::varchar OR t.id <> a.id) RETURNING t.id",
            *(actor.id, staff_id, role),
        )
        if changed is None or before is None:
            raise _why_unchanged(before)
        await _place(actor, staff_id, role, store_ids)
        await audit_log.record(
            audit_log.who(actor),
            "staff.change",
            ("staff", staff_id),
            now,
            region=region,
            before={"role": before["role"], "store_ids": before["store_ids"]},
            after={"role": role, "store_ids": list(store_ids)},
        )
    # What an old right still allowed is over when this is answered.
    await wait_for_older_statements()


def _why_unchanged(row: Row | None) -> Exception:
    if row is None or row["status"] != "active" or row["role"] == StaffRole.DEVICE:
        return NotFound()
    return RoleNotYours()


async def _place(actor: MemberActor, staff_id: UUID, role: StaffRole, store_ids: Sequence[UUID]) -> None:
    if role is StaffRole.CASHIER and not store_ids:
        raise StoresUnknown
    await place_at(actor, staff_id, store_ids)


async def make_link(actor: MemberActor, staff_id: UUID, purpose: LinkFor, now: datetime) -> Link:
    """Another invitation for who has no password yet, or a reset for who has forgotten his; older ones end.

    Nobody makes one for himself: whoever finds a phone signed in could take the account over.

    Raises:
        NotFound: nobody of that kind whom the actor manages.
    """
    async with transaction():
        region = await hold_member(actor)
        row = await fetch_one(
            f"SELECT t.id FROM staff a, staff t WHERE {MANAGES} AND t.status = 'active' AND t.role <> 'device'"
            " AND t.id <> a.id AND (t.password_hash = '!') = $3",
            *(actor.id, staff_id, purpose == LinkPurpose.STAFF_INVITATION),
        )
        if row is None:
            raise NotFound
        return await _made_link(actor, staff_id, purpose, region, now)


async def make_link_for_owner(actor: AdminActor, staff_id: UUID, now: datetime) -> Link:
    """What the alliance does for an owner who has forgotten his password, or never set one.

    Raises:
        NotFound: no owner of a member in the admin's region.
    """
    async with transaction():
        row = await fetch_one(
            "SELECT s.password_hash, m.region_id FROM staff s JOIN members m ON m.id = s.member_id"
            " WHERE s.id = $1 AND s.role = 'owner' AND s.status = 'active' AND m.region_id LIKE $2 || '%'"
            " FOR NO KEY UPDATE OF s",
            *(staff_id, subtree_prefix(actor.region)),
        )
        if row is None:
            raise NotFound
        is_new = row["password_hash"] == NO_PASSWORD
        purpose = LinkPurpose.STAFF_INVITATION if is_new else LinkPurpose.STAFF_RESET
        return await _made_link(actor, staff_id, purpose, row["region_id"], now)


async def _made_link(
    actor: MemberActor | AdminActor, staff_id: UUID, purpose: LinkPurpose, region: str, now: datetime
) -> Link:
    secret = await one_time_links.make(purpose, staff_id, GOOD_FOR[purpose], now)
    action = "staff.invite" if purpose is LinkPurpose.STAFF_INVITATION else "staff.make_reset"
    await audit_log.record(audit_log.who(actor), action, ("staff", staff_id), now, region=region)
    return Link(staff_id, secret, now + GOOD_FOR[purpose])


async def login_of_link(purpose: LinkFor, secret: str, now: datetime) -> str:
    """Whose password a link would set; the link stays good.

    Raises:
        LinkInvalid: nobody's.
    """
    staff_id = await one_time_links.whose(purpose, secret, now)
    row = await fetch_one("SELECT login FROM staff WHERE id = $1 AND status = 'active'", staff_id)
    if row is None:
        raise LinkInvalid
    login: str = row["login"]
    return login


async def set_password(purpose: LinkFor, secret: str, password_hash: str, now: datetime) -> None:
    """Burn a link and set its person's password; every session of his ends.

    Raises:
        LinkInvalid: used, too old, or its person was revoked.
    """
    is_first = purpose == LinkPurpose.STAFF_INVITATION
    async with transaction():
        staff_id = await one_time_links.use(purpose, secret, now)
        done = await fetch_one(
            "UPDATE staff SET password_hash = $2 WHERE id = $1 AND status = 'active' AND role <> 'device'"
            f" AND (password_hash = '!') = $3 RETURNING {REGION}",
            *(staff_id, password_hash, is_first),
        )
        if done is None:
            raise LinkInvalid
        await one_time_links.forget(staff_id, now)
        await end_sessions(staff_id, "password_reset", now)
        action = "staff.accept_invitation" if is_first else "staff.reset_password"
        who, thing = (ActorKind.STAFF, staff_id), ("staff", staff_id)
        await audit_log.record(who, action, thing, now, region=done["region_id"])


async def change_own_password(actor: StaffActor, old_hash: str, new_hash: str, now: datetime) -> None:
    """Set a new password in place of the one that was just checked; his other sessions and reset links end.

    Raises:
        StaffRevoked: the account was revoked, or its password changed, in the meantime.
    """
    async with transaction():
        done = await fetch_one(
            "UPDATE staff SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND status = 'active'"
            f" RETURNING {REGION}",
            *(actor.id, old_hash, new_hash),
        )
        if done is None:
            raise StaffRevoked
        await end_sessions(actor.id, "password_changed", now, keep=actor.session_id)
        await one_time_links.forget(actor.id, now)
        who, thing = audit_log.who(actor), ("staff", actor.id)
        await audit_log.record(who, "staff.change_password", thing, now, region=done["region_id"])


async def listed(actor: MemberActor, after: UUID | None, limit: int) -> Sequence[Row]:
    """The member's people (no devices), oldest account first; a manager sees those whom he manages, and himself."""
    return await fetch_all(
        f"{READ} WHERE a.id = $1 AND a.status = 'active' AND t.id > $2 AND t.role <> 'device'"
        f" AND (t.id = a.id OR ({MANAGES.replace('t.id = $2', 'true')})) ORDER BY t.id LIMIT $3",
        *(actor.id, after or UUID(int=0), limit),
    )


async def of_member(member_id: UUID, after: UUID | None, limit: int) -> Sequence[Row]:
    """All people of a member (no devices), for the alliance office, oldest account first."""
    return await fetch_all(
        f"{PERSON} FROM staff t WHERE t.member_id = $1 AND t.id > $2 AND t.role <> 'device' ORDER BY t.id LIMIT $3",
        *(member_id, after or UUID(int=0), limit),
    )


async def one(actor: MemberActor, staff_id: UUID) -> Row:
    """One of them.

    Raises:
        NotFound: nobody whom the actor manages.
    """
    row = await fetch_one(f"{READ} WHERE {MANAGES} AND t.role <> 'device'", actor.id, staff_id)
    if row is None:
        raise NotFound
    return row
