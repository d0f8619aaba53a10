"""SIGSTOP of any part: the others serve on or say 503 within a bound, and after SIGCONT everything goes on."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.afterwards import check_all
from tests.faults.conftest import Town, only_in_the_long_form
from tests.faults.traffic import Traffic, until_served
from tests.service import Service
from tests.stopping import stopped
from tests.warm import Started, hearth

pytestmark = pytest.mark.alone

CLEAN = {200, 201, 204}
# A statement's own limit and the one of its connection.
LONGEST_ANSWER_S = 7.5


async def test_stopped_web_process_keeps_only_its_own_lines_waiting(town: Town) -> None:
    service = town.serve()
    kept, strangers = Traffic(service), Traffic(service, keeps_lines=False)
    await strangers.prepare()
    async with kept.flowing(6) as with_lines:
        await asyncio.sleep(0.7)
        with stopped(random.choice(service.web_pids())):
            async with strangers.flowing(2) as without:
                await asyncio.sleep(2.0)
            # All of them were answered while it stood still: nobody who connects anew waits for it.
            assert len(without.redeemed) > 3, "the other process has served nobody"
        await asyncio.sleep(0.7)
    for tally in (with_lines, without):
        assert set(tally.statuses) <= CLEAN, tally.statuses
    # Whoever connects anew is served at once by the one that is awake; the others wait until it wakes up.
    assert max(without.seconds) < 1.5 and max(with_lines.seconds) < 3.5
    await check_all(town, kept, strangers.tally)


def background_process(town: Town, service: Service) -> Started:
    """The background process of a service, seals and all."""
    return hearth().serve(service.environment, town.folder / "worker.log", "worker")


async def until_it_hears(pid: int, number: signal.Signals, within_s: float = 20.0) -> None:
    """Wait until a process has started so far that it catches a signal, however busy the machine is."""
    until = time.monotonic() + within_s
    while not _caught_by(pid) >> (number - 1) & 1:
        assert time.monotonic() < until, "the process has not started"
        await asyncio.sleep(0.05)


def _caught_by(pid: int) -> int:
    """The mask of the signals that a process catches."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))


async def test_stopped_background_process_is_noticed_by_nobody(town: Town) -> None:
    service = town.serve()
    background = background_process(town, service)
    try:
        traffic = Traffic(service)
        async with traffic.flowing(4) as tally:
            await until_it_hears(background.pid, signal.SIGTERM)
            await asyncio.sleep(1.0)
            with stopped(background.pid):
                await asyncio.sleep(1.0)
            await asyncio.sleep(0.3)
        assert set(tally.statuses) <= CLEAN and tally.p(0.99) < 1.0
        background.terminate()
        assert await asyncio.to_thread(background.wait, 10) == 0
    finally:
        background.kill()
    await check_all(town, traffic)


async def test_stopped_backend_costs_its_own_statement_and_nobody_else_s(town: Town) -> None:
    service = town.serve()
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        await asyncio.sleep(0.7)
        rows = await town.fetch(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            " AND query NOT LIKE '%revoked_at%'"
        )
        with stopped(random.choice(rows)["pid"]):
            await asyncio.sleep(2.0)
        await until_served(service, 5)
        begun = time.monotonic()
        await asyncio.sleep(0.5)
        assert tally.answered_at > begun
    assert set(tally.statuses) <= {*CLEAN, 503}, tally.statuses
    assert max(tally.seconds) < LONGEST_ANSWER_S
    await check_all(town, traffic)


@only_in_the_long_form
async def test_stopped_postmaster_keeps_out_the_new_and_serves_who_is_in(town: Town) -> None:
    """A web process that starts meanwhile can't connect: it answers 503, and serves as soon as it can."""
    service = town.serve()
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        await asyncio.sleep(0.7)
        with stopped(town.postgres.pid):
            os.kill(random.choice(service.web_pids()), signal.SIGKILL)
            before = len(tally.redeemed)
            await asyncio.sleep(2.5)
            assert len(tally.redeemed) > before, "the process that has its connections has served nobody"
        await until_served(service, 8)
        begun = time.monotonic()
        await asyncio.sleep(0.7)
        assert tally.answered_at > begun
    assert set(tally.statuses) <= {*CLEAN, 503, "cut kept line", "cut fresh line"}, tally.statuses
    assert max(tally.seconds) < LONGEST_ANSWER_S
    await check_all(town, traffic)
