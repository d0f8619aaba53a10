"""扫码终端: paired with a code that is typed once; from then on it redeems at its one store, as a clerk would.

A device is a row of `staff`, so redemption, idempotency, sessions and revocation know nothing of it. It has no password,
no member API, and undoes nothing: for that a person signs in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from common import typed_codes
from common.actors import MemberActor
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from common.ids import new_id
from merchants.staff import StaffAccount, end_sessions, revoke_by_member
from merchants.staff_rights import MANAGES, NO_PASSWORD, hold_member, place_at
from models import audit_log, one_time_links
from models.enums import ActorKind, StaffRole
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid

CODE_GOOD_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is typed on a device, once, within ten minutes."""

    device_id: UUID
    code: str
    expires_at: datetime


async def make(actor: MemberActor, name: str, store_id: UUID, now: datetime) -> Pairing:
    """A device for one store, and the code to pair it with.

    Raises:
        StoresUnknown: no open store of the member's (for a manager: of his own).
    """
    device_id = new_id()
    async with transaction():
        region = await hold_member(actor)
        made = await fetch_one(
            "INSERT INTO staff (id, member_id, login, password_hash, role, created_at)"
            " SELECT $2, a.member_id, $3, $4, 'device', $5 FROM staff a"
            "  WHERE a.id = $1 AND a.status = 'active' AND a.role IN ('owner', 'manager') RETURNING id",
            *(actor.id, device_id, f"device-{device_id}", NO_PASSWORD, now),
        )
        if made is None:
            raise NotFound
        await place_at(actor, device_id, [store_id])
        await execute(
            "INSERT INTO devices (staff_id, member_id, store_id, name, made_at, made_by)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            *(device_id, actor.member_id, store_id, name, now, actor.id),
        )
        after = {"store_id": store_id}
        await audit_log.record(
            audit_log.who(actor), "device.create", ("device", device_id), now, region=region, after=after
        )
        return await _pairing(device_id, now)


async def make_code(actor: MemberActor, device_id: UUID, now: datetime) -> Pairing:
    """Another code for a device, new or set up anew; those made before are good no more.

    Raises:
        NotFound: no device that is in use and that the actor manages.
    """
    async with transaction():
        region = await hold_member(actor)
        row = await fetch_one(
            f"SELECT t.id FROM staff a, staff t WHERE {MANAGES} AND t.role = 'device' AND t.status = 'active'",
            *(actor.id, device_id),
        )
        if row is None:
            raise NotFound
        await audit_log.record(
            audit_log.who(actor), "device.make_code", ("device", device_id), now, region=region
        )
        return await _pairing(device_id, now)


async def _pairing(device_id: UUID, now: datetime) -> Pairing:
    code = typed_codes.new_code()
    await one_time_links.make(LinkPurpose.DEVICE_PAIRING, device_id, CODE_GOOD_FOR, now, code)
    return Pairing(device_id, typed_codes.shown(code), now + CODE_GOOD_FOR)


async def pair(typed: str, now: datetime) -> StaffAccount:
    """Burn a pairing code; the account that the device signs in as. Whoever was paired before is out.

    Args:
        typed: as it was typed: in lower case too, with or without the dash and blanks.

    Raises:
        LinkInvalid: no code that is good now.
    """
    code = typed_codes.as_typed(typed)
    async with transaction():
        device_id = await one_time_links.use(LinkPurpose.DEVICE_PAIRING, code, now)
        row = await fetch_one(
            "UPDATE devices d SET paired_at = $2 FROM staff s"
            " WHERE d.staff_id = $1 AND s.id = d.staff_id AND s.status = 'active' RETURNING s.member_id, s.login,"
            "  (SELECT m.region_id FROM members m WHERE m.id = s.member_id) AS region_id",
            *(device_id, now),
        )
        if row is None:
            raise LinkInvalid
        await end_sessions(device_id, "device_paired_anew", now)
        who, thing = (ActorKind.STAFF, device_id), ("device", device_id)
        await audit_log.record(who, "device.pair", thing, now, region=row["region_id"])
    return StaffAccount(device_id, row["member_id"], StaffRole.DEVICE, NO_PASSWORD, row["login"])


async def listed(actor: MemberActor, after: UUID | None, limit: int) -> Sequence[Row]:
    """The devices that the actor manages, oldest first.

    `last_seen_at` is when one refreshed its session last, which it does every few minutes: no scan writes it.
    """
    return await fetch_all(
        "SELECT d.staff_id AS id, d.name, d.store_id, st.name AS store_name, d.made_at, d.paired_at, t.revoked_at,"
        "  (SELECT max(s.rotated_at) FROM sessions s WHERE s.actor_id = d.staff_id) AS last_seen_at"
        " FROM staff a JOIN devices d ON d.member_id = a.member_id JOIN staff t ON t.id = d.staff_id"
        " JOIN stores st ON st.id = d.store_id"
        f" WHERE {MANAGES.replace('t.id = $2', 't.id > $2')} AND d.staff_id > $2 ORDER BY d.staff_id LIMIT $3",
        *(actor.id, after or UUID(int=0), limit),
    )


async def must_be_device(device_id: UUID) -> None:
    """Raise NotFound for an account that is a person's."""
    if await fetch_one("SELECT staff_id FROM devices WHERE staff_id = $1", device_id) is None:
        raise NotFound


async def revoke(actor: MemberActor, device_id: UUID, now: datetime) -> None:
    """Lost or done with: it is refused from now on, and its sessions end.

    Raises:
        NotFound: no device that the actor manages.
    """
    await must_be_device(device_id)
    await revoke_by_member(actor, device_id, now)
