"""Background jobs: which there are, and the process that runs them (pgqueuer, in the same PostgreSQL).

A job runs at least once: a process that is killed leaves its job to the next one, half a minute later. So each writes
by guarded statements, and doing it twice changes nothing. One that fails is tried again, later and later; what fails
for good waits in the dead-letter list until an admin has it tried again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from json import loads
from typing import Any
from uuid import UUID

import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from alliance import exports, statement_closing
from common.clock import now
from common.database import connect_alone
from common.files import FileStore
from server.config import Settings

log = structlog.get_logger()

RETRY_S = 2.0
TRIES = 8
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
# A job whose process has not been heard of for this long is somebody else's.
LOST_AFTER = timedelta(seconds=30)
AT_ONCE = 4


class JobFailed(Exception):
    """A job's failure as the queue keeps it: the kind of error and nothing that it quotes."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What jobs need besides the database."""

    settings: Settings


Run = Callable[[Desk, Mapping[str, Any], datetime], Awaitable[None]]


async def _close_statement(_: Desk, payload: Mapping[str, Any], now: datetime) -> None:
    await statement_closing.close(UUID(payload["member_id"]), date.fromisoformat(payload["period"]), now)


async def _write_export(desk: Desk, payload: Mapping[str, Any], now: datetime) -> None:
    await exports.write(UUID(payload["export_id"]), FileStore(desk.settings.files_folder), now)


# By kind, as `common.jobs.enqueue` names it: what is run with the job's payload and the time of the try.
JOBS: dict[str, Run] = {
    statement_closing.CLOSE_JOB: _close_statement,
    exports.EXPORT_JOB: _write_export,
}


async def work_for_ever(settings: Settings) -> None:
    """Run jobs until cancelled; a database that goes away only interrupts it."""
    logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)  # we write our own lines, without payloads
    while True:
        try:
            await _work(settings)
        except Exception:
            log.warning("jobs_interrupted", exc_info=True)
        await asyncio.sleep(RETRY_S)


async def _work(settings: Settings) -> None:
    connection = await connect_alone(settings.database_url)
    try:
        manager = QueueManager(Queries(AsyncpgDriver(connection)))
        desk = Desk(settings)
        for kind, run in JOBS.items():
            manager.entrypoint(kind, on_failure="hold", executor_factory=_executor)(_entry(kind, run, desk))
        await manager.run(batch_size=AT_ONCE, max_concurrent_tasks=2 * AT_ONCE, heartbeat_timeout=LOST_AFTER)
    finally:
        connection.terminate()


def _executor(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
    return DatabaseRetryEntrypointExecutor(
        parameters, max_attempts=TRIES, initial_delay=FIRST_PAUSE, max_delay=LONGEST_PAUSE
    )


def _entry(kind: str, run: Run, desk: Desk) -> Callable[[Job], Awaitable[None]]:
    async def entry(job: Job) -> None:
        try:
            await run(desk, loads(job.payload or b"{}"), now())
        except Exception as error:
            log.warning("job_failed", job=kind, job_id=job.id, tries=job.attempts + 1, exc_info=True)
            failed = JobFailed(f"{type(error).__module__}.{type(error).__qualname__}")
        else:
            return
        # Outside of the except block: the database's errors quote whole rows and must not be chained.
        raise failed

    return entry
