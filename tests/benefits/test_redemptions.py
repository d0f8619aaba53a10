"""Redeeming: one record, its amounts and its uses; the same request is one redemption; nobody redeems his own."""

from collections import Counter
from contextlib import suppress
from datetime import date, timedelta

import pytest

from benefits import redemptions
from benefits.codes import step_at, verify
from benefits.redemptions import Scan
from benefits.refusals import (
    AlreadyRedeemed,
    CodeExpired,
    CodeForged,
    CodeUsed,
    CouponExpired,
    CouponRevoked,
    DailyUseReached,
    IdempotencyKeyReused,
    NotEnoughUses,
)
from common.clock import local_day
from common.database import execute, fetch_all
from models.enums import DiscountKind
from tests.factories.citizens import PURPOSE, a_citizen, consent
from tests.factories.members import Shop, suspend
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.scans import SCAN_KEYS, a_key, an_order, claimed, code_of, coupon_row, redeemed, scan

STEP = timedelta(seconds=15)
MILLISECOND = timedelta(milliseconds=1)


async def test_a_redemption_is_one_record_that_says_everything(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop), await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    done = await redeemed(shop, coupon.id)
    (row,) = await fetch_all("SELECT * FROM redemptions")
    assert (row["id"], row["coupon_id"], row["offer_id"]) == (done.id, coupon.id, offer_id)
    assert (row["citizen_id"], row["terms_id"], row["member_id"]) == (
        citizen_id,
        done.terms.id,
        shop.member_id,
    )
    assert (row["staff_id"], row["store_id"]) == (shop.clerk.id, shop.store_id)
    assert (row["order_amount_fen"], row["discount_fen"], row["payable_fen"]) == (10_000, 2_000, 8_000)
    assert (row["uses"], row["uses_left"], row["redeemed_at"]) == (1, 0, NOON)
    assert row["step"] == step_at(NOON.timestamp())
    assert (done.uses, done.uses_left, done.is_replayed) == (1, 0, False)
    after = await coupon_row(coupon.id)
    assert (after["status"], after["uses_done"]) == ("redeemed", 1)
    assert (after["uses_day"], after["uses_today"]) == (date(2026, 3, 4), 1)


async def test_a_second_scan_of_a_used_up_coupon_is_refused_with_the_time_of_the_first(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    await scan(shop.clerk, code, an_order(shop.store_id))
    for clerk, store_id in ((shop.clerk, shop.store_id), (shop.manager, shop.second_store_id)):
        with pytest.raises(AlreadyRedeemed) as refused:
            await scan(clerk, code, an_order(store_id))
        assert refused.value.facts["redeemed_at"] == NOON
    assert len(await fetch_all("SELECT id FROM redemptions")) == 1


async def test_a_used_code_of_a_pass_is_refused_and_a_fresh_one_is_good(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=3))
    code = await code_of(coupon.id)
    await scan(shop.clerk, code, an_order(shop.store_id))
    with pytest.raises(CodeUsed):
        await scan(shop.clerk, code, an_order(shop.store_id))
    fresh = await code_of(coupon.id)
    assert fresh != code
    assert (await scan(shop.clerk, fresh, an_order(shop.store_id))).uses_left == 1


async def test_a_screenshot_is_good_for_its_window_only(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    for moved in (2 * STEP, -2 * STEP, timedelta(days=400), timedelta(days=-400)):
        with pytest.raises(CodeExpired):
            await scan(shop.clerk, code, an_order(shop.store_id), NOON + moved)
    assert (await coupon_row(coupon.id))["uses_done"] == 0
    assert await scan(shop.clerk, code, an_order(shop.store_id), NOON + STEP)


async def test_the_same_request_is_one_redemption_however_late(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code, order, request = await code_of(coupon.id), an_order(shop.store_id), a_key("once")
    first = await scan(shop.clerk, code, order, request=request)
    await execute("UPDATE staff SET status = 'revoked', revoked_at = $1 WHERE id = $2", NOON, shop.clerk.id)
    for later in (timedelta(0), timedelta(seconds=1), timedelta(days=400), timedelta(days=-1)):
        again = await scan(shop.clerk, code, order, NOON + later, request)
        assert again.is_replayed
        assert (again.id, again.terms, again.store_id, again.order_amount_fen, again.discount) == (
            first.id,
            first.terms,
            first.store_id,
            first.order_amount_fen,
            first.discount,
        )
        assert (again.redeemed_at, again.uses, again.uses_left) == (first.redeemed_at, 1, 0)
    assert len(await fetch_all("SELECT id FROM redemptions")) == 1


async def test_a_replay_says_what_was_left_then_not_what_is_left_now(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=5))
    code, order, request = await code_of(coupon.id), an_order(shop.store_id), a_key()
    await scan(shop.clerk, code, order, request=request)
    await redeemed(shop, coupon.id)
    assert (await scan(shop.clerk, code, order, request=request)).uses_left == 4


async def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=5))
    await scan(shop.clerk, await code_of(coupon.id), an_order(shop.store_id), request=a_key("key", amount=1))
    with pytest.raises(IdempotencyKeyReused):
        await scan(
            shop.clerk, await code_of(coupon.id), an_order(shop.store_id), request=a_key("key", amount=2)
        )
    assert (await coupon_row(coupon.id))["uses_done"] == 1


async def test_a_key_belongs_to_its_clerk(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=5))
    request = a_key("everybody-s-key")
    for clerk in (shop.clerk, shop.manager):
        done = await scan(clerk, await code_of(coupon.id), an_order(shop.store_id), request=request)
        assert not done.is_replayed


async def test_uses_are_counted_down_to_the_last(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=3))
    left = [(await redeemed(shop, coupon.id, NOON + number * 2 * STEP)).uses_left for number in range(3)]
    assert left == [2, 1, 0]
    assert (await coupon_row(coupon.id))["status"] == "redeemed"


async def test_a_family_uses_several_at_once(shop: Shop) -> None:
    off = {"discount_kind": DiscountKind.AMOUNT_OFF, "amount_off_fen": 300}
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=5, **off))
    done = await redeemed(shop, coupon.id, uses=4)
    assert (done.uses, done.uses_left, done.discount.discount_fen) == (4, 1, 1_200)
    with pytest.raises(NotEnoughUses) as refused:
        await redeemed(shop, coupon.id, uses=2)
    assert refused.value.facts["uses_left"] == 1
    assert (await coupon_row(coupon.id))["uses_done"] == 4


async def test_a_year_pass_is_bounded_by_its_days_only(shop: Shop) -> None:
    coupon = await claimed(
        await a_citizen(), await an_offer(shop, uses_total=None, daily_use_cap=2, valid_days=365)
    )
    for day in (NOON, NOON + timedelta(days=1), NOON + timedelta(days=200)):
        for number in range(2):
            assert (await redeemed(shop, coupon.id, day + number * 2 * STEP)).uses_left is None
        with pytest.raises(DailyUseReached) as refused:
            await redeemed(shop, coupon.id, day + 8 * STEP)
        assert refused.value.facts == {"cap": 2}
    assert (await coupon_row(coupon.id))["uses_done"] == 6
    with pytest.raises(DailyUseReached):
        await redeemed(shop, coupon.id, shanghai("2026-09-20 23:59:59.999"))
    await redeemed(shop, coupon.id, shanghai("2026-09-21 00:00"))


@pytest.mark.parametrize(
    "moments",
    [
        # A scan from before midnight is written after one from behind it, by another process.
        ["2026-03-05 00:00:00", "2026-03-04 23:59:59.999", "2026-03-05 00:00:31"],
        # The clock is set back by two days and forward again.
        ["2026-03-09 12:00", "2026-03-07 12:00", "2026-03-07 12:01", "2026-03-09 12:01"],
    ],
)
async def test_a_clock_that_goes_back_and_forth_gives_no_more_than_a_day_allows(
    shop: Shop, moments: list[str]
) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=None, daily_use_cap=1), NOON)
    for moment in moments:
        with suppress(DailyUseReached):
            await redeemed(shop, coupon.id, shanghai(moment))
    days = [local_day(row["redeemed_at"]) for row in await fetch_all("SELECT redeemed_at FROM redemptions")]
    assert days and max(Counter(days).values()) == 1


async def test_a_coupon_ends_to_the_millisecond(shop: Shop) -> None:
    first, second = [await claimed(await a_citizen(), await an_offer(shop, valid_days=1)) for _ in range(2)]
    code = await code_of(second.id, first.valid_until - MILLISECOND)
    assert await redeemed(shop, first.id, first.valid_until - MILLISECOND)
    with pytest.raises(CouponExpired) as refused:
        await scan(shop.clerk, code, an_order(shop.store_id), second.valid_until)
    assert refused.value.facts["valid_until"] == shanghai("2026-03-05 00:00")


async def test_what_was_claimed_stays_usable_when_the_member_is_suspended(shop: Shop) -> None:
    """Rule 13."""
    offer_id, citizen_id = await an_offer(shop, min_tier_level=None), await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    await consent(citizen_id)
    await suspend(shop.member_id)
    await execute("UPDATE offers SET status = 'ended', min_tier_level = 4")
    await execute("UPDATE consents SET withdrawn_at = granted_at WHERE purpose = $1", PURPOSE)
    assert (await redeemed(shop, coupon.id)).discount.discount_fen == 2_000


@pytest.mark.parametrize("status", ["revoked", "given_back"])
async def test_an_ended_coupon_is_refused(shop: Shop, status: str) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    await execute("UPDATE coupons SET status = $1, ended_at = $2", status, NOON)
    with pytest.raises(CouponRevoked):
        await scan(shop.clerk, code, an_order(shop.store_id))


async def test_a_code_of_no_coupon_is_forged_even_with_a_good_mac(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    await execute("UPDATE coupons SET number = number # 1")
    with pytest.raises(CodeForged):
        await scan(shop.clerk, code, an_order(shop.store_id))


async def test_a_code_of_an_older_generation_is_forged(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    await execute("UPDATE coupons SET key_generation = 1")
    with pytest.raises(CodeForged):
        await scan(shop.clerk, code, an_order(shop.store_id))
    assert await redeemed(shop, coupon.id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE coupons SET status = 'redeemed', uses_done = 1",
        "UPDATE coupons SET status = 'revoked', ended_at = now()",
        "UPDATE coupons SET key_generation = 1",
        "UPDATE coupons SET uses_day = '2026-03-04', uses_today = 5",
        "UPDATE coupons SET uses_day = '2026-03-05', uses_today = 5",
        "UPDATE staff SET status = 'revoked', revoked_at = now()",
        "UPDATE stores SET is_active = false",
        "DELETE FROM staff_stores",
    ],
)
async def test_the_statement_itself_refuses_what_a_stale_read_let_through(shop: Shop, change: str) -> None:
    """The rules see the coupon as it was read; the statement sees it as it is."""
    coupon = await claimed(await a_citizen(), await an_offer(shop, daily_use_cap=5))
    code, order, request = verify(SCAN_KEYS.codes, await code_of(coupon.id)), an_order(shop.store_id), a_key()
    row = await redemptions._read(shop.clerk, code, order, request.key)
    a_scan = Scan(shop.clerk, code, order, NOON)
    terms, given = await redemptions._judged(a_scan, row, SCAN_KEYS, is_preview=False)
    await execute(change)
    assert await redemptions._write(a_scan, row, terms, given, request) is None
    assert await fetch_all("SELECT id FROM redemptions") == []
