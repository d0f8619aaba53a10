"""Redis killed, flushed, full or frozen: redemptions go on as if nothing were, hints come back, limits hold."""

import asyncio
import time
from typing import Any

import pytest
from redis import asyncio as aioredis

from server.api.citizen.events import LOOK_EVERY_S
from tests.e2e.pages import listening, next_event
from tests.e2e.wire import Line, call_as, counted, lines_to, spread
from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.traffic import Traffic
from tests.service import Service
from tests.stopping import stopped


async def ask_valkey(town: Town, *command: str) -> Any:
    client = aioredis.from_url(town.valkey.url)
    try:
        return await client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()


async def says(service: Service, status: str, within_s: float = 3.0) -> None:
    """/readyz is 200 and says `ready` or `degraded`, whichever process is asked."""
    client = service.client(Connection="close")
    until = time.monotonic() + within_s
    same = 0
    while same < 4:
        answer = await client.get(service.url + "/readyz")
        assert answer.status_code == 200
        same = same + 1 if answer.json()["status"] == status else 0
        assert time.monotonic() < until or same, f"readyz never said {status}"


async def test_redemptions_go_on_while_redis_is_flushed_full_frozen_and_killed(town: Town) -> None:
    service = town.serve()
    await says(service, "ready")
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        await asyncio.sleep(0.3)
        await ask_valkey(town, "FLUSHALL")
        await ask_valkey(town, "CONFIG", "SET", "maxmemory-policy", "noeviction")
        await ask_valkey(town, "CONFIG", "SET", "maxmemory", "1")
        await asyncio.sleep(0.5)
        await ask_valkey(town, "CONFIG", "SET", "maxmemory", "256mb")
        with stopped(town.valkey.pid):
            await asyncio.sleep(1.0)
            await says(service, "degraded", 10)
        town.valkey.kill()
        await asyncio.sleep(0.5)
        await says(service, "degraded")
        town.start_valkey()
        await says(service, "ready")
    assert set(tally.statuses) <= {200, 201, 204}, tally.statuses
    assert len(tally.redeemed) > 50
    assert tally.p(0.99) < 1.0, tally.p(0.99)
    await check_all(town, traffic)


async def heard_on(events: Any, redemption: dict[str, Any]) -> bool:
    """Whether a page is told of its redemption within a second."""
    try:
        while (event := await next_event(events)).name == "status":
            continue
    except TimeoutError:
        return False
    return bool(event.name == "redeemed" and event.data["redemption_id"] == redemption["id"])


async def test_open_pages_hear_again_when_redis_is_back(town: Town) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    stays, comes_back = [(await citizen.coupon())["id"] for _ in range(2)]
    async with listening(citizen, stays) as open_all_the_while:
        assert (await next_event(open_all_the_while)).name == "status"
        async with listening(citizen, comes_back) as before:
            assert (await next_event(before)).name == "status"
            town.valkey.kill()
            await asyncio.sleep(1.5)
        town.start_valkey()
        await asyncio.sleep(1.5)
        async with listening(citizen, comes_back) as again:
            assert (await next_event(again)).name == "status"
            heard = {}
            for name, coupon_id, events in (
                ("opened again", comes_back, again),
                ("open all the while", stays, open_all_the_while),
            ):
                done = await clerk.redeem(await citizen.code(coupon_id))
                assert done.status_code == 201
                heard[name] = await heard_on(events, done.json())
    assert heard == {"opened again": True, "open all the while": True}


@pytest.mark.parametrize("is_back", [True, False], ids=["back at once", "stays away"])
async def test_open_page_learns_of_a_scan_while_redis_was_away(town: Town, *, is_back: bool) -> None:
    """The hint is lost; the page that is open all the while must not go on showing a good code."""
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    async with listening(citizen, coupon["id"]) as events:
        assert (await next_event(events)).data["status"] == "claimed"
        town.valkey.kill()
        assert (await clerk.redeem(await citizen.code(coupon["id"]))).status_code == 201
        if is_back:
            town.start_valkey()
        while (event := await next_event(events, LOOK_EVERY_S + 2)).data["status"] == "claimed":
            continue
        assert (event.name, event.data) == ("status", {"status": "redeemed", "uses_left": 0})


@pytest.mark.alone
async def test_page_opens_without_redis_and_polling_tells_the_truth(town: Town) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    opened_after = {}

    async def open_a_page_and_redeem(fault: str) -> None:
        coupon = await citizen.coupon()
        begun = time.monotonic()
        async with listening(citizen, coupon["id"]) as events:
            assert (await next_event(events, 10)).name == "status"
            opened_after[fault] = time.monotonic() - begun
            assert (await clerk.redeem(await citizen.code(coupon["id"]))).status_code == 201
            seen = await citizen.http.get(f"/coupons/{coupon['id']}")
            assert seen.json()["status"] == "redeemed"

    with stopped(town.valkey.pid):
        await open_a_page_and_redeem("frozen")
    town.valkey.kill()
    await open_a_page_and_redeem("killed")
    assert max(opened_after.values()) < 2, opened_after


async def test_frozen_redis_does_not_hold_up_the_end(town: Town) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    with stopped(town.valkey.pid):
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


async def test_limit_of_a_person_holds_over_all_processes_with_and_without_redis(town: Town) -> None:
    limit, burst = 60, 24
    service = town.serve(CITIZEN_LIMIT=str(limit))
    people = [await service.citizen(consent=False) for _ in range(3)]
    allowed: dict[str, int] = {}

    async def ask_too_often(fault: str, lines: list[Line]) -> None:
        call = call_as(people.pop().http, "GET", "/me")
        allowed[fault] = 0
        await a_minute_with_room(4)
        for _ in range(5):
            answers = await spread(lines, [call] * burst)
            seen = counted(answers)
            assert set(seen) <= {200, "too_many_requests"}
            allowed[fault] += seen.get(200, 0)
            waits = [int(answer.headers["retry-after"]) for answer in answers if answer.status == 429]
            assert all(1 <= wait <= 60 for wait in waits)
            await asyncio.sleep(0.3)

    async with lines_to(service, count=8) as lines:
        await asyncio.sleep(0.5)
        await ask_too_often("none", lines)
        with stopped(town.valkey.pid):
            await asyncio.sleep(1.2)
            await ask_too_often("frozen", lines)
        town.valkey.kill()
        await asyncio.sleep(0.8)
        await ask_too_often("killed", lines)
    assert 0 < allowed["frozen"] <= limit, allowed
    assert 0 < allowed["killed"] <= limit, allowed
    # What was counted since the last exchange is known to one process only: one burst at the most.
    assert 0 < allowed["none"] <= limit + burst, allowed
