"""Clocks of the servers that jump by hours under load, on and back: refusals have their codes, nothing is doubled."""

import asyncio
import time

import pytest

from tests.e2e.wire import Call, call_as
from tests.faults.afterwards import check_all
from tests.faults.clock import Clock
from tests.faults.conftest import Town
from tests.faults.traffic import Phone, Tally, Traffic, until_served
from tests.service import API, UNLIMITED, Service, new_key

HOUR_S = 3600.0
# Everybody has to sign in again, at a password's cost.
SERVED_AGAIN_WITHIN_S = 10.0
JUMPS_S = (30 * HOUR_S, -3 * HOUR_S, 0.0)
# What a phone may hear when the servers' clocks jump: sign in again, show a fresh code, wait.
PASSING = frozenset(
    {"unauthenticated", "code_expired", "coupon_expired", "coupon_not_yet_valid", "offer_not_started"}
)


class Wanderer:
    """A citizen and a clerk who begin anew whenever they are told that the time is not right."""

    def __init__(self, service: Service, tally: Tally, name: str, clerk: str) -> None:
        self._tally, self._name, self._clerk = tally, name, clerk
        self._phone = Phone(service, tally)
        self._offer_path = ""
        self.is_over = False

    async def wander(self, offer_id: str) -> None:
        """Until told to stop."""
        self._offer_path = f"/offers/{offer_id}/coupons"
        try:
            while not self.is_over:
                await self._once()
        finally:
            self._phone.hang_up()

    async def _once(self) -> None:
        citizen = await self._sign_in("citizen", {"channel": "sandbox", "code": self._name})
        clerk = await self._sign_in("staff", {"login": self._clerk, "password": self._clerk})
        token, clerk_token = citizen["access_token"], clerk["access_token"]
        text = await self._phone.ask(Call("GET", f"{API}/consents/credit_check"))
        agreed = {"version": text.json()["version"], "granted": True}
        await self._phone.ask(call_as(token, "PUT", "/me/consents/credit_check", agreed))
        for _ in range(5):
            claimed = await self._write(
                "claim", lambda key: call_as(token, "POST", self._offer_path, {}, key)
            )
            if claimed is None:
                return
            shown = await self._phone.ask(call_as(token, "GET", f"/coupons/{claimed}/code"))
            if shown.status != 200:
                return
            body = {"code": shown.json()["code"], "store_id": clerk["staff"]["stores"][0]["id"]}
            body["order_amount_fen"] = 10_000
            if (
                await self._write(
                    "redeem", lambda key, body=body: call_as(clerk_token, "POST", "/redemptions", body, key)
                )
                is None
            ):
                return

    async def _sign_in(self, audience: str, body: dict[str, str]) -> dict[str, object]:
        answer = await self._phone.ask(Call("POST", f"{API}/auth/{audience}", {}, body))
        assert answer.status == 200, answer
        return dict(answer.json())

    async def _write(self, kind: str, make: object) -> str | None:
        """The id of what was written; nothing when the time was not right."""
        key = new_key()
        call = make(key)  # type: ignore[operator]
        answer = await self._phone.ask(call)
        if answer.status != 201:
            return None
        calls, answers = (
            (self._tally.claims, self._tally.claimed)
            if kind == "claim"
            else (self._tally.redeems, self._tally.redeemed)
        )
        calls[key], answers[key] = call, answer
        return str(answer.json()["id"])


@pytest.mark.alone  # no answer takes long
async def test_clocks_jump_by_hours_under_load(town: Town) -> None:
    clock = Clock(town.folder / "clock")
    service = town.serve(FAULT_CLOCK=str(clock.file))
    offer_id = await service.offer_id(UNLIMITED)
    tally = Tally(tolerated=PASSING)
    people = [
        Wanderer(service, tally, f"load-{6_200_000 + n}", ("demo-cashier", "demo-cashier-2")[n % 2])
        for n in range(6)
    ]
    going = [asyncio.create_task(person.wander(offer_id)) for person in people]
    for offset in (0.0, *JUMPS_S):
        clock.move(offset)
        before, until = len(tally.redeemed), time.monotonic() + SERVED_AGAIN_WITHIN_S
        while len(tally.redeemed) < before + 6:
            assert time.monotonic() < until, (offset, tally.statuses)
            await asyncio.sleep(0.05)
    for person in people:
        person.is_over = True
    await asyncio.gather(*going)
    assert {401} <= set(tally.statuses) <= {200, 201, 401, 404, 409, 410}, tally.statuses
    assert max(tally.seconds) < 4
    # With the right time again nothing is left of it: ordinary traffic meets no refusal at all.
    await until_served(service, 3)
    traffic = Traffic(service)
    async with traffic.flowing() as afterwards:
        await asyncio.sleep(1.0)
    assert set(afterwards.statuses) <= {200, 201, 204}, afterwards.statuses
    tally.people += [f"load-{6_200_000 + n}" for n in range(6)]
    await check_all(town, traffic, tally)
