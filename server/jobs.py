"""Background jobs: which there are, and the process that runs them (pgqueuer, in the same PostgreSQL).

A job runs at least once: a process that is killed leaves its job to the next one, half a minute later. So each writes
by guarded statements, and doing it twice changes nothing. One that fails is tried again, later and later; what fails
for good waits in the dead-letter list until an admin has it tried again. A try counts from the moment that it begins:
so one that kills its process (out of memory) is given up like one that fails.

Told to end, the process takes no more jobs and gives those that run a few seconds; what is not done by then is left
to the next one like a killed process's, and the try doesn't count.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from json import loads
from typing import Any
from uuid import UUID

import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.executors import EntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Context, Job
from pgqueuer.queries import Queries

from alliance import (
    application_reviews,
    coupon_revocations,
    erasures,
    exports,
    import_runs,
    rechecks,
    statement_closing,
    tier_scheme_notices,
    tier_what_ifs,
)
from citizens.credit_sources import ScoreHistogram
from common.clock import now
from common.database import connect_alone
from common.files import FileStore
from common.jobs import begin, take_back
from common.tasks import end_tasks
from merchants import submissions
from merchants.organisation_sources import OrganisationSource
from server.config import Settings

log = structlog.get_logger()

RETRY_S = 2.0
AT_ONCE = 4
KILLED = "执行中进程被终止，如内存不足 / its process was killed in the middle, as by lack of memory"
# For jobs that run when the process is told to end; service managers wait longer than this.
GRACE_S = 5.0


class JobFailed(Exception):
    """A job's failure as the queue keeps it: the kind of error and nothing that it quotes, or `KILLED`."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how soon. `lost_after`: a job whose process was not heard of for so long is somebody else's.

    `look_every`: a job announces itself; this is for the case that nobody heard it.
    """

    tries: int = 8
    first_pause: timedelta = timedelta(seconds=2)
    longest_pause: timedelta = timedelta(minutes=10)
    lost_after: timedelta = timedelta(seconds=30)
    look_every: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Desk:
    """What jobs need besides the database."""

    settings: Settings
    organisations: OrganisationSource

    @property
    def files(self) -> FileStore:
        """Where the content of stored files is."""
        return FileStore(self.settings.files_folder)

    @property
    def scores(self) -> ScoreHistogram | None:
        """Where people can be counted by their scores; nothing where the credit source knows one at a time."""
        return _score_histogram(self.settings)


Run = Callable[[Desk, Mapping[str, Any], datetime], Awaitable[None]]


async def _check_application(desk: Desk, payload: Mapping[str, Any], at: datetime) -> None:
    await application_reviews.check(desk.organisations, UUID(payload["application_id"]), at)


async def _recheck_member(desk: Desk, payload: Mapping[str, Any], at: datetime) -> None:
    await rechecks.run(desk.organisations, UUID(payload["member_id"]), at)


async def _check_import(desk: Desk, payload: Mapping[str, Any], at: datetime) -> None:
    await import_runs.check(desk.files, UUID(payload["import_id"]), at)


async def _apply_import(desk: Desk, payload: Mapping[str, Any], at: datetime) -> None:
    await import_runs.apply(desk.files, UUID(payload["import_id"]), at)


async def _revoke_all(_: Desk, payload: Mapping[str, Any], at: datetime) -> None:
    await coupon_revocations.carry_out_all(payload, at)


async def _close_statement(_: Desk, payload: Mapping[str, Any], now: datetime) -> None:
    await statement_closing.close(UUID(payload["member_id"]), date.fromisoformat(payload["period"]), now)


async def _write_export(desk: Desk, payload: Mapping[str, Any], now: datetime) -> None:
    await exports.write(UUID(payload["export_id"]), desk.files, now)


async def _count_what_if(desk: Desk, payload: Mapping[str, Any], at: datetime) -> None:
    await tier_what_ifs.run(UUID(payload["what_if_id"]), desk.scores, at)


async def _tell_of_scheme(_: Desk, payload: Mapping[str, Any], at: datetime) -> None:
    await tier_scheme_notices.tell(payload["code"], payload["version"], at)


async def _finish_erasure(desk: Desk, payload: Mapping[str, Any], now: datetime) -> None:
    await erasures.finish_job(payload, desk.settings.data_keys, desk.settings.files_folder, now)


async def _finish_erasure_late(desk: Desk, payload: Mapping[str, Any], now: datetime) -> None:
    await erasures.finish_job(payload, desk.settings.data_keys, None, now)


# By kind, as `common.jobs.enqueue` names it: what is run with the job's payload and the time of the try.
JOBS: dict[str, Run] = {
    submissions.CHECK_JOB: _check_application,
    rechecks.RECHECK_JOB: _recheck_member,
    "import_check": _check_import,
    "import_apply": _apply_import,
    coupon_revocations.REVOKE_ALL: _revoke_all,
    statement_closing.CLOSE_JOB: _close_statement,
    exports.EXPORT_JOB: _write_export,
    tier_what_ifs.WHAT_IF_JOB: _count_what_if,
    tier_scheme_notices.TELL_JOB: _tell_of_scheme,
    erasures.FINISH_JOB: _finish_erasure,
    erasures.LATE_JOB: _finish_erasure_late,
}


def desk_of(settings: Settings) -> Desk:
    """What this installation's jobs work with."""
    return Desk(settings, _organisation_source(settings))


def _organisation_source(settings: Settings) -> OrganisationSource:
    credit = settings.credit
    if credit.organisation_url:
        from merchants.organisation_sources.gateway import GatewayOrganisationSource

        return GatewayOrganisationSource(credit.gateway(credit.organisation_url))
    if credit.batch_source:
        from merchants.organisation_sources.batch import BatchOrganisationSource

        return BatchOrganisationSource(credit.batch_source)
    if settings.sandbox:
        from merchants.organisation_sources.sandbox import SandboxOrganisationSource

        return SandboxOrganisationSource()
    from merchants.organisation_sources.none import NoOrganisationSource

    return NoOrganisationSource()


def _score_histogram(settings: Settings) -> ScoreHistogram | None:
    credit = settings.credit
    if credit.source == "batch":
        from citizens.credit_sources.batch import BatchSource

        return BatchSource(credit.batch_source, settings.data_keys)
    if credit.source == "gateway":
        return None  # it knows one person at a time
    if settings.sandbox:
        from citizens.credit_sources.sandbox import SandboxSource

        return SandboxSource()
    return None


async def work_for_ever(settings: Settings, pace: Pace = Pace()) -> None:
    """Run jobs until cancelled; a database that goes away only interrupts it."""
    logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)  # we write our own lines, without payloads
    while True:
        try:
            await _work(settings, pace)
        except Exception:
            log.warning("jobs_interrupted", exc_info=True)
        await asyncio.sleep(RETRY_S)


async def _work(settings: Settings, pace: Pace) -> None:
    connection = await connect_alone(settings.database_url)
    manager = QueueManager(Queries(AsyncpgDriver(connection)))
    desk, alone = desk_of(settings), asyncio.Lock()
    for kind, run in JOBS.items():
        factory = partial(_Tries, pace=pace, alone=alone)
        manager.entrypoint(kind, on_failure="hold", executor_factory=factory)(_entry(kind, run, desk, pace))
    running = asyncio.create_task(
        manager.run(
            dequeue_timeout=pace.look_every,
            batch_size=AT_ONCE,
            max_concurrent_tasks=2 * AT_ONCE,
            heartbeat_timeout=pace.lost_after,
            log_aggregation_interval=timedelta(0),  # nobody reads these figures
        )
    )
    try:
        await asyncio.wait({running})
    finally:
        manager.shutdown.set()
        await asyncio.wait({running}, timeout=GRACE_S)
        # Before anything is cancelled: the queue would take a job that is cancelled for one that is done with.
        connection.terminate()
        await end_tasks([running])
    if not running.cancelled() and (failed := running.exception()) is not None:
        raise failed


@dataclass
class _Tries(EntrypointExecutor):
    """Tries again what fails, later and later, until all tries are used up, those included that killed a process."""

    parameters: EntrypointExecutorParameters
    pace: Pace
    # For jobs that were begun and not ended. One of them may be what killed the process: by itself it kills no other's try.
    alone: asyncio.Lock

    async def execute(self, job: Job, context: Context) -> None:
        begun = _begun(job)
        async with self.alone if begun > job.attempts else nullcontext():
            try:
                await super().execute(job, context)
            except asyncio.CancelledError:
                await _take_back(job)
                raise
            except JobFailed as failed:
                if begun + 1 >= self.pace.tries:
                    raise
                delay = min(self.pace.first_pause * 2**begun, self.pace.longest_pause)
                raise RetryRequested(delay=delay, reason=str(failed)) from failed


def _begun(job: Job) -> int:
    """How often it was begun before."""
    return int(str((job.headers or {}).get("begun", 0)))


async def _take_back(job: Job) -> None:
    try:
        await take_back(job.id)
    except Exception:
        log.warning("try_not_taken_back", job=job.entrypoint, job_id=job.id, exc_info=True)


def _entry(kind: str, run: Run, desk: Desk, pace: Pace) -> Callable[[Job], Awaitable[None]]:
    async def entry(job: Job) -> None:
        try:
            if await begin(job.id, pace.tries):
                await run(desk, loads(job.payload or b"{}"), now())
                return
            log.warning("job_given_up", job=kind, job_id=job.id, tries=pace.tries)
            failed = JobFailed(KILLED)
        except Exception as error:
            log.warning("job_failed", job=kind, job_id=job.id, tries=_begun(job) + 1, exc_info=True)
            failed = JobFailed(f"{type(error).__module__}.{type(error).__qualname__}")
        # Outside of the except block: the database's errors quote whole rows and must not be chained.
        raise failed

    return entry
