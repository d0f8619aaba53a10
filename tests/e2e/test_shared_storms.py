"""Storms of scans and claims over the same few rows through several senders, as through several processes.

Keys are used twice on purpose, coupons and offers overlap: whatever share a statement must neither strand a
coupon without its record nor wait for one another crosswise.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from contextvars import ContextVar
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from benefits import claims, redemptions
from benefits.eligibility import Standing
from citizens import consents
from common.clock import now
from common.database import Row, fetch_all, fetch_one
from common.request_keys import request_key
from common.shared_statements import SharedStatement
from models.enums import ConsentPurpose
from tests.e2e.in_process import Bench, outcome
from tests.e2e.invariants import check
from tests.e2e.test_race_twins import broken, guarded
from tests.e2e.workbench import add_offer, crowd, row_held
from tests.service import new_key

SENDERS = 4
SCANS = 400

# The coupon first, then a record that may be swallowed: a coupon whose record met a used key is stranded.
USES_FIRST = """
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::date[], $4::smallint[], $5::int[], $6::uuid[], $7::uuid[], $8::uuid[],
                         $9::uuid[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::timestamptz[],
                         $15::text[], $16::bytea[])
           WITH ORDINALITY AS asked (coupon_id, uses, day, generation, daily_cap, staff_id, store_id, id,
                                     member_id, step, order_amount_fen, discount_fen, payable_fen, at,
                                     request_key, request_hash, n)
), used AS (
    UPDATE coupons c SET uses_done = uses_done + asked.uses, uses_day = asked.day,
           uses_today = CASE WHEN uses_day = asked.day THEN uses_today ELSE 0 END + asked.uses,
           status = CASE WHEN uses_done + asked.uses = uses_total THEN 'redeemed' ELSE status END
      FROM asked WHERE c.id = asked.coupon_id AND status = 'claimed' AND uses_done + asked.uses <= uses_total
    RETURNING asked.*, c.offer_id, c.citizen_id, c.terms_id, c.uses_total - c.uses_done AS uses_left
), written AS (
    INSERT INTO redemptions (id, coupon_id, offer_id, citizen_id, terms_id, uses_left, uses, staff_id, store_id,
                             member_id, step, order_amount_fen, discount_fen, payable_fen, redeemed_at,
                             request_key, request_hash)
    SELECT id, coupon_id, offer_id, citizen_id, terms_id, uses_left, uses, staff_id, store_id,
           member_id, step, order_amount_fen, discount_fen, payable_fen, at, request_key, request_hash FROM used
    ON CONFLICT DO NOTHING RETURNING id
)
SELECT used.n, used.uses_left FROM used JOIN written ON written.id = used.id
"""


class Senders:
    """One statement through several senders, as several processes have it."""

    def __init__(self, shared: SharedStatement) -> None:
        self._each = [SharedStatement(shared.together, shared.alone) for _ in range(SENDERS)]

    async def ask(self, *values: object, apart: object = None) -> Row | None:
        return await random.choice(self._each).ask(*values, apart=apart)

    async def ask_together(self, *values: object, apart: object = None) -> Row | None:
        return await random.choice(self._each).ask_together(*values, apart=apart)

    async def ask_alone(self, *values: object) -> Row | None:
        return await self._each[0].ask_alone(*values)


_process: ContextVar[SharedStatement] = ContextVar("process")


class OfTheTask(Senders):
    """The sender that the task was given."""

    def __init__(self) -> None:
        pass

    async def ask(self, *values: object, apart: object = None) -> Row | None:
        return await _process.get().ask(*values, apart=apart)

    async def ask_together(self, *values: object, apart: object = None) -> Row | None:
        return await _process.get().ask_together(*values, apart=apart)

    async def ask_alone(self, *values: object) -> Row | None:
        return await _process.get().ask_alone(*values)


async def through(process: SharedStatement, work: Awaitable[Any]) -> Any:
    _process.set(process)
    return await work


@pytest.fixture
def bench(demo_database: str) -> Bench:
    return Bench.of(demo_database)


async def take_time(seconds: float, table: str) -> None:
    """Each row that is inserted takes its time."""
    await fetch_all(
        "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$"
    )
    await fetch_all(f"CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION take_time()")


async def deadlocks() -> int:
    row = await fetch_one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert row is not None
    return int(row["deadlocks"])


@guarded
async def test_no_coupon_is_used_up_without_its_record(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    shared = redemptions.writes if is_guarded else SharedStatement(USES_FIRST)
    monkeypatch.setattr(redemptions, "writes", Senders(shared))
    citizen, single, passes = (
        await bench.citizen(),
        await add_offer(fetch_all),
        await add_offer(fetch_all, uses_total=5),
    )
    coupons = [await bench.claim(citizen, offer) for offer in (single, passes, passes) * 20]
    at = now()  # the storm is over before a step is, however long it takes
    codes = [await bench.code(coupon, later, at) for coupon in coupons for later in (-1, 0, 1)]
    keys = [new_key() for _ in range(SCANS // 10)]
    scans = [bench.redeem(random.choice(codes), random.choice(keys), at) for _ in range(SCANS)]
    outcomes = Counter(await asyncio.gather(*(outcome(scan) for scan in scans)))
    if is_guarded:
        refusals = {"done", "already_redeemed", "code_used", "idempotency_key_reused", "not_enough_uses"}
        assert outcomes.keys() <= refusals, outcomes
        assert outcomes["done"] >= 10, outcomes
        assert await deadlocks() == 0
        await check(fetch_all)
    else:
        await broken("uses: what the coupon counts is what the ledger says")


async def test_claims_of_many_offers_never_wait_for_one_another_crosswise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "writes", Senders(claims.writes))
    offers = [await add_offer(fetch_all, stock=20, per_citizen=2) for _ in range(8)]
    await fetch_all("UPDATE offer_stock SET daily_limit = 15 WHERE offer_id = ANY ($1::uuid[])", offers[:4])
    people = [await bench.citizen() for _ in range(15)]
    keys = [new_key() for _ in range(SCANS // 4)]
    wishes = [
        bench.claim(random.choice(people), random.choice(offers), random.choice(keys)) for _ in range(SCANS)
    ]
    outcomes = Counter(await asyncio.gather(*(outcome(wish) for wish in wishes)))
    refusals = {"done", "sold_out", "sold_out_today", "limit_reached", "idempotency_key_reused"}
    assert outcomes.keys() <= refusals, outcomes
    assert outcomes["done"] > 100, outcomes
    assert await deadlocks() == 0
    await check(fetch_all)


@guarded
async def test_two_processes_with_the_same_keys_in_another_order_do_not_meet_crosswise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    in_order = " ORDER BY staff_id, request_key"
    assert in_order in redemptions.REDEEM_TOGETHER
    together = (
        redemptions.REDEEM_TOGETHER if is_guarded else redemptions.REDEEM_TOGETHER.replace(in_order, "")
    )
    await take_time(0.1, "redemptions")
    citizen, offer = await bench.citizen(), await add_offer(fetch_all)
    codes = [await bench.code(await bench.claim(citizen, offer)) for _ in range(4)]
    keys = sorted(new_key() for _ in range(2))
    scans = []
    for first, second in (keys, reversed(keys)):
        process = SharedStatement(together, redemptions.REDEEM)
        scans += [through(process, bench.redeem(codes.pop(), key)) for key in (first, second)]
    monkeypatch.setattr(redemptions, "writes", OfTheTask())
    outcomes = Counter(await asyncio.gather(*(outcome(scan) for scan in scans)))
    assert outcomes == {"done": 2, "idempotency_key_reused": 2}
    assert await deadlocks() == (0 if is_guarded else 1)
    await check(fetch_all)


class Together(OfTheTask):
    """The same, but whatever waits goes together."""

    async def ask_together(self, *values: object, apart: object = None) -> Row | None:
        return await super().ask_together(*values)


@guarded
async def test_one_person_s_claims_of_the_same_offers_at_two_processes_do_not_meet_crosswise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    somebody, citizen = await bench.citizen(), await bench.citizen()
    offers = [await add_offer(fetch_all, per_citizen=1) for _ in range(2)]
    for offer in offers:
        await bench.claim(somebody, offer)  # the terms are known from now on, and nobody waits for them
    await take_time(0.1, "coupons")
    keys = iter(sorted(new_key() for _ in range(4)))
    wishes = []
    for process in [SharedStatement(claims.CLAIM_TOGETHER, claims.CLAIM) for _ in range(2)]:
        wishes.append([through(process, bench.claim(citizen, offer, next(keys))) for offer in offers])
        offers.reverse()
    monkeypatch.setattr(claims, "writes", OfTheTask() if is_guarded else Together())
    outcomes = Counter(await asyncio.gather(*(outcome(wish) for pair in wishes for wish in pair)))
    assert outcomes == {"done": 2, "limit_reached": 2}
    assert await deadlocks() == (0 if is_guarded else 1)
    await check(fetch_all)


class Counting(SharedStatement):
    """Counts who goes by himself."""

    count = 0

    async def ask_alone(self, *values: object) -> Row | None:
        self.count += 1
        return await super().ask_alone(*values)


@pytest.mark.parametrize("limit", ["total", "daily_limit"])
async def test_who_comes_too_late_in_a_rush_hears_it_without_a_statement_of_his_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    offer = await add_offer(fetch_all, stock=1000, per_citizen=1)
    await fetch_all(f"UPDATE offer_stock SET {limit} = 11 WHERE offer_id = $1", offer)
    await bench.claim(await bench.citizen(), offer)  # the terms are known from now on, nobody waits for them
    processes = [Counting(claims.CLAIM_TOGETHER, claims.CLAIM) for _ in range(2)]
    people = [await bench.citizen() for _ in range(60)]
    monkeypatch.setattr(claims, "writes", OfTheTask())
    wishes = [
        outcome(through(processes[n % 2], bench.claim(person, offer, new_key())))
        for n, person in enumerate(people)
    ]
    # Both have seen ten pieces and ask for them before either gets them.
    async with row_held(bench.url, "offer_stock", offer) as holder:
        rush = asyncio.gather(*wishes)
        await crowd(holder.fetch, 2)
    outcomes = Counter(await rush)
    assert outcomes == {"done": 10, "sold_out" if limit == "total" else "sold_out_today": 50}
    assert [process.count for process in processes] == [0, 0]
    await check(fetch_all)


@pytest.mark.alone
async def test_a_coupon_that_somebody_holds_keeps_no_other_waiting(bench: Bench) -> None:
    citizen, offer = await bench.citizen(), await add_offer(fetch_all)
    coupons = [await bench.claim(citizen, offer) for _ in range(2)]
    held, free = [await bench.code(coupon) for coupon in coupons]
    async with row_held(bench.url, "coupons", coupons[0]) as holder:
        waiting = asyncio.create_task(outcome(bench.redeem(held)))
        await crowd(holder.fetch, 1)
        assert await asyncio.wait_for(outcome(bench.redeem(free)), 1) == "done"
        assert not waiting.done()
    assert await waiting == "done"
    await check(fetch_all)


@pytest.mark.alone
async def test_a_consent_that_is_being_withdrawn_keeps_no_other_claim_waiting(bench: Bench) -> None:
    offer = UUID(await add_offer(fetch_all, min_tier_level=4, stock=9))
    people = [await bench.citizen() for _ in range(2)]
    text = await consents.text_in_force(ConsentPurpose.CREDIT_CHECK, now())
    for citizen in people:
        await consents.grant(citizen, ConsentPurpose.CREDIT_CHECK, text.version, now())
    row = await fetch_one("SELECT id FROM consents WHERE citizen_id = $1", people[0])
    assert row is not None

    async def known() -> Standing:
        return Standing(True, 5, date(2026, 1, 1))

    def claim(citizen: UUID) -> Awaitable[Any]:
        return claims.claim(citizen, offer, request_key(new_key(), b""), known, now())

    async with row_held(bench.url, "consents", row["id"]) as holder:
        waiting = asyncio.create_task(outcome(claim(people[0])))
        await crowd(holder.fetch, 1)
        assert await asyncio.wait_for(outcome(claim(people[1])), 1) == "done"
        assert not waiting.done()
    assert await waiting == "done"
    await check(fetch_all)
