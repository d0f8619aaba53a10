"""经营数据 as members and admins read them: from kept sums, some seconds old, never from the ledger.

Sums only: no citizen is named or can be counted out, and a member sees nothing but his own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from common import replica
from common.actors import AdminActor, MemberActor
from common.database import Row
from common.errors import Invalid, NotFound
from common.ids import AFTER_ALL
from common.replica import FetchAll
from models.region import subtree_prefix

MOST_DAYS = 366

COLUMNS = (
    *("views", "claims", "given_back", "redemptions", "reversals", "discount_fen", "reversed_fen"),
    *("new_customers", "returning_customers"),
)
SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in COLUMNS)
MEMBERS_DAYS = "FROM flow_days WHERE member_id = $1 AND day >= $2 AND day <= $3"
REGIONS_DAYS = "FROM flow_days WHERE day >= $2 AND day <= $3 AND region_id LIKE $1 || '%'"
# A programme is the offer's: summed by offer first, so that each offer is looked up once.
BY_PROGRAMME = f"""
SELECT o.programme_id AS key, {SUMS}
  FROM (SELECT offer_id, {SUMS} {REGIONS_DAYS} GROUP BY offer_id) by_offer
  JOIN offers o ON o.id = by_offer.offer_id GROUP BY o.programme_id
"""
NAMES = {
    "offer": "SELECT o.id::text AS key, t.title AS name FROM unnest($1::text[]) asked (id)"
    " JOIN offers o ON o.id = asked.id::uuid JOIN offer_terms t ON t.id = o.terms_id",
    "store": "SELECT s.id::text AS key, s.name FROM unnest($1::text[]) asked (id)"
    " JOIN stores s ON s.id = asked.id::uuid",
    "member": "SELECT m.id::text AS key, m.name FROM unnest($1::text[]) asked (id)"
    " JOIN members m ON m.id = asked.id::uuid",
    "region": "SELECT code AS key, name FROM regions WHERE code = ANY ($1)",
    "programme": "SELECT code AS key, name FROM programmes WHERE code = ANY ($1)",
}
REFUSALS = """
SELECT code, sum(refusals)::bigint AS refusals
  FROM (SELECT by_member.* FROM (
            SELECT member_id, code, sum(refusals) AS refusals
              FROM (SELECT member_id, code, refusals FROM refusal_days WHERE day >= $2 AND day <= $3
                    UNION ALL
                    SELECT member_id, code, scans FROM refused_scan_counts WHERE day >= $2 AND day <= $3) each_day
             GROUP BY member_id, code) by_member
         CROSS JOIN LATERAL (
               SELECT id FROM members WHERE id = by_member.member_id AND region_id LIKE $1 || '%' LIMIT 1) ours) here
 GROUP BY code ORDER BY 2 DESC, code
"""
MEMBERS = """
SELECT kind, status, sum(members)::bigint AS members
  FROM regions r CROSS JOIN LATERAL (
       SELECT kind, status, count(*) AS members FROM members WHERE region_id = r.code GROUP BY kind, status) here
 WHERE r.code LIKE $1 || '%' GROUP BY kind, status ORDER BY kind, status
"""


COMPLAINTS = """
SELECT kind, status, count(*) AS complaints
  FROM complaints WHERE complained_on >= $2 AND complained_on <= $3 AND region_id LIKE $1 || '%'
 GROUP BY kind, status ORDER BY kind, status
"""
# How much of it is taken (held by coupons or spent), and how fast: what the days asked for cost.
BUDGETS = """
SELECT o.id AS offer_id, t.title, o.member_id, m.name AS member_name, o.region_id, o.status,
       s.budget_fen, s.reserved_fen,
       coalesce((SELECT sum(f.discount_fen - f.reversed_fen) FROM flow_days f
                  WHERE f.member_id = o.member_id AND f.day >= $2 AND f.day <= $3 AND f.offer_id = o.id), 0)::bigint
         AS spent_fen
  FROM offer_stock s JOIN offers o ON o.id = s.offer_id JOIN offer_terms t ON t.id = o.terms_id
  JOIN members m ON m.id = o.member_id
 WHERE s.budget_fen IS NOT NULL AND s.offer_id < $4 AND o.region_id LIKE $1 || '%'
 ORDER BY s.offer_id DESC LIMIT $5
"""


class SpanInvalid(Invalid):
    """The days asked for are too many, or end before they begin."""

    code = "span_invalid"
    zh = "日期范围不对：结束日期不能早于开始日期，最多查 366 天。请修改后重试。"
    en = "The days are not right: the last one can't come before the first, and 366 days are the most. Change them."
    pointer = "/to"


@dataclass(frozen=True, slots=True)
class Span:
    """Days of Asia/Shanghai, both included.

    Raises:
        SpanInvalid: none, or too many.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < MOST_DAYS:
            raise SpanInvalid


@dataclass(frozen=True, slots=True)
class Lines:
    """A page of sums, most redemptions first (days: the newest first), and the sums of all of them."""

    lines: Sequence[Mapping[str, Any]]
    totals: Mapping[str, int]


Position = tuple[int, str]


async def of_member(actor: MemberActor, span: Span, by: str, after: Position | None, limit: int) -> Lines:
    """A member's numbers by `day`, `offer` or `store`; what belongs to no store is left out by store."""
    key = {"day": "day::text", "offer": "offer_id::text", "store": "store_id::text"}[by]
    grouped = f"SELECT {key} AS key, {SUMS} {MEMBERS_DAYS}{_in_stores(by)} GROUP BY 1"
    return await _read(by, grouped, f"SELECT {SUMS} {MEMBERS_DAYS}", (actor.member_id, span), after, limit)


async def of_region(
    actor: AdminActor, region: str | None, span: Span, by: str, after: Position | None, limit: int
) -> Lines:
    """A region's numbers by `day`, `offer`, `member`, `region` (the next level below) or `programme`.

    Args:
        region: one in the admin's subtree; his own by default.

    Raises:
        NotFound: the region is not his.
    """
    prefix = prefix_of(actor, region)
    key = {"day": "day::text", "offer": "offer_id::text", "member": "member_id::text"}.get(by)
    if by == "programme":
        grouped = BY_PROGRAMME
    elif by == "region":
        # The regions below the one asked about: its cities, or its counties.
        digits = min(6, len(prefix) + 2)
        grouped = f"SELECT rpad(left(region_id, {digits}), 6, '0') AS key, {SUMS} {REGIONS_DAYS} GROUP BY 1"
    else:
        grouped = f"SELECT {key} AS key, {SUMS} {REGIONS_DAYS} GROUP BY 1"
    return await _read(by, grouped, f"SELECT {SUMS} {REGIONS_DAYS}", (prefix, span), after, limit)


async def refusals(actor: AdminActor, region: str | None, span: Span) -> Sequence[Row]:
    """Refused scans by reason, of the members of a region; also codes that never reached a coupon."""
    prefix = prefix_of(actor, region)
    return await replica.read(lambda fetch: fetch(REFUSALS, prefix, span.first, span.last))


async def members(actor: AdminActor, region: str | None) -> Sequence[Row]:
    """How many members a region has, by kind and state."""
    prefix = prefix_of(actor, region)
    return await replica.read(lambda fetch: fetch(MEMBERS, prefix))


async def complaints(actor: AdminActor, region: str | None, span: Span) -> Sequence[Row]:
    """How many complaints were made about a region's stores in these days, by kind and how far they have come."""
    prefix = prefix_of(actor, region)
    return await replica.read(lambda fetch: fetch(COMPLAINTS, prefix, span.first, span.last))


async def budgets(
    actor: AdminActor, region: str | None, span: Span, before: UUID | None, limit: int
) -> Sequence[Row]:
    """The offers of a region that have a budget, newest first, with what these days cost; `before` is the last id."""
    prefix = prefix_of(actor, region)
    values = (prefix, span.first, span.last, before or AFTER_ALL, limit)
    return await replica.read(lambda fetch: fetch(BUDGETS, *values))


def prefix_of(actor: AdminActor, region: str | None) -> str:
    """The digits of the region that is asked about.

    Raises:
        NotFound: it is not in the admin's subtree.
    """
    own = subtree_prefix(actor.region)
    asked = subtree_prefix(region) if region else own
    if not asked.startswith(own):
        raise NotFound
    return asked


def _in_stores(by: str) -> str:
    return " AND store_id IS NOT NULL" if by == "store" else ""


async def _read(
    by: str,
    grouped: str,
    total: str,
    where: tuple[object, Span],
    after: Position | None,
    limit: int,
) -> Lines:
    owner, span = where
    values = (owner, span.first, span.last)
    rank = "0::bigint" if by == "day" else "redemptions"
    rank_after, key_after = after or ((1 << 62), "")

    async def work(fetch: FetchAll) -> Lines:
        rows = await fetch(
            f"SELECT * FROM (SELECT {rank} AS rank, grouped.* FROM ({grouped}) grouped) ranked"
            " WHERE (rank, key) < ($4, $5) ORDER BY rank DESC, key DESC LIMIT $6",
            *(*values, rank_after, key_after, limit),
        )
        (totals,) = await fetch(total, *values)
        names = {}
        if by in NAMES:
            named = await fetch(NAMES[by], [row["key"] for row in rows])
            names = {row["key"]: row["name"] for row in named}
        lines = [{**row, "name": names.get(row["key"])} for row in rows]
        return Lines(lines, dict(totals))

    return await replica.read(work)
