"""Logs that only grow, in partitions by month (Asia/Shanghai): the next ones are made ahead, old ones dropped.

A row whose month has no partition (a clock that is wrong, a job that did not run for months) lands in the
DEFAULT partition: a write never fails. Everything that uniqueness rests on is elsewhere, unpartitioned.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg
import structlog

from common.clock import local_day, start_of
from common.database import execute, fetch_all, fetch_one, transaction

log = structlog.get_logger()

# Each log and the moment that its rows are sorted by.
LOGS: Mapping[str, str] = {"attempts": "attempted_at", "credit_lookups": "looked_up_at"}
MONTHS_AHEAD = 3
# How far back rows that lie outside get a month of their own after all.
MONTHS_MENDED = 12
# Whoever writes a log queues behind us while we wait for a lock; there are months of time to try again.
LOCK_WAIT = "200ms"
# Moving more out of the DEFAULT partition would hold it for seconds: that is for an operator, at night.
MOST_MOVED = 50_000
LOCK = 0x6D6F6E7468  # any number will do, as long as it stays the same

PARTITIONS = r"""
SELECT c.relname AS name, bounds[1]::timestamptz AS begins_at, bounds[2]::timestamptz AS ends_at
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') bounds
 WHERE i.inhparent = $1::regclass ORDER BY begins_at NULLS LAST
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a log and its span, half-open; the DEFAULT partition has none."""

    name: str
    begins_at: datetime | None
    ends_at: datetime | None


def month_begin(at: datetime, months: int = 0) -> datetime:
    """The first moment of the month in Asia/Shanghai that is `months` after (or before) the month of `at`."""
    day = local_day(at)
    number = day.year * 12 + day.month - 1 + months
    return start_of(date(number // 12, number % 12 + 1, 1))


def keeper(kept_months: Mapping[str, int]) -> Callable[[datetime], Awaitable[int]]:
    """The task of the background process, for a retention in whole months by log.

    At its end a row is dropped with its month: it is kept at least so long, and at most a month longer.
    """

    async def keep_monthly_logs(at: datetime) -> int:
        """Make what is missing, drop what is too old, tell what lies outside; how many were made or dropped."""
        made = await make_ahead(at)
        dropped = [await drop_old(name, kept_months[name], at) for name in LOGS]
        return made + sum(dropped)

    return keep_monthly_logs


async def make_ahead(at: datetime) -> int:
    """Make the partitions of this month and the next three where they are missing; how many were made.

    Rows of a month that lie in the DEFAULT partition move into the new one.
    """
    made = 0
    for name in LOGS:
        outside = await _months_outside(name)
        wanted = {month_begin(at, months) for months in range(MONTHS_AHEAD + 1)}
        # Nobody kept the months ahead for a while: what came in the meantime gets its month now.
        wanted |= {month for month in outside if month_begin(at, -MONTHS_MENDED) <= month <= max(wanted)}
        covered = await partitions_of(name)
        for month in sorted(wanted):
            if _is_covered(month, covered):
                continue
            if outside.get(month, 0) <= MOST_MOVED:
                made += await _unless_busy(name, _make(name, month))
        await _tell_outside(name)
    return made


async def drop_old(name: str, kept_months: int, at: datetime) -> int:
    """Drop the partitions of a log that ended before the retention; how many."""
    keep_from = month_begin(at, -kept_months)
    dropped = 0
    for partition in await partitions_of(name):
        if partition.ends_at is not None and partition.ends_at <= keep_from:
            dropped += await _unless_busy(name, _drop(name, partition.name))
    return dropped


async def partitions_of(name: str) -> Sequence[Partition]:
    """All partitions of a log, oldest first, DEFAULT last."""
    return [Partition(**row) for row in await fetch_all(PARTITIONS, name)]


async def rows_outside(name: str) -> int:
    """How many rows lie in the DEFAULT partition."""
    return sum((await _months_outside(name)).values())


def _is_covered(month: datetime, partitions: Sequence[Partition]) -> bool:
    return any(
        part.begins_at is not None and part.ends_at is not None and part.begins_at <= month < part.ends_at
        for part in partitions
    )


async def _months_outside(name: str) -> dict[datetime, int]:
    """Rows in the DEFAULT partition by their month."""
    rows = await fetch_all(
        f"SELECT date_trunc('month', {LOGS[name]} AT TIME ZONE 'Asia/Shanghai')::date AS month, count(*) AS rows"
        f" FROM {name}_default GROUP BY 1"
    )
    return {start_of(row["month"]): row["rows"] for row in rows}


async def _tell_outside(name: str) -> None:
    if outside := await _months_outside(name):
        months = {f"{month:%Y-%m}": rows for month, rows in sorted(outside.items())}
        log.warning("log_rows_outside_months", log=name, rows=sum(outside.values()), months=months)


async def _unless_busy(name: str, change: Awaitable[int]) -> int:
    """Do it, or leave it for the next time when the table is in use for long (a backup)."""
    try:
        return await change
    except asyncpg.LockNotAvailableError:
        log.info("log_busy", log=name)
        return 0


async def _take_turns() -> None:
    """Inside a transaction: one process at a time, and nobody is waited for for long."""
    await execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
    await fetch_one("SELECT pg_advisory_xact_lock($1)", LOCK)


async def _make(name: str, month: datetime) -> int:
    """One partition with its rows, or nothing of it."""
    begins, ends = month, month_begin(month, 1)
    part, moment = f"{name}_{begins:%Y_%m}", LOGS[name]
    async with transaction():
        await _take_turns()
        if _is_covered(month, await partitions_of(name)):
            return 0
        # Until it is over nobody writes: a row that was already on its way to DEFAULT would be refused there.
        await execute(f"LOCK TABLE ONLY {name} IN SHARE ROW EXCLUSIVE MODE")
        await execute(f"CREATE TABLE {part} (LIKE {name} INCLUDING ALL)")
        await execute(
            f"WITH moved AS (DELETE FROM {name}_default WHERE {moment} >= $1 AND {moment} < $2 RETURNING *)"
            f" INSERT INTO {part} SELECT * FROM moved",
            *(begins, ends),
        )
        await execute(
            f"ALTER TABLE {name} ATTACH PARTITION {part}"
            f" FOR VALUES FROM ('{begins.isoformat()}') TO ('{ends.isoformat()}')"
        )
    return 1


async def _drop(name: str, part: str) -> int:
    async with transaction():
        await _take_turns()
        if part not in {partition.name for partition in await partitions_of(name)}:
            return 0
        await execute(f"DROP TABLE {part}")
    return 1
