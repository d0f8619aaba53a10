"""Redis killed, flushed, full or frozen: redemptions go on as if nothing were, hints come back, limits hold."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import asyncio as aioredis

from sandbox.embedded import Valkey
from tests.e2e.pages import listening, next_event
from tests.e2e.wire import Call, counted, lines_to, spread
from tests.faults.conftest import Town
from tests.faults.traffic import Traffic, check_nothing_lost
from tests.service import API, CitizenClient, Service


@contextmanager
def frozen(valkey: Valkey) -> Iterator[None]:
    """Valkey takes connections (the kernel does) and says nothing."""
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(valkey.pid, signal.SIGCONT)


async def ask_valkey(town: Town, *command: str) -> Any:
    client = aioredis.from_url(town.valkey.url)
    try:
        return await client.execute_command(*command)
    finally:
        await client.aclose()


async def says(service: Service, status: str, within_s: float = 3.0) -> None:
    """/readyz is 200 and says `ready` or `degraded`, in the end from every process."""
    client = service.client()
    until = time.monotonic() + within_s
    same = 0
    while same < 6:
        answer = await client.get(service.url + "/readyz")
        assert answer.status_code == 200
        same = same + 1 if answer.json()["status"] == status else 0
        assert time.monotonic() < until or same, f"readyz never said {status}"


async def test_redemptions_go_on_while_redis_is_killed_frozen_full_and_flushed(town: Town) -> None:
    service = town.serve()
    await says(service, "ready")
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        await asyncio.sleep(0.5)
        await ask_valkey(town, "FLUSHALL")
        await asyncio.sleep(0.5)
        await ask_valkey(town, "CONFIG", "SET", "maxmemory-policy", "noeviction")
        await ask_valkey(town, "CONFIG", "SET", "maxmemory", "1")
        await asyncio.sleep(0.7)
        await ask_valkey(town, "CONFIG", "SET", "maxmemory", "256mb")
        with frozen(town.valkey):
            await asyncio.sleep(1.5)
            await says(service, "degraded", 10)
        town.valkey.kill()
        await asyncio.sleep(1.0)
        await says(service, "degraded")
        town.start_valkey()
        await asyncio.sleep(0.5)
        await says(service, "ready")
    assert set(tally.statuses) <= {200, 201, 204}, tally.statuses
    assert len(tally.redeemed) > 50
    assert tally.p(0.99) < 1.0, tally.p(0.99)
    await check_nothing_lost(traffic, town.fetch)


async def redeem_seen_on(
    service: Service, citizen: CitizenClient, coupon_id: str, events: Any, within_s: float = 1.0
) -> None:
    clerk = await service.clerk()
    done = await clerk.redeem(await citizen.code(coupon_id))
    assert done.status_code == 201
    event = await next_event(events, within_s)
    assert (event.name, event.data["redemption_id"]) == ("redeemed", done.json()["id"])


async def test_page_that_stays_open_hears_again_when_redis_is_back(town: Town) -> None:
    service = town.serve()
    citizen = await service.citizen()
    coupon = await citizen.coupon()
    async with listening(citizen, coupon["id"]) as events:
        assert (await next_event(events)).name == "status"
        town.valkey.kill()
        await asyncio.sleep(2.0)
        town.start_valkey()
        await asyncio.sleep(2.0)
        await redeem_seen_on(service, citizen, coupon["id"], events)


async def test_page_that_is_opened_again_hears_when_redis_is_back(town: Town) -> None:
    service = town.serve()
    citizen = await service.citizen()
    coupon = await citizen.coupon()
    async with listening(citizen, coupon["id"]) as events:
        assert (await next_event(events)).name == "status"
        town.valkey.kill()
        await asyncio.sleep(1.0)
    town.start_valkey()
    await asyncio.sleep(1.0)
    async with listening(citizen, coupon["id"]) as events:
        assert (await next_event(events)).name == "status"
        await redeem_seen_on(service, citizen, coupon["id"], events)


@pytest.mark.parametrize("fault", ["frozen", "killed"])
async def test_page_opens_without_redis_and_polling_tells_the_truth(town: Town, fault: str) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    if fault == "killed":
        town.valkey.kill()
    else:
        os.kill(town.valkey.pid, signal.SIGSTOP)
    begun = time.monotonic()
    async with listening(citizen, coupon["id"]) as events:
        assert (await next_event(events, 10)).name == "status"
        opened_after = time.monotonic() - begun
        assert (await clerk.redeem(await citizen.code(coupon["id"]))).status_code == 201
        seen = await citizen.http.get(f"/coupons/{coupon['id']}")
        assert seen.json()["status"] == "redeemed"
    assert opened_after < 2, f"the page took {opened_after:.1f} s to open"


async def test_frozen_redis_does_not_hold_up_the_end(town: Town) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    with frozen(town.valkey):
        assert (await clerk.redeem(await citizen.code(coupon["id"]))).status_code == 201
        begun = time.monotonic()
        service.process.terminate()
        while service.process.poll() is None:
            assert time.monotonic() - begun < 5, "the end takes too long"
            await asyncio.sleep(0.02)
    assert service.process.returncode == 0


async def a_minute_with_room(room_s: float) -> None:
    """The limits count by the minute of the clock: begin where it does not end under us."""
    left = 60 - time.time() % 60
    if left < room_s:
        await asyncio.sleep(left + 0.05)


@pytest.mark.parametrize("fault", ["none", "killed", "frozen"])
async def test_limit_of_an_address_holds_over_all_processes(town: Town, fault: str) -> None:
    limit, burst = 60, 24
    service = town.serve(ADDRESS_LIMIT=str(limit))
    call = Call("GET", f"{API}/consents/credit_check")
    async with lines_to(service, count=8) as lines:
        if fault == "killed":
            town.valkey.kill()
        elif fault == "frozen":
            os.kill(town.valkey.pid, signal.SIGSTOP)
        await a_minute_with_room(6)
        await asyncio.sleep(1.2)
        allowed = 0
        for _ in range(6):
            answers = await spread(lines, [call] * burst)
            seen = counted(answers)
            assert set(seen) <= {200, "too_many_requests"}
            allowed += seen.get(200, 0)
            for answer in answers:
                if answer.status == 429:
                    assert 1 <= int(answer.headers["retry-after"]) <= 60
            await asyncio.sleep(0.4)
    # What was counted since the last exchange is known to one process only: one burst at the most.
    assert 0 < allowed <= limit + (burst if fault == "none" else 0), allowed
