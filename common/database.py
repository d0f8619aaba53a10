"""The connection to PostgreSQL: opening, plain SQL, and which constraint a refused statement hit."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection

Row = asyncpg.Record

STATEMENT_LIMIT_S = 5
# For a free connection of the pool; whoever gets none in this time is told to come back.
POOL_WAIT_S = 5.0
_OF_THE_POOL = frozenset({"minsize", "maxsize", "max_inactive_connection_lifetime", "reset"})

SESSION_SETTINGS = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "10s",
    # A row that somebody holds for longer than this is no rush: those that share a statement are told apart.
    "lock_timeout": "2s",
    # A prepared statement keeps the plan of its first executions. Planned while the ledger is
    # empty, the look-up of a key would be a scan of the whole ledger for as long as the
    # connection lives; no statement of the service wants such a scan where it has an index.
    "enable_seqscan": "off",
    # The statements are written so that one plan fits every value (no "$1 IS NULL OR"); planning
    # the claim anew each time, as PostgreSQL would, takes longer than running it.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # Every statement looks up a few rows: one that was planned on an empty table must not read a whole index.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


def tortoise_config(
    database_url: str, pool_size: int = 10, statement_timeout: str = f"{STATEMENT_LIMIT_S}s"
) -> dict[str, Any]:
    """Tortoise's configuration for a `postgres://user:password@host:port/database` URL.

    A unix socket is given as `?host=/folder`, as libpq does; `?sslmode=` is passed on.

    Raises:
        ValueError: the URL is no PostgreSQL URL or names no database; never with a part of the URL, which
            may be a part of the password.
    """
    url = urlsplit(database_url)
    options = {name: values[-1] for name, values in parse_qs(url.query).items()}
    if url.scheme not in ("postgres", "postgresql") or len(url.path) < 2:
        raise ValueError("it must look like postgres://user:password@host:5432/database")
    try:
        port = int(options.get("port") or url.port or 5432)
    except ValueError:
        raise ValueError(
            "its port is no number; write / # ? @ : % in a password as %2F %23 %3F %40 %3A %25"
        ) from None
    credentials: dict[str, Any] = {
        "host": options.get("host") or url.hostname,
        "port": port,
        "user": unquote(url.username or ""),
        "password": unquote(url.password) if url.password else None,
        "database": unquote(url.path[1:]),
        "minsize": 1,
        "maxsize": pool_size,
        "timeout": 5,
        # A little longer than the server's own limit: this one is for a server that does not answer at all.
        "command_timeout": None if statement_timeout == "0" else STATEMENT_LIMIT_S + 1,
        "max_inactive_connection_lifetime": 0,
        # Nothing here changes a session's state, so the reset that asyncpg does at each release
        # (15 % of the hot path) has nothing to reset.
        "reset": _keep_as_it_is,
        "server_settings": {**SESSION_SETTINGS, "statement_timeout": statement_timeout},
    }
    if "sslmode" in options:
        credentials["ssl"] = options["sslmode"]
    return {
        "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
        "apps": {
            "models": {"models": ["models"], "migrations": "migrations", "default_connection": "default"}
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def _keep_as_it_is(_: object) -> None:
    return None


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
async def own_connection(database_url: str) -> AsyncIterator[None]:
    """The same with a connection that is not of the pool, for what must not wait behind requests."""
    connection = await connect_alone(database_url)
    token = _held.set(connection)
    try:
        yield
    finally:
        _held.reset(token)
        connection.terminate()


async def connect_alone(database_url: str) -> asyncpg.Connection:
    """A connection outside of the pool, with the same settings; whoever asked for it ends it."""
    credentials = tortoise_config(database_url)["connections"]["default"]["credentials"]
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
