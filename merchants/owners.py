"""The first login of a new member, made once with the key of its application."""

from datetime import datetime
from uuid import UUID

import asyncpg

from common.actors import ApplicantActor
from common.database import constraint_of, execute, fetch_one, transaction
from common.errors import Refused
from common.ids import new_id
from merchants.applications import ApplicationNotOpen
from merchants.staff_accounts import StaffLoginTaken
from models import audit_log


class OwnerExists(Refused):
    """The key has made its login."""

    code = "owner_exists"
    zh = "负责人账号已经创建过。请用它登录；忘记密码请联系联盟办公室。"
    en = "The owner's login was made before. Sign in with it; if you forgot it, ask the alliance office."


async def must_be_possible(actor: ApplicantActor) -> None:
    """Refuse before a password is hashed, which is dear.

    Raises:
        ApplicationNotOpen: it is not approved.
        OwnerExists: the login was made.
    """
    row = await fetch_one("SELECT state, owner_made_at FROM member_applications WHERE id = $1", actor.id)
    if row is None or row["state"] != "approved":
        raise ApplicationNotOpen
    if row["owner_made_at"] is not None:
        raise OwnerExists


async def make(actor: ApplicantActor, login: str, password_hash: str, now: datetime) -> tuple[UUID, UUID]:
    """Make the owner's login; ids of the person and his member.

    Raises:
        ApplicationNotOpen, OwnerExists: as above.
        StaffLoginTaken: the login is somebody else's; another one can be tried.
    """
    await must_be_possible(actor)
    staff_id = new_id()
    try:
        async with transaction():
            row = await fetch_one(
                "UPDATE member_applications SET owner_made_at = $2"
                " WHERE id = $1 AND state = 'approved' AND owner_made_at IS NULL RETURNING member_id, region_id",
                *(actor.id, now),
            )
            if row is None:
                raise OwnerExists
            await execute(
                "INSERT INTO staff (id, member_id, login, password_hash, role, created_at)"
                " VALUES ($1, $2, $3, $4, 'owner', $5)",
                *(staff_id, row["member_id"], login, password_hash, now),
            )
            who, after = audit_log.who(actor), {"member_id": row["member_id"], "role": "owner"}
            thing, region = ("staff", staff_id), row["region_id"]
            await audit_log.record(who, "staff.make_owner", thing, now, region=region, after=after)
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "staff_login_once":
            raise StaffLoginTaken from None
        raise
    return staff_id, row["member_id"]
