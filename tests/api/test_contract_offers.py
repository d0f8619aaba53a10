"""Finding offers: filters, order, pages, and whether the list says what can really be claimed."""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic_core import to_json

from server.api.citizen.offers import OfferOut
from server.schemas import Page
from tests.api.kit import NOBODY, answered, claim, coupon_of, one_client_per_worker, problem, walk
from tests.api.offers import GOOD, make_offer
from tests.service import HUNDRED, UNLIMITED, Service

WEST_LAKE = (30.2467, 120.1485)
ITEM = ("id", "title", "category", "member", "discount", "valid_from", "valid_until", "stock_left")
# An answer is at most a second old, and this is measured from outside.
FRESH_WITHIN_S = 2.0


@pytest.fixture(scope="module")
async def details(service: Service) -> dict[str, dict[str, Any]]:
    """Every listed offer with its page."""
    client = service.client()
    items = await walk(client, "/offers", 100)
    pages = await asyncio.gather(*(client.get(f"/offers/{item['id']}") for item in items))
    return {page.json()["id"]: page.json() for page in pages if page.status_code == 200}


def km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance by the haversine formula."""
    (lat1, lng1), (lat2, lng2) = [tuple(map(math.radians, place)) for place in (a, b)]
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lng2 - lng1) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(h))


async def test_anybody_sees_the_list_and_the_pages(service: Service) -> None:
    client = service.client()
    page = answered(await client.get("/offers"), 200, "items", "next_cursor")
    for item in page["items"]:
        assert set(ITEM) <= set(item) and {"id", "name"} <= set(item["member"])
    found = [item for item in await walk(client, "/offers", 100) if item["title"] in (UNLIMITED, HUNDRED)]
    assert len(found) == 2
    for item in found:
        detail = answered(await client.get(f"/offers/{item['id']}"), 200, *ITEM, "rules", "stores")
        assert len(detail["stores"]) == 2 and "eligibility" not in detail
        assert datetime.fromisoformat(detail["valid_from"]) < datetime.fromisoformat(detail["valid_until"])
        assert (item["stock_left"] is None) == (item["title"] == UNLIMITED)


@pytest.mark.parametrize("query", ["", "?limit=3", "?near=30.25,120.16&limit=5", "?q=没有这样的优惠"])
async def test_the_list_is_written_exactly_as_its_model_would_write_it(service: Service, query: str) -> None:
    async with service.client() as client:
        for _ in range(2):  # made, and kept
            answer = await client.get(f"/offers{query}")
            assert answer.status_code == 200
            assert to_json(Page[OfferOut].model_validate_json(answer.content)) == answer.content


async def test_a_citizens_token_adds_whether_he_may_claim_and_why_not(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    offer = await make_offer(service, min_tier_level=GOOD, claim_until=datetime.now(UTC) + timedelta(days=1))
    await asyncio.sleep(1.2)
    reasons = answered(await citizen.http.get(f"/offers/{offer}"), 200, "eligibility")["eligibility"]
    assert (reasons["eligible"], [reason["code"] for reason in reasons["reasons"]]) == (
        False,
        ["consent_required"],
    )
    assert reasons["reasons"][0]["detail"].endswith("。")
    await citizen.consent()
    assert (await citizen.http.get(f"/offers/{offer}")).json()["eligibility"] == {
        "eligible": True,
        "reasons": [],
    }


async def test_what_is_unknown_or_a_draft_has_no_page(service: Service) -> None:
    draft = await make_offer(service, status="draft")
    await asyncio.sleep(1.2)
    for offer in (draft, NOBODY, "1", "%00", "%ff"):
        problem(await service.client().get(f"/offers/{offer}"), 404, "not_found")


async def test_every_category_lists_its_own_and_no_other(service: Service) -> None:
    client = service.client()
    everything = await walk(client, "/offers", 100)
    categories = {item["category"] for item in everything}
    assert len(categories) >= 5
    for category in categories:
        found = {item["id"] for item in await walk(client, "/offers", 100, category=category)}
        assert found == {item["id"] for item in everything if item["category"] == category}
    problem(await client.get("/offers?category=weapons"), 422, "validation_failed")


@pytest.mark.parametrize(
    ("region", "prefix"),
    [("330000", "33"), ("330100", "3301"), ("330106", "330106"), ("330200", "3302"), ("110000", "11")],
)
async def test_a_region_holds_everything_below_it(
    service: Service, details: dict[str, dict[str, Any]], region: str, prefix: str
) -> None:
    found = {item["id"] for item in await walk(service.client(), "/offers", 100, region=region)}
    expected = {
        offer
        for offer, detail in details.items()
        if any(place["region"].startswith(prefix) for place in (detail, *detail["stores"]))
    }
    assert found & set(details) == expected
    assert bool(found) == (prefix != "11")


async def test_near_means_the_nearest_store_first(
    service: Service, details: dict[str, dict[str, Any]]
) -> None:
    items = await walk(service.client(), "/offers", 100, near="{},{}".format(*WEST_LAKE))
    distances = [item["distance_km"] for item in items]
    assert distances == sorted(distances) and distances[0] < 10 < distances[-1]
    for item in items:
        if stores := details.get(item["id"], {}).get("stores"):
            nearest = min(km(WEST_LAKE, (store["lat"], store["lng"])) for store in stores)
            assert abs(item["distance_km"] - nearest) < 0.01
    for place in ("91,0", "0,181", "30", "30,120,1", "a,b", "30;120", "", "nan,nan"):
        problem(await service.client().get("/offers", params={"near": place}), 422, "validation_failed")


@pytest.mark.parametrize("place", ["30.274084999999998,120.15506999999999", "30.2740849999,120.1550699999"])
async def test_a_place_is_taken_as_precisely_as_a_phone_gives_it(service: Service, place: str) -> None:
    answered(await service.client().get("/offers", params={"near": place, "limit": 1}), 200, "items")


async def test_words_are_found_in_titles_and_members(
    service: Service, details: dict[str, dict[str, Any]]
) -> None:
    client = service.client()
    titles = [item["title"] for item in await walk(client, "/offers", 100, q="压测")]
    assert UNLIMITED in titles and all("压测" in title for title in titles)
    member = next(iter(details.values()))["member"]["name"]
    found = await walk(client, "/offers", 100, q=member)
    assert found and {item["member"]["name"] for item in found} == {member}
    assert await walk(client, "/offers", 100, q="没有这样的优惠") == []
    for text in ("%", "_", "' OR 1=1 --", "\\", "(", "[a", "*"):
        answered(await client.get("/offers", params={"q": text}), 200, "items")


@pytest.mark.parametrize("near", [None, "30.25,120.16"])
async def test_pages_of_any_size_give_each_offer_once(service: Service, near: str | None) -> None:
    query = {"near": near} if near else {}
    whole = [item["id"] for item in await walk(service.client(), "/offers", 100, **query)]
    assert len(set(whole)) == len(whole) > 80
    for limit in (1, 7, 99):
        assert [item["id"] for item in await walk(service.client(), "/offers", limit, **query)] == whole


async def test_only_a_citizen_can_ask_for_what_he_may_claim(service: Service) -> None:
    problem(await service.client().get("/offers?eligible=true"), 401, "unauthenticated")
    answered(await service.client().get("/offers?eligible=false"), 200, "items")


@pytest.fixture(scope="module")
async def quiet_service(make_service: Callable[..., Service]) -> Service:
    """A service whose every offer may be claimed: nobody else looks at its counters."""
    service = make_service(workers=1)
    await make_offer(service, title="没有了", total=0)
    await make_offer(service, title="今天没有了", total=5, daily_limit=1)
    await make_offer(service, title="还没开始", claim_from=datetime.now(UTC) + timedelta(hours=1))
    await make_offer(service, title="已经结束", claim_until=datetime.now(UTC) - timedelta(hours=1))
    await make_offer(service, title="暂停了", status="paused")
    citizen = await service.citizen(consent=False)
    rows = await service.fetch("SELECT offer_id FROM offer_terms WHERE title = '今天没有了'")
    await coupon_of(citizen.http, str(rows[0]["offer_id"]))
    await asyncio.sleep(1.2)
    return service


@pytest.mark.parametrize(
    ("code", "has_consent", "is_known"),
    [
        # Nobody is promised an offer before his tier was asked.
        ("demo-poor", True, False),
        ("demo-unrated", True, False),
        ("demo-excellent", True, True),
        ("demo-good", True, True),
        ("demo-fair", True, True),
        ("demo-unrated", True, True),
        ("load-44", False, False),
        ("load-45", True, False),
    ],
)
async def test_what_the_list_calls_eligible_is_what_can_be_claimed(
    quiet_service: Service, code: str, has_consent: bool, is_known: bool
) -> None:
    service = quiet_service
    citizen = await service.citizen(code, consent=has_consent)
    if is_known:
        assert (await citizen.http.get("/me/credit")).status_code == 200
    everything = [row["id"] for row in await service.fetch("SELECT id FROM offers WHERE status <> 'draft'")]
    said = {item["id"] for item in await walk(citizen.http, "/offers", 100, eligible="true")}
    pages = {str(offer): (await citizen.http.get(f"/offers/{offer}")).json() for offer in everything}
    assert said == {offer for offer, page in pages.items() if page["eligibility"]["eligible"]}
    answers = {str(offer): await claim(citizen.http, str(offer)) for offer in everything}
    got = {offer for offer, answer in answers.items() if answer.status_code == 201}
    assert said == got
    for offer in set(answers) - got:
        reasons = [reason["code"] for reason in pages[offer]["eligibility"]["reasons"]]
        assert reasons[0] == answers[offer].json()["code"], "the first reason is the one that a claim gets"


async def test_what_a_person_has_claimed_up_to_his_limit_is_no_longer_eligible(service: Service) -> None:
    first, second = [await service.citizen(code, consent=False) for code in ("load-4601", "load-4601@b")]
    offer = await make_offer(service, per_citizen_limit=1)
    coupon = await coupon_of(first.http, offer)
    await asyncio.sleep(1.2)
    for citizen in (first, second):
        reasons = (await citizen.http.get(f"/offers/{offer}")).json()["eligibility"]["reasons"]
        assert [reason["code"] for reason in reasons] == ["limit_reached"]
        assert offer not in {item["id"] for item in await walk(citizen.http, "/offers", 100, eligible="true")}
    await first.http.delete(f"/coupons/{coupon}")
    assert (await second.http.get(f"/offers/{offer}")).json()["eligibility"]["eligible"]


@pytest.mark.alone
async def test_every_process_shows_a_change_within_two_seconds(service: Service) -> None:
    offer, admin = await make_offer(service, total=10), await service.admin()
    citizen = await service.citizen(consent=False)

    async def status(body: dict[str, str]) -> None:
        assert (await admin.put(f"/admin/offers/{offer}/status", json=body)).status_code == 204

    async with one_client_per_worker(service) as workers:
        assert len(workers) == 2
        for change, expected in (
            (lambda: status({"status": "paused"}), ("paused", False, 10)),
            (lambda: status({"status": "published"}), ("published", True, 10)),
            (lambda: claim(citizen.http, offer), ("published", True, 9)),
            (
                lambda: admin.put(f"/admin/offers/{offer}/stock", json={"stock_total": 3}),
                ("published", True, 2),
            ),
            (lambda: status({"status": "ended"}), ("ended", False, 2)),
        ):
            # Every process has just looked: the worst moment for a change.
            await asyncio.gather(*(worker.get(f"/offers/{offer}") for worker in workers.values()))
            await change()
            begun = time.monotonic()
            for worker in workers.values():
                while await _seen(worker, offer) != expected:
                    assert time.monotonic() - begun < FRESH_WITHIN_S, expected
                    await asyncio.sleep(0.05)


async def _seen(worker: Any, offer: str) -> tuple[str, bool, int | None]:
    page = await worker.get(f"/offers/{offer}")
    if page.status_code != 200:
        return "", False, None
    listed = any(item["id"] == offer for item in await walk(worker, "/offers", 100))
    return page.json()["status"], listed, page.json()["stock_left"]


async def test_a_stopped_offer_keeps_its_page_and_its_coupons(service: Service) -> None:
    citizen, clerk, admin = await service.citizen(consent=False), await service.clerk(), await service.admin()
    offer = await make_offer(service)
    coupon = await coupon_of(citizen.http, offer)
    await admin.put(f"/admin/offers/{offer}/status", json={"status": "ended"})
    await asyncio.sleep(1.2)
    page = answered(await citizen.http.get(f"/offers/{offer}"), 200, "status", "eligibility")
    assert [reason["code"] for reason in page["eligibility"]["reasons"]] == ["offer_ended"]
    code = (await citizen.http.get(f"/coupons/{coupon}/code")).json()["code"]
    assert (await clerk.redeem(code)).status_code == 201


@pytest.fixture(scope="module")
def changed_service(make_service: Callable[..., Service]) -> Service:
    """A service whose members and stores come and go."""
    return make_service(workers=1)


async def test_an_offer_of_a_suspended_member_can_not_be_claimed_and_its_coupons_stay_good(
    changed_service: Service,
) -> None:
    service = changed_service
    citizen, clerk, offer = await service.citizen(), await service.clerk(), await service.offer_id()
    coupon = await citizen.coupon()
    await service.fetch(
        "UPDATE members SET status = 'suspended' WHERE id = (SELECT member_id FROM offers WHERE id = $1)",
        UUID(offer),
    )
    problem(await citizen.claim(), 410, "offer_ended")
    await asyncio.sleep(1.2)
    assert offer not in {item["id"] for item in await walk(citizen.http, "/offers", 100)}
    assert (await clerk.redeem(await citizen.code(coupon["id"]))).status_code == 201


async def test_an_offer_without_an_open_store_comes_last_and_breaks_no_page(changed_service: Service) -> None:
    service, client = changed_service, changed_service.client()
    await service.fetch(
        "UPDATE stores SET is_active = false WHERE name LIKE '%杭州%' OR region_id = '330106'"
    )
    await asyncio.sleep(1.2)
    whole = await walk(client, "/offers", 100, near="30.25,120.16")
    assert whole[-1]["distance_km"] is None
    assert [item["id"] for item in await walk(client, "/offers", 1, near="30.25,120.16")] == [
        item["id"] for item in whole
    ]
