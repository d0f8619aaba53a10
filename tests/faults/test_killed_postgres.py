"""kill -9 of PostgreSQL under load: clean answers while it is away, recovery without a hand, nothing acknowledged lost."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from common.processes import children_of
from sandbox.embedded import Postgres
from tests.e2e.invariants import check
from tests.faults.conftest import Town
from tests.faults.traffic import Traffic, check_nothing_lost, until_served
from tests.service import new_key

AWAY_S = 0.8


async def test_killed_postgres_costs_answers_but_no_writes(town: Town) -> None:
    service = town.serve()
    traffic = Traffic(service)
    back_after = []
    async with traffic.flowing() as tally:
        for _ in range(3):
            await asyncio.sleep(1.2)
            town.postgres.kill()
            await asyncio.sleep(AWAY_S)
            town.start_postgres()
            begun = time.monotonic()
            await until_served(service, 10)
            while tally.answered_at < begun:
                assert time.monotonic() - begun < 10, "nobody was served again"
                await asyncio.sleep(0.02)
            back_after.append(time.monotonic() - begun)
    assert tally.statuses[503] > 0
    assert set(tally.statuses) <= {200, 201, 204, 503}, tally.statuses
    assert max(back_after) < 5, back_after
    assert max(tally.seconds) < 6, max(tally.seconds)
    await check_nothing_lost(traffic, town.fetch)


async def test_killed_backend_is_recovered_from_without_a_hand(town: Town) -> None:
    service = town.serve()
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        for _ in range(3):
            await asyncio.sleep(1.0)
            rows = await town.fetch(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            assert {row["pid"] for row in rows} <= set(children_of(town.postgres.pid))
            os.kill(rows[0]["pid"], signal.SIGKILL)
        await asyncio.sleep(0.3)
        await until_served(service, 10)
        begun = time.monotonic()
        await asyncio.sleep(0.5)
        assert tally.answered_at > begun
    assert tally.statuses[503] > 0
    assert set(tally.statuses) <= {200, 201, 204, 503}, tally.statuses
    await check_nothing_lost(traffic, town.fetch)


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    """Every process of PostgreSQL stands still."""
    family = [postgres.pid, *children_of(postgres.pid)]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)


async def test_frozen_postgres_delays_a_redemption_and_nothing_else(town: Town) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    code, key = await citizen.code(coupon["id"]), new_key()
    with frozen(town.postgres):
        redeeming = asyncio.create_task(clerk.redeem(code, key))
        begun = time.monotonic()
        assert (await clerk.http.get(service.url + "/healthz")).status_code == 200
        assert time.monotonic() - begun < 0.5
        unready = await clerk.http.get(service.url + "/readyz")
        assert (unready.status_code, unready.json()["code"]) == (503, "not_ready")
        assert unready.headers["retry-after"].isdigit()
        assert time.monotonic() - begun < 2.5
        assert not redeeming.done()
    assert (await redeeming).status_code == 201
    assert (await clerk.redeem(code, key)).headers["idempotency-replayed"] == "true"
    await until_served(service, 2)
    await check(town.fetch)
