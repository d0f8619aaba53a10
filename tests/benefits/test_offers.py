"""The list of offers: what is in it, in which order, how fresh it is, and what it says a citizen may claim."""

import asyncio
import time
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from benefits import offers
from benefits.offers import Catalogue, CitizenView, OfferView, Search
from common.database import execute
from common.errors import DomainError, NotFound
from models.enums import Category, LimitPeriod, OfferStatus
from tests.factories.citizens import a_citizen, consent
from tests.factories.members import Shop, a_shop, suspend
from tests.factories.moments import NOON
from tests.factories.offers import an_offer, new_terms
from tests.factories.scans import claimed


async def found(search: Search | None = None, viewer: CitizenView | None = None) -> list[UUID]:
    """Ids of the first page of a fresh list."""
    page, _ = await Catalogue().search(search or Search(), None, 100, viewer, NOON)
    return [offer.id for offer, _ in page]


async def seen(offer_id: UUID) -> OfferView:
    """One offer in a fresh list."""
    return await Catalogue().offer(offer_id, NOON)


@pytest.mark.parametrize(
    ("status", "has_page", "is_listed"),
    [
        (OfferStatus.PUBLISHED, True, True),
        (OfferStatus.PAUSED, True, False),
        (OfferStatus.ENDED, True, False),
        (OfferStatus.DRAFT, False, False),
    ],
)
async def test_published_offers_are_listed_and_drafts_have_no_page(
    shop: Shop, status: OfferStatus, has_page: bool, is_listed: bool
) -> None:
    offer_id = await an_offer(shop, status=status)
    assert (offer_id in await found()) is is_listed
    if has_page:
        assert (await seen(offer_id)).id == offer_id
    else:
        with pytest.raises(NotFound):
            await seen(offer_id)


async def test_a_suspended_members_offers_are_not_listed_and_keep_their_page(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    await suspend(shop.member_id)
    assert await found() == []
    assert (await seen(offer_id)).rules.status is OfferStatus.ENDED


async def test_a_list_made_before_a_change_is_made_anew_within_a_second(shop: Shop) -> None:
    offer_id, catalogue = await an_offer(shop, total=5), Catalogue()
    assert (await catalogue.offer(offer_id, NOON)).rules.stock_left == 5
    await claimed(await a_citizen(), offer_id)
    await new_terms(offer_id, store_ids=[shop.store_id], title="全场七折", percent_off=30)
    later = await an_offer(shop)
    catalogue._checked_at -= offers.FRESH_S
    fresh = await catalogue.offer(offer_id, NOON)
    assert (fresh.rules.stock_left, fresh.terms.percent_off, len(fresh.stores)) == (4, 30, 1)
    assert await catalogue.offer(later, NOON)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE offers SET per_citizen_limit = 7",
        "UPDATE members SET status = 'suspended'",
        "UPDATE stores SET is_active = false",
        "UPDATE programmes SET name = '信易购物' WHERE code = 'xinyi_gou'",
    ],
)
async def test_every_change_of_what_is_shown_counts_the_catalogue_up(shop: Shop, change: str) -> None:
    offer_id, catalogue = await an_offer(shop), Catalogue()
    before = await catalogue.offer(offer_id, NOON)
    await execute(change)
    catalogue._checked_at -= offers.FRESH_S
    assert await catalogue.offer(offer_id, NOON) != before


async def test_counters_are_those_of_the_day(shop: Shop) -> None:
    offer_id = await an_offer(shop, daily_limit=3)
    await claimed(await a_citizen(), offer_id)
    assert (await seen(offer_id)).rules.left_today == 2
    tomorrow = await Catalogue().offer(offer_id, NOON + timedelta(days=1))
    assert tomorrow.rules.left_today == 3


async def test_the_newest_comes_first_and_pages_join_without_a_gap(shop: Shop) -> None:
    ids = [await an_offer(shop) for _ in range(7)]
    for age, offer_id in enumerate(ids):
        created_at = NOON - timedelta(hours=age // 2)
        await execute("UPDATE offers SET created_at = $2 WHERE id = $1", offer_id, created_at)
    listed, catalogue, position = [], Catalogue(), None
    for _ in range(10):
        page, position = await catalogue.search(Search(), position, 3, None, NOON)
        listed += [offer.id for offer, _ in page]
        if position is None:
            break
    assert sorted(listed) == sorted(ids) and len(listed) == 7
    assert {*listed[:2]} == {*ids[:2]} and listed[-1] == ids[-1]


async def test_near_means_by_the_distance_to_the_nearest_store(shop: Shop) -> None:
    far_shop = await a_shop()
    await execute("UPDATE stores SET lat = 29.87, lng = 121.54 WHERE member_id = $1", far_shop.member_id)
    near, far = await an_offer(shop), await an_offer(far_shop)
    page, _ = await Catalogue().search(Search(near=(30.27, 120.16)), None, 10, None, NOON)
    assert [offer.id for offer, _ in page] == [near, far]
    (_, at_home), (_, in_ningbo) = page
    assert at_home == 0
    assert in_ningbo == pytest.approx(140, abs=3)  # Hangzhou to Ningbo, great circle


async def test_words_category_and_region_narrow_the_list(shop: Shop) -> None:
    tea = await an_offer(shop, title="龙井茶席 Tea", region_id="330106")
    class_ = await an_offer(shop, programme_id="xinyi_xue", title="夜校", region_id="330100")
    assert await found(Search(text="tea 茶席")) == [tea]
    assert await found(Search(text="TEA")) == [tea]
    assert await found(Search(text="茶席 夜校")) == []
    assert {*await found(Search(text="湖畔"))} == {tea, class_}
    assert await found(Search(category=Category.EDUCATION)) == [class_]
    assert await found(Search(region="330200")) == []
    for region in ("330000", "330100", "330106"):
        assert {*await found(Search(region=region))} == {tea, class_}


async def test_an_offer_is_in_every_region_where_it_can_be_used(shop: Shop) -> None:
    offer_id = await an_offer(shop, region_id="330000")
    await execute("UPDATE stores SET region_id = '330203' WHERE id = $1", shop.store_id)
    assert await found(Search(region="330200")) == [offer_id]


async def test_closed_stores_are_not_shown(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    await execute("UPDATE stores SET is_active = false WHERE id = $1", shop.store_id)
    assert [store.id for store in (await seen(offer_id)).stores] == [shop.second_store_id]


async def test_the_list_says_what_a_claim_would_say(shop: Shop) -> None:
    citizen_id = await a_citizen()
    offers_ = {
        "fine": await an_offer(shop),
        "limit_reached": await an_offer(shop, per_citizen_limit=1, per_citizen_period=LimitPeriod.DAY),
        "sold_out": await an_offer(shop, total=1),
        "consent_required": await an_offer(shop, min_tier_level=4),
        "offer_not_started": await an_offer(shop, claim_from=NOON + timedelta(days=1)),
        "offer_ended": await an_offer(shop, claim_until=NOON),
    }
    await claimed(citizen_id, offers_["limit_reached"])
    await claimed(await a_citizen(), offers_["sold_out"])
    viewer, catalogue = await offers.viewer_of(citizen_id, NOON), Catalogue()
    for code, offer_id in offers_.items():
        reasons = [
            reason.code for reason in viewer.reasons_against(await catalogue.offer(offer_id, NOON), NOON)
        ]
        assert reasons == ([] if code == "fine" else [code])
        if reasons:
            with pytest.raises(DomainError) as refused:
                await claimed(citizen_id, offer_id)
            assert refused.value.code == code
    assert await found(viewer=viewer) == [offers_["fine"]]


async def test_a_limit_of_yesterday_is_no_reason_today(shop: Shop) -> None:
    citizen_id = await a_citizen()
    offer_id = await an_offer(shop, per_citizen_limit=1, per_citizen_period=LimitPeriod.DAY)
    await claimed(citizen_id, offer_id)
    for at, expected in ((NOON, ["limit_reached"]), (NOON + timedelta(days=1), [])):
        viewer = await offers.viewer_of(citizen_id, at)
        offer = await Catalogue().offer(offer_id, at)
        assert [reason.code for reason in viewer.reasons_against(offer, at)] == expected


async def test_nobody_sees_what_is_open_to_all_and_what_a_tier_needs(shop: Shop) -> None:
    open_, rated = await an_offer(shop), await an_offer(shop, min_tier_level=4)
    assert {*await found()} == {open_, rated}
    assert await found(viewer=CitizenView()) == [open_]


async def test_with_consent_and_before_the_source_was_asked_the_tier_speaks_against_nobody(
    shop: Shop,
) -> None:
    citizen_id, offer_id = await a_citizen(), await an_offer(shop, min_tier_level=4)
    await consent(citizen_id)
    assert await found(viewer=await offers.viewer_of(citizen_id, NOON)) == [offer_id]


async def test_an_unknown_offer_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await seen(uuid4())


async def test_of_a_check_that_fails_all_who_wait_are_told_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue, checks = Catalogue(), 0

    async def hang(_: datetime) -> None:
        nonlocal checks
        checks += 1
        await asyncio.sleep(0.1)
        raise TimeoutError

    monkeypatch.setattr(catalogue, "_refresh", hang)
    told = await asyncio.gather(*(catalogue.offers(NOON) for _ in range(6)), return_exceptions=True)
    assert [type(each) for each in told] == [TimeoutError] * 6 and checks == 1


async def test_who_joins_a_check_that_began_too_long_ago_waits_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue, begun = Catalogue(), []

    async def slowly(_: datetime) -> None:
        begun.append(time.monotonic())
        await asyncio.sleep(0.3)
        catalogue._checked_at = begun[-1]

    monkeypatch.setattr(offers, "FRESH_S", 0.1)
    monkeypatch.setattr(catalogue, "_refresh", slowly)
    first = asyncio.create_task(catalogue.offers(NOON))
    await asyncio.sleep(0.25)
    joined_at = time.monotonic()
    await asyncio.gather(first, catalogue.offers(NOON))
    assert catalogue._checked_at >= joined_at - 0.1 and len(begun) == 2
