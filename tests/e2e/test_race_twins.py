"""The same races without their guard: each must break what `invariants` asserts, so that a green race proves something.

Each race runs twice in this process on a copy of the database: as it is, where everything holds, and with one
guard taken away, where it must not. A row is held until everybody has read and wants to write.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from benefits import claims, coupons, offer_changes, offer_lives, redemptions, reversals
from benefits.eligibility import Standing
from citizens import consents
from common import database as db
from common.actors import AdminActor
from common.clock import now
from common.database import fetch_all
from common.request_keys import request_key
from common.shared_statements import SharedStatement
from models.enums import AdminRole, ConsentPurpose, OfferStatus
from tests.e2e.in_process import CLERK, Bench, outcome
from tests.e2e.invariants import check
from tests.e2e.workbench import add_offer, crowd, row_held
from tests.factories.citizens import a_phone
from tests.service import new_key

PROVINCE = AdminActor(uuid4(), uuid4(), (AdminRole.OPERATOR,), "330000")
AT_ONCE = 7  # of the eight connections that this process has; one looks on

guarded = pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "unguarded"])


@pytest.fixture
def bench(demo_database: str) -> Bench:
    return Bench.of(demo_database)


async def drop(table: str, *constraints: str) -> None:
    for name in constraints:
        await db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def without(statement: str, *guards: str, instead: str = "true") -> str:
    for guard in guards:
        assert guard in statement, f"there is no such guard any more: {guard}"
        statement = statement.replace(guard, instead)
    return statement


def unguarded(shared: SharedStatement, *guards: str, instead: str = "true") -> SharedStatement:
    """The same in both forms, together and alone, with guards taken out."""
    together, alone = (without(form, *guards, instead=instead) for form in (shared.together, shared.alone))
    return SharedStatement(together, alone)


async def broken(rule: str) -> None:
    """The database must break this rule."""
    with pytest.raises(AssertionError, match=rule):
        await check(fetch_all)


# What keeps a coupon from being used twice: the statement, its CHECKs, and the burnt step.
IS_CLAIMED = "status = 'claimed'"
IS_STILL_CLAIMED = "c.status = 'claimed'"
HAS_USES = "(c.uses_total IS NULL OR c.uses_done + asked.uses <= c.uses_total)"
USES_CHECKS = ("coupons_uses_in_range", "coupons_redeemed_when_used_up")


@pytest.mark.parametrize(
    ("has_statement", "has_checks", "has_step", "rows"),
    [(True, True, True, 1), (True, False, False, 1), (False, False, True, 1), (False, False, False, AT_ONCE)],
    ids=["as it is", "statement alone", "burnt step alone", "unguarded"],
)
async def test_coupon_is_used_twice_only_where_every_guard_is_gone(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_statement: bool,
    has_checks: bool,
    has_step: bool,
    rows: int,
) -> None:
    coupon_id = await bench.claim(await bench.citizen(), await add_offer(fetch_all))
    code = await bench.code(coupon_id)
    if not has_statement:
        monkeypatch.setattr(redemptions, "writes", unguarded(redemptions.writes, IS_STILL_CLAIMED, HAS_USES))
    if not has_checks:
        await drop("coupons", *USES_CHECKS)
    if not has_step:
        await drop("redemptions", "redemptions_step_once")
    outcomes = await bench.at_once(("coupons", coupon_id), [lambda: bench.redeem(code)] * AT_ONCE)
    assert outcomes["done"] == rows, outcomes
    if rows > 1:
        await broken("uses: never more than the terms allow")
    else:
        await check(fetch_all)


async def test_checks_alone_stop_the_second_use_though_not_kindly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupon_id = await bench.claim(await bench.citizen(), await add_offer(fetch_all))
    code = await bench.code(coupon_id)
    monkeypatch.setattr(redemptions, "writes", unguarded(redemptions.writes, IS_STILL_CLAIMED, HAS_USES))
    await drop("redemptions", "redemptions_step_once")
    outcomes = await bench.at_once(("coupons", coupon_id), [lambda: bench.redeem(code)] * AT_ONCE)
    assert outcomes == {"done": 1, "CheckViolationError": AT_ONCE - 1}
    await check(fetch_all)


@guarded
async def test_step_of_a_pass_burns_once(bench: Bench, *, is_guarded: bool) -> None:
    coupon_id = await bench.claim(await bench.citizen(), await add_offer(fetch_all, uses_total=10))
    code = await bench.code(coupon_id)
    if not is_guarded:
        await drop("redemptions", "redemptions_step_once")
    outcomes = await bench.at_once(("coupons", coupon_id), [lambda: bench.redeem(code)] * AT_ONCE)
    if is_guarded:
        assert outcomes == {"done": 1, "code_used": AT_ONCE - 1}
        await check(fetch_all)
    else:
        assert outcomes == {"done": AT_ONCE}
        await broken("ledger: a step is burnt once")


@guarded
async def test_request_key_of_a_redemption_writes_once(bench: Bench, *, is_guarded: bool) -> None:
    coupon_id = await bench.claim(await bench.citizen(), await add_offer(fetch_all, uses_total=10))
    code, key = await bench.code(coupon_id), new_key()
    # The step would stop them too; here the key is to stand alone.
    await drop("redemptions", "redemptions_step_once")
    if not is_guarded:
        await drop("redemptions", "redemptions_request_key_once")
    outcomes = await bench.at_once(("coupons", coupon_id), [lambda: bench.redeem(code, key)] * AT_ONCE)
    assert outcomes == {"done": AT_ONCE}
    rows = await fetch_all("SELECT id FROM redemptions WHERE request_key = $1", key)
    assert len(rows) == (1 if is_guarded else AT_ONCE)
    if is_guarded:
        await check(fetch_all)
    else:
        await broken("ledger: a request key made one redemption")


@guarded
async def test_revocation_that_comes_between_ends_the_redemption(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    coupon_id = await bench.claim(await bench.citizen(), await add_offer(fetch_all))
    code = await bench.code(coupon_id)
    if not is_guarded:
        monkeypatch.setattr(redemptions, "writes", unguarded(redemptions.writes, IS_STILL_CLAIMED))
    async with row_held(bench.url, "coupons", coupon_id) as holder:
        redeeming = asyncio.create_task(outcome(bench.redeem(code)))
        await crowd(fetch_all, 1)
        await holder.execute(
            "UPDATE coupons SET status = 'revoked', ended_at = $2, ended_reason = 'x' WHERE id = $1",
            *(coupon_id, now()),
        )
    if is_guarded:
        assert await redeeming == "coupon_revoked"
        await check(fetch_all)
    else:
        assert await redeeming == "done"
        await broken("status: what has ended is not used up afterwards")


@guarded
async def test_daily_cap_holds_for_two_codes_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    offer_id = await add_offer(fetch_all, uses_total=10)
    await db.execute("ALTER TABLE offer_terms DISABLE TRIGGER offer_terms_written_once")
    await db.execute("UPDATE offer_terms SET daily_use_cap = 1 WHERE offer_id = $1", offer_id)
    coupon_id = await bench.claim(await bench.citizen(), offer_id)
    texts = [await bench.code(coupon_id, later) for later in (0, 1)]
    if not is_guarded:
        cap = "CASE WHEN c.uses_day >= asked.day THEN c.uses_today ELSE 0 END + asked.uses <= asked.daily_cap"
        monkeypatch.setattr(redemptions, "writes", unguarded(redemptions.writes, cap))
    outcomes = await bench.at_once(("coupons", coupon_id), [partial(bench.redeem, text) for text in texts])
    if is_guarded:
        assert outcomes == {"done": 1, "daily_use_reached": 1}
        await check(fetch_all)
    else:
        assert outcomes == {"done": 2}
        await broken("uses: never more in a day than the terms allow")


# Claiming -----------------------------------------------------------------------------------------


@guarded
async def test_stock_is_never_oversold(bench: Bench, *, is_guarded: bool) -> None:
    offer_id = await add_offer(fetch_all, stock=3)
    people = [await bench.citizen() for _ in range(AT_ONCE)]
    if not is_guarded:
        await drop("offer_stock", "offer_stock_not_oversold")
    outcomes = await bench.at_once(
        ("offer_stock", offer_id), [partial(bench.claim, one, offer_id) for one in people]
    )
    if is_guarded:
        assert outcomes == {"done": 3, "sold_out": AT_ONCE - 3}
        await check(fetch_all)
    else:
        assert outcomes == {"done": AT_ONCE}
        await broken("stock: nothing is oversold")


@guarded
async def test_days_pieces_are_never_oversold(bench: Bench, *, is_guarded: bool) -> None:
    offer_id = await add_offer(fetch_all, stock=100)
    await db.execute("UPDATE offer_stock SET daily_limit = 2 WHERE offer_id = $1", offer_id)
    # The day's row exists, as it does after the first claim of the day.
    await bench.claim(await bench.citizen(), offer_id)
    people = [await bench.citizen() for _ in range(AT_ONCE)]
    if not is_guarded:
        await drop("offer_days", "offer_days_not_oversold")
    outcomes = await bench.at_once(
        ("offer_stock", offer_id), [partial(bench.claim, one, offer_id) for one in people]
    )
    if is_guarded:
        assert outcomes == {"done": 1, "sold_out_today": AT_ONCE - 1}
        await check(fetch_all)
    else:
        assert outcomes == {"done": AT_ONCE}
        await broken("day: the counter is the number of that day's coupons, and within the limit")


@guarded
async def test_person_never_gets_more_than_his_limit(bench: Bench, *, is_guarded: bool) -> None:
    offer_id = await add_offer(fetch_all, stock=50, per_citizen=1)
    citizen_id = await bench.citizen()
    if not is_guarded:
        await db.execute("DROP INDEX coupons_slot_once")
    outcomes = await bench.at_once(
        ("offer_stock", offer_id), [lambda: bench.claim(citizen_id, offer_id)] * AT_ONCE
    )
    if is_guarded:
        assert outcomes == {"done": 1, "limit_reached": AT_ONCE - 1}
        await check(fetch_all)
    else:
        assert outcomes == {"done": AT_ONCE}
        await broken("person: nobody has more than the offer allows")


# One statement that takes the piece first and then swallows the conflict: it never sells too many, and yet
# its counter runs away from the coupons.
NAIVE_CLAIM = """
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[], $6::int[], $7::int[],
                         $8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[],
                         $13::bytea[], $14::uuid[], $15::date[], $16::smallint[], $17::uuid[], $18::smallint[])
                  AS asked (id, number, offer_id, terms_id, citizen_id, uses_total, most, period, valid_from,
                            valid_until, at, request_key, request_hash, consent_id, today, min_tier_level,
                            sharing_id, min_real_name_level)
), piece AS (
    UPDATE offer_stock s SET issued = issued + 1 FROM asked
     WHERE s.offer_id = asked.offer_id AND issued < total RETURNING s.offer_id
), claimed AS (
    INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, slot, limit_period,
                         valid_from, valid_until, claimed_at, request_key, request_hash)
    SELECT id, number, offer_id, terms_id, citizen_id, uses_total, 1, period, valid_from, valid_until, at,
           request_key, request_hash FROM asked WHERE EXISTS (SELECT FROM piece)
    ON CONFLICT DO NOTHING RETURNING id
)
SELECT 1 AS n FROM claimed
"""


async def test_counter_that_is_only_kept_below_the_stock_runs_away_from_the_coupons(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_id = await add_offer(fetch_all, stock=50, per_citizen=1)
    citizen_id = await bench.citizen()
    monkeypatch.setattr(claims, "writes", SharedStatement(NAIVE_CLAIM))
    outcomes = await bench.at_once(
        ("offer_stock", offer_id), [lambda: bench.claim(citizen_id, offer_id)] * AT_ONCE
    )
    assert outcomes == {"done": 1, "limit_reached": AT_ONCE - 1}
    await broken("stock: the counter is the number of coupons claimed and not given back")


@guarded
async def test_request_key_of_a_claim_makes_one_coupon(bench: Bench, *, is_guarded: bool) -> None:
    offer_id = await add_offer(fetch_all, stock=50)
    citizen_id, key = await bench.citizen(), new_key()
    if not is_guarded:
        await drop("coupons", "coupons_request_key_once")
    outcomes = await bench.at_once(
        ("offer_stock", offer_id), [lambda: bench.claim(citizen_id, offer_id, key)] * AT_ONCE
    )
    assert outcomes == {"done": AT_ONCE}
    if is_guarded:
        await check(fetch_all)
    else:
        await broken("claim: a request key made one coupon")


@guarded
async def test_piece_returns_to_the_stock_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    offer_id = await add_offer(fetch_all, stock=50)
    citizen_id = await bench.citizen()
    given_back, _, _ = [await bench.claim(citizen_id, offer_id) for _ in range(3)]
    if not is_guarded:
        monkeypatch.setattr(claims, "GIVE_BACK", without(claims.GIVE_BACK, IS_CLAIMED))
    outcomes = await bench.at_once(
        ("coupons", given_back), [lambda: claims.give_back(citizen_id, given_back, now())] * 2
    )
    assert outcomes == {"done": 2}
    if is_guarded:
        await check(fetch_all)
    else:
        await broken("stock: the counter is the number of coupons claimed and not given back")


@guarded
async def test_consent_that_is_withdrawn_while_the_source_thinks_ends_the_claim(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    offer_id = await add_offer(fetch_all, min_tier_level=4)
    citizen_id = await bench.citizen()
    text = await consents.text_in_force(ConsentPurpose.CREDIT_CHECK, now())
    await consents.grant(citizen_id, ConsentPurpose.CREDIT_CHECK, text.version, now())
    if not is_guarded:
        monkeypatch.setattr(claims, "writes", unguarded(claims.writes, "c.withdrawn_at IS NULL"))

    async def source_that_takes_its_time() -> Standing:
        await consents.withdraw(citizen_id, ConsentPurpose.CREDIT_CHECK, now())
        return Standing(True, 5, date(2026, 1, 1))

    request = request_key(new_key(), b"", offer_id)
    claiming: Coroutine[Any, Any, Any] = claims.claim(
        citizen_id, UUID(offer_id), request, source_that_takes_its_time, now()
    )
    assert await outcome(claiming) == ("consent_required" if is_guarded else "done")
    rows = await fetch_all("SELECT 1 FROM coupons WHERE citizen_id = $1", citizen_id)
    assert len(rows) == (0 if is_guarded else 1)


@guarded
async def test_nothing_is_claimed_on_a_consent_whose_withdrawal_was_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    offer_id = await add_offer(fetch_all, min_tier_level=4, stock=9)
    citizen_id = await bench.citizen()
    text = await consents.text_in_force(ConsentPurpose.CREDIT_CHECK, now())
    await consents.grant(citizen_id, ConsentPurpose.CREDIT_CHECK, text.version, now())
    if not is_guarded:
        without_lock = SharedStatement(without(claims.CLAIM, " FOR SHARE", instead=""))
        monkeypatch.setattr(claims, "writes", without_lock)

    async def knows_him() -> Standing:
        return Standing(True, 5, date(2026, 1, 1))

    async def claim() -> None:
        await claims.claim(citizen_id, UUID(offer_id), request_key(new_key(), b""), knows_him, now())

    withdraw = partial(consents.withdraw, citizen_id, ConsentPurpose.CREDIT_CHECK, now())
    assert await comes_first(bench, ("offer_stock", offer_id), claim, withdraw) is is_guarded


@guarded
async def test_nothing_is_claimed_of_an_offer_whose_end_was_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    offer_id = await add_offer(fetch_all, stock=9)
    citizen_id = await bench.citizen()
    if not is_guarded:
        monkeypatch.setattr(offer_lives, "wait_for_older_statements", nothing)
    end = partial(offer_changes.set_status, PROVINCE, UUID(offer_id), OfferStatus.ENDED, now())
    claim = partial(bench.claim, citizen_id, offer_id)
    assert await comes_first(bench, ("offer_stock", offer_id), claim, end) is is_guarded


@guarded
async def test_key_of_a_phone_that_signs_out_meanwhile_is_taken_away_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    citizen_id = await bench.citizen()
    coupon_id = await bench.claim(citizen_id, await add_offer(fetch_all))
    phone = await a_phone(citizen_id)
    if not is_guarded:
        assert " FOR SHARE" in coupons.BIND_RENEWAL
        monkeypatch.setattr(coupons, "BIND_RENEWAL", coupons.BIND_RENEWAL.replace(" FOR SHARE", ""))

    async def show() -> None:
        await coupons.code_of(citizen_id, phone, coupon_id, bench.keys.codes, now(), is_client_renewal=True)

    async def sign_out() -> None:
        await db.execute("UPDATE sessions SET revoked_at = now(), revoked_reason = 'x' WHERE id = $1", phone)

    assert await comes_first(bench, ("coupons", coupon_id), show, sign_out) is is_guarded
    await coupons.forget_phone(phone)
    [row] = await fetch_all("SELECT key_generation, renewal_session_id FROM coupons WHERE id = $1", coupon_id)
    assert tuple(row) == (1, None)


async def nothing() -> None:
    return None


async def comes_first(
    bench: Bench,
    row: tuple[str, Any],
    work: Callable[[], Awaitable[Any]],
    stop: Callable[[], Awaitable[Any]],
) -> bool:
    """Whether a work that is under way when it is stopped has ended before the stop is answered."""
    async with row_held(bench.url, *row):
        working = asyncio.create_task(outcome(work()))
        await crowd(fetch_all, 1)
        stopping = asyncio.create_task(outcome(stop()))
        await asyncio.wait({stopping}, timeout=0.5)
        is_stopped_first = stopping.done()
    assert (await working, await stopping) == ("done", "done")
    return not is_stopped_first


# Undoing ------------------------------------------------------------------------------------------


@guarded
async def test_redemption_is_undone_once(bench: Bench, *, is_guarded: bool) -> None:
    coupon_id = await bench.claim(await bench.citizen(), await add_offer(fetch_all, uses_total=10))
    at = now()
    done = [await bench.redeem(await bench.code(coupon_id, later, at), at=at) for later in (-1, 0, 1)]
    if not is_guarded:
        await drop("reversals", "reversals_redemption_once")

    async def undo() -> None:
        await reversals.reverse(CLERK, done[0], "x", request_key(new_key(), b""), now())

    outcomes = await bench.at_once(("coupons", coupon_id), [undo] * 3)
    if is_guarded:
        assert outcomes == {"done": 1, "already_reversed": 2}
        await check(fetch_all)
    else:
        assert outcomes == {"done": 3}
        await broken("ledger: a redemption is undone at most once")


@guarded
async def test_request_key_of_a_reversal_writes_once(bench: Bench, *, is_guarded: bool) -> None:
    coupon_id = await bench.claim(await bench.citizen(), await add_offer(fetch_all, uses_total=10))
    done = await bench.redeem(await bench.code(coupon_id))
    await drop("reversals", "reversals_redemption_once")
    if not is_guarded:
        await drop("reversals", "reversals_request_key_once")
    request = request_key(new_key(), b"", done)
    await db.execute("ALTER TABLE coupons DROP CONSTRAINT coupons_uses_in_range")

    async def undo() -> None:
        await reversals.reverse(CLERK, done, "x", request, now())

    assert await bench.at_once(("coupons", coupon_id), [undo] * 5) == {"done": 5}
    rows = await fetch_all("SELECT 1 FROM reversals")
    assert len(rows) == (1 if is_guarded else 5)
