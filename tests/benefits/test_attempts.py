"""Refused scans are kept with their reason; malformed and forged ones are counted in batches; previews change nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from benefits import attempts, redemptions
from common.clock import local_day
from common.database import execute, fetch_all
from common.errors import DomainError
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.scans import SCAN_KEYS, an_order, claimed, code_of, coupon_row, scan

TOO_LATE = timedelta(seconds=45)


async def kept() -> list[tuple[object, ...]]:
    """All attempts: time, clerk, member, store, coupon, code, whether it was a preview."""
    rows = await fetch_all(
        "SELECT attempted_at, staff_id, member_id, store_id, coupon_id, code, is_preview FROM attempts ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def counted() -> list[tuple[object, ...]]:
    """All rows of counted scans."""
    rows = await fetch_all("SELECT day, member_id, code, scans FROM refused_scan_counts ORDER BY day, code")
    return [tuple(row) for row in rows]


async def test_a_refused_scan_is_kept_with_its_reason(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    with pytest.raises(DomainError):
        await scan(shop.clerk, code, an_order(shop.store_id), NOON + TOO_LATE)
    await scan(shop.clerk, code, an_order(shop.store_id))
    with pytest.raises(DomainError):
        await scan(shop.clerk, code, an_order(shop.store_id))
    who = (shop.clerk.id, shop.member_id, shop.store_id, coupon.id)
    assert await kept() == [
        (NOON + TOO_LATE, *who, "code_expired", False),
        (NOON, *who, "already_redeemed", False),
    ]


async def test_an_attempt_at_a_foreign_store_keeps_the_store_that_was_claimed(shop: Shop) -> None:
    coupon, elsewhere = await claimed(await a_citizen(), await an_offer(shop)), uuid4()
    with pytest.raises(DomainError):
        await scan(shop.clerk, await code_of(coupon.id), an_order(elsewhere))
    ((*_, store_id, coupon_id, code, _),) = await kept()
    assert (store_id, coupon_id, code) == (elsewhere, coupon.id, "store_not_allowed")


async def test_forged_and_malformed_codes_are_only_counted(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    unknown_coupon = code
    await execute("UPDATE coupons SET number = number # 1")
    forged = code[:-1] + ("A" if code[-1] != "A" else "B")
    for text in ("not a code", "", forged, forged, unknown_coupon):
        with pytest.raises(DomainError):
            await scan(shop.clerk, text, an_order(shop.store_id))
    assert await kept() == [] and await counted() == []
    await attempts.flush(NOON)
    assert await counted() == [
        (local_day(NOON), shop.member_id, "code_forged", 3),
        (local_day(NOON), shop.member_id, "code_malformed", 2),
    ]


async def test_counts_of_a_day_add_up_and_a_flush_with_nothing_adds_nothing(shop: Shop) -> None:
    for times in (2, 3, 0):
        for _ in range(times):
            attempts.count(shop.member_id, "code_forged")
        await attempts.flush(NOON)
    await attempts.flush(NOON)
    assert await counted() == [(local_day(NOON), shop.member_id, "code_forged", 5)]


async def test_the_day_of_a_count_is_hangzhous(shop: Shop) -> None:
    for moment in ("2026-03-04 23:59:59.999", "2026-03-05 00:00"):
        attempts.count(shop.member_id, "code_forged")
        await attempts.flush(shanghai(moment))
    assert [str(day) for day, *_ in await counted()] == ["2026-03-04", "2026-03-05"]


async def test_members_are_counted_apart(shop: Shop) -> None:
    members = {shop.member_id: 1, uuid4(): 2}
    for member_id, times in members.items():
        for _ in range(times):
            attempts.count(member_id, "code_forged")
    await attempts.flush(NOON)
    assert {member_id: scans for _, member_id, _, scans in await counted()} == members


async def test_a_flush_that_fails_keeps_the_counts_for_the_next(shop: Shop) -> None:
    attempts.count(shop.member_id, "code_forged")
    await execute("ALTER TABLE refused_scan_counts RENAME TO away")
    try:
        with pytest.raises(Exception, match="refused_scan_counts"):
            await attempts.flush(NOON)
    finally:
        await execute("ALTER TABLE away RENAME TO refused_scan_counts")
    attempts.count(shop.member_id, "code_forged")
    await attempts.flush(NOON)
    assert await counted() == [(local_day(NOON), shop.member_id, "code_forged", 2)]


async def test_a_preview_says_what_a_redemption_would_give_and_changes_nothing(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=3))
    code, before = await code_of(coupon.id), await coupon_row(coupon.id)
    for _ in range(3):
        seen = await redemptions.preview(shop.clerk, code, an_order(shop.store_id, uses=2), SCAN_KEYS, NOON)
        assert (seen.discount.discount_fen, seen.discount.payable_fen, seen.uses_left) == (2_000, 8_000, 1)
    assert await coupon_row(coupon.id) == before
    assert await fetch_all("SELECT id FROM redemptions") == [] and await kept() == []
    done = await scan(shop.clerk, code, an_order(shop.store_id, uses=2))
    assert (done.discount, done.uses_left) == (seen.discount, seen.uses_left)


async def test_a_preview_of_an_unlimited_pass_has_no_number_left(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=None, daily_use_cap=2))
    order = an_order(shop.store_id)
    seen = await redemptions.preview(shop.clerk, await code_of(coupon.id), order, SCAN_KEYS, NOON)
    assert seen.uses_left is None


async def test_a_refused_preview_is_kept_as_a_preview(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    with pytest.raises(DomainError) as refused:
        await redemptions.preview(
            shop.clerk, await code_of(coupon.id), an_order(shop.store_id, uses=2), SCAN_KEYS, NOON
        )
    assert refused.value.code == "not_enough_uses"
    assert [(code, is_preview) for *_, code, is_preview in await kept()] == [("not_enough_uses", True)]


async def test_a_preview_before_the_whole_amount_is_keyed_is_a_question_and_not_kept(shop: Shop) -> None:
    """The clerk's page looks first without an amount, then after each key: only what he presses is a refused scan."""
    offer = await an_offer(
        shop, discount_kind="threshold_off", percent_off=None, threshold_fen=1_500, amount_off_fen=300
    )
    coupon = await claimed(await a_citizen(), offer)
    code = await code_of(coupon.id)
    for amount, reason in ((None, "amount_required"), (150, "below_threshold")):
        order = an_order(shop.store_id, amount)
        with pytest.raises(DomainError) as refused:
            await redemptions.preview(shop.clerk, code, order, SCAN_KEYS, NOON)
        assert refused.value.code == reason
    assert await kept() == []
    for amount in (None, 150):
        with pytest.raises(DomainError):
            await scan(shop.clerk, code, an_order(shop.store_id, amount))
    assert [(code, is_preview) for *_, code, is_preview in await kept()] == [
        ("amount_required", False),
        ("below_threshold", False),
    ]
