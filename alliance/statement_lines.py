"""Every record of the ledger goes onto one statement: that of its member and month.

Why no record is missed and none counts twice:

1. Records are taken in the order of `entry`, up to a number below which nothing new can appear (`settled_entry`).
2. How far they are taken is one row, locked first and moved on in the transaction that writes the lines: a process
   that is killed leaves both or neither, and two processes take turns.
3. UNIQUE (entry): the database refuses a second line for a record whatever the code does.

A record belongs to the month of its own time (a reversal's is when it was undone). Where that statement is closed
already, the record is late and goes onto the member's next one that is not. The row of a statement that lines are
written to is locked against closing, so its totals are those of its lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from alliance.statement_shares import shares_of
from benefits.ledger import LEDGER
from common.clock import local_day, start_of
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.ids import new_id
from models import seals
from models.office_enums import StatementState

BATCH = 1_000

# The records in their order; each is then looked up by its key, whatever the size of the tables.
READ = """
WITH taken AS MATERIALIZED (
    SELECT * FROM (
        (SELECT 'redemption' AS kind, entry, id AS record_id, NULL::uuid AS undoes, redeemed_at AS at
           FROM redemptions WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3)
        UNION ALL
        (SELECT 'reversal', entry, id, redemption_id, reversed_at
           FROM reversals WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3)) AS both_kinds
     ORDER BY entry LIMIT $3
)
SELECT taken.*, r.member_id, m.region_id, r.store_id, r.offer_id, r.order_amount_fen, r.discount_fen,
       t.alliance_share, t.public_unit_share, t.public_unit_id
  FROM taken
 CROSS JOIN LATERAL (SELECT * FROM redemptions WHERE id = coalesce(taken.undoes, taken.record_id) LIMIT 1) r
 CROSS JOIN LATERAL (SELECT * FROM offer_terms WHERE id = r.terms_id LIMIT 1) t
 CROSS JOIN LATERAL (SELECT region_id FROM members WHERE id = r.member_id LIMIT 1) m
 ORDER BY taken.entry
"""
WRITE = """
INSERT INTO statement_lines (id, statement_id, kind, entry, record_id, redemption_id, store_id, offer_id, at,
                             order_amount_fen, discount_fen, member_fen, public_unit_fen, alliance_fen, public_unit_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[],
                     $9::timestamptz[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
                     $15::uuid[])
"""
OPEN = """
INSERT INTO statements (id, member_id, region_id, period, opened_at)
SELECT id, member_id, region_id, period, $5
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[]) AS asked (id, member_id, region_id, period)
 ORDER BY member_id, period
ON CONFLICT (member_id, period) DO NOTHING
"""
HOLD = """
SELECT s.id, s.member_id, s.period, s.state
  FROM unnest($1::uuid[], $2::date[]) AS asked (member_id, period)
  JOIN statements s ON s.member_id = asked.member_id AND s.period = asked.period
 ORDER BY s.member_id, s.period FOR SHARE OF s
"""

Month = tuple[UUID, str, date]
"""A member, his region, and the first day of a month."""


def period_of(moment: datetime) -> date:
    """The first day of the month of a moment in Asia/Shanghai."""
    return local_day(moment).replace(day=1)


def next_period(period: date) -> date:
    """The month after."""
    return (period + timedelta(days=32)).replace(day=1)


def end_of_period(period: date) -> datetime:
    """The first moment that is not in the month any more."""
    return start_of(next_period(period))


async def settled_entry() -> int:
    """A number below which nothing new can appear in the ledger.

    Raises:
        SealingWaits: an open transaction keeps the ledger from being settled; nothing is lost.
    """
    return await seals.settled_entry(LEDGER)


async def take_new(now: datetime) -> int:
    """Write a line for every record that the ledger has; up to which number they are written.

    Raises:
        SealingWaits: as above.
    """
    until = await settled_entry()
    while await _take_some(until, now):
        pass
    return until


async def open_statements(wanted: Iterable[Month], now: datetime) -> Mapping[tuple[UUID, date], UUID]:
    """The statement that lines of a member's month go onto, by member and month, made where it is missing.

    Each is the month's own, or the next one that is not closed; it stays open until the transaction ends.
    """
    found: dict[tuple[UUID, date], UUID] = {}
    waiting = {(month[0], month[2]): month for month in wanted}
    while waiting:
        months = list(waiting.values())
        members, periods = [month[0] for month in months], [month[2] for month in months]
        ids = [new_id() for _ in months]
        await execute(OPEN, ids, members, [month[1] for month in months], periods, now)
        states = {(row["member_id"], row["period"]): row for row in await fetch_all(HOLD, members, periods)}
        later = {}
        for key, (member_id, region, period) in waiting.items():
            row = states[member_id, period]
            if row["state"] == StatementState.OPEN:
                found[key] = row["id"]
            else:
                later[key] = (member_id, region, next_period(period))
        waiting = later
    return found


async def _take_some(until: int, now: datetime) -> bool:
    """One batch, in one transaction; whether there may be more."""
    async with transaction():
        await execute("INSERT INTO statement_cursor (id, last_entry) VALUES (1, 0) ON CONFLICT DO NOTHING")
        cursor = await fetch_one("SELECT last_entry FROM statement_cursor WHERE id = 1 FOR UPDATE")
        assert cursor is not None
        rows = await fetch_all(READ, cursor["last_entry"], until, BATCH)
        if rows:
            await _write(rows, now)
        last = rows[-1]["entry"] if len(rows) == BATCH else until
        await execute("UPDATE statement_cursor SET last_entry = $1 WHERE id = 1 AND last_entry < $1", last)
    return len(rows) == BATCH


async def _write(rows: Sequence[Row], now: datetime) -> None:
    months = {(row["member_id"], row["region_id"], period_of(row["at"])) for row in rows}
    statements = await open_statements(months, now)
    lines = [_line(row, statements[row["member_id"], period_of(row["at"])]) for row in rows]
    await execute(WRITE, *(list(column) for column in zip(*lines, strict=True)))


def _line(row: Row, statement_id: UUID) -> tuple[object, ...]:
    """The columns of `WRITE`; a reversal counts below zero what its redemption counts above."""
    sign = 1 if row["undoes"] is None else -1
    order_fen, discount_fen = row["order_amount_fen"], sign * row["discount_fen"]
    shares = shares_of(discount_fen, row["alliance_share"], row["public_unit_share"])
    return (
        *(new_id(), statement_id, row["kind"], row["entry"], row["record_id"], row["undoes"]),
        *(row["store_id"], row["offer_id"], row["at"], None if order_fen is None else sign * order_fen),
        *(discount_fen, *shares, row["public_unit_id"]),
    )
