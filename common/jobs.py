"""Background jobs: written by the transaction that causes them, so that a rollback takes them back (pgqueuer)."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from json import dumps
from typing import TYPE_CHECKING

import asyncpg

from common.database import one_connection

if TYPE_CHECKING:
    from pgqueuer.queries import Queries


async def queue_on(connection: asyncpg.Connection) -> "Queries":
    """The queue, as this connection's transaction sees it."""
    # Importing pgqueuer takes 0.4 s: the many processes that never enqueue start without it, and while a thread does
    # it the others go on answering.
    await asyncio.to_thread(import_module, "pgqueuer.queries")
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
    from pgqueuer.queries import Queries

    return Queries(AsyncpgDriver(connection))


async def enqueue(
    kind: str, payload: Mapping[str, object], *, once: str | None = None, after: timedelta | None = None
) -> None:
    """Have the background process do something, soon or `after` a time.

    Args:
        kind: one of the table in `server.jobs`.
        payload: plain values, without personal data.
        once: a job with this key that still waits or runs is not written a second time. One that runs may have
            read its things already: where these can change again, the key names the change and not the thing.
    """
    async with one_connection() as connection:
        queue = await queue_on(connection)
        await queue.enqueue(
            kind,
            dumps(payload, default=str).encode(),
            execute_after=after,
            dedupe_key=once,
            on_conflict="skip",
        )
