"""kill -9 of a web process at each await of a claim and of a redemption, one after the other.

Four requests are on their way when the process dies. Whatever the step was, each phone asks again with the
same key, and each key has made exactly one coupon or one record.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.invariants import check, check_ledger
from tests.e2e.wire import Answer, Call, call_as
from tests.e2e.workbench import middle_of_a_step
from tests.faults.afterwards import check_nobody_is_named
from tests.faults.conftest import Town
from tests.faults.traffic import Phone, Tally
from tests.service import UNLIMITED, CitizenClient, Service, StaffClient, new_key

NAMES = [f"load-{6_000_000 + number}" for number in range(4)]
# It reads and it writes: each a suspension and a resumption.
FEWEST_STEPS = 4
# Far more steps than an operation has: a count that never ends is a mistake of the test.
MOST_STEPS = 120

CallsOf = Callable[[], Awaitable[dict[str, Call]]]


@dataclass
class Killing:
    """A service whose processes die at a step of an operation, until one gets through."""

    service: Service
    order: Path
    tally: Tally = field(default_factory=Tally)
    answers: dict[str, Answer] = field(default_factory=dict)
    died_at: list[int] = field(default_factory=list)

    async def ask(self, operation: str, step: int, calls: dict[str, Call]) -> bool:
        """Ask all at once, each until he is answered; whether a process died of it."""
        before = Counter(self.tally.statuses)
        self.order.write_text(f"{operation} {step}")
        phones = [Phone(self.service, self.tally) for _ in calls]
        answers = await asyncio.gather(
            *(phone.ask(call) for phone, call in zip(phones, calls.values(), strict=True))
        )
        for phone in phones:
            phone.hang_up()
        self.answers |= dict(zip(calls, answers, strict=True))
        assert not self.order.exists(), "nobody took the order: the operation was never begun"
        has_died = bool(Counter(self.tally.statuses)["cut fresh line"] - before["cut fresh line"])
        if has_died:
            self.died_at.append(step)
        return has_died

    async def until_one_gets_through(self, operation: str, calls_of: CallsOf) -> None:
        """Die at step 1, 2, 3 … until the operation has no further step; then ask for everything again."""
        sent: dict[str, Call] = {}
        for step in range(1, MOST_STEPS):
            calls = await calls_of()
            sent |= calls
            if not await self.ask(operation, step, calls):
                break
        assert len(self.died_at) >= FEWEST_STEPS, self.died_at
        assert self.died_at == list(range(1, len(self.died_at) + 1)) and len(self.died_at) < MOST_STEPS - 1
        phone = Phone(self.service, self.tally)
        for key, answer in self.answers.items():
            again = await phone.ask(sent[key])
            assert (answer.status, again.status, again.body) == (201, 201, answer.body)
        phone.hang_up()
        assert not self.tally.wrong, self.tally.wrong[:5]

    @property
    def acknowledged(self) -> dict[str, str]:
        """The id that each key was answered with."""
        return {key: str(answer.json()["id"]) for key, answer in self.answers.items()}


@pytest.fixture
def killing(town: Town) -> Killing:
    order = town.folder / "order"
    # Four processes: one that was killed is back before its turn comes again.
    return Killing(town.serve(WORKERS="4", FAULT_ORDER=str(order)), order)


async def people_of(service: Service) -> tuple[list[CitizenClient], StaffClient]:
    return [await service.citizen(name) for name in NAMES], await service.clerk()


async def test_claim_survives_a_kill_at_each_of_its_awaits(town: Town, killing: Killing) -> None:
    people, _ = await people_of(killing.service)
    offer_id = await killing.service.offer_id(UNLIMITED)

    async def claims() -> dict[str, Call]:
        path = f"/offers/{offer_id}/coupons"
        return {key: call_as(person.http, "POST", path, {}, key) for person in people if (key := new_key())}

    await killing.until_one_gets_through("claim", claims)
    rows = await town.fetch("SELECT request_key, id FROM coupons")
    assert {row["request_key"]: str(row["id"]) for row in rows} == killing.acknowledged
    await check(town.fetch)
    check_nobody_is_named(town.logs(), NAMES)


async def test_redemption_survives_a_kill_at_each_of_its_awaits(town: Town, killing: Killing) -> None:
    people, clerk = await people_of(killing.service)

    async def redemptions() -> dict[str, Call]:
        coupons = [await person.coupon() for person in people]
        # A code lives for two steps, and whoever asks again after the kill brings the same one.
        await middle_of_a_step(4.0)
        codes = [await person.code(coupon["id"]) for person, coupon in zip(people, coupons, strict=True)]
        bodies = [{"code": code, "store_id": clerk.store_id, "order_amount_fen": 10_000} for code in codes]
        return {
            key: call_as(clerk.http, "POST", "/redemptions", body, key)
            for body in bodies
            if (key := new_key())
        }

    await killing.until_one_gets_through("redeem", redemptions)
    await check_ledger(town.fetch, killing.answers, killing.acknowledged)
    await check(town.fetch)
    check_nobody_is_named(town.logs(), NAMES)
