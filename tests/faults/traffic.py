"""People who claim and redeem while things break, as their phones do it: the same key until there is an answer."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.e2e.invariants import Fetch, check, check_ledger
from tests.e2e.wire import Answer, Call, Line, call_as, spread
from tests.service import API, UNLIMITED, Service, new_key

# A call that takes longer hangs, whatever has broken.
HANGS_AFTER_S = 8.0
GIVES_UP_AFTER_S = 25.0
PAUSE_S = 0.05
ASKED_AGAIN = 500
_people = count(5_000_000)


@dataclass
class Tally:
    """What was sent, what was acknowledged, and how it felt; refusals with a code of `tolerated` are no fault."""

    tolerated: frozenset[str] = frozenset()
    redeems: dict[str, Call] = field(default_factory=dict)
    redeemed: dict[str, Answer] = field(default_factory=dict)
    claims: dict[str, Call] = field(default_factory=dict)
    claimed: dict[str, Answer] = field(default_factory=dict)
    statuses: Counter[int | str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    answered_at: float = 0.0

    def note(self, call: Call, answer: Answer, seconds: float) -> None:
        """One answer; whatever is neither a success nor a clean "not now" is wrong."""
        self.statuses[answer.status] += 1
        self.seconds.append(seconds)
        if answer.status < 300:
            self.answered_at = time.monotonic()
        elif answer.what in self.tolerated:
            return
        elif answer.status != 503:
            self.wrong.append(f"{call.method} {call.path}: {answer.status} {answer.body[:300]!r}")
        elif not (
            answer.headers.get("retry-after", "").isdigit()
            and answer.headers["content-type"] == "application/problem+json"
        ):
            self.wrong.append(f"{call.method} {call.path}: a 503 that is no clean problem: {answer}")

    def absorb(self, other: "Tally") -> None:
        """Take what another traffic wrote into the same database."""
        self.redeems |= other.redeems
        self.redeemed |= other.redeemed
        self.claims |= other.claims
        self.claimed |= other.claimed
        self.people += other.people
        self.wrong += other.wrong

    def p(self, share: float) -> float:
        """A quantile of the seconds that an answer took."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Phone:
    """Asks until it is answered: a new connection after a broken one, the same request after every failure."""

    def __init__(self, service: Service, tally: Tally, *, keeps_line: bool = True) -> None:
        self._service, self._tally, self._keeps_line = service, tally, keeps_line
        self._line: Line | None = None

    async def ask(self, call: Call) -> Answer:
        """The answer, sooner or later.

        Raises:
            AssertionError: one attempt hung, or there was no answer for too long.
        """
        gives_up_at = time.monotonic() + GIVES_UP_AFTER_S
        outcomes: Counter[str] = Counter()
        while time.monotonic() < gives_up_at:
            answer = await self._attempt(call)
            if answer is not None and answer.status != 503:
                return answer
            outcomes[str(answer.what) if answer else "none"] += 1
            await asyncio.sleep(PAUSE_S)
        raise AssertionError(f"no answer for {GIVES_UP_AFTER_S:.0f} s: {call.method} {call.path}: {outcomes}")

    async def _attempt(self, call: Call) -> Answer | None:
        begun = time.monotonic()
        line_cut = "cut kept line" if self._line else "cut fresh line"
        try:
            async with asyncio.timeout(HANGS_AFTER_S):
                self._line = self._line or await Line.open(self._service.url)
                answer = await self._line.ask(call)
        except TimeoutError:
            self._tally.wrong.append(f"{call.method} {call.path}: no answer within {HANGS_AFTER_S} s")
        except ConnectionRefusedError:
            self._tally.statuses["refused connection"] += 1
        except asyncio.IncompleteReadError as cut:
            self._tally.statuses["cut answer" if cut.partial else line_cut] += 1
        except OSError:
            self._tally.statuses[line_cut] += 1
        else:
            self._tally.note(call, answer, time.monotonic() - begun)
            if not self._keeps_line:
                self.hang_up()
            return answer
        self.hang_up()
        return None

    def hang_up(self) -> None:
        """Close the line."""
        if self._line:
            self._line.close()
        self._line = None


class Traffic:
    """Citizens who sign in, claim, show codes, and clerks who redeem and undo, until they are told to stop.

    Args:
        offer_id: what is claimed; by default the unlimited demo offer, which asks for a tier.
    """

    def __init__(self, service: Service, *, keeps_lines: bool = True, offer_id: str = "") -> None:
        self.service = service
        self.tally = Tally()
        self._keeps_lines = keeps_lines
        self._is_over = False
        self._offer_id = offer_id
        self._consent: dict[str, Any] = {}
        self._clerks: list[tuple[str, str]] = []

    @asynccontextmanager
    async def flowing(self, people: int = 8) -> AsyncIterator[Tally]:
        """Traffic for as long as the block lasts; at its end everybody finishes what he has begun."""
        await self.prepare()
        going = [asyncio.create_task(self._person(n)) for n in range(people)]
        try:
            yield self.tally
            self._is_over = True
            await asyncio.gather(*going)
        finally:
            for person in going:
                person.cancel()
            await asyncio.gather(*going, return_exceptions=True)

    async def prepare(self) -> None:
        """Sign in the clerks and look up what is claimed: what traffic needs that begins while something is broken."""
        if self._clerks:
            return
        self._offer_id = self._offer_id or await self.service.offer_id(UNLIMITED)
        clerks = [await self.service.clerk(login) for login in ("demo-cashier", "demo-cashier-2")]
        self._clerks = [
            (clerk.http.headers["Authorization"].removeprefix("Bearer "), clerk.store_id) for clerk in clerks
        ]
        text = await clerks[0].http.get("/consents/credit_check")
        self._consent = {"version": text.json()["version"], "granted": True}

    async def _person(self, number: int) -> None:
        phone = Phone(self.service, self.tally, keeps_line=self._keeps_lines)
        clerk = self._clerks[number % len(self._clerks)]
        try:
            while not self._is_over:
                token = await self._sign_in(phone)
                for _ in range(4):
                    if self._is_over:
                        break
                    await self._use_one_coupon(phone, token, clerk)
        finally:
            phone.hang_up()

    async def _sign_in(self, phone: Phone) -> str:
        name = f"load-{next(_people)}"
        self.tally.people.append(name)
        body = {"channel": "sandbox", "code": name}
        answer = await phone.ask(Call("POST", f"{API}/auth/citizen", {}, body))
        token = str(answer.json()["access_token"])
        await phone.ask(call_as(token, "PUT", "/me/consents/credit_check", self._consent))
        return token

    async def _use_one_coupon(self, phone: Phone, token: str, clerk: tuple[str, str]) -> None:
        tally, clerk_token, store_id = self.tally, *clerk
        key = new_key()
        claim = tally.claims[key] = call_as(token, "POST", f"/offers/{self._offer_id}/coupons", {}, key)
        coupon = tally.claimed[key] = await phone.ask(claim)
        coupon_id = coupon.json()["id"]
        shown = await phone.ask(call_as(token, "GET", f"/coupons/{coupon_id}/code"))
        key = new_key()
        body = {"code": shown.json()["code"], "store_id": store_id, "order_amount_fen": 10_000}
        redeem = tally.redeems[key] = call_as(clerk_token, "POST", "/redemptions", body, key)
        done = tally.redeemed[key] = await phone.ask(redeem)
        if random.random() < 0.2:
            undo = call_as(
                clerk_token, "POST", f"/redemptions/{done.json()['id']}/reversals", {"reason": "x"}, new_key()
            )
            await phone.ask(undo)
        await phone.ask(call_as(token, "GET", f"/coupons/{coupon_id}"))


async def check_written(tally: Tally, fetch: Fetch) -> None:
    """What was acknowledged and what is written are the same, and the database is sound (I1, I2, I3, I5)."""
    assert not tally.wrong, tally.wrong[:5]
    assert set(tally.redeems) == set(tally.redeemed), "everybody asked until he was answered"
    acknowledged = {key: answer.json()["id"] for key, answer in tally.redeemed.items()}
    await check_ledger(fetch, tally.redeems, acknowledged)
    rows = await fetch("SELECT request_key, id FROM coupons")
    assert {row["request_key"]: str(row["id"]) for row in rows} == {
        key: answer.json()["id"] for key, answer in tally.claimed.items()
    }
    await check(fetch)


async def check_answered_again(service: Service, tally: Tally) -> None:
    """A key that comes again gets the answer that it got (I2)."""
    stored = {**tally.claimed, **tally.redeemed}
    calls = {**tally.claims, **tally.redeems}
    asked_again = random.sample(sorted(calls), min(len(calls), ASKED_AGAIN))
    lines = [await Line.open(service.url) for _ in range(8)]
    answers = await spread(lines, [calls[key] for key in asked_again])
    for line in lines:
        line.close()
    for key, answer in zip(asked_again, answers, strict=True):
        assert (answer.status, answer.body) == (201, stored[key].body), key
        assert answer.is_replayed


async def until_served(service: Service, within_s: float) -> float:
    """Wait until /readyz says 200; the seconds it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < within_s:
        with suppress(OSError, EOFError, TimeoutError):
            line = await Line.open(service.url)
            try:
                async with asyncio.timeout(2):
                    answer = await line.ask(Call("GET", "/readyz"))
            finally:
                line.close()
            if answer.status == 200:
                return time.monotonic() - begun
        await asyncio.sleep(0.05)
    raise AssertionError(f"not ready within {within_s} s")
