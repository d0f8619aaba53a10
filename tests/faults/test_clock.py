"""Clocks that run on, stand wrong or are set back: a code lives as long as it says, and what is done stays done."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from benefits.codes import STEP_S
from common.clock import now
from common.database import fetch_all, fetch_one
from tests.e2e.in_process import Bench, outcome
from tests.e2e.invariants import check
from tests.e2e.workbench import add_offer, step_of
from tests.service import new_key

MOMENT = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def bench(demo_database: str) -> Bench:
    return Bench.of(demo_database)


@pytest.fixture
async def coupon_id(bench: Bench) -> UUID:
    return await bench.claim(await bench.citizen(), await add_offer(fetch_all, uses_total=3))


def begin_of(step: int) -> datetime:
    return datetime.fromtimestamp(step * STEP_S, UTC)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (-STEP_S * timedelta(seconds=1) - MOMENT, "code_expired"),
        (-STEP_S * timedelta(seconds=1), "done"),
        (2 * STEP_S * timedelta(seconds=1) - MOMENT, "done"),
        (2 * STEP_S * timedelta(seconds=1), "code_expired"),
        (HOUR, "code_expired"),
        (-HOUR, "code_expired"),
    ],
    ids=["too early", "a step early", "last moment", "too late", "an hour on", "an hour back"],
)
async def test_code_is_good_in_its_step_and_one_on_either_side(
    bench: Bench, coupon_id: UUID, shift: timedelta, expected: str
) -> None:
    # Far enough ahead that an hour back is still within the coupon's validity.
    code = await bench.code(coupon_id, at=now() + 2 * HOUR)
    assert await outcome(bench.redeem(code, at=begin_of(step_of(code)) + shift)) == expected
    await check(fetch_all)


@pytest.mark.parametrize(
    ("shift", "expected"), [(-MOMENT, "done"), (timedelta(0), "coupon_expired"), (HOUR, "coupon_expired")]
)
async def test_coupon_is_good_until_the_last_moment_of_its_last_day(
    bench: Bench, coupon_id: UUID, shift: timedelta, expected: str
) -> None:
    coupon = await fetch_one("SELECT valid_until FROM coupons WHERE id = $1", coupon_id)
    assert coupon is not None
    at = coupon["valid_until"] + shift
    assert await outcome(bench.redeem(await bench.code(coupon_id, at=at), at=at)) == expected


async def test_stored_answer_comes_back_whatever_the_clock_says(bench: Bench, coupon_id: UUID) -> None:
    code, key = await bench.code(coupon_id), new_key()
    done = await bench.redeem(code, key)
    for shift in (timedelta(days=400), -timedelta(days=400), timedelta(0)):
        assert await bench.redeem(code, key, now() + shift) == done
    await check(fetch_all)


async def test_used_code_stays_used_when_the_clock_is_set_back_and_runs_again(
    bench: Bench, coupon_id: UUID
) -> None:
    at = now() + HOUR
    code = await bench.code(coupon_id, at=at)
    await bench.redeem(code, at=at)
    assert await outcome(bench.redeem(code, at=at - HOUR)) == "code_expired"
    assert await outcome(bench.redeem(code, at=at)) == "code_used"
    await check(fetch_all)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(minutes=15) - MOMENT, "done"),
        (timedelta(minutes=15), "reversal_window_closed"),
        (-HOUR, "done"),
    ],
    ids=["last moment", "too late", "clock set back"],
)
async def test_cashier_can_undo_for_fifteen_minutes(
    bench: Bench, coupon_id: UUID, after: timedelta, expected: str
) -> None:
    at = now()
    done = await bench.redeem(await bench.code(coupon_id, at=at), at=at)
    undoing: Coroutine[Any, Any, UUID] = bench.reverse(done, at + after)
    assert await outcome(undoing) == expected
    await check(fetch_all)
