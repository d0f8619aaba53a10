"""How an admin comes to his account: a link from a head of his region, a password of his own, a one-time code.

Nobody else ever knows his password or the secret of his one-time codes. The account is complete with the first good
code at the sign-in; until then it can do nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import pyotp

from alliance import recovery_codes
from alliance.admin_rights import end_sessions, head_and, must_be_head, refuse_conflict
from alliance.admins import TOTP_CONTEXT, LoginTaken
from common.actors import AdminActor
from common.crypto import PersonalDataKeys
from common.database import fetch_one, transaction, wait_for_older_statements
from common.errors import Invalid
from common.ids import new_id
from models import audit_log, one_time_links
from models.enums import ActorKind, AdminRole
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid
from models.region import subtree_prefix

INVITATION_GOOD_FOR = timedelta(hours=72)
RESET_GOOD_FOR = timedelta(hours=24)
ISSUER = "Xinyi Alliance"
# Fits no password.
NO_PASSWORD = "-"  # noqa: S105 - which it says

AdminLink = Literal[LinkPurpose.ADMIN_INVITATION, LinkPurpose.ADMIN_RESET]


class RegionBeyond(Invalid):
    """Not a region, or none of the head's."""

    code = "region_beyond"
    pointer = "/region"
    zh = "只能邀请本地区及下级地区的管理员。请选择您管辖范围内的地区。"
    en = "You can invite admins of your own region and below only. Choose one of these regions."


@dataclass(frozen=True, slots=True)
class Link:
    """Whose link, and the secret that opens it once."""

    admin_id: UUID
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an admin is shown once: for his authenticator app, and for the day when he loses his phone."""

    login: str
    totp_secret: str
    otpauth_uri: str
    recovery_codes: Sequence[str]


async def invite(
    actor: AdminActor, login: str, region: str, roles: Sequence[AdminRole], now: datetime
) -> Link:
    """Make an account that is complete when its person has used the link and confirmed a one-time code.

    The head is shown the link: what needs two people waits until another head has confirmed the person
    (`admin_rights.confirm`).

    Raises:
        RolesConflict: the roles don't go together.
        RegionBeyond: the region is not the head's or below.
        HeadNoMore: the actor is no head (any more).
        LoginTaken: the login belongs to somebody.
    """
    refuse_conflict(roles)
    async with transaction():
        own = await fetch_one(
            "SELECT roles, region_id, status FROM admins WHERE id = $1 FOR NO KEY UPDATE", actor.id
        )
        prefix = subtree_prefix(must_be_head(own))
        if not await fetch_one(
            "SELECT 1 FROM regions WHERE code = $1 AND code LIKE $2 || '%'", region, prefix
        ):
            raise RegionBeyond
        admin_id, granted = new_id(), sorted(set(roles))
        made = await fetch_one(
            "INSERT INTO admins (id, login, password_hash, roles, region_id, status, created_at, linked_by)"
            " VALUES ($1, $2, $3, $4, $5, 'invited', $6, $7) ON CONFLICT (login) DO NOTHING RETURNING id",
            *(admin_id, login, NO_PASSWORD, granted, region, now, actor.id),
        )
        if made is None:
            raise LoginTaken
        secret = await one_time_links.make(LinkPurpose.ADMIN_INVITATION, admin_id, INVITATION_GOOD_FOR, now)
        await audit_log.record(
            *(audit_log.who(actor), "admin.invite", ("admin", admin_id), now),
            region=region,
            after={"roles": granted, "region": region},
        )
    return Link(admin_id, secret, now + INVITATION_GOOD_FOR)


async def reset(actor: AdminActor, admin_id: UUID, now: datetime) -> Link:
    """A new link for a lost phone, a forgotten password or an invitation that ran out.

    What the account was opened with is good no more, and its sessions end.

    Raises:
        OwnAccount, HeadNoMore, NotFound, AdminRevoked: as for `admin_rights.head_and`.
    """
    async with transaction():
        account = await head_and(actor, admin_id)
        await fetch_one(
            "UPDATE admins SET status = 'invited', password_hash = $3, totp_encrypted = NULL, linked_by = $2,"
            " confirmed_by = NULL, confirmed_at = NULL WHERE id = $1 AND id <> $2",
            *(admin_id, actor.id, NO_PASSWORD),
        )
        await recovery_codes.forget(admin_id)
        await one_time_links.forget(admin_id, now)
        await end_sessions(admin_id, "admin_reset", now)
        secret = await one_time_links.make(LinkPurpose.ADMIN_RESET, admin_id, RESET_GOOD_FOR, now)
        await audit_log.record(
            *(audit_log.who(actor), "admin.reset", ("admin", admin_id), now),
            region=account["region_id"],
            before={"status": account["status"]},
            after={"status": "invited"},
        )
    await wait_for_older_statements()
    return Link(admin_id, secret, now + RESET_GOOD_FOR)


async def login_of(purpose: AdminLink, secret: str, now: datetime) -> str:
    """Whose link it is; nothing is burnt.

    Raises:
        LinkInvalid: it is not good (any more).
    """
    admin_id = await one_time_links.subject_of(purpose, secret, now)
    row = await fetch_one("SELECT login FROM admins WHERE id = $1 AND status = 'invited'", admin_id)
    if row is None:
        raise LinkInvalid
    return str(row["login"])


async def enrol(
    purpose: AdminLink, secret: str, password_hash: str, keys: PersonalDataKeys, now: datetime
) -> Enrolment:
    """Use a link: the account has this password, a fresh one-time-code secret and fresh recovery codes.

    Raises:
        LinkInvalid: it is not good (any more), or the account was revoked.
    """
    totp_secret = pyotp.random_base32()
    async with transaction():
        admin_id = await one_time_links.use(purpose, secret, now)
        row = await fetch_one(
            "UPDATE admins SET password_hash = $2, totp_encrypted = $3, totp_last_step = 0"
            " WHERE id = $1 AND status = 'invited' RETURNING login, region_id",
            *(admin_id, password_hash, keys.encrypt(totp_secret, TOTP_CONTEXT)),
        )
        if row is None:
            raise LinkInvalid
        codes = await recovery_codes.renew(admin_id, keys, now)
        await audit_log.record(
            *((ActorKind.ADMIN, admin_id), "admin.enrol", ("admin", admin_id), now), region=row["region_id"]
        )
    uri = pyotp.TOTP(totp_secret).provisioning_uri(name=row["login"], issuer_name=ISSUER)
    return Enrolment(row["login"], totp_secret, uri, codes)
