"""Background jobs: written by the transaction that causes them, so that a rollback takes them back (pgqueuer)."""

from collections.abc import Mapping
from datetime import timedelta
from json import dumps

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

from common.database import one_connection


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
        await Queries(AsyncpgDriver(connection)).enqueue(
            kind,
            dumps(payload, default=str).encode(),
            execute_after=after,
            dedupe_key=once,
            on_conflict="skip",
        )
