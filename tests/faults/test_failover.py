"""kill -9 of the primary under load, and a standby takes over: what was acknowledged is on it.

The services know one address, which is moved to the standby, as a virtual address or a load balancer does.
The primary's commits wait for the standby's disk (`synchronous_commit=on`, one name in
`synchronous_standby_names`): without that, a failover loses what was acknowledged last.
"""

import asyncio
import time

from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.proxy import Proxy
from tests.faults.replicas import NAME, let_go, promote, sql, standby_of
from tests.faults.traffic import Traffic, until_served

RECOVERED_WITHIN_S = 8.0


async def test_everything_acknowledged_is_on_the_standby_that_takes_over(town: Town) -> None:
    standby = standby_of(town.postgres, town.folder / "standby", is_synchronous=True)
    town.standbys.append(standby)
    async with Proxy(town.postgres_socket) as address:
        service = await town.serve_through(to_postgres=address)
        traffic = Traffic(service)
        async with traffic.flowing() as tally:
            await asyncio.sleep(1.5)
            acknowledged = len(tally.redeemed)
            begun = time.monotonic()
            town.postgres.kill()
            town.fail_over_to(standby)
            address.upstream = town.postgres_socket
            promote(standby)
            let_go(standby)
            await until_served(service, RECOVERED_WITHIN_S)
            back = time.monotonic()
            await asyncio.sleep(1.0)
            assert tally.answered_at > back
            assert back - begun < RECOVERED_WITHIN_S
        assert acknowledged > 10 and len(tally.redeemed) > acknowledged
        assert set(tally.statuses) <= {200, 201, 204, 503}, tally.statuses
        await check_all(town, traffic)


async def test_commit_waits_for_the_standby(town: Town) -> None:
    """The guard that the failover rests on: with the standby frozen, nothing is acknowledged."""
    standby = standby_of(town.postgres, town.folder / "standby", is_synchronous=True)
    town.standbys.append(standby)
    assert sql(town.postgres, "SHOW synchronous_standby_names") == NAME
    service = town.serve()
    traffic = Traffic(service)
    async with traffic.flowing(4) as tally:
        await asyncio.sleep(1.0)
        standby.kill()
        await asyncio.sleep(0.5)
        waited_from = time.monotonic()
        await asyncio.sleep(2.0)
        assert tally.answered_at < waited_from, "acknowledged what only one server has"
        let_go(town.postgres)
        await until_served(service, RECOVERED_WITHIN_S)
    await check_all(town, traffic)
