"""How many: per person and period, per day, and what giving back returns; counted in Hangzhou's days."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from benefits import claims
from benefits.refusals import (
    AlreadyRedeemed,
    CouponExpired,
    CouponRevoked,
    LimitReached,
    SoldOut,
    SoldOutToday,
)
from common.clock import local_day
from common.database import execute
from common.errors import NotFound
from models.enums import LimitPeriod
from tests.factories.citizens import a_citizen, a_person
from tests.factories.members import Shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer, issued_on, new_terms, stock_of
from tests.factories.scans import a_key, claimed, coupon_row, redeemed, undone

MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("period", "last_moment", "next_period"),
    [
        (LimitPeriod.DAY, "2026-03-04 23:59:59.999", "2026-03-05 00:00"),
        (LimitPeriod.MONTH, "2026-03-31 23:59:59.999", "2026-04-01 00:00"),
        (LimitPeriod.YEAR, "2026-12-31 23:59:59.999", "2027-01-01 00:00"),
    ],
)
async def test_a_limit_begins_anew_with_its_period_in_hangzhou(
    shop: Shop, period: LimitPeriod, last_moment: str, next_period: str
) -> None:
    offer_id = await an_offer(shop, per_citizen_limit=2, per_citizen_period=period)
    citizen_id = await a_citizen()
    for _ in range(2):
        await claimed(citizen_id, offer_id, NOON)
    with pytest.raises(LimitReached):
        await claimed(citizen_id, offer_id, shanghai(last_moment))
    await claimed(citizen_id, offer_id, shanghai(next_period))


async def test_a_limit_for_ever_never_begins_anew(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, per_citizen_limit=1), await a_citizen()
    await claimed(citizen_id, offer_id)
    with pytest.raises(LimitReached) as refused:
        await claimed(citizen_id, offer_id, shanghai("2036-01-01 00:00"))
    assert refused.value.facts == {"limit": 1}


async def test_a_used_coupon_keeps_its_place_in_the_limit(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, per_citizen_limit=1), await a_citizen()
    await redeemed(shop, (await claimed(citizen_id, offer_id)).id)
    with pytest.raises(LimitReached):
        await claimed(citizen_id, offer_id)


async def test_a_persons_limit_is_nobody_elses(shop: Shop) -> None:
    offer_id = await an_offer(shop, per_citizen_limit=1)
    for _ in range(3):
        await claimed(await a_citizen(), offer_id)


async def test_a_second_channel_is_no_second_person(shop: Shop) -> None:
    offer_id = await an_offer(shop, per_citizen_limit=1)
    await claimed(await a_person("load-77"), offer_id)
    with pytest.raises(LimitReached):
        await claimed(await a_person("load-77@b"), offer_id)


async def test_places_are_numbered_and_a_freed_one_is_taken_again(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, per_citizen_limit=3), await a_citizen()
    coupons = [await claimed(citizen_id, offer_id) for _ in range(3)]
    assert [(await coupon_row(coupon.id))["slot"] for coupon in coupons] == [1, 2, 3]
    await claims.give_back(citizen_id, coupons[1].id, NOON)
    assert (await coupon_row((await claimed(citizen_id, offer_id)).id))["slot"] == 2
    with pytest.raises(LimitReached):
        await claimed(citizen_id, offer_id)


async def test_a_day_has_its_own_pieces(shop: Shop) -> None:
    offer_id = await an_offer(shop, daily_limit=2)
    for _ in range(2):
        await claimed(await a_citizen(), offer_id, shanghai("2026-03-04 00:00"))
    with pytest.raises(SoldOutToday):
        await claimed(await a_citizen(), offer_id, shanghai("2026-03-04 23:59:59.999"))
    await claimed(await a_citizen(), offer_id, shanghai("2026-03-05 00:00"))
    assert await issued_on(offer_id, local_day(NOON)) == 2
    assert (await stock_of(offer_id))["issued"] == 3


async def test_a_lowered_daily_limit_holds_at_once(shop: Shop) -> None:
    offer_id = await an_offer(shop, daily_limit=5)
    for _ in range(3):
        await claimed(await a_citizen(), offer_id)
    await execute("UPDATE offer_stock SET daily_limit = 2")
    with pytest.raises(SoldOutToday):
        await claimed(await a_citizen(), offer_id)
    assert await issued_on(offer_id, local_day(NOON)) == 3


async def test_giving_back_returns_the_piece_the_days_piece_and_the_place(shop: Shop) -> None:
    offer_id = await an_offer(shop, total=1, daily_limit=1, per_citizen_limit=1)
    citizen_id = await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    with pytest.raises(SoldOut):
        await claimed(await a_citizen(), offer_id)
    await claims.give_back(citizen_id, coupon.id, NOON + MILLISECOND)
    row = await coupon_row(coupon.id)
    assert (row["status"], row["slot"], row["ended_at"]) == ("given_back", None, NOON + MILLISECOND)
    assert (await stock_of(offer_id))["issued"] == await issued_on(offer_id, local_day(NOON)) == 0
    await claimed(citizen_id, offer_id)


@pytest.mark.parametrize("claimed_at", ["2026-03-04 23:59:59.999", "2026-03-04 00:30", "2026-03-04 12:00"])
async def test_giving_back_tomorrow_returns_the_piece_of_the_day_in_hangzhou(
    shop: Shop, claimed_at: str
) -> None:
    offer_id, citizen_id = await an_offer(shop, daily_limit=5), await a_citizen()
    tomorrow = shanghai("2026-03-05 00:30")
    coupon = await claimed(citizen_id, offer_id, shanghai(claimed_at))
    for other_day in (tomorrow, tomorrow - timedelta(days=2)):
        await claimed(await a_citizen(), offer_id, other_day)
    await claims.give_back(citizen_id, coupon.id, tomorrow)
    today = local_day(tomorrow)
    issued = [await issued_on(offer_id, today - timedelta(days=ago)) for ago in (0, 1, 2)]
    assert issued == [1, 0, 1]


async def test_giving_back_twice_is_giving_back_once(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, total=9, daily_limit=9), await a_citizen()
    await claimed(await a_citizen(), offer_id)
    coupon = await claimed(citizen_id, offer_id)
    for _ in range(3):
        await claims.give_back(citizen_id, coupon.id, NOON)
    assert (await stock_of(offer_id))["issued"] == await issued_on(offer_id, local_day(NOON)) == 1


async def test_a_given_back_coupons_key_still_answers_with_it(shop: Shop) -> None:
    offer_id, citizen_id, request = await an_offer(shop), await a_citizen(), a_key()
    coupon = await claimed(citizen_id, offer_id, request=request)
    await claims.give_back(citizen_id, coupon.id, NOON)
    assert (await claimed(citizen_id, offer_id, request=request)).id == coupon.id


async def test_what_was_used_is_not_given_back(shop: Shop) -> None:
    citizen_id = await a_citizen()
    once = await claimed(citizen_id, await an_offer(shop, total=5))
    often = await claimed(citizen_id, await an_offer(shop, uses_total=5))
    for coupon in (once, often):
        await redeemed(shop, coupon.id)
        with pytest.raises(AlreadyRedeemed) as refused:
            await claims.give_back(citizen_id, coupon.id, NOON)
        assert refused.value.facts["redeemed_at"] == NOON


async def test_what_was_undone_can_be_given_back(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, total=5), await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    await undone(shop.clerk, (await redeemed(shop, coupon.id)).id)
    await claims.give_back(citizen_id, coupon.id, NOON)
    assert (await stock_of(offer_id))["issued"] == 0


@pytest.mark.parametrize(("at", "is_over"), [(-MILLISECOND, False), (MILLISECOND * 0, True)])
async def test_an_expired_coupon_keeps_its_piece(shop: Shop, at: timedelta, is_over: bool) -> None:
    offer_id, citizen_id = await an_offer(shop, total=5), await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    moment: datetime = coupon.valid_until + at
    if is_over:
        with pytest.raises(CouponExpired) as refused:
            await claims.give_back(citizen_id, coupon.id, moment)
        assert refused.value.facts["valid_until"] == coupon.valid_until
    else:
        await claims.give_back(citizen_id, coupon.id, moment)
    assert (await stock_of(offer_id))["issued"] == int(is_over)


async def test_a_revoked_coupon_is_not_given_back(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, total=5), await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    await execute("UPDATE coupons SET status = 'revoked', ended_at = $1, ended_reason = '停业'", NOON)
    with pytest.raises(CouponRevoked):
        await claims.give_back(citizen_id, coupon.id, NOON)
    assert (await stock_of(offer_id))["issued"] == 1


async def test_somebody_elses_coupon_is_not_found_and_stays(shop: Shop) -> None:
    offer_id = await an_offer(shop, total=5)
    coupon = await claimed(await a_citizen(), offer_id)
    for stranger, coupon_id in ((await a_citizen(), coupon.id), (await a_citizen(), uuid4())):
        with pytest.raises(NotFound):
            await claims.give_back(stranger, coupon_id, NOON)
    assert (await coupon_row(coupon.id))["status"] == "claimed"
    assert (await stock_of(offer_id))["issued"] == 1


async def test_changed_terms_leave_counters_and_limits_as_they_are(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, total=2, per_citizen_limit=1), await a_citizen()
    await claimed(citizen_id, offer_id)
    await new_terms(offer_id, store_ids=[shop.store_id])
    with pytest.raises(LimitReached):
        await claimed(citizen_id, offer_id)
    await claimed(await a_citizen(), offer_id)
    with pytest.raises(SoldOut):
        await claimed(await a_citizen(), offer_id)
