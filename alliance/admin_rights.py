"""Who gets, keeps and loses the rights of an admin: a head decides, of his region and below, never of himself.

Each act holds the head's own row and the other one's, in the order of their ids. So a head whose rights were taken
away a moment before acts no more, and of two heads who would end each other one stays: the province is never
without the head who acted last.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from common.actors import AdminActor
from common.database import Row, execute, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import Forbidden, Invalid, NotFound, Refused
from common.ids import AFTER_ALL
from models import audit_log, one_time_links
from models.enums import AdminRole, AdminStatus
from models.region import subtree_prefix

COLUMNS = "id, login, roles, region_id, status, created_at, revoked_at, linked_by, confirmed_by, confirmed_at"
# An account that somebody else could be using: he was shown its link, and nobody else has confirmed who has it.
UNCONFIRMED = "linked_by IS NOT NULL AND confirmed_by IS NULL"


class OwnAccount(Forbidden):
    """Nobody gives himself rights, takes them from himself, or lets himself in anew."""

    code = "own_account"
    zh = "不能调整您自己的账号权限，请另一位负责人处理。"
    en = "You can't change your own account's rights; ask another head."


class HeadNoMore(Forbidden):
    """The head's own rights ended while he acted."""

    code = "forbidden"
    zh = "您的负责人权限刚刚被调整，这次操作没有生效。请重新登录后再试。"
    en = "Your rights as a head have just changed; nothing was done. Sign in again."


class AdminRevoked(Refused):
    """The account was revoked; that is final."""

    code = "admin_revoked"
    zh = "这个账号已停用，不能再调整。如仍需要，请重新邀请。"
    en = "This account was revoked and can't be changed; invite the person again if needed."


class NotConfirmed(Forbidden):
    """One of the two may be the other: whoever showed his link could have used it himself."""

    code = "not_confirmed"
    zh = "您或提请人的账号还没有经另一位负责人确认是本人，不能参与双人审批。请先请一位没有发过该账号链接的负责人确认。"
    en = (
        "Your account or that of whoever asked was not confirmed yet, so it doesn't count as a second person."
        " Have a head confirm it who did not hand out its link."
    )


class NotToConfirm(Refused):
    """Confirmed before, never linked, or not by this head, or too early."""

    code = "not_to_confirm"
    zh = "不能确认这个账号：须在本人登录启用之后，由没有发过该账号链接、且自己已经确认的负责人来确认；已确认的不必再确认。"
    en = (
        "You can't confirm this account: its person signs in first, and whoever confirms is confirmed himself and"
        " did not hand out the link. One that is confirmed needs nothing more."
    )


class RolesConflict(Invalid):
    """An auditor changes nothing, so he has no other role."""

    code = "roles_conflict"
    pointer = "/roles"
    zh = "审计员只能查看和导出，不能同时担任其他角色。请只选审计员，或去掉审计员。"
    en = (
        "An auditor only reads and exports and can have no other role. Choose auditor alone, or leave it out."
    )


def refuse_conflict(roles: Collection[AdminRole]) -> None:
    """Let roles pass that one person may have together.

    Raises:
        RolesConflict: whoever audits would also act.
    """
    if AdminRole.AUDITOR in roles and len(set(roles)) > 1:
        raise RolesConflict


async def head_and(actor: AdminActor, admin_id: UUID) -> Row:
    """The account that a head decides about, inside his transaction and held until its end.

    Raises:
        OwnAccount: it is his own.
        HeadNoMore: he is no head (any more).
        NotFound: no such account in his region.
        AdminRevoked: it was revoked before.
    """
    if admin_id == actor.id:
        raise OwnAccount
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM admins WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        [actor.id, admin_id],
    )
    found = {row["id"]: row for row in rows}
    region = must_be_head(found.get(actor.id))
    account = found.get(admin_id)
    if account is None or not account["region_id"].startswith(subtree_prefix(region)):
        raise NotFound
    if account["status"] == AdminStatus.REVOKED:
        raise AdminRevoked
    return account


def must_be_head(own: Row | None) -> str:
    """The region of a head, as his row has it now.

    Raises:
        HeadNoMore: he is none.
    """
    if own is None or own["status"] != AdminStatus.ACTIVE or AdminRole.HEAD not in own["roles"]:
        raise HeadNoMore
    return str(own["region_id"])


async def set_roles(actor: AdminActor, admin_id: UUID, roles: Sequence[AdminRole], now: datetime) -> None:
    """Give an admin these roles in place of those he had; they count from his next request on.

    Raises:
        RolesConflict: they don't go together.
        OwnAccount, HeadNoMore, NotFound, AdminRevoked: as for `head_and`.
    """
    refuse_conflict(roles)
    async with transaction():
        before = await head_and(actor, admin_id)
        await execute(
            "UPDATE admins SET roles = $2 WHERE id = $1 AND id <> $3", admin_id, sorted(set(roles)), actor.id
        )
        await _record(
            actor, "admin.set_roles", before, now,
            {"roles": sorted(before["roles"])}, {"roles": sorted(set(roles))},
        )  # fmt: skip
    # What an old role still allowed is over when this is answered.
    await wait_for_older_statements()


async def confirm(actor: AdminActor, admin_id: UUID, now: datetime) -> None:
    """Say that the account's person is who he is thought to be; from then on he counts as a second pair of eyes.

    The head has made sure of it outside of this service, by asking the person whether he signs in with it.

    Raises:
        NotToConfirm: he handed out the link himself, isn't confirmed himself, or there is nothing to confirm.
        OwnAccount, HeadNoMore, NotFound, AdminRevoked: as for `head_and`.
    """
    async with transaction():
        account = await head_and(actor, admin_id)
        done = await fetch_one(
            "UPDATE admins SET confirmed_by = $2, confirmed_at = $3"
            f" WHERE id = $1 AND id <> $2 AND status = 'active' AND {UNCONFIRMED} AND linked_by <> $2"
            f" AND NOT EXISTS (SELECT 1 FROM admins WHERE id = $2 AND {UNCONFIRMED}) RETURNING id",
            *(admin_id, actor.id, now),
        )
        if done is None:
            raise NotToConfirm
        await _record(actor, "admin.confirm", account, now, {"confirmed": False}, {"confirmed": True})


async def must_be_two(actor: AdminActor, admin_id: UUID) -> None:
    """Let an act of two pass, inside its transaction, when neither account could be used by the other's person.

    Raises:
        NotConfirmed: nobody but whoever had the link knows who uses one of them.
    """
    if await fetch_one(
        f"SELECT 1 FROM admins WHERE id = ANY ($1::uuid[]) AND {UNCONFIRMED} FOR SHARE", [actor.id, admin_id]
    ):
        raise NotConfirmed


async def revoke(actor: AdminActor, admin_id: UUID, now: datetime) -> None:
    """Take all rights away for good, with sessions and links.

    Raises:
        OwnAccount, HeadNoMore, NotFound, AdminRevoked: as for `head_and`.
    """
    async with transaction():
        before = await head_and(actor, admin_id)
        await execute(
            "UPDATE admins SET status = 'revoked', revoked_at = $2 WHERE id = $1 AND id <> $3",
            *(admin_id, now, actor.id),
        )
        await one_time_links.forget(admin_id, now)
        await end_sessions(admin_id, "admin_revoked", now)
        await _record(actor, "admin.revoke", before, now, {"status": before["status"]}, {"status": "revoked"})
    await wait_for_older_statements()


async def end_sessions(admin_id: UUID, reason: str, now: datetime) -> None:
    """End every session of an admin, inside the caller's transaction."""
    await execute(
        "UPDATE sessions SET revoked_at = $2, revoked_reason = $3"
        " WHERE actor_kind = 'admin' AND actor_id = $1 AND revoked_at IS NULL",
        *(admin_id, now, reason),
    )


async def listed(actor: AdminActor, before: UUID | None, limit: int) -> Sequence[Row]:
    """Accounts of the admin's region and below, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        f"SELECT {COLUMNS} FROM admins WHERE region_id LIKE $1 || '%' AND id < $2 ORDER BY id DESC LIMIT $3",
        *(subtree_prefix(actor.region), before or AFTER_ALL, limit),
    )


async def one(actor: AdminActor, admin_id: UUID) -> Row:
    """One account.

    Raises:
        NotFound: no such account in the admin's region.
    """
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM admins WHERE id = $1 AND region_id LIKE $2 || '%'",
        *(admin_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


async def _record(
    actor: AdminActor,
    action: str,
    account: Row,
    now: datetime,
    before: audit_log.Facts,
    after: audit_log.Facts,
) -> None:
    await audit_log.record(
        *(audit_log.who(actor), action, ("admin", account["id"]), now),
        region=account["region_id"],
        before=before,
        after=after,
    )
