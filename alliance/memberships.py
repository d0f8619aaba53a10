"""What a member and an admin see of a membership, suspending and lifting by the office, and leaving."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alliance import suspensions
from benefits import offer_lives
from common.actors import AdminActor, MemberActor
from common.database import Row, execute, fetch_all, fetch_one, transaction, wait_for_older_statements
from common.errors import NotFound, Refused
from common.ids import AFTER_ALL
from merchants import member_states
from merchants.register import FOUND_BY
from models import audit_log, notice_log
from models.enums import MemberAction, MemberStatus, SuspensionCause
from models.region import shared_prefix, subtree_prefix

COLUMNS = "id, name, uscc, kind, sector, region_id, status, status_since, joined_at"


class NotSuspendable(Refused):
    """The office has suspended it already, or it has left."""

    code = "not_suspendable"
    zh = "该成员已被联盟办公室暂停，或已退出联盟。请刷新后查看。"
    en = "The office suspended this member before, or it has left. Look at it again."


class NotSuspendedForThat(Refused):
    """It is not suspended for this cause."""

    code = "not_suspended_for_that"
    zh = "该成员目前没有因这个原因被暂停，不用解除。"
    en = "The member is not suspended for this cause; there is nothing to lift."


class MemberLeft(Refused):
    """It has left before."""

    code = "member_left"
    zh = "已经退出联盟。如要重新加入，请提交新的入盟申请。"
    en = "The member has left the alliance. To come back, apply again."


async def suspend_by_office(actor: AdminActor, member_id: UUID, reason: str, now: datetime) -> None:
    """Suspend a member for a reason that it reads; claims have stopped when this returns.

    Raises:
        NotFound: no such member in the admin's region.
        NotSuspendable: there is nothing to suspend.
    """
    await of_admin(actor, member_id)
    by = audit_log.who(actor)
    if not await suspensions.suspend(member_id, SuspensionCause.OFFICE, {"reason": reason}, by, now):
        raise NotSuspendable


async def lift(actor: AdminActor, member_id: UUID, cause: SuspensionCause, now: datetime) -> None:
    """End a cause by hand. What the credit source says can't be lifted so: it is lifted by the next check that is good.

    Raises:
        NotFound: no such member in the admin's region.
        NotSuspendedForThat: there is nothing to lift.
    """
    await of_admin(actor, member_id)
    if not await suspensions.lift(member_id, cause, audit_log.who(actor), now):
        raise NotSuspendedForThat


async def leave(actor: MemberActor, now: datetime) -> None:
    """Leave the alliance at once: offers end, those not published yet are withdrawn, and nothing is claimed any more.

    Coupons stay usable (rule 13), so staff keep their logins and go on redeeming until the last coupon has ended.

    Raises:
        MemberLeft: it has left before.
    """
    member_id = actor.member_id
    async with transaction():
        moved = await member_states.move(member_id, MemberAction.LEAVE, now)
        if moved is None:
            raise MemberLeft
        await offer_lives.end_all(member_id, audit_log.who(actor), now)
        await execute("DELETE FROM member_rechecks WHERE member_id = $1", member_id)
        once = f"left:{now.isoformat()}"
        await notice_log.tell("member", member_id, "member_left", once, {}, now)
        row = await of_member(member_id)
        before, after = ({"status": status} for status in moved)
        who, thing, region = audit_log.who(actor), ("member", member_id), row["region_id"]
        await audit_log.record(who, "member.leave", thing, now, region=region, before=before, after=after)
    await wait_for_older_statements()


async def of_member(member_id: UUID) -> Row:
    """A member as it is now.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(f"SELECT {COLUMNS} FROM members WHERE id = $1", member_id)
    if row is None:
        raise NotFound
    return row


async def of_admin(actor: AdminActor, member_id: UUID) -> Row:
    """The same, for an admin of its region or above.

    Raises:
        NotFound: there is none, or it is elsewhere.
    """
    row = await of_member(member_id)
    if not row["region_id"].startswith(subtree_prefix(actor.region)):
        raise NotFound
    return row


async def listed(
    actor: AdminActor,
    region: str | None,
    status: MemberStatus | None,
    q: str,
    before: UUID | None,
    limit: int,
) -> Sequence[Row]:
    """Members of the admin's region, the last id first; `region` and `q`, as in `FOUND_BY`, narrow it down."""
    prefix = shared_prefix(actor.region, region or actor.region)
    if prefix is None:
        return []
    return await fetch_all(
        f"SELECT {COLUMNS} FROM members WHERE region_id LIKE $1 || '%' AND id < $2 AND status = ANY ($3)"
        f" AND {FOUND_BY.format('$4')} ORDER BY id DESC LIMIT $5",
        *(prefix, before or AFTER_ALL, [status] if status else [*MemberStatus], q, limit),
    )
