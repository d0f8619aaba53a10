"""Counting everything anew, straight from the ledger and the logs, and where the kept sums differ from it.

It shares no code with what keeps the sums. It locks nothing and reads one snapshot: below the ledger's mark
everything is in it, so that redemptions and customers are compared to the last record counted. Claims, coupons given
back and refused scans are compared for the days before the one on which they were last counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from alliance import number_marks
from common.clock import end_of, local_day, start_of
from common.database import Row, execute, fetch_all, transaction
from models.office_enums import NumberSource

LEDGER = """
SELECT (redeemed_at AT TIME ZONE 'Asia/Shanghai')::date AS day, offer_id, store_id, '' AS code,
       count(*) AS redemptions, sum(discount_fen)::bigint AS discount_fen,
       count(*) FILTER (WHERE came.before IS NULL) AS new_customers,
       count(*) FILTER (WHERE (redeemed_at AT TIME ZONE 'Asia/Shanghai')::date > came.before) AS returning_customers
  FROM (SELECT r.*, max((redeemed_at AT TIME ZONE 'Asia/Shanghai')::date) OVER (
                PARTITION BY member_id, citizen_id ORDER BY entry
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
          FROM redemptions r WHERE entry <= $3) came
 WHERE redeemed_at >= $1 AND redeemed_at < $2 GROUP BY 1, 2, 3
"""
REVERSALS = """
SELECT (v.reversed_at AT TIME ZONE 'Asia/Shanghai')::date AS day, r.offer_id, r.store_id, '' AS code,
       count(*) AS reversals, sum(r.discount_fen)::bigint AS reversed_fen
  FROM reversals v JOIN redemptions r ON r.id = v.redemption_id
 WHERE v.reversed_at >= $1 AND v.reversed_at < $2 AND v.entry <= $3 GROUP BY 1, 2, 3
"""
CLAIMS = """
SELECT (claimed_at AT TIME ZONE 'Asia/Shanghai')::date AS day, offer_id, NULL::uuid AS store_id, '' AS code,
       count(*) AS claims
  FROM coupons WHERE claimed_at >= $1 AND claimed_at < $2 GROUP BY 1, 2
"""
GIVEN_BACK = """
SELECT (ended_at AT TIME ZONE 'Asia/Shanghai')::date AS day, offer_id, NULL::uuid AS store_id, '' AS code,
       count(*) AS given_back
  FROM coupons WHERE ended_at >= $1 AND ended_at < $2 AND status = 'given_back' GROUP BY 1, 2
"""
ATTEMPTS = """
SELECT (attempted_at AT TIME ZONE 'Asia/Shanghai')::date AS day, member_id AS offer_id, NULL::uuid AS store_id, code,
       count(*) AS refusals
  FROM attempts WHERE attempted_at >= $1 AND attempted_at < $2 GROUP BY 1, 2, 4
"""
KEPT = """
SELECT day, offer_id, store_id, '' AS code, claims, given_back, redemptions, reversals, discount_fen, reversed_fen,
       new_customers, returning_customers
  FROM flow_days WHERE day >= $1 AND day <= $2
"""
KEPT_REFUSALS = """
SELECT day, member_id AS offer_id, NULL::uuid AS store_id, code, refusals
  FROM refusal_days WHERE day >= $1 AND day <= $2
"""
OF_THE_LEDGER = frozenset(
    {"redemptions", "reversals", "discount_fen", "reversed_fen", "new_customers", "returning_customers"}
)
OF_A_SOURCE = {
    NumberSource.CLAIMS: "claims",
    NumberSource.GIVEN_BACK: "given_back",
    NumberSource.ATTEMPTS: "refusals",
}

# Day; offer, or for refusals the member; store; reason; what is counted.
Place = tuple[date, UUID, UUID | None, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that is not what counting it anew gives."""

    day: date
    what: str
    subject_id: UUID
    store_id: UUID | None
    code: str
    kept: int
    counted: int


async def differences(first: date, last: date) -> Sequence[Difference]:
    """Count some days anew (the last one whole) and compare; nothing is changed."""
    async with transaction():
        await execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await execute("SET LOCAL statement_timeout = 0")
        kept = _by_place([*await fetch_all(KEPT, first, last), *await fetch_all(KEPT_REFUSALS, first, last)])
        counted = _by_place(await _counted(first, last))
        open_from = {
            what: local_day(
                datetime.fromtimestamp(await number_marks.read(source) * 60, start_of(last).tzinfo)
            )
            for source, what in OF_A_SOURCE.items()
        }
    return [
        Difference(day, what, subject_id, store_id, code, kept.get(place, 0), counted.get(place, 0))
        for place in sorted(kept.keys() | counted.keys(), key=str)
        for day, subject_id, store_id, code, what in (place,)
        if kept.get(place, 0) != counted.get(place, 0) and (what in OF_THE_LEDGER or day < open_from[what])
    ]


async def _counted(first: date, last: date) -> Sequence[Row]:
    span = start_of(first), end_of(last)
    mark = await number_marks.read(NumberSource.LEDGER)
    return [
        *await fetch_all(LEDGER, *span, mark),
        *await fetch_all(REVERSALS, *span, mark),
        *await fetch_all(CLAIMS, *span),
        *await fetch_all(GIVEN_BACK, *span),
        *await fetch_all(ATTEMPTS, *span),
    ]


def _by_place(rows: Sequence[Row]) -> Mapping[Place, int]:
    return {
        (row["day"], row["offer_id"], row["store_id"], row["code"], what): number
        for row in rows
        for what, number in list(row.items())[4:]
        if number
    }
