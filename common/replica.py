"""Reading from a streaming replica what may be a little old; from the primary whenever the replica is not fit.

How far behind it is, is told by positions, not by clocks: a replica that has replayed what the primary had
written at a moment shows everything that was committed before that moment. A quiet primary makes nobody
look late, and no clock of another machine is believed. Rights and what somebody has just written are never
read here.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, TypeVar

import asyncpg
import structlog
from prometheus_client import Counter as Metric

from common import database
from common.database import Row, own_connection
from common.database_url import tortoise_config

log = structlog.get_logger()

READS = Metric("xinyi_list_reads", "Reads that may be a little old, by who answered", ["server"])

# A list may be this old.
BEHIND_S = 5.0
LOOK_EVERY_S = 0.2
# Its answers are lists: one that takes longer is asked for at the primary.
LIMIT_S = 2.0
# Positions of the primary that are remembered: as long as the oldest that is asked about.
REMEMBERED = int(2 * BEHIND_S / LOOK_EVERY_S)

WRITTEN = "SELECT (pg_current_wal_lsn() - '0/0')::bigint AS position"
# One that was promoted goes its own way, and is no replica any more.
REPLAYED = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0' END::bigint AS position"
)
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

FetchAll = Callable[..., Awaitable[Sequence[Row]]]
T = TypeVar("T")


class Replica:
    """One streaming replica: its connections, and how fresh it is known to be."""

    def __init__(self, primary_url: str, pool: asyncpg.Pool) -> None:
        self._primary_url, self._pool = primary_url, pool
        self._written: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)
        self._shows_until = -math.inf

    def is_within(self, behind_s: float) -> bool:
        """Whether it surely shows everything that was committed `behind_s` seconds ago."""
        return monotonic() - self._shows_until < behind_s

    def leave_out(self) -> None:
        """Ask it nothing more until it has shown again how fresh it is."""
        self._shows_until = -math.inf

    async def fetch_all(self, sql: str, *values: object) -> Sequence[Row]:
        """All rows of one statement.

        Raises:
            whatever keeps it from answering in time.
        """
        connection = await self._pool.acquire(timeout=LIMIT_S)
        try:
            rows: Sequence[Row] = await connection.fetch(sql, *values)
        except TimeoutError:
            connection.terminate()  # giving it back would wait as long again
            raise
        finally:
            await self._pool.release(connection)
        return rows

    async def watch(self) -> None:
        """Keep knowing how fresh it is, for as long as the process lives.

        Over a connection of its own to the primary: in a rush the replica is needed most.
        """
        async with own_connection(self._primary_url):
            while True:
                await self._look()
                await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        asked_at = monotonic()
        written = await database.fetch_one(WRITTEN)
        assert written is not None
        self._written.append((asked_at, written["position"]))
        try:
            (replayed,) = await self.fetch_all(REPLAYED)
        except _AWAY as error:
            self._tell_if_left_out(type(error).__name__)
            self.leave_out()
            return
        shown = [at for at, position in self._written if position <= (replayed["position"] or 0)]
        if shown:
            self._shows_until = max(self._shows_until, shown[-1])
        elif replayed["position"] is None:
            self._tell_if_left_out("promoted")
            self.leave_out()

    def _tell_if_left_out(self, why: str) -> None:
        if self._shows_until > -math.inf:
            log.warning("replica_left_out", why=why)

    async def close(self) -> None:
        """Let go of the connections."""
        self._pool.terminate()


_replica: Replica | None = None


async def connect(primary_url: str, url: str, pool_size: int) -> None:
    """Use a replica in this process from now on, as soon as `watch` has found it fit; none when `url` is empty."""
    global _replica
    _replica = Replica(primary_url, await _pool(url, pool_size)) if url else None


async def _pool(url: str, size: int) -> asyncpg.Pool:
    credentials: dict[str, Any] = tortoise_config(url, size)["connections"]["default"]["credentials"]
    # Opened by those who need it: a replica that is away keeps no process from starting.
    credentials |= {"min_size": 0, "max_size": credentials.pop("maxsize"), "command_timeout": LIMIT_S}
    del credentials["minsize"]
    return await asyncpg.create_pool(**credentials)


async def disconnect() -> None:
    """Use none any more."""
    global _replica
    replica, _replica = _replica, None
    if replica is not None:
        await replica.close()


async def watch() -> None:
    """See `Replica.watch`; returns at once where there is none."""
    if _replica is not None:
        await _replica.watch()


async def read(work: Callable[[FetchAll], Awaitable[T]], behind_s: float = BEHIND_S) -> T:
    """Do some reading that may be up to `behind_s` seconds old, all of it at one server.

    Args:
        work: is given what runs a statement. Done again from its beginning, at the primary, when the
            replica fails half way.
    """
    replica = _replica
    if replica is not None and replica.is_within(behind_s):
        try:
            found = await work(replica.fetch_all)
        except _AWAY as error:
            log.warning("replica_left_out", why=type(error).__name__)
            replica.leave_out()
        else:
            READS.labels("replica").inc()
            return found
    READS.labels("primary").inc()
    return await work(database.fetch_all)
