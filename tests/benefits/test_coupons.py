"""The wallet: whose coupon it is, its history, the code to show, and the key with which one phone makes codes."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from benefits import claims, coupons
from benefits.codes import GENERATIONS, make, renewal_key, step_at, verify
from benefits.coupons import ShownCode
from benefits.refusals import (
    AlreadyRedeemed,
    CodeForged,
    CouponExpired,
    CouponRevoked,
    RenewalNotAllowed,
)
from common.database import execute
from common.errors import NotFound
from server import sessions
from tests.factories.citizens import a_citizen, a_phone
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import SCAN_KEYS, an_order, claimed, coupon_row, redeemed, scan, undone

STEP_S = timedelta(seconds=15)
STEP = step_at(NOON.timestamp())


async def shown(
    citizen_id: UUID,
    coupon_id: UUID,
    at: datetime = NOON,
    phone: UUID | None = None,
    *,
    with_key: bool = False,
) -> ShownCode:
    """What a phone, by default a new one, gets for a coupon."""
    phone = phone or await a_phone(citizen_id)
    return await coupons.code_of(
        citizen_id, phone, coupon_id, SCAN_KEYS.codes, at, is_client_renewal=with_key
    )


async def test_a_code_is_of_this_step_and_says_how_long_it_is_good(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon = await claimed(citizen_id, await an_offer(shop))
    at = NOON + timedelta(seconds=4)
    seen = await shown(citizen_id, coupon.id, at)
    assert verify(SCAN_KEYS.codes, seen.code).step == STEP
    assert (seen.expires_at, seen.refresh_after_s) == (NOON + 2 * STEP_S, 11)
    assert (seen.server_time, seen.renewal_key) == (at, None)
    with_last_moment = await shown(citizen_id, coupon.id, NOON + timedelta(seconds=14.9))
    assert with_last_moment.refresh_after_s == 1


async def test_the_code_after_a_redemption_is_of_a_step_not_burnt(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon = await claimed(citizen_id, await an_offer(shop, uses_total=9))
    steps = []
    for _ in range(3):
        seen = await shown(citizen_id, coupon.id)
        steps.append(verify(SCAN_KEYS.codes, seen.code).step - STEP)
        await scan(shop.clerk, seen.code, an_order(shop.store_id))
    # Every step that is good now is burnt: the next one is shown before its time.
    last = await shown(citizen_id, coupon.id)
    assert steps == [0, 1, -1]
    assert verify(SCAN_KEYS.codes, last.code).step == STEP + 2
    assert last.expires_at == NOON + 4 * STEP_S
    await scan(shop.clerk, last.code, an_order(shop.store_id), NOON + STEP_S)


async def test_a_burnt_step_is_burnt_for_its_coupon_only(shop: Shop) -> None:
    citizen_id, offer_id = await a_citizen(), await an_offer(shop)
    first, second = [await claimed(citizen_id, offer_id) for _ in range(2)]
    await redeemed(shop, first.id)
    assert verify(SCAN_KEYS.codes, (await shown(citizen_id, second.id)).code).step == STEP


async def test_there_is_no_code_of_a_coupon_that_cant_be_used(shop: Shop) -> None:
    citizen_id, offer_id = await a_citizen(), await an_offer(shop)
    used, given, expired, revoked = [await claimed(citizen_id, offer_id) for _ in range(4)]
    await redeemed(shop, used.id)
    await claims.give_back(citizen_id, given.id, NOON)
    await execute("UPDATE coupons SET status = 'revoked', ended_at = $2 WHERE id = $1", revoked.id, NOON)
    for coupon, at, refusal in (
        (used, NOON, AlreadyRedeemed),
        (given, NOON, CouponRevoked),
        (revoked, NOON, CouponRevoked),
        (expired, expired.valid_until, CouponExpired),
    ):
        with pytest.raises(refusal):
            await shown(citizen_id, coupon.id, at)


async def test_somebody_elses_coupon_is_not_found(shop: Shop) -> None:
    coupon, stranger = await claimed(await a_citizen(), await an_offer(shop)), await a_citizen()
    with pytest.raises(NotFound):
        await shown(stranger, coupon.id)
    with pytest.raises(NotFound):
        await coupons.coupon_of(stranger, coupon.id, NOON)
    assert await coupons.coupons_of(stranger, None, None, 10, NOON) == []


async def test_the_wallet_is_newest_first_by_status_and_page(shop: Shop) -> None:
    citizen_id, offer_id = await a_citizen(), await an_offer(shop, valid_days=1)
    long_offer = await an_offer(shop)
    expired, used, given, held = [
        (await claimed(citizen_id, offer)).id for offer in (offer_id, long_offer, long_offer, long_offer)
    ]
    await redeemed(shop, used)
    await claims.give_back(citizen_id, given, NOON)
    later = NOON + timedelta(days=2)

    async def ids(status: str | None, before: UUID | None = None, limit: int = 10) -> list[UUID]:
        return [found.id for found in await coupons.coupons_of(citizen_id, status, before, limit, later)]

    assert await ids(None) == [held, given, used, expired]
    assert await ids(None, limit=2) == [held, given] and await ids(None, given) == [used, expired]
    assert (await ids("claimed"), await ids("expired")) == ([held], [expired])
    assert (await ids("redeemed"), await ids("given_back"), await ids("revoked")) == ([used], [given], [])
    assert (await coupons.coupon_of(citizen_id, expired, later)).status == "expired"


async def test_the_history_tells_everything_in_its_order(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon = await claimed(citizen_id, await an_offer(shop, uses_total=5))
    done = await redeemed(shop, coupon.id, NOON + STEP_S, uses=2)
    await undone(shop.clerk, done.id, NOON + 2 * STEP_S)
    await claims.give_back(citizen_id, coupon.id, NOON + 3 * STEP_S)
    history = await coupons.history_of(coupon.id)
    assert [(entry.event, entry.at) for entry in history] == [
        ("claimed", NOON),
        ("redeemed", NOON + STEP_S),
        ("reversed", NOON + 2 * STEP_S),
        ("given_back", NOON + 3 * STEP_S),
    ]
    assert [(entry.store, entry.uses, entry.discount_fen) for entry in history[1:3]] == [
        ("武林店", 2, 2_000)
    ] * 2


async def test_one_phone_makes_codes_with_its_key(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon, phone = await claimed(citizen_id, await an_offer(shop, uses_total=5)), await a_phone(citizen_id)
    seen = await shown(citizen_id, coupon.id, phone=phone, with_key=True)
    row = await coupon_row(coupon.id)
    assert seen.renewal_key == renewal_key(SCAN_KEYS.codes, row["number"], 0)
    assert (await shown(citizen_id, coupon.id, phone=phone, with_key=True)).renewal_key == seen.renewal_key
    offline = make(SCAN_KEYS.codes, row["number"], 0, STEP + 100)
    assert await scan(shop.clerk, offline, an_order(shop.store_id), NOON + 100 * STEP_S)


async def test_a_new_phones_key_kills_the_old_phones_codes(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon = await claimed(citizen_id, await an_offer(shop, uses_total=5))
    old = await shown(citizen_id, coupon.id, with_key=True)
    new = await shown(citizen_id, coupon.id, with_key=True)
    assert new.renewal_key != old.renewal_key
    with pytest.raises(CodeForged):
        await scan(shop.clerk, old.code, an_order(shop.store_id))
    assert await scan(shop.clerk, new.code, an_order(shop.store_id))


async def test_a_phone_that_signed_out_makes_no_more_codes(shop: Shop) -> None:
    citizen_id = await a_citizen()
    mine, other = [await claimed(citizen_id, await an_offer(shop)) for _ in range(2)]
    phone = await a_phone(citizen_id)
    lost = await shown(citizen_id, mine.id, phone=phone, with_key=True)
    kept = await shown(citizen_id, other.id, with_key=True)
    await coupons.forget_phone(phone)
    with pytest.raises(CodeForged):
        await scan(shop.clerk, lost.code, an_order(shop.store_id))
    assert await scan(shop.clerk, kept.code, an_order(shop.store_id))
    assert await redeemed(shop, mine.id)


async def test_the_last_generation_is_never_given_to_a_phone(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon = await claimed(citizen_id, await an_offer(shop, uses_total=99))
    seen = [await shown(citizen_id, coupon.id, with_key=True) for _ in range(GENERATIONS - 1)]
    assert len({one.renewal_key for one in seen}) == GENERATIONS - 1
    # One phone too many gets no key, and the one before it has none any more: it may be the lost one.
    with pytest.raises(RenewalNotAllowed):
        await shown(citizen_id, coupon.id, with_key=True)
    assert (await coupon_row(coupon.id))["key_generation"] == GENERATIONS - 1
    with pytest.raises(CodeForged):
        await scan(shop.clerk, seen[-1].code, an_order(shop.store_id))
    assert await redeemed(shop, coupon.id)


async def test_a_phone_that_has_just_signed_out_gets_no_key(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon, phone = await claimed(citizen_id, await an_offer(shop)), await a_phone(citizen_id)
    await sessions.end(phone, "logout", NOON)
    with pytest.raises(RenewalNotAllowed):
        await shown(citizen_id, coupon.id, phone=phone, with_key=True)
    assert (await coupon_row(coupon.id))["renewal_session_id"] is None


async def test_an_offer_can_forbid_codes_made_by_phones(shop: Shop) -> None:
    citizen_id = await a_citizen()
    coupon = await claimed(citizen_id, await an_offer(shop, is_client_renewal_allowed=False))
    with pytest.raises(RenewalNotAllowed):
        await shown(citizen_id, coupon.id, with_key=True)
    assert (await coupon_row(coupon.id))["renewal_session_id"] is None
    assert (await shown(citizen_id, coupon.id)).code
