"""kill -9 of web processes in the middle of claims and redemptions: nothing acknowledged is lost, nothing doubled."""

import asyncio
import os
import random
import signal
import time

import pytest

from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.traffic import Traffic, until_served

KILLS = 10


@pytest.mark.alone
async def test_acknowledged_redemptions_survive_ten_killed_web_processes(town: Town) -> None:
    service = town.serve()
    traffic = Traffic(service)
    killed: set[int] = set()
    async with traffic.flowing() as tally:
        while len(killed) < KILLS:
            await asyncio.sleep(random.uniform(0.3, 0.7))
            victims = [pid for pid in service.web_pids() if pid not in killed]
            if victims:
                victim = random.choice(victims)
                os.kill(victim, signal.SIGKILL)
                killed.add(victim)
        await until_served(service, 10)
    assert service.process.poll() is None
    # One that was killed again and again as soon as it came pauses for up to five seconds.
    until = time.monotonic() + 12
    while len(set(service.web_pids()) - killed) < 2:
        assert time.monotonic() < until, "a killed process did not come back"
        await asyncio.sleep(0.05)
    await until_served(service, 10)
    assert tally.statuses["cut kept line"] > 0, "nobody noticed anything: the kills missed the traffic"
    assert len(tally.redeemed) > 50
    await check_all(town, traffic)
