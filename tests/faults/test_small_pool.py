"""Far more people than database connections: everybody waits his turn, nobody is turned away."""

import asyncio
import time

from common.database import STATEMENT_LIMIT_S
from tests.e2e.invariants import check
from tests.e2e.wire import Call, call_as, counted, lines_to, volley
from tests.e2e.workbench import crowd, row_held
from tests.faults.conftest import Town
from tests.service import API, UNLIMITED, new_key

PEOPLE = 200
# Three requests over two connections: two statements' limits one after the other.
HELD_UP_AT_MOST_S = 2 * STATEMENT_LIMIT_S + 2.0


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


async def test_pool_that_is_held_up_refuses_within_a_bound_and_serves_again(town: Town) -> None:
    """Everybody wants the one coupon whose row a stuck session holds: the others wait no longer than that."""
    service = town.serve(DATABASE_POOL="2", WORKERS="1")
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon, other = await citizen.coupon(), await citizen.coupon()
    body = {"code": await citizen.code(coupon["id"]), "store_id": clerk.store_id, "order_amount_fen": 10_000}
    calls = [call_as(clerk.http, "POST", "/redemptions", body, new_key()) for _ in range(3)]
    async with lines_to(service, count=len(calls)) as lines:
        begun = time.monotonic()
        async with row_held(town.postgres.url, "coupons", coupon["id"]):
            held_up = asyncio.create_task(volley(lines, calls))
            await crowd(town.fetch, 1)
            answers = await held_up
        took = time.monotonic() - begun
        assert counted(answers) == {"database_unavailable": len(calls)}, counted(answers)
        assert took < HELD_UP_AT_MOST_S, took
        assert all(answer.headers["retry-after"].isdigit() for answer in answers)
        begun = time.monotonic()
        assert (await clerk.redeem(await citizen.code(other["id"]))).status_code == 201
        assert time.monotonic() - begun < 1
    await check(town.fetch)
