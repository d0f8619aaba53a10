"""Stores: opened, changed, closed for good and for some days; what citizens see of it, and what the counter does."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from benefits.offers import Catalogue
from benefits.refusals import StoreNotAllowed
from common.actors import MemberActor
from common.database import execute, fetch_all, fetch_one
from common.errors import NotFound
from merchants import store_closures, stores
from merchants.opening_hours import HoursInvalid, Span, minutes_of, spans_of
from merchants.regions import RegionUnknown
from merchants.store_closures import ClosureInvalid, TooManyClosures
from merchants.stores import PositionOutside, StoreFacts, TooManyStores
from models.enums import ClosureReason, StaffRole
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_clerk, a_shop, an_owner, as_member
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import an_order, claimed, code_of, scan

MORNING, EVENING, NIGHT = Span(1, 540, 720), Span(1, 840, 1440), Span(2, 0, 120)
FACTS = StoreFacts("西溪店", "天目山路 1 号", "330106", 30.27, 120.05, (EVENING, MORNING, NIGHT))
TODAY, HOLIDAY = date(2026, 3, 4), ClosureReason.HOLIDAY


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


@pytest.fixture
async def owner(shop: Shop) -> MemberActor:
    return await an_owner(shop.member_id)


def test_hours_are_half_open_spans_that_come_back_as_they_were_told() -> None:
    minutes = minutes_of((EVENING, NIGHT, MORNING))
    assert minutes == [540, 720, 840, 1440, 1440, 1560]
    assert spans_of(minutes) == [MORNING, EVENING, NIGHT]
    assert minutes_of([Span(7, 0, 1440)]) == [8640, 10080] and spans_of([8640, 10080]) == [Span(7, 0, 1440)]
    assert minutes_of(None) is minutes_of([]) is spans_of(None) is None


@pytest.mark.parametrize(
    "spans",
    [(Span(1, 540, 540),), (Span(1, 720, 540),), (Span(1, 540, 720), Span(1, 719, 800)), (MORNING, MORNING)],
)
def test_spans_that_overlap_or_end_before_they_begin_are_refused(spans: tuple[Span, ...]) -> None:
    with pytest.raises(HoursInvalid):
        minutes_of(spans)


async def test_a_store_is_opened_where_it_stands_in_any_county(shop: Shop, owner: MemberActor) -> None:
    near = await stores.create(owner, FACTS, NOON)
    far = await stores.create(owner, replace(FACTS, region="330203", hours=None), NOON)
    row = await stores.one(owner, near)
    assert (row["name"], row["region_id"], row["hours"]) == (
        "西溪店",
        "330106",
        [540, 720, 840, 1440, 1440, 1560],
    )
    assert (await stores.one(owner, far))["hours"] is None
    for region in ("330100", "330000", "990101"):
        with pytest.raises(RegionUnknown):
            await stores.create(owner, replace(FACTS, region=region), NOON)
        with pytest.raises(RegionUnknown):
            await stores.change(owner, near, replace(FACTS, region=region), NOON)
    assert len(await stores.listed(owner, None, 10)) == 4
    kept = str(await fetch_all("SELECT * FROM audit_records"))
    assert "西溪店" not in kept and "天目山路" not in kept


@pytest.mark.parametrize(("lat", "lng"), [(30.27, 117.9), (31.4, 120.05), (float("nan"), 120.05), (0, 0)])
async def test_a_position_outside_of_the_province_is_refused(
    shop: Shop, owner: MemberActor, lat: float, lng: float
) -> None:
    store_id = await stores.create(owner, FACTS, NOON)
    with pytest.raises(PositionOutside):
        await stores.create(owner, replace(FACTS, lat=lat, lng=lng), NOON)
    with pytest.raises(PositionOutside):
        await stores.change(owner, store_id, replace(FACTS, lat=lat, lng=lng), NOON)


async def test_a_member_has_so_many_stores_and_no_more(
    shop: Shop, owner: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MOST_STORES", 4)
    done = await asyncio.gather(
        *(stores.create(owner, FACTS, NOON) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(each, TooManyStores) for each in done) == 3
    assert len(await stores.listed(owner, None, 10)) == 4


async def test_another_members_store_is_not_found(shop: Shop, owner: MemberActor) -> None:
    foreign = await a_shop()
    days = TODAY, TODAY
    for call in (
        stores.one(owner, foreign.store_id),
        stores.change(owner, foreign.store_id, FACTS, NOON),
        stores.close(owner, foreign.store_id, NOON),
        store_closures.add(owner, foreign.store_id, days, HOLIDAY, NOON),
        store_closures.listed(owner, foreign.store_id, None, 10),
        store_closures.withdraw(owner, foreign.store_id, uuid4(), NOON),
    ):
        with pytest.raises(NotFound):
            await call


async def test_nothing_is_redeemed_at_a_store_that_is_closed_for_good(shop: Shop, owner: MemberActor) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    for _ in range(2):
        await stores.close(owner, shop.store_id, NOON)
    with pytest.raises(StoreNotAllowed):
        await scan(shop.manager, await code_of(coupon.id), an_order(shop.store_id))
    await scan(shop.manager, await code_of(coupon.id), an_order(shop.second_store_id))
    [record] = await fetch_all("SELECT action FROM audit_records")
    assert record["action"] == "store.close"


async def test_who_stands_in_a_store_on_a_day_of_closure_is_served(shop: Shop, owner: MemberActor) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    await store_closures.add(owner, shop.store_id, (TODAY, TODAY), HOLIDAY, NOON)
    await scan(shop.clerk, await code_of(coupon.id), an_order(shop.store_id))


async def test_citizens_see_hours_and_closures_with_the_offer(shop: Shop, owner: MemberActor) -> None:
    offer, catalogue = await an_offer(shop, store_ids=[shop.store_id]), Catalogue()
    [store] = (await catalogue.offer(offer, NOON)).stores
    assert (store.hours, list(store.closures)) == (None, [])
    await stores.change(owner, shop.store_id, FACTS, NOON)
    last = TODAY + timedelta(days=2)
    closure = await store_closures.add(owner, shop.store_id, (TODAY, last), HOLIDAY, NOON)
    await asyncio.sleep(1.05)
    [store] = (await catalogue.offer(offer, NOON)).stores
    assert store.hours == [MORNING, EVENING, NIGHT]
    assert [(each.first_day, each.last_day, each.reason) for each in store.closures] == [
        (TODAY, last, HOLIDAY)
    ]
    await store_closures.withdraw(owner, shop.store_id, closure, NOON)
    await asyncio.sleep(1.05)
    [store] = (await catalogue.offer(offer, NOON)).stores
    assert list(store.closures) == []


@pytest.mark.parametrize(
    ("first", "last", "is_good"),
    [(0, 0, True), (-3, 0, True), (0, 366, True), (-3, -1, False), (2, 1, False), (0, 367, False)],
)
async def test_a_closure_is_of_days_that_are_not_over(
    shop: Shop, owner: MemberActor, first: int, last: int, is_good: bool
) -> None:
    days = TODAY + timedelta(days=first), TODAY + timedelta(days=last)
    if is_good:
        await store_closures.add(owner, shop.store_id, days, HOLIDAY, NOON)
    else:
        with pytest.raises(ClosureInvalid):
            await store_closures.add(owner, shop.store_id, days, HOLIDAY, NOON)


async def test_today_is_shanghais(shop: Shop, owner: MemberActor) -> None:
    before_midnight = NOON.replace(hour=15, minute=59)  # UTC: 23:59 there
    await store_closures.add(owner, shop.store_id, (TODAY, TODAY), HOLIDAY, before_midnight)
    with pytest.raises(ClosureInvalid):
        await store_closures.add(
            owner, shop.store_id, (TODAY, TODAY), HOLIDAY, before_midnight + timedelta(minutes=1)
        )


async def test_a_manager_closes_his_own_stores_only(shop: Shop) -> None:
    manager = as_member(await a_clerk(shop.member_id, shop.store_id, role=StaffRole.MANAGER))
    owner = await an_owner(shop.member_id)
    days = TODAY, TODAY
    foreign = await store_closures.add(owner, shop.second_store_id, days, HOLIDAY, NOON)
    mine = await store_closures.add(manager, shop.store_id, days, HOLIDAY, NOON)
    for call in (
        store_closures.add(manager, shop.second_store_id, days, HOLIDAY, NOON),
        store_closures.withdraw(manager, shop.second_store_id, foreign, NOON),
        store_closures.withdraw(manager, shop.store_id, foreign, NOON),
    ):
        with pytest.raises(NotFound):
            await call
    for moment in (NOON, NOON + timedelta(hours=1)):
        await store_closures.withdraw(manager, shop.store_id, mine, moment)
    [row] = await store_closures.listed(manager, shop.store_id, None, 10)
    assert row["withdrawn_at"] == NOON


async def test_a_store_has_so_many_closures_ahead_and_no_more(
    shop: Shop, owner: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_closures, "MOST_AHEAD", 2)
    calls = [store_closures.add(owner, shop.store_id, (TODAY, TODAY), HOLIDAY, NOON) for _ in range(4)]
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, TooManyClosures) for each in done) == 2
    await execute("UPDATE stores SET is_active = false WHERE id = $1", shop.second_store_id)
    with pytest.raises(NotFound):
        await store_closures.add(owner, shop.second_store_id, (TODAY, TODAY), HOLIDAY, NOON)
    row = await fetch_one("SELECT count(*) AS n FROM store_closures")
    assert row is not None and row["n"] == 2
