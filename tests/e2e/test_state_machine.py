"""Claim, give back, redeem, undo, revoke, withdraw, and connections that die, in any order, against a plain model.

Hypothesis chooses what happens; after each step the result and the rows are what the model says. The quick form
always does the same and shows the first failure as it is; STATE_MACHINE_EXAMPLES=500 looks further, anew each
time, and shortens what it finds.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from benefits import claims, codes, offer_changes, redemptions, reversals, terms
from benefits.eligibility import Standing
from benefits.redemption_rules import Order
from citizens import consents
from common import database as db
from common.actors import AdminActor
from common.clock import local_day, now
from common.database import fetch_all
from common.errors import DomainError
from common.request_keys import request_key
from models.enums import ConsentPurpose
from tests.conftest import Templates
from tests.e2e.crashes import LOST, Crash, crashing
from tests.e2e.in_process import CLERK, STORE, Bench
from tests.e2e.invariants import check
from tests.e2e.model import DONE, CouponModel, OfferModel, RedemptionModel, World
from tests.e2e.workbench import add_offer
from tests.service import new_key

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "24"))
IS_QUICK = "STATE_MACHINE_EXAMPLES" not in os.environ
ADMIN = AdminActor(uuid4(), uuid4(), ("supervisor",), "330000")
PURPOSE = ConsentPurpose.CREDIT_CHECK
EXCELLENT = 5
# Which statement dies, if any, and whether it is done before that.
CRASHES = st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3, 4]), st.booleans())
PEOPLE, OFFERS = st.integers(0, 1), st.integers(0, 4)
Work = Callable[[], Awaitable[Any]]


class Alliance(RuleBasedStateMachine):
    """One world of two citizens, five offers and a clerk, in a database and in a model."""

    runner: ClassVar[asyncio.Runner]
    crash: ClassVar[Crash]
    bench: ClassVar[Bench]

    coupons = Bundle("coupons")
    redemptions = Bundle("redemptions")

    @initialize()
    def begin(self) -> None:
        """Nobody has anything yet."""
        self.crash.forget()
        self.world = World()
        self.at = now()
        self.people = [self.run(self.bench.citizen()) for _ in range(2)]
        shapes: list[dict[str, Any]] = [
            {"uses_total": 1, "stock": 2},
            {"uses_total": 1, "per_citizen": 1},
            {"uses_total": 3, "stock": 3, "per_citizen": 2},
            {"uses_total": None, "daily_cap": 2},
            {"uses_total": 1, "min_tier_level": 3},
        ]
        self.offers = []
        for shape in shapes:
            offer_id = self.run(add_offer(fetch_all, **shape))
            tier = shape.pop("min_tier_level", None)
            self.offers.append(OfferModel(offer_id, asks_for_tier=tier is not None, **shape))

    def run(self, work: Awaitable[Any]) -> Any:
        """In the machine's own loop."""
        return self.runner.run(work)  # type: ignore[arg-type]

    def result(self, work: Work, crash: tuple[int, bool]) -> tuple[str, Any]:
        """What it came to: a code and what was returned. After a crash the same is asked again."""
        self.crash.prepare(crash[0], is_done_first=crash[1])
        try:
            return DONE, self.run(work())
        except DomainError as refusal:
            return refusal.code, None
        except LOST:
            assert crash[0], "a connection died that nobody killed"
        finally:
            self.crash.forget()
        return self.result(work, (0, False))

    @rule(target=coupons, person=PEOPLE, number=OFFERS, other=OFFERS, crash=CRASHES)
    def claim(self, person: int, number: int, other: int, crash: tuple[int, bool]) -> Any:
        """A claim, and its key again: for the same offer, and for another."""
        citizen, offer, key = self.people[person], self.offers[number], new_key()

        def claiming(offer: OfferModel) -> Work:
            request = request_key(key, b"", offer.id)
            return lambda: claims.claim(citizen, UUID(offer.id), request, self._ask, self.at)

        expected = self.world.claiming(citizen, offer)
        code, claimed = self.result(claiming(offer), crash)
        assert code == expected
        if claimed is None:
            return multiple()
        coupon = CouponModel(claimed.id, offer, citizen, claimed.valid_until)
        self.world.coupons.append(coupon)
        again, same = self.result(claiming(offer), (0, False))
        assert (again, same.id, same.is_replayed) == (DONE, claimed.id, True)
        if other != number:
            assert self.result(claiming(self.offers[other]), (0, False))[0] == "idempotency_key_reused"
        return coupon

    async def _ask(self) -> Standing:
        return Standing(True, EXCELLENT, local_day(self.at))

    @rule(coupon=coupons, crash=CRASHES)
    def give_back(self, coupon: CouponModel, crash: tuple[int, bool]) -> None:
        """Unused only."""
        expected = self.world.giving_back(coupon, self.at)
        code, _ = self.result(lambda: claims.give_back(coupon.citizen, coupon.id, self.at), crash)
        assert code == expected
        if code == DONE:
            self.world.give_back(coupon)

    @rule(
        target=redemptions,
        coupon=coupons,
        uses=st.sampled_from([1, 1, 2]),
        later=st.sampled_from([-1, 0, 0, 1, -3, 4]),
        crash=CRASHES,
    )
    def redeem(self, coupon: CouponModel, uses: int, later: int, crash: tuple[int, bool]) -> Any:
        """A scan of a code of this step or another, and its key again."""
        now_step = codes.step_at(self.at.timestamp())
        step, key = now_step + later, new_key()
        code_text = self.run(self.bench.code(coupon.id, later, self.at))

        def redeeming(body: bytes) -> Work:
            order, request = Order(STORE, 10_000, uses), request_key(key, body)
            return lambda: redemptions.redeem(CLERK, code_text, order, request, self.bench.keys, self.at)

        expected = self.world.redeeming(coupon, step, now_step, uses, self.at)
        code, done = self.result(redeeming(b"1"), crash)
        assert code == expected
        if done is None:
            return multiple()
        self.world.redeem(coupon, step, uses, self.at)
        again, same = self.result(redeeming(b"1"), (0, False))
        assert (again, same.id, same.is_replayed) == (DONE, done.id, True)
        assert self.result(redeeming(b"2"), (0, False))[0] == "idempotency_key_reused"
        return RedemptionModel(done.id, coupon, uses, self.at)

    @rule(redemption=redemptions, crash=CRASHES)
    def reverse(self, redemption: RedemptionModel, crash: tuple[int, bool]) -> None:
        """Once, within a quarter of an hour."""
        request = request_key(new_key(), b"", redemption.id)
        expected = self.world.reversing(redemption, self.at)
        code, _ = self.result(lambda: reversals.reverse(CLERK, redemption.id, "x", request, self.at), crash)
        assert code == expected
        if code == DONE:
            self.world.reverse(redemption)

    @rule(coupon=coupons, crash=CRASHES)
    def revoke(self, coupon: CouponModel, crash: tuple[int, bool]) -> None:
        """An admin ends a coupon; what was done before the crash is done."""
        was_claimed, crashes = coupon.status == "claimed", self.crash.happened
        code, _ = self.result(lambda: offer_changes.revoke_coupon(ADMIN, coupon.id, "x", self.at), crash)
        has_crashed = self.crash.happened > crashes
        assert code == (DONE if was_claimed else "coupon_not_revocable") or (was_claimed and has_crashed)
        if was_claimed:
            coupon.status = "revoked"

    @rule(person=PEOPLE, crash=CRASHES)
    def agree(self, person: int, crash: tuple[int, bool]) -> None:
        """Consent to the credit check."""

        async def agreeing() -> None:
            text = await consents.text_in_force(PURPOSE, self.at)
            await consents.grant(self.people[person], PURPOSE, text.version, self.at)

        assert self.result(agreeing, crash)[0] == DONE
        self.world.consenting.add(self.people[person])

    @rule(person=PEOPLE, crash=CRASHES)
    def withdraw(self, person: int, crash: tuple[int, bool]) -> None:
        """And take it back."""
        assert self.result(lambda: consents.withdraw(self.people[person], PURPOSE, self.at), crash)[0] == DONE
        self.world.consenting.discard(self.people[person])

    @rule(seconds=st.sampled_from([1, 1, 16, 16, 16, 16 * 60, 26 * 3600, 31 * 86400]))
    def time_goes_on(self, seconds: int) -> None:
        """To the next step, beyond the window, the day, the validity."""
        self.at += timedelta(seconds=seconds)

    @invariant()
    def rows_are_what_the_model_says(self) -> None:
        """Every coupon and every counter."""
        ours = {coupon.id: coupon for coupon in self.world.coupons}
        rows = self.run(
            fetch_all("SELECT id, status, uses_done, uses_day FROM coupons WHERE id = ANY($1)", [*ours])
        )
        found = {row["id"]: (row["status"], row["uses_done"], row["uses_day"]) for row in rows}
        assert found == {id_: (c.status, c.uses_done, c.uses_day) for id_, c in ours.items()}
        mine = {offer.id: offer for offer in self.offers}
        stocks = self.run(
            fetch_all("SELECT offer_id, issued FROM offer_stock WHERE offer_id::text = ANY($1)", [*mine])
        )
        for row in stocks:
            assert row["issued"] == self.world.issued(mine[str(row["offer_id"])])

    def teardown(self) -> None:
        """The rules that hold for every database hold for this one."""
        if hasattr(self, "world"):
            self.run(check(fetch_all))


@pytest.fixture
def machine(templates: Templates) -> Any:
    """The machine with a database and a loop of its own."""
    url = templates("machine", True)
    terms._kept.clear()
    with asyncio.Runner() as runner, crashing() as crash:
        runner.run(db.connect(url, pool_size=2))
        Alliance.runner, Alliance.crash, Alliance.bench = runner, crash, Bench.of(url)
        yield Alliance
        runner.run(db.disconnect())


def test_whatever_happens_is_what_the_model_says(machine: type[Alliance]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            derandomize=IS_QUICK,
            phases=[Phase.generate] if IS_QUICK else [Phase.generate, Phase.shrink],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert machine.crash.happened > 20, "no connection died: the crashes miss the statements"
