"""Far more people than database connections: everybody waits his turn, nobody is turned away."""

import asyncio
import time

import pytest

from tests.e2e.invariants import check
from tests.e2e.wire import Call, call_as, counted, lines_to, volley
from tests.e2e.workbench import crowd, row_held
from tests.faults.conftest import Town
from tests.service import API, UNLIMITED, new_key

PEOPLE = 200
HELD_UP_S = 1.5


async def test_two_hundred_people_at_once_share_two_connections_a_process(town: Town) -> None:
    service = town.serve(DATABASE_POOL="2")
    offer_id, clerk = await service.offer_id(UNLIMITED), await service.clerk()
    text = (await clerk.http.get("/consents/credit_check")).json()
    begun = time.monotonic()
    async with lines_to(service, count=PEOPLE) as lines:
        # Signing in, agreeing and the first claim take transactions, which must not wait for each other.
        logins = [
            Call("POST", f"{API}/auth/citizen", {}, {"channel": "sandbox", "code": f"load-{4_000_000 + n}"})
            for n in range(PEOPLE)
        ]
        tokens = [answer.json()["access_token"] for answer in await volley(lines, logins)]
        consent = {"version": text["version"], "granted": True}
        agreed = await volley(
            lines, [call_as(token, "PUT", "/me/consents/credit_check", consent) for token in tokens]
        )
        assert counted(agreed) == {200: PEOPLE}
        claims = [call_as(token, "POST", f"/offers/{offer_id}/coupons", {}, new_key()) for token in tokens]
        coupons = [answer.json()["id"] for answer in await volley(lines, claims)]
        shown = await volley(
            lines,
            [
                call_as(token, "GET", f"/coupons/{id_}/code")
                for token, id_ in zip(tokens, coupons, strict=True)
            ],
        )
        bodies = [
            {"code": answer.json()["code"], "store_id": clerk.store_id, "order_amount_fen": 10_000}
            for answer in shown
        ]
        redeems = [call_as(clerk.http, "POST", "/redemptions", body, new_key()) for body in bodies]
        answers = await volley(lines, redeems)
        assert counted(answers) == {201: PEOPLE}
        assert len({answer.json()["id"] for answer in answers}) == PEOPLE
    assert time.monotonic() - begun < 15
    rows = await town.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    # Two for requests and one for the list of ended sessions, in each of two processes.
    assert rows[0][0] <= 6
    await check(town.fetch)


@pytest.mark.alone
async def test_pool_that_is_held_up_makes_the_others_wait_no_longer_than_that(town: Town) -> None:
    """Six scans of one coupon whose row a stuck session holds take every connection there is."""
    service = town.serve(DATABASE_POOL="2", WORKERS="1")
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon, other = await citizen.coupon(), await citizen.coupon()
    codes = [await citizen.code(each["id"]) for each in (coupon, other)]
    bodies = [{"code": code, "store_id": clerk.store_id, "order_amount_fen": 10_000} for code in codes]
    calls = [call_as(clerk.http, "POST", "/redemptions", bodies[0], new_key()) for _ in range(6)]
    async with lines_to(service, count=len(calls) + 1) as lines:
        async with row_held(town.postgres.url, "coupons", coupon["id"]) as holder:
            held_up = asyncio.create_task(volley(lines[1:], calls))
            await crowd(holder.fetch, 1)
            waiting = asyncio.create_task(
                lines[0].ask(call_as(clerk.http, "POST", "/redemptions", bodies[1], new_key()))
            )
            await asyncio.sleep(HELD_UP_S)
        begun = time.monotonic()
        answers = await held_up
        assert (await waiting).status == 201
        assert time.monotonic() - begun < 1
    assert counted(answers) == {201: 1, "already_redeemed": 5}, counted(answers)
    await check(town.fetch)
