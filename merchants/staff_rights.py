"""Who of a member's staff may manage whom, as a condition of the statement that does it.

An owner manages everybody; a manager the cashiers and devices that have no store beyond his own. `a` is who acts ($1),
`t` whom it is about ($2). Whatever changes a role, a right or an owner holds the member's row first, so that two of
them at once come one after the other and the second sees what the first did.
"""

from collections.abc import Sequence
from uuid import UUID

from common.actors import MemberActor
from common.database import execute, fetch_one
from common.errors import Forbidden, Invalid, NotFound

# What stands for a password of somebody who has none: no hash of anything.
NO_PASSWORD = "!"  # noqa: S105 - it lets nobody in

MANAGES = """
a.id = $1 AND a.status = 'active' AND t.id = $2 AND t.member_id = a.member_id
AND (a.role = 'owner' OR (a.role = 'manager' AND t.role IN ('cashier', 'device')
     AND EXISTS (SELECT FROM staff_stores l WHERE l.staff_id = t.id)
     AND NOT EXISTS (SELECT FROM staff_stores l WHERE l.staff_id = t.id AND NOT EXISTS (
         SELECT FROM staff_stores mine WHERE mine.staff_id = a.id AND mine.store_id = l.store_id))))
"""
# An owner who has not taken up his invitation is none yet.
KEEPS_AN_OWNER = """
(t.role <> 'owner' OR t.password_hash = '!' OR EXISTS (
    SELECT FROM staff o WHERE o.member_id = t.member_id AND o.id <> t.id AND o.role = 'owner'
       AND o.status = 'active' AND o.password_hash <> '!'))
"""


class RoleNotYours(Forbidden):
    """A manager makes and changes cashiers only; nobody changes his own role."""

    code = "role_not_yours"
    zh = "您不能设置这个角色：店长只能管理店员，任何人都不能改自己的角色。请联系负责人。"
    en = "You can't set this role: a manager manages cashiers, and nobody changes his own role. Ask an owner."


class StoresUnknown(Invalid):
    """A store that is not the member's, is closed for good, or is none of the manager's; or no store for a cashier."""

    code = "stores_unknown"
    zh = "门店不对：请选择本单位营业中的门店（店长只能选自己管的门店），店员至少要有一家。"
    en = "Choose stores of yours that are open (a manager: those of his own); a cashier needs at least one."
    pointer = "/store_ids"


async def hold_member(actor: MemberActor) -> str:
    """Let nobody else change the member's staff until the transaction ends; the member's region."""
    row = await fetch_one("SELECT region_id FROM members WHERE id = $1 FOR NO KEY UPDATE", actor.member_id)
    if row is None:
        raise NotFound
    region: str = row["region_id"]
    return region


async def must_manage(actor: MemberActor, staff_id: UUID) -> None:
    """Raise NotFound unless the actor may manage this person or device; his rights are of this moment."""
    if await fetch_one(f"SELECT t.id FROM staff a, staff t WHERE {MANAGES}", actor.id, staff_id) is None:
        raise NotFound


async def place_at(actor: MemberActor, staff_id: UUID, store_ids: Sequence[UUID]) -> None:
    """Make these the stores of somebody, in their order, inside the caller's transaction.

    Raises:
        StoresUnknown: one of them may not be his.
    """
    await execute("DELETE FROM staff_stores WHERE staff_id = $1", staff_id)
    placed = await execute(
        "INSERT INTO staff_stores (staff_id, store_id, member_id, position)"
        " SELECT $2, st.id, st.member_id, min(wanted.n) - 1"
        "  FROM unnest($3::uuid[]) WITH ORDINALITY AS wanted (id, n) JOIN stores st ON st.id = wanted.id"
        "  JOIN staff a ON a.id = $1 AND a.member_id = st.member_id AND st.is_active"
        "   AND (a.role = 'owner' OR EXISTS ("
        "        SELECT FROM staff_stores mine WHERE mine.staff_id = a.id AND mine.store_id = st.id))"
        " GROUP BY st.id, st.member_id",
        *(actor.id, staff_id, list(store_ids)),
    )
    if placed != len(set(store_ids)):
        raise StoresUnknown
