"""Reading statements: a member its own, an admin those of his region, a public unit what it owes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from common.actors import AdminActor, MemberActor
from common.database import Row, fetch_all, fetch_one
from common.errors import NotFound
from common.ids import AFTER_ALL
from models.office_enums import StatementState
from models.region import shared_prefix, subtree_prefix

NOBODY = UUID(int=0)
EARLIEST, LATEST = date(1902, 1, 1), date(9998, 1, 1)
MOST_GROUPS = 500
STATEMENTS = "SELECT s.*, m.name AS member_name FROM statements s JOIN members m ON m.id = s.member_id"
FUNDED = """sum(x.discount_fen)::bigint AS discount_fen, sum(x.member_fen)::bigint AS member_fen,
       sum(x.public_unit_fen)::bigint AS public_unit_fen, sum(x.alliance_fen)::bigint AS alliance_fen"""
COUNTED = f"""sum(x.redemptions)::bigint AS redemptions, sum(x.reversals)::bigint AS reversals, {FUNDED}"""
# The names that people know; both are looked up once for each group.
NAMES = """
  LEFT JOIN LATERAL (SELECT name FROM stores WHERE id = g.store_id LIMIT 1) st ON true
  LEFT JOIN LATERAL (SELECT terms_id FROM offers WHERE id = g.offer_id LIMIT 1) o ON true
  LEFT JOIN LATERAL (SELECT title FROM offer_terms WHERE id = o.terms_id LIMIT 1) t ON true
 ORDER BY g.store_id, g.offer_id
"""
# Of a closed statement the sums are kept; of an open one they are those of the lines that it has so far.
OF_CLOSED = f"""
SELECT g.*, st.name AS store, t.title AS offer FROM (
    SELECT x.store_id, x.offer_id, {COUNTED} FROM statement_sums x WHERE x.statement_id = $1
     GROUP BY x.store_id, x.offer_id) g {NAMES}
"""
OF_OPEN = f"""
SELECT g.*, st.name AS store, t.title AS offer FROM (
    SELECT x.store_id, x.offer_id, count(*) FILTER (WHERE x.kind = 'redemption') AS redemptions,
           count(*) FILTER (WHERE x.kind = 'reversal') AS reversals, {FUNDED}
      FROM statement_lines x WHERE x.statement_id = $1 GROUP BY x.store_id, x.offer_id) g {NAMES}
"""
# The days of the statement on which a store redeemed, and the clerk's newest count of each.
DAYS = """
SELECT d.store_id, d.day, c.id AS close_id, c.redemptions, c.reversals, c.discount_fen, c.server_redemptions,
       c.server_reversals, c.server_discount_fen
  FROM (SELECT DISTINCT store_id, (at AT TIME ZONE 'Asia/Shanghai')::date AS day FROM statement_lines
         WHERE statement_id = $1 AND kind = 'redemption') d
  LEFT JOIN LATERAL (SELECT * FROM day_closes k WHERE k.store_id = d.store_id AND k.day = d.day
                      ORDER BY k.id DESC LIMIT 1) c ON true
 WHERE c.id IS NULL OR (c.redemptions, c.reversals, c.discount_fen)
                       <> (c.server_redemptions, c.server_reversals, c.server_discount_fen)
 ORDER BY d.day, d.store_id LIMIT $2
"""
BY_REGION = f"""
SELECT x.region_id, coalesce(x.public_unit_id, $5) AS public_unit_id, {COUNTED} FROM statement_sums x
 WHERE x.period = $1 AND x.region_id LIKE $2 || '%' AND (x.region_id, coalesce(x.public_unit_id, $5)) > ($3, $4::uuid)
 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $6
"""
OWED = f"""
SELECT coalesce(x.offer_id, $4) AS offer_id, {COUNTED} FROM statement_sums x
 WHERE x.public_unit_id = $1 AND x.period = $2 AND coalesce(x.offer_id, $4) > $3::uuid
 GROUP BY 1 ORDER BY 1 LIMIT $5
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of a region's statements; a field that is None narrows nothing down, `region` has all below it."""

    state: StatementState | None = None
    period: date | None = None
    region: str | None = None
    member_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement, its sums by store and offer, and the days whose count is missing or different."""

    statement: Row
    sums: Sequence[Row]
    days: Sequence[Row]


async def of_member(actor: MemberActor, before: UUID | None, limit: int) -> Sequence[Row]:
    """The member's statements, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        f"{STATEMENTS} WHERE s.member_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3",
        *(actor.member_id, before or AFTER_ALL, limit),
    )


async def in_region(actor: AdminActor, filters: Filters, before: UUID | None, limit: int) -> Sequence[Row]:
    """Statements in the admin's region, newest first; `before` is the last id of the page before."""
    prefix = shared_prefix(actor.region, filters.region or actor.region)
    if prefix is None:
        return []
    which, of_member = ("AND s.member_id = $7", [filters.member_id]) if filters.member_id else ("", [])
    return await fetch_all(
        f"{STATEMENTS} WHERE s.region_id LIKE $1 || '%' AND s.id < $2 AND s.state = ANY ($3::text[])"
        f" AND s.period BETWEEN $4 AND $5 {which} ORDER BY s.id DESC LIMIT $6",
        *(prefix, before or AFTER_ALL, [filters.state] if filters.state else [*StatementState]),
        *(filters.period or EARLIEST, filters.period or LATEST, limit, *of_member),
    )


async def seen(actor: MemberActor | AdminActor, statement_id: UUID) -> Row:
    """One statement, for whoever may see it.

    Raises:
        NotFound: there is none of the member's, or in the admin's region.
    """
    if isinstance(actor, MemberActor):
        row = await fetch_one(
            f"{STATEMENTS} WHERE s.id = $1 AND s.member_id = $2", statement_id, actor.member_id
        )
    else:
        row = await fetch_one(
            f"{STATEMENTS} WHERE s.id = $1 AND s.region_id LIKE $2 || '%'",
            *(statement_id, subtree_prefix(actor.region)),
        )
    if row is None:
        raise NotFound
    return row


async def view(actor: MemberActor | AdminActor, statement_id: UUID) -> StatementView:
    """One statement with everything but its lines.

    Raises:
        NotFound: as for `seen`.
    """
    statement = await seen(actor, statement_id)
    is_open = statement["state"] == StatementState.OPEN
    sums = await fetch_all(OF_OPEN if is_open else OF_CLOSED, statement_id)
    return StatementView(statement, sums, await fetch_all(DAYS, statement_id, MOST_GROUPS))


async def lines(statement_id: UUID, after: UUID | None, limit: int) -> Sequence[Row]:
    """Lines of a statement that was `seen`, in the order in which they were written."""
    return await fetch_all(
        "SELECT * FROM statement_lines WHERE statement_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        *(statement_id, after or NOBODY, limit),
    )


async def sums_by_region(
    actor: AdminActor, period: date, after: tuple[str, UUID] | None, limit: int
) -> Sequence[Row]:
    """What the closed statements of a month add up to, by region and public unit (`NOBODY` where none pays)."""
    region, unit = after or ("", NOBODY)
    return await fetch_all(BY_REGION, period, subtree_prefix(actor.region), region, unit, NOBODY, limit)


async def owed(actor: MemberActor, period: date, after: UUID | None, limit: int) -> Sequence[Row]:
    """What the actor's public unit owes for a month's closed statements, by offer; last, `AFTER_ALL`, adjustments."""
    return await fetch_all(OWED, actor.member_id, period, after or NOBODY, AFTER_ALL, limit)
