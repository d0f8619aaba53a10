"""Telling citizens that a coupon was claimed, redeemed or that this was undone: derived from what was written.

Claim and redemption know nothing of it: they are one statement each, and stay so. The row that they write is the outbox:
it is committed with its cause, and the background process tells of it afterwards.

The ledger is told of by `entry`, up to the settled one: below it nothing can appear any more. Claims have no number that
the database draws, only ids that clocks make: the last seconds are looked through again each time, the last two days
every hour, and who was told is known by the notice itself. The mark moves in the transaction of the notices, and whoever
tells holds it: two processes take turns, and one that is killed leaves all of a batch or nothing.

What was claimed before there were notices is told to nobody, but gets its reminder (`benefits.coupon_reminders`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from benefits import coupon_reminders
from benefits.ledger import LEDGER
from common.clock import SHANGHAI, local_day
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.ids import id_at, ms_of
from common.money import yuan
from models import notice_log, seals
from models.citizen_enums import NoticeSource
from models.notice_log import News

BATCH = 1_000
# A claim waits for its turn and for a connection, and runs, for no longer than this after its id was made.
AGAIN = timedelta(seconds=15)
# One whose process stood still, or whose clock is off, is found by a sweep.
SWEPT, SWEEP_EVERY = timedelta(days=2), timedelta(hours=1)
_MOMENT = timedelta(microseconds=1)

RECORDED = """
(SELECT r.entry, false AS is_reversal, r.id, r.coupon_id, r.citizen_id, r.discount_fen, r.redeemed_at AS at,
        s.name AS store, t.title AS offer
   FROM (SELECT * FROM redemptions WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3) r
   JOIN stores s ON s.id = r.store_id JOIN offer_terms t ON t.id = r.terms_id)
UNION ALL
(SELECT v.entry, true, r.id, r.coupon_id, r.citizen_id, r.discount_fen, v.reversed_at, s.name, t.title
   FROM (SELECT * FROM reversals WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3) v
   JOIN redemptions r ON r.id = v.redemption_id
   JOIN stores s ON s.id = r.store_id JOIN offer_terms t ON t.id = r.terms_id)
ORDER BY entry LIMIT $3
"""
# Of who is erased nothing is told or planned: his notices went, by which it would be known that it was.
CLAIMED = """
SELECT c.id, c.citizen_id, c.status, c.claimed_at, c.valid_until, t.title AS offer,
       told.is_told IS NOT NULL OR z.erased_at IS NOT NULL AS is_told
  FROM (SELECT * FROM coupons WHERE id > $1 ORDER BY id LIMIT $2) c
  JOIN offer_terms t ON t.id = c.terms_id
  JOIN citizens z ON z.id = c.citizen_id
  LEFT JOIN LATERAL (SELECT true AS is_told FROM citizen_notices
     WHERE citizen_id = c.citizen_id AND once_key = 'coupon_claimed:' || c.id LIMIT 1) told ON true
 ORDER BY c.id
"""


async def tell_ledger(now: datetime) -> int:
    """Tell of what the ledger has recorded since the last time; how many notices.

    Raises:
        SealingWaits: an open transaction may still write to the ledger; nothing is lost.
    """
    if await seals.drawn_entry(LEDGER) <= await _mark(NoticeSource.LEDGER):
        return 0
    until, told = await seals.settled_entry(LEDGER), 0
    while (done := await _tell_records(until, now)) is not None:
        told += done
    return told


async def _tell_records(until: int, now: datetime) -> int | None:
    async with transaction():
        mark = (await _held(NoticeSource.LEDGER))["mark"]
        if mark >= until:
            return None
        rows = await fetch_all(RECORDED, mark, until, BATCH)
        told = await notice_log.tell_citizens([_of_record(row) for row in rows], now) if rows else 0
        await _advance(NoticeSource.LEDGER, rows[-1]["entry"] if len(rows) == BATCH else until)
    return told


def _of_record(row: Row) -> News:
    facts = {
        "coupon_id": row["coupon_id"],
        "redemption_id": row["id"],
        "offer": row["offer"],
        "store": row["store"],
        "at": f"{row['at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
    }
    if row["is_reversal"]:
        return News(row["citizen_id"], "coupon_reversed", f"coupon_reversed:{row['id']}", facts)
    once = f"coupon_redeemed:{row['id']}"
    if not row["discount_fen"]:
        return News(row["citizen_id"], "coupon_redeemed_unpriced", once, facts)
    return News(
        row["citizen_id"], "coupon_redeemed", once, {**facts, "saved_yuan": yuan(row["discount_fen"])}
    )


async def tell_claims(now: datetime) -> int:
    """Tell of what was claimed since the last time; how many notices."""
    # A clock that was ahead must not leave a gap: never later than now.
    ms = min(await _mark(NoticeSource.CLAIMS), int(now.timestamp() * 1000))
    return await _tell_claims_after(UUID(int=max(0, ms - int(AGAIN.total_seconds() * 1000)) << 80), now)


async def sweep_claims(now: datetime) -> int:
    """Once an hour, look through the last two days again; how many had not been told."""
    ms = int(now.timestamp() * 1000)
    if 0 <= ms - await _mark(NoticeSource.SWEEP) < SWEEP_EVERY.total_seconds() * 1000:
        return 0
    told = await _tell_claims_after(id_at(now - SWEPT), now)
    await execute("UPDATE notice_marks SET mark = $2 WHERE source = $1", NoticeSource.SWEEP, ms)
    return told


async def _tell_claims_after(after: UUID, now: datetime) -> int:
    told = 0
    while True:
        async with transaction():
            told_from = (await _held(NoticeSource.CLAIMS))["told_from"]
            rows = await fetch_all(CLAIMED, after, BATCH)
            told += await _tell_claimed([row for row in rows if not row["is_told"]], told_from, now)
            if rows:
                await _advance(NoticeSource.CLAIMS, ms_of(rows[-1]["id"]))
        if len(rows) < BATCH:
            return told
        after = rows[-1]["id"]


async def _tell_claimed(rows: Sequence[Row], told_from: int, now: datetime) -> int:
    new = [row for row in rows if ms_of(row["id"]) >= told_from]
    old = [row for row in rows if ms_of(row["id"]) < told_from]
    await coupon_reminders.plan(
        [(row["id"], row["valid_until"], row["claimed_at"]) for row in new]
        + [(row["id"], row["valid_until"], now) for row in old if row["status"] == "claimed"]
    )
    return await notice_log.tell_citizens([_of_claim(row) for row in new], now) if new else 0


def _of_claim(row: Row) -> News:
    last_day = local_day(row["valid_until"] - _MOMENT)
    facts = {"coupon_id": row["id"], "offer": row["offer"], "last_day": last_day}
    return News(row["citizen_id"], "coupon_claimed", f"coupon_claimed:{row['id']}", facts)


async def untold_since() -> datetime | None:
    """The business time of the oldest record of the ledger that nobody was told of."""
    row = await fetch_one(LEDGER.oldest, await _mark(NoticeSource.LEDGER))
    return row["at"] if row else None


async def _mark(source: NoticeSource) -> int:
    row = await fetch_one("SELECT mark FROM notice_marks WHERE source = $1", source)
    return row["mark"] if row else 0


async def _held(source: NoticeSource) -> Row:
    """The mark, locked until the end of the transaction; the migration made it."""
    row = await fetch_one(
        "SELECT mark, told_from FROM notice_marks WHERE source = $1 FOR NO KEY UPDATE", source
    )
    assert row is not None
    return row


async def _advance(source: NoticeSource, mark: int) -> None:
    await execute("UPDATE notice_marks SET mark = greatest(mark, $2) WHERE source = $1", source, mark)
