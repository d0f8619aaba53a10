"""A small alliance over a year of its own time: an office, members with a shop each, citizens, and nights.

By day everything goes over HTTP to a service whose clock is moved, while its background process runs and is killed in
the midst of it; by night this process does what is left, at the same time of day.
"""

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from common import database as db
from common.clock import local_day, now
from merchants.organisation_sources.contract import OrganisationRecord
from models.enums import TierLevel
from server import jobs, worker
from server.config import load
from server.jobs import Pace
from tests.api.applicants import FORM, PDF
from tests.api.offers import QUICK_HASHER
from tests.e2e.wire import Answer, Call, Line, call_as, spread
from tests.factories.applications import a_uscc
from tests.factories.statements import killed_before_statement
from tests.faults.clock import Clock
from tests.service import API, Service, new_key

QUICK = Pace(
    first_pause=timedelta(milliseconds=50),
    longest_pause=timedelta(milliseconds=200),
    lost_after=timedelta(seconds=1),
    look_every=timedelta(milliseconds=100),
)
NIGHT_WITHIN_S = 30.0
PASSWORD = "alliance-of-the-lake-7"
COUNTY, CITY, HEAD = "demo-reviewer-xh", "demo-admin-hz", "demo-head"
ORDER_FEN = 10_000


class Grades:
    """A source of organisations' grades: whoever stands in the file is poor, everybody else good."""

    name = "file"

    def __init__(self, file: Path) -> None:
        self._file = file

    async def look_up(self, uscc: str) -> OrganisationRecord:
        """See `OrganisationSource.look_up`."""
        is_poor = uscc in self._file.read_text().split()
        grade = TierLevel.POOR if is_poor else TierLevel.GOOD
        return OrganisationRecord(grade, False, local_day(now()), f"file-{uscc[-6:]}")


@dataclass
class Shop:
    """A member with one store, as it knows itself."""

    number: int
    uscc: str
    kind: str
    id: str = ""
    store_id: str = ""
    offer_id: str = ""
    percent: int = 20

    @property
    def owner(self) -> str:
        return f"owner-of-{self.number}"

    @property
    def clerk(self) -> str:
        return f"clerk-of-{self.number}"


@dataclass
class Coupon:
    """A claimed coupon in a citizen's phone."""

    id: str
    shop: Shop
    citizen: str
    percent: int


@dataclass
class Alliance:
    """The service, its clock, and everybody who acts."""

    service: Service
    clock: Clock
    grades: Path
    dice: random.Random
    shops: list[Shop] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    at: datetime = field(default_factory=now)
    _clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)

    def move(self, at: datetime) -> None:
        """It is then, for the service too; everybody has to sign in again."""
        self.at = at
        self.clock.move((at - now()).total_seconds())
        self._clients.clear()
        self._tokens.clear()

    # People ---------------------------------------------------------------------------------------

    async def admin(self, login: str = CITY) -> httpx.AsyncClient:
        """Somebody of the office."""
        if login not in self._clients:
            self._clients[login] = await self.service.admin(login)
        return self._clients[login]

    async def staff(self, login: str) -> httpx.AsyncClient:
        """Somebody of a member."""
        if login not in self._clients:
            client = self.service.client()
            answer = await client.post("/auth/staff", json={"login": login, "password": PASSWORD})
            client.headers["Authorization"] = "Bearer " + ok(answer)["access_token"]
            self._clients[login] = client
        return self._clients[login]

    async def citizens(self, lines: Sequence[Line]) -> dict[str, str]:
        """Everybody's access token; with their consent from the first time on."""
        calls = [
            Call("POST", f"{API}/auth/citizen", {}, {"channel": "sandbox", "code": name})
            for name in self.people
        ]
        answers = await spread(lines, calls)
        return {
            name: answer.json()["access_token"] for name, answer in zip(self.people, answers, strict=True)
        }

    # Becoming a member ----------------------------------------------------------------------------

    async def take_in(self, shop: Shop) -> None:
        """Application, documents, commitment, two reviews, owner, store, clerk: all over HTTP."""
        client = self.service.client()
        form = {**FORM, "uscc": shop.uscc, "kind": shop.kind, "name": f"湖畔第{shop.number}店"}
        made = ok(await client.post("/member-applications", json=form), 201)
        client.headers["Authorization"] = f"Bearer {made['application_key']}"
        document = {"params": {"name": "执照.pdf"}, "headers": {"Content-Type": "application/pdf"}}
        ok(await client.post("/member-application/documents", content=PDF, **document), 201)
        text = ok(await client.get("/commitment-text"))
        signature = {"version": text["version"], "sha256": text["sha256"], "signer": "王大友"}
        ok(await client.put("/member-application/commitment", json=signature), 204)
        ok(await client.post("/member-application/submission"))
        await self.work_until(
            f"SELECT 1 FROM member_applications WHERE id = '{made['id']}' AND state = 'county_review'"
        )
        path = f"/admin/member-applications/{made['id']}/approval"
        ok(await (await self.admin(COUNTY)).post(path, json={"reason": "材料齐全"}))
        shop.id = ok(await (await self.admin(CITY)).post(path, json={}))["member_id"]
        ok(
            await client.post("/member-application/owner", json={"login": shop.owner, "password": PASSWORD}),
            201,
        )
        owner = await self.staff(shop.owner)
        store = {"name": form["name"], "address": "湖滨路", "region": "330106", "lat": 30.25, "lng": 120.15}
        shop.store_id = ok(await owner.post("/member/stores", json=store), 201)["id"]
        invitation = {"login": shop.clerk, "role": "cashier", "store_ids": [shop.store_id]}
        secret = ok(await owner.post("/member/staff", json=invitation), 201)["secret"]
        accepted = await self.service.client().post(
            "/auth/staff/invitation", json={"secret": secret, "password": PASSWORD}
        )
        ok(accepted)
        # They sign in anew whenever the clock is moved, and a hash names its own cost.
        await db.execute(
            "UPDATE staff SET password_hash = $2 WHERE member_id = $1", shop.id, QUICK_HASHER.hash(PASSWORD)
        )

    def proposal(self, shop: Shop, **changes: object) -> dict[str, object]:
        """A discount in per cent, half of it paid by others."""
        unit = next((each.id for each in self.shops if each.kind == "public_unit"), None)
        return {
            "programme": "xinyi_gou", "region": "330100", "title": f"第{shop.number}店特惠", "description": "凭券码。",
            "discount_kind": "percent_off", "percent_off": shop.percent, "cap_fen": 5000, "store_ids": [shop.store_id],
            "claim_from": self.at.isoformat(), "claim_until": (self.at + timedelta(days=500)).isoformat(),
            "valid_days": 60, "alliance_share": 7 * shop.number % 41, "public_unit_share": 3 if unit else 0,
            "public_unit_id": unit, "min_tier_level": 3 if shop.number % 3 == 0 else None,
            "ordinary_path": "窗口照常办理" if shop.kind == "public_unit" else None, **changes,
        }  # fmt: skip

    async def publish(self, shop: Shop) -> None:
        """An offer from its draft to the citizens."""
        owner = await self.staff(shop.owner)
        shop.offer_id = ok(await owner.post("/member/offers", json=self.proposal(shop)), 201)["id"]
        await self._review(shop, 1)

    async def change_offer(self, shop: Shop, percent: int) -> None:
        """New terms for the offer that is published."""
        shop.percent = percent
        owner = await self.staff(shop.owner)
        ok(await owner.put(f"/member/offers/{shop.offer_id}", json=self.proposal(shop)), 204)
        await self._review(shop, 2)

    async def _review(self, shop: Shop, number: int) -> None:
        owner, office = await self.staff(shop.owner), await self.admin(CITY)
        ok(await owner.post(f"/member/offers/{shop.offer_id}/submission"), 204)
        await self._let_the_unit_agree(shop)
        ok(await office.post(f"/admin/offers/{shop.offer_id}/approval", json={"number": number}), 204)
        ok(await owner.post(f"/member/offers/{shop.offer_id}/publication"), 204)

    async def _let_the_unit_agree(self, shop: Shop) -> None:
        """The public unit that bears a share of everybody's discounts, its own among them, is asked about the others'."""
        unit = next((each for each in self.shops if each.kind == "public_unit"), shop)
        if unit is not shop:
            http = await self.staff(unit.owner)
            [asked] = ok(await http.get("/member/share-consents"))["items"]
            ok(await http.post(f"/member/share-consents/{asked['id']}/agreement"), 204)

    # A day ----------------------------------------------------------------------------------------

    async def claim(self, lines: Sequence[Line], shops: Sequence[Shop], count: int) -> list[Coupon]:
        """Citizens claim what the shops give; every refusal is an error."""
        self._tokens = self._tokens or await self.citizens(lines)
        wanted = [(self.dice.choice(self.people), self.dice.choice(shops)) for _ in range(count)]
        calls = [
            call_as(self._tokens[name], "POST", f"/offers/{shop.offer_id}/coupons", {}, new_key())
            for name, shop in wanted
        ]
        made = [done(answer, 201)["id"] for answer in await spread(lines, calls)]
        return [Coupon(id_, shop, name, shop.percent) for id_, (name, shop) in zip(made, wanted, strict=True)]

    async def refused(self, lines: Sequence[Line], shop: Shop) -> str:
        """Why the shop's offer can't be claimed."""
        self._tokens = self._tokens or await self.citizens(lines)
        call = call_as(
            self._tokens[self.people[0]], "POST", f"/offers/{shop.offer_id}/coupons", {}, new_key()
        )
        return str((await spread(lines, [call]))[0].what)

    async def redeem(self, lines: Sequence[Line], coupons: Sequence[Coupon]) -> list[str]:
        """Each is shown and scanned at its shop, for 100 yuan; the redemptions' ids."""
        self._tokens = self._tokens or await self.citizens(lines)
        tokens = {shop.clerk: bearer(await self.staff(shop.clerk)) for shop in self.shops}
        found: list[str] = []
        for first in range(0, len(coupons), 40):  # a code is good for some seconds
            batch = coupons[first : first + 40]
            shown = await spread(
                lines,
                [call_as(self._tokens[each.citizen], "GET", f"/coupons/{each.id}/code") for each in batch],
            )
            bodies = [
                {"code": done(code)["code"], "store_id": each.shop.store_id, "order_amount_fen": ORDER_FEN}
                for each, code in zip(batch, shown, strict=True)
            ]
            calls = [
                call_as(tokens[each.shop.clerk], "POST", "/redemptions", body, new_key())
                for each, body in zip(batch, bodies, strict=True)
            ]
            for each, answer in zip(batch, await spread(lines, calls), strict=True):
                given = done(answer, 201)
                assert given["discount_fen"] == ORDER_FEN * each.percent // 100, (
                    "a claimed coupon keeps its terms"
                )
                found.append(given["id"])
        return found

    async def undo(self, shop: Shop, redemption_id: str, *, is_late: bool = False) -> None:
        """A reversal by the clerk, or a late one by the owner."""
        client = await self.staff(shop.owner if is_late else shop.clerk)
        path = (
            f"/member/redemptions/{redemption_id}/late-reversals"
            if is_late
            else f"/redemptions/{redemption_id}/reversals"
        )
        ok(await client.post(path, json={"reason": "退货"}, headers={"Idempotency-Key": new_key()}), 201)

    async def complain(
        self, lines: Sequence[Line], coupon: Coupon, redemption_id: str, *, is_right: bool
    ) -> None:
        """A citizen complains of a redemption, the member answers, the office decides."""
        body = {"kind": "service", "text": "态度不好", "redemption_id": redemption_id}
        call = call_as(self._tokens[coupon.citizen], "POST", "/me/complaints", body, new_key())
        complaint = done((await spread(lines, [call]))[0], 201)["id"]
        owner, office = await self.staff(coupon.shop.owner), await self.admin(CITY)
        ok(await owner.post(f"/member/complaints/{complaint}/answer", json={"text": "已致歉"}), 204)
        decision = {"decision": "upheld" if is_right else "dismissed", "reason": "已核实"}
        ok(await office.post(f"/admin/complaints/{complaint}/decision", json=decision), 204)

    async def statements(self, shop: Shop) -> list[dict[str, Any]]:
        """The member's statements, the newest first."""
        return list(ok(await (await self.staff(shop.owner)).get("/member/statements?limit=100"))["items"])

    async def status(self, shop: Shop) -> str:
        """Where the member stands."""
        return str(ok(await (await self.staff(shop.owner)).get("/member"))["status"])

    # Nights ---------------------------------------------------------------------------------------

    @contextmanager
    def background(self) -> Iterator[None]:
        """The background process runs; at the end it is killed, whatever it does."""
        command = [sys.executable, "-m", "tests.faults.launcher", "worker"]
        with self.service.log.open("ab") as log:
            process = subprocess.Popen(command, env=self.service.environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    async def night(self, kill_at: int) -> None:
        """At three the next morning: all background work, ended at the so-manyth statement and begun again."""
        self.move(self.at.replace(hour=3) + timedelta(days=1))
        settings = load(self.service.environment)
        with self._here():
            for tries in (kill_at, 10**9):
                with killed_before_statement(tries):
                    await worker.clear_away(settings)
                    await worker.count_numbers()
            await self.work_until(
                "SELECT 1 WHERE NOT EXISTS (SELECT FROM pgqueuer WHERE status IN ('queued', 'picked'))"
            )

    async def work_until(self, question: str) -> None:
        """Run jobs in this process until a query has an answer."""
        with self._here():
            working = asyncio.create_task(jobs.work_for_ever(load(self.service.environment), QUICK))
            try:
                async with asyncio.timeout(NIGHT_WITHIN_S):
                    while not await db.fetch_all(question):
                        await asyncio.sleep(0.05)
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    @contextmanager
    def _here(self) -> Iterator[None]:
        with (
            patch.object(worker, "now", lambda: self.at),
            patch.object(jobs, "now", lambda: self.at),
            patch.object(jobs, "_organisation_source", lambda _: Grades(self.grades)),
        ):
            yield


def a_shop(number: int) -> Shop:
    """The so-manyth member: every fourth is a public unit."""
    return Shop(number, a_uscc(), "public_unit" if number % 4 == 1 else "merchant")


def first_of_next(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def bearer(client: httpx.AsyncClient) -> str:
    """The access token of somebody who is signed in."""
    return client.headers["Authorization"].removeprefix("Bearer ")


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What it says, which must not be a refusal."""
    assert answer.status_code == status, (str(answer.request.url), answer.status_code, answer.text)
    return dict(answer.json()) if answer.content else {}


def done(answer: Answer, status: int = 200) -> dict[str, Any]:
    """The same of an answer over a plain line."""
    assert answer.status == status, (answer.status, answer.body[:300])
    return dict(answer.json())
