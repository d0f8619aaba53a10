"""暂停营业: the days on which a store is closed, shown with its offers.

A closure turns nobody away at the counter: whoever scans stands in the store, which then is open, and a coupon's own
days were frozen when it was claimed (rule 13).
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from common.actors import MemberActor
from common.clock import local_day
from common.database import Row, fetch_all, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from common.ids import AFTER_ALL, new_id
from merchants.staff_rights import hold_member
from models import audit_log
from models.enums import ClosureReason

MOST_AHEAD = 50
LONGEST_DAYS = 366
# $1 who acts, $2 the store: an owner's any, a manager's own.
ITS_STORE = """
staff a JOIN stores st ON st.member_id = a.member_id AND st.id = $2
 AND (a.role = 'owner' OR EXISTS (SELECT FROM staff_stores l WHERE l.staff_id = a.id AND l.store_id = st.id))
"""


class ClosureInvalid(Invalid):
    """Days that are over, in the wrong order, or more than a year."""

    code = "closure_invalid"
    zh = "暂停营业的日期有误：结束日不能早于开始日和今天，最长 366 天。长期不再营业请关闭门店。"
    en = "The days don't fit: the last is not before the first or today, 366 at most. To close for good, close the store."
    pointer = "/last_day"


class TooManyClosures(Refused):
    """More than a store can have ahead."""

    code = "too_many_closures"
    zh = "这家门店已经登记了 50 段暂停营业，请先撤回不需要的。"
    en = "This store has 50 closures ahead already; withdraw some first."


async def add(
    actor: MemberActor, store_id: UUID, days: tuple[date, date], reason: ClosureReason, now: datetime
) -> UUID:
    """Close a store from one day to another, both included, in Asia/Shanghai.

    Raises:
        NotFound: no open store of the member's (for a manager: of his own).
        ClosureInvalid, TooManyClosures.
    """
    first, last = days
    if last < max(first, local_day(now)) or (last - first).days > LONGEST_DAYS:
        raise ClosureInvalid
    closure_id = new_id()
    async with transaction():
        region = await hold_member(actor)
        made = await fetch_one(
            "INSERT INTO store_closures (id, store_id, first_day, last_day, reason, made_at)"
            f" SELECT $3, st.id, $4, $5, $6, $7 FROM {ITS_STORE} WHERE a.id = $1 AND a.status = 'active'"
            "  AND st.is_active AND (SELECT count(*) FROM store_closures c WHERE c.store_id = $2"
            "   AND c.last_day >= $8 AND c.withdrawn_at IS NULL) < $9 RETURNING id",
            *(actor.id, store_id, closure_id, first, last, reason, now, local_day(now), MOST_AHEAD),
        )
        if made is None:
            raise await _why_not(actor, store_id)
        after = {"first_day": first, "last_day": last, "reason": reason}
        await audit_log.record(
            audit_log.who(actor), "store.add_closure", ("store", store_id), now, region=region, after=after
        )
    return closure_id


async def withdraw(actor: MemberActor, store_id: UUID, closure_id: UUID, now: datetime) -> None:
    """Open all the same, or again already; withdrawing twice is withdrawing once.

    Raises:
        NotFound: no such closure of a store that is the actor's.
    """
    async with transaction():
        region = await hold_member(actor)
        row = await fetch_one(
            "UPDATE store_closures c SET withdrawn_at = coalesce(c.withdrawn_at, $4)"
            f" FROM {ITS_STORE} WHERE a.id = $1 AND a.status = 'active' AND c.id = $3 AND c.store_id = st.id"
            " RETURNING c.id",
            *(actor.id, store_id, closure_id, now),
        )
        if row is None:
            raise NotFound
        after = {"closure_id": closure_id}
        await audit_log.record(
            audit_log.who(actor),
            "store.withdraw_closure",
            ("store", store_id),
            now,
            region=region,
            after=after,
        )


async def listed(actor: MemberActor, store_id: UUID, before: UUID | None, limit: int) -> Sequence[Row]:
    """A store's closures, newest first, those over and withdrawn too.

    Raises:
        NotFound: no store of the member's.
    """
    if (
        await fetch_one("SELECT id FROM stores WHERE id = $1 AND member_id = $2", store_id, actor.member_id)
        is None
    ):
        raise NotFound
    return await fetch_all(
        "SELECT id, first_day, last_day, reason, made_at, withdrawn_at FROM store_closures"
        " WHERE store_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        *(store_id, before or AFTER_ALL, limit),
    )


async def _why_not(actor: MemberActor, store_id: UUID) -> NotFound | TooManyClosures:
    row = await fetch_one(
        f"SELECT st.is_active FROM {ITS_STORE} WHERE a.id = $1 AND a.status = 'active'", actor.id, store_id
    )
    return TooManyClosures() if row is not None and row["is_active"] else NotFound()
