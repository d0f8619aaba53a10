"""The connection to PostgreSQL: opening, plain SQL, and which constraint a refused statement hit."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection

from common.database_url import STATEMENT_LIMIT_S, tortoise_config

Row = asyncpg.Record

# For a free connection of the pool; whoever gets none in this time is told to come back.
POOL_WAIT_S = 5.0
_OF_THE_POOL = frozenset({"minsize", "maxsize", "max_inactive_connection_lifetime", "reset"})


async def connect(
    database_url: str, pool_size: int = 10, statement_timeout: str = f"{STATEMENT_LIMIT_S}s"
) -> None:
    """Open the pool for this process; handlers and background tasks find it without a context."""
    config = tortoise_config(database_url, pool_size, statement_timeout)
    await Tortoise.init(config=config, _enable_global_fallback=True)


async def disconnect() -> None:
    """Close the pool, waiting for statements in flight."""
    await Tortoise.close_connections()


_held: ContextVar[asyncpg.Connection | None] = ContextVar("held", default=None)


@asynccontextmanager
async def one_connection() -> AsyncIterator[asyncpg.Connection]:
    """All plain SQL inside goes over one connection of the pool.

    Taking one and giving it back costs as much as a third of a statement, so a hot path with several
    statements does it once. Nothing that waits for anybody else belongs inside.
    """
    held = _held.get()
    if held is not None:
        yield held
        return
    async with AsyncExitStack() as taken:
        # Else a request would wait for as long as others hold theirs.
        async with asyncio.timeout(POOL_WAIT_S):
            connection = await taken.enter_async_context(get_connection("default").acquire_connection())
        token = _held.set(connection)
        try:
            yield connection
        except TimeoutError:
            connection.terminate()  # as `_run` does, for what the driver itself sends: BEGIN, COMMIT
            raise
        finally:
            _held.reset(token)


@asynccontextmanager
async def own_connection(database_url: str, is_unhurried: bool = False) -> AsyncIterator[None]:
    """The same with a connection that is not of the pool, for what must not wait behind requests.

    Args:
        is_unhurried: no limit to what a statement takes, and whole tables may be read.
    """
    connection = await connect_alone(database_url, "0" if is_unhurried else f"{STATEMENT_LIMIT_S}s")
    if is_unhurried:
        await connection.execute("SET enable_seqscan = on; SET maintenance_work_mem = '256MB'")
    token = _held.set(connection)
    try:
        yield
    finally:
        _held.reset(token)
        connection.terminate()


async def connect_alone(
    database_url: str, statement_timeout: str = f"{STATEMENT_LIMIT_S}s"
) -> asyncpg.Connection:
    """A connection outside of the pool, with the same settings; whoever asked for it ends it."""
    config = tortoise_config(database_url, statement_timeout=statement_timeout)
    credentials = config["connections"]["default"]["credentials"]
    ours = {name: value for name, value in credentials.items() if name not in _OF_THE_POOL}
    return await asyncpg.connect(**ours)


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """All plain SQL inside is one transaction, undone as a whole when the block is left by an error.

    Tortoise's own leaves a dead connection behind in the task when it can't begin.
    """
    async with one_connection() as connection, connection.transaction():
        yield


def is_in_transaction() -> bool:
    """Whether a transaction is open around the caller; what he writes may still be undone then."""
    held = _held.get()
    return held is not None and held.is_in_transaction()


async def wait_for_older_statements() -> None:
    """Return when every statement that was running is over: none of them can write any more by an old right.

    No statement of the service lives longer than its time limit; a backup that does is not waited for.
    """
    # The server's own clock, as this statement's beginning: the two must not be compared across machines.
    row = await fetch_one("SELECT xact_start AS at FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    assert row is not None
    until = time.monotonic() + STATEMENT_LIMIT_S
    while time.monotonic() < until and await fetch_one(  # noqa: ASYNC110 - PostgreSQL has no event for it
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' AND state <> 'idle' AND xact_start < $1",
        row["at"],
    ):
        await asyncio.sleep(0.005)


async def fetch_all(sql: str, *values: object) -> Sequence[Row]:
    """All rows of one plain statement, on the pool or on the connection that is held around it."""
    rows: Sequence[Row] = await _run("fetch", sql, values)
    return rows


async def fetch_one(sql: str, *values: object) -> Row | None:
    """The first row of one plain statement, or nothing."""
    row: Row | None = await _run("fetchrow", sql, values)
    return row


async def execute(sql: str, *values: object) -> int:
    """Run one plain statement and say how many rows it touched."""
    status: str = await _run("execute", sql, values)
    count = status.rsplit(" ", 1)[-1]
    return int(count) if count.isdigit() else 0


async def _run(how: str, sql: str, values: tuple[object, ...]) -> Any:
    held = _held.get()
    if held is None:
        async with one_connection():
            return await _run(how, sql, values)
    try:
        return await getattr(held, how)(sql, *values)
    except TimeoutError:
        # The server did not even say that its own limit was over. Rolling back, or giving the connection
        # back, would wait as long again for the statement to be cancelled.
        held.terminate()
        raise


def constraint_of(error: BaseException) -> str:
    """The name of the constraint or unique index that refused a statement, or an empty text."""
    return getattr(error, "constraint_name", None) or ""
