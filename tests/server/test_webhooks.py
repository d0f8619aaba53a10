"""The background process tells webhooks: soon, again after it was killed, and one slow till delays no other."""

import asyncio
import os
import signal
from json import loads

import pytest

from benefits import webhooks
from common.clock import now
from server.config import load
from server.webhooks import reach_of
from tests.conftest import Servers
from tests.factories.ledgers import some_redemptions
from tests.factories.members import a_shop, an_owner
from tests.factories.settings import production, sandbox
from tests.factories.tills import Till, hangs, running
from tests.seeds import environment
from tests.server.commands import started_warm as started


async def until_told(till: Till, wanted: set[str], within_s: float = 10) -> None:
    """Wait until a till has heard of these events."""
    async with asyncio.timeout(within_s):
        while not wanted <= {loads(body)["id"] for body in till.bodies}:
            await asyncio.sleep(0.05)


def test_only_a_sandbox_tells_its_own_machine() -> None:
    assert reach_of(load(sandbox())).is_loopback_allowed
    assert not reach_of(load(production())).is_loopback_allowed


@pytest.mark.alone
async def test_it_tells_soon_and_goes_on_after_it_was_killed_and_a_till_that_hangs_delays_nobody(
    database: str, servers: Servers
) -> None:
    environ = environment(database, servers.redis_url)
    settings, shop = load({**os.environ, **environ}), await a_shop()
    slow, quick = Till(*[hangs] * 50), Till()
    owner = await an_owner(shop.member_id)
    async with running(slow), running(quick):
        for till in (slow, quick):
            await webhooks.create(owner, till.url, reach_of(settings), settings.data_keys, now())
        first = {str(each) for each in await some_redemptions(shop, 3)}
        async with started(environ, "worker") as process:
            await until_told(quick, first)
            assert len(slow.bodies) == 1, "it still waits for the first answer"
            process.send_signal(signal.SIGKILL)
            await process.wait()
        second = {str(each) for each in await some_redemptions(shop, 3)}
        async with started(environ, "worker") as process:
            await until_told(quick, second)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0
    assert {loads(body)["id"] for body in quick.bodies} == first | second
