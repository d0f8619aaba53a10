"""Background jobs: written by the transaction that causes them, so that a rollback takes them back (pgqueuer)."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from json import dumps
from typing import TYPE_CHECKING, cast

import asyncpg

from common.database import execute, one_connection

if TYPE_CHECKING:
    from pgqueuer.queries import Queries
    from pgqueuer.types import JobId

# How often a job was begun since it was written or put back by hand. The queue itself counts only the tries that came
# to an end (`attempts`): where more were begun, the process ended in the middle of one.
BEGUN = "coalesce((headers ->> 'begun')::int, 0)"

# For those who ask again and again until something is done: whether what they would ask for failed for good, `once`
# being SQL for its key. It waits for an operator then (`alliance.dead_letters`) and is not asked for anew.
GIVEN_UP = "EXISTS (SELECT FROM pgqueuer j WHERE j.status = 'failed' AND j.dedupe_key = {once})"


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
            One that failed for good hinders nobody; whoever asks by the clock looks for it first (`GIVEN_UP`).
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


async def begin(job_id: int, tries: int) -> bool:
    """Count a try before it is made, as nobody can after a job that kills its process; False where none is left."""
    counted = await execute(
        f"UPDATE pgqueuer SET headers = jsonb_build_object('begun', {BEGUN} + 1) WHERE id = $1 AND {BEGUN} < $2",
        *(job_id, tries),
    )
    return counted == 1


async def take_back(job_id: int) -> None:
    """Don't count the try that was begun last: it was interrupted, and not by the job."""
    await execute(
        "UPDATE pgqueuer SET headers = jsonb_build_object('begun', greatest(attempts, (headers ->> 'begun')::int - 1))"
        " WHERE id = $1 AND status = 'picked'",
        job_id,
    )


async def put_back(job_id: int) -> None:
    """Have a job that failed for good tried again from the first try on, in the caller's transaction."""
    async with one_connection() as connection:
        queue = await queue_on(connection)
        await queue.requeue_jobs([cast("JobId", job_id)])
    await execute("UPDATE pgqueuer SET headers = NULL WHERE id = $1", job_id)
