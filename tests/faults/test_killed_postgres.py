"""kill -9 of PostgreSQL under load: clean answers while it is away, recovery without a hand, nothing acknowledged lost."""

import asyncio
import os
import signal
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from benefits import offer_changes
from common import database as db
from common.actors import AdminActor
from common.clock import now
from common.errors import NotFound
from models.enums import OfferStatus
from tests.e2e.invariants import check
from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.traffic import Traffic, until_served
from tests.service import new_key
from tests.stopping import frozen

AWAY_S = 0.8


async def test_killed_postgres_costs_answers_but_no_writes(town: Town) -> None:
    service = town.serve()
    traffic = Traffic(service)
    back_after = []
    async with traffic.flowing() as tally:
        for _ in range(2):
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
    await check_all(town, traffic)


async def test_killed_backend_is_recovered_from_without_a_hand(town: Town) -> None:
    service = town.serve()
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        for _ in range(2):
            await asyncio.sleep(1.0)
            rows = await town.fetch(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            assert rows
            os.kill(rows[0]["pid"], signal.SIGKILL)
        await asyncio.sleep(0.3)
        await until_served(service, 10)
        begun = time.monotonic()
        await asyncio.sleep(0.5)
        assert tally.answered_at > begun
    assert tally.statuses[503] > 0
    assert set(tally.statuses) <= {200, 201, 204, 503}, tally.statuses
    await check_all(town, traffic)


async def test_frozen_postgres_is_answered_for_with_a_clean_503(town: Town) -> None:
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    code, key = await citizen.code(coupon["id"]), new_key()

    async def timed(answering: Coroutine[Any, Any, httpx.Response], within_s: float) -> httpx.Response | str:
        try:
            return await asyncio.wait_for(answering, within_s)
        except TimeoutError:
            return f"no answer within {within_s} s"

    with frozen(town.postgres):
        # A statement's own limit of five seconds, and one more for a server that keeps to none.
        redeeming = asyncio.create_task(timed(clerk.redeem(code, key), 8.0))
        assert (await clerk.http.get(service.url + "/healthz", timeout=0.5)).status_code == 200
        signing_out = asyncio.create_task(timed(citizen.http.post("/auth/logout"), 8.0))
        unready = await timed(clerk.http.get(service.url + "/readyz"), 6.0)
        refused, signed_out = await redeeming, await signing_out
        assert (await clerk.http.get(service.url + "/healthz", timeout=0.5)).status_code == 200
    # Inside a transaction too: its end must not wait as long again.
    for answer in (unready, refused, signed_out):
        assert isinstance(answer, httpx.Response), {
            "readyz": unready,
            "redemption": refused,
            "end": signed_out,
        }
        assert answer.status_code == 503
        assert answer.headers["retry-after"].isdigit()
    await until_served(service, 5)
    assert (await clerk.redeem(code, key)).status_code == 201
    await check(town.fetch)


async def test_transaction_that_is_frozen_half_way_is_given_up_as_soon_as_a_statement(town: Town) -> None:
    """Its ROLLBACK must not wait as long again as the statement that got no answer."""
    await db.connect(town.postgres.url, pool_size=1)
    try:
        with ExitStack() as until_it_is_over:
            with pytest.raises((TimeoutError, asyncpg.InterfaceError)):
                async with db.transaction():
                    assert await db.fetch_one("SELECT 1")
                    until_it_is_over.enter_context(frozen(town.postgres))
                    begun = time.monotonic()
                    await db.fetch_one("SELECT 1")
            took = time.monotonic() - begun
        assert db.STATEMENT_LIMIT_S < took < db.STATEMENT_LIMIT_S + 3
        async with asyncio.timeout(5):
            assert await db.fetch_one("SELECT 1")
    finally:
        await db.disconnect()


async def test_change_that_could_not_begin_leaves_nothing_to_the_next_statement(town: Town) -> None:
    """Else every later request of the same kept line would go to a connection that is no more."""
    admin = AdminActor(uuid4(), uuid4(), ("operator",), "330000")
    end_others = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    await db.connect(town.postgres.url, pool_size=1)
    try:
        await db.fetch_one("SELECT 1")
        # Not awaited: this process can't notice before it tries to begin.
        town.postgres.run("psql", "-c", end_others)
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)):
            await offer_changes.set_status(admin, uuid4(), OfferStatus.ENDED, now())
        async with asyncio.timeout(5):
            assert await db.fetch_one("SELECT 1")
            with pytest.raises(NotFound):
                await offer_changes.set_status(admin, uuid4(), OfferStatus.ENDED, now())
    finally:
        await db.disconnect()
