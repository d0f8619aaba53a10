"""Redemptions, reversals and customers from the ledger, each record once.

Records are taken in the order of `entry`, up to the settled one (`models.seals`): below it nothing can appear any
more. The mark and the sums are one transaction, and whoever counts holds the mark: a process that is killed leaves
all of a batch or nothing, and two at once take turns.

A new customer of a member is one whose first redemption there this is; a returning one comes on a later day than
any before. Both are counted when they come, where they come: once a day and member, at the offer and store of that
day's first redemption. A reversal is another record of its own day and takes nothing of that back, so that the
numbers of a day that is over stay what they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from alliance import number_marks
from benefits.ledger import LEDGER
from common.database import Row, execute, fetch_all, transaction
from models import seals
from models.office_enums import NumberSource

BATCH = 1_000

READ = """
(SELECT entry, false AS is_reversal, offer_id, store_id, member_id, citizen_id, discount_fen,
        (redeemed_at AT TIME ZONE 'Asia/Shanghai')::date AS day
   FROM redemptions WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3)
UNION ALL
(SELECT v.entry, true, r.offer_id, r.store_id, r.member_id, r.citizen_id, r.discount_fen,
        (v.reversed_at AT TIME ZONE 'Asia/Shanghai')::date
   FROM (SELECT * FROM reversals WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3) v
   JOIN redemptions r ON r.id = v.redemption_id)
ORDER BY entry LIMIT $3
"""
KNOWN = """
SELECT c.member_id, c.citizen_id, c.last_day
  FROM unnest($1::uuid[], $2::uuid[]) AS asked (member_id, citizen_id)
 CROSS JOIN LATERAL (SELECT * FROM member_customers
   WHERE member_id = asked.member_id AND citizen_id = asked.citizen_id LIMIT 1) c
"""
REMEMBER = """
INSERT INTO member_customers AS c (member_id, citizen_id, first_entry, first_day, last_day)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::date[], $5::date[])
ON CONFLICT (member_id, citizen_id) DO UPDATE SET last_day = greatest(c.last_day, excluded.last_day)
"""
ADD = """
INSERT INTO flow_days AS f (day, offer_id, store_id, member_id, region_id, redemptions, reversals, discount_fen,
                            reversed_fen, new_customers, returning_customers)
SELECT more.day, more.offer_id, more.store_id, o.member_id, o.region_id, more.redemptions, more.reversals,
       more.discount_fen, more.reversed_fen, more.new_customers, more.returning_customers
  FROM unnest($1::date[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bigint[])
       AS more (day, offer_id, store_id, redemptions, reversals, discount_fen, reversed_fen, new_customers,
                returning_customers)
  JOIN offers o ON o.id = more.offer_id
 ORDER BY more.day, more.offer_id, more.store_id
ON CONFLICT (day, offer_id, store_id) WHERE store_id IS NOT NULL DO UPDATE
   SET redemptions = f.redemptions + excluded.redemptions, reversals = f.reversals + excluded.reversals,
       discount_fen = f.discount_fen + excluded.discount_fen, reversed_fen = f.reversed_fen + excluded.reversed_fen,
       new_customers = f.new_customers + excluded.new_customers,
       returning_customers = f.returning_customers + excluded.returning_customers
"""

Customer = tuple[UUID, UUID]
Place = tuple[date, UUID, UUID]


@dataclass(slots=True)
class Sums:
    """What a batch adds to one offer's day at one store."""

    redemptions: int = 0
    reversals: int = 0
    discount_fen: int = 0
    reversed_fen: int = 0
    new_customers: int = 0
    returning_customers: int = 0


async def count_ledger(_: datetime) -> int:
    """Count what is new in the ledger; how many records.

    Raises:
        SealingWaits: an open transaction keeps a part from being counted; nothing is lost.
    """
    if await seals.drawn_entry(LEDGER) <= await number_marks.read(NumberSource.LEDGER):
        return 0
    until, counted = await seals.settled_entry(LEDGER), 0
    while done := await _count_batch(until):
        counted += done
    return counted


async def _count_batch(until: int) -> int:
    async with transaction():
        mark = (await number_marks.held(NumberSource.LEDGER))["mark"]
        records = await fetch_all(READ, mark, until, BATCH)
        if records:
            await _add(records)
        await number_marks.advance(
            NumberSource.LEDGER, records[-1]["entry"] if len(records) == BATCH else until
        )
    return len(records)


async def _add(records: Sequence[Row]) -> None:
    customers = sorted({(row["member_id"], row["citizen_id"]) for row in records if not row["is_reversal"]})
    known = await fetch_all(KNOWN, [member for member, _ in customers], [citizen for _, citizen in customers])
    last_days = {(row["member_id"], row["citizen_id"]): row["last_day"] for row in known}
    places, first = _summed(records, last_days)
    await execute(
        REMEMBER,
        [member for member, _ in customers],
        [citizen for _, citizen in customers],
        [first[customer]["entry"] for customer in customers],
        [first[customer]["day"] for customer in customers],
        [last_days[customer] for customer in customers],
    )
    keys = list(places)
    sums = [[getattr(each, name) for each in places.values()] for name in Sums.__slots__]
    await execute(ADD, *([key[part] for key in keys] for part in range(3)), *sums)


def _summed(
    records: Sequence[Row], last_days: dict[Customer, date]
) -> tuple[dict[Place, Sums], dict[Customer, Row]]:
    """The batch's sums, and each customer's first record in it; `last_days` moves on with the records."""
    places: dict[Place, Sums] = {}
    first: dict[Customer, Row] = {}
    for row in records:
        sums = places.setdefault((row["day"], row["offer_id"], row["store_id"]), Sums())
        if row["is_reversal"]:
            sums.reversals += 1
            sums.reversed_fen += row["discount_fen"]
            continue
        sums.redemptions += 1
        sums.discount_fen += row["discount_fen"]
        customer = row["member_id"], row["citizen_id"]
        first.setdefault(customer, row)
        before = last_days.get(customer)
        if before is None:
            sums.new_customers += 1
        elif row["day"] > before:
            sums.returning_customers += 1
        last_days[customer] = max(before or row["day"], row["day"])
    return places, first
