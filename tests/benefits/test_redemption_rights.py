"""Who redeems where: his member's stores, the offer's stores, while he is active, and never for himself."""

from uuid import uuid4

import pytest

from benefits.refusals import OwnCoupon, StoreNotAllowed
from common.database import execute, fetch_all
from merchants import self_bindings
from merchants.staff import StaffRevoked
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.members import Shop, a_shop, somebody_else
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import an_order, claimed, code_of, redeemed, scan


async def test_only_the_clerks_store_and_the_offers_stores_redeem(shop: Shop) -> None:
    stranger = await a_shop()
    coupon = await claimed(await a_citizen(), await an_offer(shop, store_ids=[shop.second_store_id]))
    code = await code_of(coupon.id)
    for clerk, store_id in (
        (shop.clerk, shop.store_id),  # his, but not the offer's
        (shop.clerk, shop.second_store_id),  # the offer's, but not his
        (shop.clerk, uuid4()),
        (stranger.manager, stranger.store_id),
        (stranger.manager, shop.second_store_id),
    ):
        with pytest.raises(StoreNotAllowed):
            await scan(clerk, code, an_order(store_id))
    assert await scan(shop.manager, code, an_order(shop.second_store_id))


async def test_a_closed_store_redeems_nothing(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    await execute("UPDATE stores SET is_active = false WHERE id = $1", shop.store_id)
    with pytest.raises(StoreNotAllowed):
        await redeemed(shop, coupon.id)


async def test_a_revoked_or_unknown_clerk_redeems_nothing(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    await execute("UPDATE staff SET status = 'revoked', revoked_at = $1 WHERE id = $2", NOON, shop.clerk.id)
    for clerk in (shop.clerk, somebody_else(shop.clerk)):
        with pytest.raises(StaffRevoked):
            await scan(clerk, code, an_order(shop.store_id))
    assert await fetch_all("SELECT id FROM redemptions") == []


async def test_a_clerk_redeems_everybodys_coupon_but_his_own(shop: Shop) -> None:
    offer_id, himself = await an_offer(shop), await a_citizen()
    own, other = await claimed(himself, offer_id), await claimed(await a_citizen(), offer_id)
    await self_bindings.bind(shop.clerk.id, himself, KEYS, NOON)
    with pytest.raises(OwnCoupon):
        await redeemed(shop, own.id)
    assert await redeemed(shop, other.id)
    assert await scan(shop.manager, await code_of(own.id), an_order(shop.store_id))
