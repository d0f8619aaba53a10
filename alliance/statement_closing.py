"""Closing a member's month: once, whatever is killed or repeated, and only over what the ledger has settled."""

from datetime import date, datetime, timedelta
from uuid import UUID

from alliance.statement_lines import end_of_period, period_of, take_new
from alliance.statement_states import Event, move
from common.database import execute, fetch_all, fetch_one, transaction
from common.jobs import GIVEN_UP, enqueue
from common.money import yuan
from models import audit_log, notice_log

# The clocks of several machines differ by seconds, and a request takes some: an hour leaves few late records.
REST = timedelta(hours=1)
AT_ONCE = 500
# Closing every month takes hours at most: what is open after that is looked at by somebody.
PATIENCE = timedelta(days=1)
CLOSE_JOB = "statement.close"

DUE = f"""
SELECT member_id, period, once
  FROM statements
 CROSS JOIN LATERAL concat_ws(':', '{CLOSE_JOB}', member_id, to_char(period, 'YYYY-MM-DD')) AS once
 WHERE state = 'open' AND period < $1 AND NOT {GIVEN_UP.format(once="once")}
 ORDER BY period, id LIMIT $2
"""
SUM_UP = """
INSERT INTO statement_sums (id, statement_id, member_id, region_id, period, store_id, offer_id, public_unit_id,
                            redemptions, reversals, discount_fen, member_fen, public_unit_fen, alliance_fen)
SELECT gen_random_uuid(), s.id, s.member_id, s.region_id, s.period, l.store_id, l.offer_id, l.public_unit_id,
       count(*) FILTER (WHERE l.kind = 'redemption'), count(*) FILTER (WHERE l.kind = 'reversal'),
       sum(l.discount_fen), sum(l.member_fen), sum(l.public_unit_fen), sum(l.alliance_fen)
  FROM statements s JOIN statement_lines l ON l.statement_id = s.id
 WHERE s.id = $1 GROUP BY s.id, l.store_id, l.offer_id, l.public_unit_id
"""
OVERDUE = """
SELECT count(*) AS statements FROM (SELECT FROM statements WHERE state = 'open' AND period < $1 LIMIT 100) AS late
"""
TOTALS = """
SELECT coalesce(sum(redemptions), 0)::bigint AS redemptions, coalesce(sum(reversals), 0)::bigint AS reversals,
       coalesce(sum(discount_fen), 0)::bigint AS discount_fen, coalesce(sum(member_fen), 0)::bigint AS member_fen,
       coalesce(sum(public_unit_fen), 0)::bigint AS public_unit_fen,
       coalesce(sum(alliance_fen), 0)::bigint AS alliance_fen
  FROM statement_sums WHERE statement_id = $1
"""


async def close_due(now: datetime) -> int:
    """Put new records on their statements, and have those of past months closed, a job for each member and month.

    The background process calls it; how many jobs it asked for. What failed for good waits for an operator.
    """
    await take_new(now)
    rows = await fetch_all(DUE, period_of(now - REST), AT_ONCE)
    for row in rows:
        payload = {"member_id": row["member_id"], "period": row["period"]}
        await enqueue(CLOSE_JOB, payload, once=row["once"])
    return len(rows)


async def overdue(now: datetime) -> int:
    """How many statements are still open a day after they were to be closed; at most a hundred are counted."""
    row = await fetch_one(OVERDUE, period_of(now - REST - PATIENCE))
    assert row is not None
    return int(row["statements"])


async def close(member_id: UUID, period: date, now: datetime) -> bool:
    """Close a member's month, with its totals and a notice to the member; False when there is nothing to close (yet).

    Raises:
        SealingWaits: the ledger can't be settled now; nothing is closed.
    """
    if now < end_of_period(period) + REST:
        return False
    settled = await take_new(now)
    async with transaction():
        # Locked first, and summed up by a later statement: it sees every line of whoever held the row.
        held = await fetch_one(
            "SELECT id FROM statements WHERE member_id = $1 AND period = $2 AND state = 'open' FOR NO KEY UPDATE",
            *(member_id, period),
        )
        if held is None:
            return False
        await _close(held["id"], settled, now)
    return True


async def _close(statement_id: UUID, settled: int, now: datetime) -> None:
    await execute(SUM_UP, statement_id)
    totals = await fetch_one(TOTALS, statement_id)
    assert totals is not None
    row = await move(statement_id, Event.CLOSE, closed_at=now, settled_entry=settled, **dict(totals))
    facts = {
        "statement_id": statement_id,
        "period": f"{row['period']:%Y-%m}",
        "redemptions": row["redemptions"],
        "reversals": row["reversals"],
        "discount_yuan": yuan(row["discount_fen"]),
    }
    once = f"statement_closed:{statement_id}"
    await notice_log.tell("member", row["member_id"], "statement_closed", once, facts, now)
    await audit_log.record(
        audit_log.SYSTEM,
        "statement.close",
        ("statement", statement_id),
        now,
        region=row["region_id"],
        after={"member_id": row["member_id"], "period": row["period"], **dict(totals)},
    )
