"""Stopping, restarting and rolling over under load: what was begun is answered, what was answered is kept."""

import asyncio
import json
import signal
import time

from tests.e2e.invariants import check
from tests.e2e.pages import listening, next_event
from tests.e2e.wire import lines_to
from tests.e2e.workbench import crowd, row_held
from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.traffic import Traffic, until_served
from tests.service import Service, new_key


def logged(service: Service, event: str) -> list[dict[str, object]]:
    """Lines of one kind in the service's log."""
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == event]


async def ended(service: Service, within_s: float) -> float:
    """Wait for the end of the service; the seconds it took."""
    begun = time.monotonic()
    while service.process.poll() is None:
        assert time.monotonic() - begun < within_s, f"still running after {within_s} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def test_sigterm_under_load_loses_nothing_and_the_next_start_goes_on(town: Town) -> None:
    service = town.serve()
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        await asyncio.sleep(1.0)
        service.process.send_signal(signal.SIGTERM)
        await ended(service, 5)
        assert service.process.returncode == 0
        service.launch()
        await asyncio.sleep(0.5)
    assert set(tally.statuses) <= {
        200,
        201,
        204,
        503,
        "cut kept line",
        "cut fresh line",
        "refused connection",
    }
    assert not logged(service, "worker_killed")
    await check_all(town, traffic)


async def test_sigterm_answers_what_is_in_flight_and_ends_open_pages(town: Town) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon, other = await citizen.coupon(), await citizen.coupon()
    code, key = await citizen.code(coupon["id"]), new_key()
    async with listening(citizen, other["id"]) as events:
        assert (await next_event(events)).name == "status"
        async with row_held(town.postgres.url, "coupons", coupon["id"]) as holder:
            redeeming = asyncio.create_task(clerk.redeem(code, key))
            await crowd(holder.fetch, 1)
            service.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            assert service.process.poll() is None
        done = await redeeming
        assert done.status_code == 201
        # Whoever is answered while the process stops is told to come back on another connection.
        assert done.headers["connection"] == "close"
        await ended(service, 5)
    assert service.process.returncode == 0
    rows = await town.fetch("SELECT id FROM redemptions WHERE request_key = $1", key)
    assert [str(row["id"]) for row in rows] == [done.json()["id"]]
    await check(town.fetch)


async def test_sighup_replaces_every_process_and_no_request_fails(town: Town) -> None:
    service = town.serve()
    traffic, strangers = Traffic(service), Traffic(service, keeps_lines=False)
    before = set(service.web_pids())
    async with traffic.flowing(6) as kept, strangers.flowing(2) as fresh:
        await asyncio.sleep(0.5)
        async with lines_to(service, count=4) as idle:
            service.process.send_signal(signal.SIGHUP)
            until = time.monotonic() + 15
            while set(service.web_pids()) & before or len(service.web_pids()) != 2:
                assert time.monotonic() < until, "the old processes are still there"
                await asyncio.sleep(0.05)
            assert len(idle) == 4
        await asyncio.sleep(0.5)
    allowed = {200, 201, 204, "cut kept line"}
    assert set(kept.statuses) <= allowed, kept.statuses
    # A line ends at most once with each process that leaves, and never in the middle of an answer.
    assert kept.statuses["cut kept line"] <= 6 * 2
    # Who connects in the very moment in which a process leaves is hung up on before he was heard.
    assert set(fresh.statuses) <= {200, 201, 204, "cut fresh line"}, fresh.statuses
    assert fresh.statuses["cut fresh line"] <= 2 * 2
    assert len(kept.redeemed) > 50
    assert not logged(service, "worker_killed")
    await until_served(service, 2)
    # Both traffics wrote into one ledger.
    traffic.tally.absorb(strangers.tally)
    await check_all(town, traffic)
