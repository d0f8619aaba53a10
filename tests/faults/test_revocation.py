"""Rights that are taken away are gone within a second, in every process and for what was under way."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.e2e.invariants import check
from tests.e2e.pages import listening, next_event
from tests.e2e.wire import Call, Line, call_as, lines_to
from tests.e2e.workbench import add_offer, code_of_phone, crowd, middle_of_a_step, row_held
from tests.service import Service, StaffClient, new_key

pytestmark = pytest.mark.alone

WITHIN_S = 1.0


@pytest.fixture(scope="module")
def office(make_service: Callable[..., Service]) -> Service:
    """A service whose staff may be dismissed."""
    return make_service()


async def refused_everywhere(lines: Sequence[Line], call: Call) -> float:
    """The seconds until every line's process refuses the call, each for good."""
    begun = time.monotonic()

    async def until_refused(line: Line) -> float:
        while (await line.ask(call)).what != "unauthenticated":
            assert time.monotonic() - begun < 5, "still let in"
            await asyncio.sleep(0.01)
        took = time.monotonic() - begun
        for _ in range(5):
            assert (await line.ask(call)).what == "unauthenticated"
        return took

    return max(await asyncio.gather(*(until_refused(line) for line in lines)))


def redeem_by(clerk: StaffClient, code: str) -> Call:
    body = {"code": code, "store_id": clerk.store_id, "order_amount_fen": 10_000}
    return call_as(clerk.http, "POST", "/redemptions", body, new_key())


async def dismiss(office: Service, clerk: StaffClient) -> None:
    admin = await office.admin()
    answer = await admin.post(f"/admin/staff/{clerk.signed_in['staff']['id']}/revocation")
    assert answer.status_code == 204


async def taken_back(office: Service, clerk: StaffClient) -> None:
    """The next test needs him again."""
    await office.fetch(
        "UPDATE staff SET status = 'active', revoked_at = NULL WHERE id = $1", clerk.signed_in["staff"]["id"]
    )


async def test_dismissed_clerk_is_refused_by_every_process_within_a_second(office: Service) -> None:
    clerk, citizen = await office.clerk("demo-cashier-2"), await office.citizen()
    coupon = await citizen.coupon()
    async with lines_to(office, count=4) as lines:
        listing = call_as(clerk.http, "GET", "/redemptions")
        assert {(await line.ask(listing)).status for line in lines} == {200}
        redeem = redeem_by(clerk, await citizen.code(coupon["id"]))
        await dismiss(office, clerk)
        # A redemption asks the database and is refused at once, wherever it lands.
        assert {(await line.ask(redeem)).what for line in lines} == {"unauthenticated"}
        assert await refused_everywhere(lines, listing) < WITHIN_S
    login = await clerk.http.post(
        "/auth/staff", json={"login": "demo-cashier-2", "password": "demo-cashier-2"}
    )
    assert login.json()["code"] == "login_failed"
    refreshed = await clerk.http.post(
        "/auth/refresh", json={"refresh_token": clerk.signed_in["refresh_token"]}
    )
    assert refreshed.json()["code"] == "refresh_token_invalid"
    assert await office.fetch("SELECT 1 FROM redemptions WHERE coupon_id = $1", coupon["id"]) == []
    await taken_back(office, clerk)
    await check(office.fetch)


async def test_nothing_of_a_clerk_is_written_once_his_dismissal_is_answered(office: Service) -> None:
    clerk, citizen = await office.clerk("demo-cashier"), await office.citizen()
    coupon = await citizen.coupon()
    redeem = redeem_by(clerk, await citizen.code(coupon["id"]))
    async with lines_to(office, count=1) as [line]:
        async with row_held(office.environment["DATABASE_URL"], "coupons", coupon["id"]) as holder:
            line.send(redeem)
            await crowd(holder.fetch, 1)
            dismissing = asyncio.create_task(dismiss(office, clerk))
            # It may also wait for the redemption that is under way: then that one came first.
            await asyncio.wait({dismissing}, timeout=WITHIN_S)
            is_dismissed = dismissing.done()
        answer = await line.receive()
        await dismissing
    await taken_back(office, clerk)
    rows = await office.fetch("SELECT 1 FROM redemptions WHERE coupon_id = $1", coupon["id"])
    assert (answer.what, len(rows)) in ((201, 1), ("unauthenticated", 0))
    assert not (is_dismissed and rows), "redeemed after the dismissal had been answered"
    await check(office.fetch)


async def test_signed_out_citizen_is_refused_by_every_process_within_a_second(office: Service) -> None:
    citizen = await office.citizen()
    async with lines_to(office, count=4) as lines:
        me = call_as(citizen.http, "GET", "/me")
        assert {(await line.ask(me)).status for line in lines} == {200}
        assert (await citizen.http.post("/auth/logout")).status_code == 204
        assert await refused_everywhere(lines, me) < WITHIN_S
    refreshed = await citizen.http.post(
        "/auth/refresh", json={"refresh_token": citizen.signed_in["refresh_token"]}
    )
    assert refreshed.json()["code"] == "refresh_token_invalid"


async def test_codes_of_a_signed_out_phone_are_no_good_any_more(office: Service) -> None:
    citizen, clerk = await office.citizen(consent=False), await office.clerk()
    offer_id = await add_offer(office.fetch, uses_total=5)
    claimed = await citizen.http.post(
        f"/offers/{offer_id}/coupons", json={}, headers={"Idempotency-Key": new_key()}
    )
    step = await middle_of_a_step()
    shown = (await citizen.http.get(f"/coupons/{claimed.json()['id']}/code?renewal=client")).json()
    assert (await clerk.redeem(code_of_phone(shown, step))).status_code == 201
    assert (await citizen.http.post("/auth/logout")).status_code == 204
    assert (await clerk.redeem(code_of_phone(shown, step + 1))).json()["code"] == "code_forged"
    await check(office.fetch)


async def test_page_of_a_signed_out_citizen_hears_nothing_more(office: Service) -> None:
    citizen, clerk = await office.citizen(), await office.clerk()
    coupon = await citizen.coupon()
    code = await citizen.code(coupon["id"])
    async with listening(citizen, coupon["id"]) as events:
        assert (await next_event(events)).name == "status"
        assert (await citizen.http.post("/auth/logout")).status_code == 204
        await asyncio.sleep(WITHIN_S)
        assert (await clerk.redeem(code)).status_code == 201
        with pytest.raises(TimeoutError):
            heard = await next_event(events)
            raise AssertionError(f"a signed-out page was told: {heard}")


async def refreshed(citizen: Any, token: str) -> tuple[int, dict[str, Any]]:
    answer = await citizen.http.post("/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json()


async def test_stolen_refresh_token_ends_its_family_in_every_process(office: Service) -> None:
    citizen = await office.citizen()
    first = citizen.signed_in["refresh_token"]
    status, second = await refreshed(citizen, first)
    assert status == 200
    # The answer was lost: the rightful client asks again, and gets the same successor.
    status, again = await refreshed(citizen, first)
    assert (status, again["refresh_token"]) == (200, second["refresh_token"])
    status, third = await refreshed(citizen, second["refresh_token"])
    assert status == 200
    async with lines_to(office, count=4) as lines:
        me = call_as(third["access_token"], "GET", "/me")
        assert {(await line.ask(me)).status for line in lines} == {200}
        status, thief = await refreshed(citizen, first)
        assert (status, thief["code"]) == (401, "refresh_token_reused")
        assert await refused_everywhere(lines, me) < WITHIN_S
    status, over = await refreshed(citizen, third["refresh_token"])
    assert (status, over["code"]) == (401, "refresh_token_invalid")
