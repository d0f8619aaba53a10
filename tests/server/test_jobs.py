"""Background jobs: written with their cause, run at least once, tried again, and kept where they fail for good."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

from alliance import dead_letters
from alliance.dead_letters import JobWaitsAlready
from alliance.permissions import ProvinceAlone
from common.actors import AdminActor
from common.clock import now
from common.database import execute, fetch_all, fetch_one, one_connection, transaction
from common.errors import NotFound
from common.jobs import BEGUN, enqueue
from models import retention
from server import jobs
from server.config import load
from server.jobs import Desk, Pace
from tests.seeds import environment
from tests.server.commands import line_with, query, started

CANARY = "Geheim-4711-Canary"
SOON = timedelta(milliseconds=50)
QUICK = Pace(tries=3, first_pause=SOON, longest_pause=4 * SOON, look_every=timedelta(milliseconds=200))
PROVINCE = AdminActor(uuid4(), uuid4(), ("head",), "330000")
WAITING = "SELECT * FROM pgqueuer WHERE status IN ('queued', 'picked')"
FAILED = "SELECT * FROM pgqueuer WHERE status = 'failed'"


class Work:
    """A kind of job that tells what it was given, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.done: list[Mapping[str, Any]] = []
        self.tries: list[float] = []
        self.failures = failures

    async def __call__(self, _: Desk, payload: Mapping[str, Any], at: datetime) -> None:
        assert at.tzinfo is not None
        self.tries.append(time.monotonic())
        if len(self.tries) <= self.failures:
            raise RuntimeError(f"DETAIL: Failing row contains ({CANARY})")
        self.done.append(payload)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """The only kind of job there is."""
    made = Work()
    monkeypatch.setattr(jobs, "JOBS", {"work": made})
    return made


@asynccontextmanager
async def working(
    database: str, redis_url: str = "redis://127.0.0.1:1", pace: Pace = QUICK
) -> AsyncIterator[None]:
    """The background process's part that runs jobs, in this process."""
    task = asyncio.create_task(jobs.work_for_ever(load(environment(database, redis_url)), pace))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(sql: str, rows: int = 0) -> None:
    """Wait until a query has so many rows."""
    async with asyncio.timeout(15):
        while len(await fetch_all(sql)) != rows:
            await asyncio.sleep(0.02)


async def test_a_job_of_a_transaction_that_is_undone_was_never_there(database: str) -> None:
    with pytest.raises(NotFound):
        async with transaction():
            await enqueue("work", {"id": 1})
            assert len(await fetch_all(WAITING)) == 1
            raise NotFound
    assert await fetch_all("SELECT * FROM pgqueuer") == []


async def test_a_job_runs_with_what_it_was_given_and_is_gone(database: str, work: Work) -> None:
    async with working(database):
        await enqueue("work", {"id": uuid4(), "count": 3})
        await until(WAITING)
    [payload] = work.done
    assert payload["count"] == 3 and len(payload["id"]) == 36
    assert await fetch_all("SELECT * FROM pgqueuer") == []


async def test_a_job_that_waits_or_runs_is_not_written_twice(database: str, work: Work) -> None:
    for _ in range(3):
        await enqueue("work", {}, once="the same")
    await enqueue("work", {}, once="another")
    async with working(database):
        await until(WAITING)
    assert len(work.done) == 2
    await enqueue("work", {}, once="the same")
    assert len(await fetch_all(WAITING)) == 1, "the next cause is a job of its own"


async def test_a_job_for_later_waits(database: str, work: Work) -> None:
    await enqueue("work", {}, after=timedelta(seconds=0.6))
    begun = time.monotonic()
    async with working(database):
        await until(WAITING)
    assert work.tries[0] - begun > 0.4


async def test_a_kind_that_this_release_does_not_know_waits_for_one_that_does(
    database: str, work: Work
) -> None:
    await enqueue("of the next release", {})
    await enqueue("work", {})
    async with working(database):
        await until(WAITING, 1)
    assert len(work.done) == 1 and await fetch_all(FAILED) == []


async def test_a_job_that_fails_is_tried_again_later_and_later(database: str, work: Work) -> None:
    work.failures = 2
    await enqueue("work", {"id": 1})
    async with working(database):
        await until(WAITING)
    assert work.done == [{"id": 1}] and await fetch_all(FAILED) == []
    first, second = (later - sooner for sooner, later in zip(work.tries, work.tries[1:], strict=False))
    assert first >= SOON.total_seconds() and second >= 2 * SOON.total_seconds()


async def test_a_job_that_always_fails_is_kept_without_a_word_of_its_error(database: str, work: Work) -> None:
    work.failures = 10**9
    await enqueue("work", {"id": 1})
    async with working(database):
        await until(FAILED, 1)
        await asyncio.sleep(0.3)
    assert len(work.tries) == QUICK.tries
    [letter] = await dead_letters.listed(PROVINCE, None, 10)
    assert (letter.kind, letter.payload, letter.tries) == ("work", '{"id": 1}', QUICK.tries)
    assert letter.error == "builtins.RuntimeError"
    everything = str(
        [
            dict(row)
            for name in ("pgqueuer", "pgqueuer_log")
            for row in await fetch_all(f"SELECT * FROM {name}")
        ]
    )
    assert "JobFailed" in everything and CANARY not in everything and "Failing row" not in everything


async def test_an_admin_of_the_province_has_it_tried_again(database: str, work: Work) -> None:
    work.failures = QUICK.tries
    await enqueue("work", {"id": 1})
    async with working(database):
        await until(FAILED, 1)
        [letter] = await dead_letters.listed(PROVINCE, None, 10)
        await dead_letters.retry(PROVINCE, letter.id, now())
        await until("SELECT * FROM pgqueuer")
    assert work.done == [{"id": 1}]
    [record] = await fetch_all("SELECT * FROM audit_records")
    assert (record["action"], record["object_id"], record["actor_id"]) == (
        "job.retry",
        letter.id,
        PROVINCE.id,
    )
    assert await dead_letters.listed(PROVINCE, None, 10) == []


async def a_failed_job(once: str | None = None) -> str:
    """A job that failed for good."""
    await enqueue("work", {}, once=once)
    row = await fetch_one("UPDATE pgqueuer SET status = 'failed' WHERE status = 'queued' RETURNING id")
    assert row is not None
    return str(row["id"])


async def test_only_failed_jobs_are_tried_again_and_by_the_province_alone(database: str) -> None:
    job_id = await a_failed_job()
    for region in ("330100", "330106"):
        city = AdminActor(uuid4(), uuid4(), ("head",), region)
        with pytest.raises(ProvinceAlone):
            await dead_letters.listed(city, None, 10)
        with pytest.raises(ProvinceAlone):
            await dead_letters.retry(city, job_id, now())
    for unknown in ("0", "999999", "-1", "x", "", "9" * 30, "１"):
        with pytest.raises(NotFound):
            await dead_letters.retry(PROVINCE, unknown, now())
    done = await asyncio.gather(
        *(dead_letters.retry(PROVINCE, job_id, now()) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, NotFound) for each in done) == 3
    assert len(await fetch_all("SELECT 1 FROM audit_records")) == 1


async def test_a_failed_job_whose_work_waits_anew_is_not_doubled(database: str) -> None:
    job_id = await a_failed_job("the same")
    await enqueue("work", {}, once="the same")
    with pytest.raises(JobWaitsAlready):
        await dead_letters.retry(PROVINCE, job_id, now())
    assert len(await fetch_all(WAITING)) == len(await fetch_all(FAILED)) == 1
    assert await fetch_all("SELECT 1 FROM audit_records") == []


async def test_dead_letters_are_listed_newest_first_page_by_page(database: str) -> None:
    made = [await a_failed_job() for _ in range(3)]
    await enqueue("work", {})
    assert await dead_letters.counted() == {"work": 3}, "of those that failed"
    first = await dead_letters.listed(PROVINCE, None, 2)
    rest = await dead_letters.listed(PROVINCE, int(first[-1].id), 2)
    assert [letter.id for letter in (*first, *rest)] == made[::-1]


async def test_a_lost_connection_interrupts_only(
    database: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a restart of PostgreSQL does to those who are connected."""
    monkeypatch.setattr(jobs, "RETRY_S", 0.1)
    async with working(database):
        await enqueue("work", {"id": 1})
        await until(WAITING)
        await fetch_all(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await enqueue("work", {"id": 2})
        await until(WAITING)
    assert [payload["id"] for payload in work.done] == [1, 2]


async def test_a_job_that_runs_when_the_process_ends_is_finished(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, done = asyncio.Event(), []

    async def slow(_: Desk, payload: Mapping[str, Any], __: datetime) -> None:
        begun.set()
        await asyncio.sleep(0.5)
        done.append(payload)

    monkeypatch.setattr(jobs, "JOBS", {"work": slow})
    await enqueue("work", {})
    task = asyncio.create_task(jobs.work_for_ever(load(environment(database, "redis://127.0.0.1:1")), QUICK))
    await begun.wait()
    task.cancel()
    # It is told now; what is enqueued earlier could be taken still, by whoever is quick.
    await asyncio.sleep(0)
    await enqueue("work", {"late": True})
    with suppress(asyncio.CancelledError):
        await task
    assert len(done) == 1, "no more are taken"
    [row] = await fetch_all("SELECT * FROM pgqueuer")
    assert row["status"] == "queued" and b"late" in row["payload"]


async def test_a_job_that_takes_too_long_for_that_is_left_to_the_next_process(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, runs = asyncio.Event(), []

    async def endless(_: Desk, __: Mapping[str, Any], ___: datetime) -> None:
        runs.append(1)
        begun.set()
        if len(runs) == 1:
            await asyncio.sleep(60)

    monkeypatch.setattr(jobs, "JOBS", {"work": endless})
    monkeypatch.setattr(jobs, "GRACE_S", 0.1)
    await enqueue("work", {})
    async with working(database):
        await begun.wait()
    [row] = await fetch_all("SELECT * FROM pgqueuer")
    assert row["status"] == "picked", "neither done nor taken for cancelled"
    async with working(
        database, pace=Pace(lost_after=timedelta(seconds=0.5), look_every=timedelta(seconds=0.1))
    ):
        await until("SELECT * FROM pgqueuer")
    assert len(runs) == 2


async def test_jobs_that_a_process_died_over_run_one_at_a_time(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them kills: the others must not be counted as killers for having run beside it."""
    beside, most = [0], [0]

    async def slow(_: Desk, __: Mapping[str, Any], ___: datetime) -> None:
        beside[0] += 1
        most[0] = max(most[0], beside[0])
        await asyncio.sleep(0.05)
        beside[0] -= 1

    monkeypatch.setattr(jobs, "JOBS", {"work": slow})
    for lost in (True, False):
        for _ in range(4):
            await enqueue("work", {})
        if lost:
            await execute("UPDATE pgqueuer SET headers = '{\"begun\": 1}'")
        most[0] = 0
        async with working(database):
            await until(WAITING)
        assert (most[0] == 1) is lost


# A process of its own: it tells of its first run and hangs, or does its work to the end, or fails and then dies of it.
PROCESS = """
import asyncio, os, signal, sys
from datetime import timedelta
from common import database
from server import config, jobs, worker
async def work(desk, payload, at):
    await database.execute("INSERT INTO runs DEFAULT VALUES")
    await database.execute("INSERT INTO effects (id) VALUES ($1) ON CONFLICT DO NOTHING", payload["id"])
    print("in the middle", flush=True)
    if sys.argv[1] == "hang":
        await asyncio.sleep(600)
    if sys.argv[1] == "kill":
        if len(await database.fetch_all("SELECT 1 FROM runs")) > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError
jobs.JOBS["work"] = work
jobs.GRACE_S = 0.5
soon = timedelta(seconds=0.2)
pace = jobs.Pace(tries=2, first_pause=soon, lost_after=timedelta(seconds=1), look_every=soon)
jobs.work_for_ever.__defaults__ = (pace,)
asyncio.run(worker.run(config.load(os.environ)))
"""


async def tables() -> None:
    """Where the process of its own leaves its marks."""
    await execute("CREATE TABLE runs (at timestamptz)")
    await execute("CREATE TABLE effects (id int PRIMARY KEY)")


async def test_a_process_that_is_killed_leaves_its_job_to_the_next_and_the_effect_is_there_once(
    database: str, servers: Any
) -> None:
    await tables()
    await enqueue("work", {"id": 7})
    environ = environment(database, servers.redis_url)
    async with started(environ, "hang", python=("-c", PROCESS)) as process:
        await line_with(process, "in the middle")
        process.kill()
        await process.wait()
    assert len(await fetch_all("SELECT * FROM pgqueuer WHERE status = 'picked'")) == 1
    async with started(environ, "finish", python=("-c", PROCESS)) as process:
        await line_with(process, "in the middle")
        await until("SELECT * FROM pgqueuer")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    assert len(await fetch_all("SELECT * FROM runs")) == 2
    assert [row["id"] for row in await fetch_all("SELECT id FROM effects")] == [7]


async def test_told_to_end_it_ends_promptly_also_in_the_middle_of_a_job(database: str, servers: Any) -> None:
    await tables()
    await enqueue("work", {"id": 7})
    environ = environment(database, servers.redis_url)
    async with started(environ, "hang", python=("-c", PROCESS)) as process:
        await line_with(process, "in the middle")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 8) == 0
    [left] = await query(database, f"SELECT {BEGUN} AS begun FROM pgqueuer WHERE status = 'picked'")
    assert left["begun"] == 0, "an orderly end costs no try"


async def test_a_job_that_kills_its_process_is_given_up_after_as_many_tries_as_one_that_fails(
    database: str, servers: Any, work: Work
) -> None:
    """One that fails and then kills has used up two tries; whoever takes it up then does not run it."""
    await tables()
    await enqueue("work", {"id": 7})
    environ = environment(database, servers.redis_url)
    async with started(environ, "kill", python=("-c", PROCESS)) as process:
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    [left] = await fetch_all(f"SELECT status, {BEGUN} AS begun FROM pgqueuer")
    assert tuple(left) == ("picked", 2)
    async with working(database, pace=replace(QUICK, tries=2, lost_after=timedelta(seconds=1))):
        await until(FAILED, 1)
        [letter] = await dead_letters.listed(PROVINCE, None, 10)
        assert (letter.kind, letter.tries, letter.error) == ("work", 2, jobs.KILLED)
        assert work.tries == []
        await dead_letters.retry(PROVINCE, letter.id, now())
        await until("SELECT * FROM pgqueuer")
    assert work.done == [{"id": 7}], "tried again from the first try on"


async def test_the_queues_tables_are_those_of_the_installed_release(database: str) -> None:
    async with one_connection() as connection:
        plan = await Queries(AsyncpgDriver(connection)).plan_upgrade()
    assert (plan.statements, plan.notes) == ((), ())


(JOB_LOG,) = (rule for rule in retention.RULES if rule.table == "pgqueuer_log")


async def test_the_queues_log_is_kept_a_month_and_longer_for_what_still_waits(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = await a_failed_job()
    old, at = now() - JOB_LOG.kept - timedelta(hours=1), now()
    await execute("UPDATE pgqueuer_log SET created = $1", old)
    await execute(
        "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " SELECT CASE WHEN n < 4 THEN $1::timestamptz ELSE $2 END, 1000 + n, 'successful', 0, 'work'"
        " FROM generate_series(1, 5) n",
        *(old, at),
    )
    monkeypatch.setattr(retention, "BATCH", 2)
    assert [await retention.forget(JOB_LOG, at) for _ in range(3)] == [2, 1, 0]
    left = {row["job_id"] for row in await fetch_all("SELECT job_id FROM pgqueuer_log")}
    assert left == {int(failed), 1004, 1005}
