"""The background process: what it forgets, what it closes, and that nothing keeps it from going on."""

import asyncio
import os
import signal
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from common.clock import now
from common.database import execute, fetch_all
from server import worker
from server.worker import LOOKUP_GIVEN_UP
from tests.factories.citizens import a_person, consent
from tests.factories.moments import NOON
from tests.factories.settings import settings
from tests.seeds import environment
from tests.server.commands import started_warm as started

MILLISECOND = timedelta(milliseconds=1)
SETTINGS = settings()


async def a_lookup(at: datetime, outcome: str = "pending") -> UUID:
    """A line in the log of look-ups."""
    citizen_id, lookup_id = await a_person(), uuid4()
    await execute(
        "INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)"
        " VALUES ($1, $2, $3, 'test', 'citizen', 'claim', $4, $5)",
        *(lookup_id, citizen_id, await consent(citizen_id), at, outcome),
    )
    return lookup_id


async def outcomes() -> dict[UUID, str]:
    return {row["id"]: row["outcome"] for row in await fetch_all("SELECT id, outcome FROM credit_lookups")}


async def a_failure(window_ends_at: datetime) -> None:
    """Wrong passwords for some login."""
    await execute(
        "INSERT INTO login_failures (login_hash, failures, window_ends_at) VALUES ($1, 5, $2)",
        *(uuid4().bytes * 2, window_ends_at),
    )


async def test_a_look_up_whose_process_died_is_closed_without_an_answer(database: str) -> None:
    late = NOON + LOOKUP_GIVEN_UP + MILLISECOND
    given_up, waiting = await a_lookup(NOON), await a_lookup(NOON + MILLISECOND)
    answered = await a_lookup(NOON, "rated")
    assert await worker.close_abandoned_lookups(late) == 1
    assert await outcomes() == {given_up: "unavailable", waiting: "pending", answered: "rated"}
    assert await worker.close_abandoned_lookups(late) == 0


PENDING = "SELECT id FROM credit_lookups WHERE outcome = 'pending'"
FAILURES = "SELECT id FROM login_failures"


async def _until_none(sql: str) -> None:
    """Wait until another process has left no row."""
    async with asyncio.timeout(15):
        while await fetch_all(sql):
            await asyncio.sleep(0.05)


async def test_clearing_away_sees_to_the_folder_of_files(database: str, tmp_path: Path) -> None:
    half = tmp_path / "arriving" / "half"
    half.parent.mkdir()
    half.write_bytes(b"of something")
    os.utime(half, (0, 0))
    assert await worker.clear_away(replace(SETTINGS, files_folder=tmp_path))
    assert not half.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_does_everything_at_once_and_ends_in_order_when_told(
    database: str, servers: Any, number: signal.Signals
) -> None:
    await a_lookup(now() - 2 * LOOKUP_GIVEN_UP)
    await a_failure(now() - timedelta(days=1))
    async with started(environment(database, servers.redis_url), "worker") as process:
        await _until_none(PENDING)
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    assert await fetch_all(FAILURES) == []


async def test_a_task_that_fails_keeps_no_other_from_its_work_and_is_tried_again(
    database: str, servers: Any
) -> None:
    sooner = "import asyncio, os; from server import config, worker; worker.RETRY_S = 0.1;"
    sooner += " asyncio.run(worker.run(config.load(os.environ)))"
    await a_lookup(now() - 2 * LOOKUP_GIVEN_UP)
    await a_failure(now() - timedelta(days=1))
    await execute("ALTER TABLE login_failures RENAME TO away")
    async with started(environment(database, servers.redis_url), python=("-c", sooner)) as process:
        await _until_none(PENDING)
        assert process.returncode is None
        await execute("ALTER TABLE away RENAME TO login_failures")
        await _until_none(FAILURES)
