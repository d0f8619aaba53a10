"""Reminding citizens of coupons that end soon: at nine in the morning, three days before the last day and one day before.

A claim plans nothing: whoever tells of it (`benefits.coupon_notices`) also writes when to remind of it, so that coupons
need no index by their end, which every claim would have to write. A row moves on, or goes, in the transaction of its
notice, and the notice's `once_key` names coupon and day: no restart and no clock tells it twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from common.clock import local_day, start_of
from common.database import Row, execute, fetch_all, transaction
from models import notice_log
from models.enums import CouponStatus
from models.notice_log import News

BATCH = 1_000
AT = timedelta(hours=9)
FIRST, LAST = 3, 1
_MOMENT = timedelta(microseconds=1)

# Of those whose coupon can still be good.
DUE = """
SELECT r.coupon_id, r.days, c.citizen_id, c.status, c.valid_until, t.title AS offer
  FROM coupon_reminders r
  JOIN coupons c ON c.id = r.coupon_id
  JOIN offer_terms t ON t.id = c.terms_id
 WHERE r.days = $1 AND r.due_at > $2 AND r.due_at <= $3 AND c.valid_until > $3
 ORDER BY r.due_at LIMIT $4 FOR UPDATE OF r SKIP LOCKED
"""


def due_at(valid_until: datetime, days: int) -> datetime:
    """When to remind of a coupon, so many days before its last day."""
    return start_of(local_day(valid_until - _MOMENT) - timedelta(days=days)) + AT


async def plan(coupons: Sequence[tuple[UUID, datetime, datetime]]) -> None:
    """Write when to remind of coupons, in the caller's transaction.

    Args:
        coupons: id, `valid_until`, and the moment after which a reminder makes sense.
    """
    planned = [
        (coupon_id, due_at(valid_until, days), days)
        for coupon_id, valid_until, after in coupons
        if (days := next((each for each in (FIRST, LAST) if due_at(valid_until, each) > after), None))
    ]
    if planned:
        await execute(
            "INSERT INTO coupon_reminders (coupon_id, due_at, days)"
            " SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[]) ON CONFLICT (coupon_id) DO NOTHING",
            *([each[part] for each in planned] for part in range(3)),
        )


async def remind(now: datetime) -> int:
    """Tell what is due; how many notices."""
    return sum([await _remind(days, now) for days in (FIRST, LAST)])


async def _remind(days: int, now: datetime) -> int:
    earliest, told = now - timedelta(days=days + 1) + AT, 0
    while True:
        async with transaction():
            rows = await fetch_all(DUE, days, earliest, now, BATCH)
            news = [_news(row, now) for row in rows if row["status"] == CouponStatus.CLAIMED]
            told += await notice_log.tell_citizens(news, now) if news else 0
            await _move_on(rows, now)
        if len(rows) < BATCH:
            return told


def _days(row: Row, now: datetime) -> int:
    """Which reminder is due: who comes late for the first one tells the last one alone."""
    return LAST if now >= due_at(row["valid_until"], LAST) else row["days"]


def _news(row: Row, now: datetime) -> News:
    facts = {
        "coupon_id": row["coupon_id"],
        "offer": row["offer"],
        "last_day": local_day(row["valid_until"] - _MOMENT),
    }
    return News(
        row["citizen_id"], "coupon_expiring", f"coupon_expiring:{row['coupon_id']}:{_days(row, now)}", facts
    )


async def _move_on(rows: Sequence[Row], now: datetime) -> None:
    """To the next reminder, or away; one that was used up may come back when that is undone."""
    stays = [
        row
        for row in rows
        if _days(row, now) == FIRST and row["status"] in (CouponStatus.CLAIMED, CouponStatus.REDEEMED)
    ]
    staying = {row["coupon_id"] for row in stays}
    await execute(
        "UPDATE coupon_reminders r SET due_at = next.due_at, days = $3"
        " FROM unnest($1::uuid[], $2::timestamptz[]) AS next (coupon_id, due_at) WHERE r.coupon_id = next.coupon_id",
        *([row["coupon_id"] for row in stays], [due_at(row["valid_until"], LAST) for row in stays], LAST),
    )
    await execute(
        "DELETE FROM coupon_reminders WHERE coupon_id = ANY ($1)",
        [row["coupon_id"] for row in rows if row["coupon_id"] not in staying],
    )
