"""Claiming, the wallet and giving back: every answer and refusal of the contract."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.api.kit import NOBODY, answered, claim, code_of, coupon_of, problem, walk, with_key
from tests.api.offers import FAIR, GOOD, end_coupon, make_offer
from tests.service import HUNDRED, Service, new_key

COUPON = ("id", "offer", "status", "valid_from", "valid_until", "uses_left")


async def test_a_claim_answers_with_the_coupon(service: Service) -> None:
    citizen = await service.citizen()
    offer = await make_offer(service, min_tier_level=GOOD, title="一张优惠券")
    body = answered(await claim(citizen.http, offer), 201, *COUPON)
    assert body["offer"] == {"id": offer, "title": "一张优惠券"}
    assert (body["status"], body["uses_left"]) == ("claimed", 1)
    assert body["valid_from"] < body["valid_until"]


@pytest.mark.parametrize("level", [FAIR, GOOD])
@pytest.mark.parametrize(("code", "refusal"), [("demo-poor", "tier_too_low"), ("demo-unrated", "unrated")])
async def test_an_offer_for_better_tiers_refuses_with_the_reason_and_the_date_of_the_data(
    service: Service, code: str, refusal: str, level: int
) -> None:
    citizen = await service.citizen(code)
    offer = await make_offer(service, min_tier_level=level)
    data_date = (await citizen.http.get("/me/credit")).json()["data_date"]
    for language in ("zh", "en"):
        answer = await citizen.http.post(
            f"/offers/{offer}/coupons", json={}, headers={**with_key(), "Accept-Language": language}
        )
        assert data_date in problem(answer, 403, refusal)["detail"]
    answered(await claim(citizen.http, await make_offer(service)), 201, *COUPON)


async def test_the_lowest_tier_that_an_offer_admits_may_claim(service: Service) -> None:
    fair, good = await service.citizen("demo-fair"), await service.citizen("demo-good")
    wants_good, wants_fair = [await make_offer(service, min_tier_level=level) for level in (GOOD, FAIR)]
    problem(await claim(fair.http, wants_good), 403, "tier_too_low")
    for citizen, offer in ((good, wants_good), (good, wants_fair)):
        answered(await claim(citizen.http, offer), 201, *COUPON)


async def test_an_offer_with_a_tier_needs_consent_and_one_for_all_does_not(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    offer = await make_offer(service, min_tier_level=GOOD)
    problem(await claim(citizen.http, offer), 403, "consent_required")
    answered(await claim(citizen.http, await make_offer(service)), 201, *COUPON)
    assert (await citizen.http.get("/me/credit/lookups")).json()["items"] == []
    await citizen.consent()
    coupon = await coupon_of(citizen.http, offer)
    await citizen.http.delete("/me/consents/credit_check")
    problem(await claim(citizen.http, offer), 403, "consent_required")
    assert await code_of(citizen.http, coupon), "what was claimed stays usable"


async def test_the_last_piece_is_the_last(service: Service) -> None:
    offer = await make_offer(service, total=2)
    people = [await service.citizen(consent=False) for _ in range(3)]
    for citizen in people[:2]:
        answered(await claim(citizen.http, offer), 201, *COUPON)
    problem(await claim(people[2].http, offer), 409, "sold_out")


async def test_a_days_pieces_come_to_an_end(service: Service) -> None:
    offer = await make_offer(service, total=10, daily_limit=1)
    first, second = await service.citizen(consent=False), await service.citizen(consent=False)
    answered(await claim(first.http, offer), 201, *COUPON)
    problem(await claim(second.http, offer), 409, "sold_out_today")


async def test_a_person_is_held_to_his_limit_through_every_identity(service: Service) -> None:
    offer = await make_offer(service, per_citizen_limit=2, total=10)
    first, second = [await service.citizen(code, consent=False) for code in ("load-4301", "load-4301@b")]
    for citizen in (first, second):
        answered(await claim(citizen.http, offer), 201, *COUPON)
    for citizen in (first, second):
        problem(await claim(citizen.http, offer), 409, "limit_reached")
    rows = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", UUID(offer))
    assert rows[0]["issued"] == 2


async def test_claiming_begins_and_ends(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    begins = datetime.now(UTC) + timedelta(hours=1)
    early = problem(
        await claim(citizen.http, await make_offer(service, claim_from=begins)), 409, "offer_not_started"
    )
    assert datetime.fromisoformat(early["starts_at"]) - begins < timedelta(seconds=1)
    over = await make_offer(service, claim_until=datetime.now(UTC) - timedelta(seconds=1))
    problem(await claim(citizen.http, over), 410, "offer_ended")
    for status in ("paused", "ended"):
        problem(await claim(citizen.http, await make_offer(service, status=status)), 410, "offer_ended")


async def test_what_is_not_published_yet_or_not_there_is_not_found(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    for offer in (await make_offer(service, status="draft"), NOBODY, "1", "%00", "a" * 300):
        problem(await claim(citizen.http, offer), 404, "not_found")


async def test_a_claim_that_is_sent_again_is_one_claim(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    offer, key = await make_offer(service, total=5), new_key()
    first = await claim(citizen.http, offer, key)
    assert "idempotency-replayed" not in first.headers
    await service.fetch("UPDATE offers SET status = 'ended' WHERE id = $1", UUID(offer))
    await citizen.http.delete(f"/coupons/{first.json()['id']}")
    again = await claim(citizen.http, offer, key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await make_offer(service)
    problem(await claim(citizen.http, other, key), 422, "idempotency_key_reused")
    stranger = await service.citizen(consent=False)
    assert "idempotency-replayed" not in (await claim(stranger.http, other, key)).headers


async def test_claims_with_one_key_at_once_are_one_claim(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    offer, key = await make_offer(service, total=50), new_key()
    answers = await asyncio.gather(*(claim(citizen.http, offer, key) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert Counter(answer.headers.get("idempotency-replayed") for answer in answers) == {"true": 29, None: 1}
    rows = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", UUID(offer))
    assert rows[0]["issued"] == 1


async def test_a_refusal_is_not_stored_so_a_retry_is_judged_anew(service: Service) -> None:
    citizen, offer, key = await service.citizen(consent=False), await make_offer(service, total=0), new_key()
    problem(await claim(citizen.http, offer, key), 409, "sold_out")
    await service.fetch("UPDATE offer_stock SET total = 1 WHERE offer_id = $1", UUID(offer))
    answered(await claim(citizen.http, offer, key), 201, *COUPON)


async def test_the_hundred_pieces_are_one_for_each_person(service: Service) -> None:
    citizen = await service.citizen()
    answered(await citizen.claim(HUNDRED), 201, *COUPON)
    problem(await citizen.claim(HUNDRED), 409, "limit_reached")


async def test_giving_back_returns_the_piece_to_the_stock_and_the_place_to_the_person(
    service: Service,
) -> None:
    first, second = await service.citizen(consent=False), await service.citizen(consent=False)
    offer = await make_offer(service, total=1, daily_limit=1, per_citizen_limit=1)
    await asyncio.sleep(1.2)  # until every process knows the new offer

    async def left() -> list[int]:
        """What either process says at once; the list may take a second, the offer's own page does not."""
        return [(await second.http.get(f"/offers/{offer}")).json()["stock_left"] for _ in range(4)]

    assert await left() == [1] * 4
    coupon = await coupon_of(first.http, offer)
    assert await left() == [0] * 4
    problem(await claim(second.http, offer), 409, "sold_out")
    for _ in range(2):
        answer = await first.http.delete(f"/coupons/{coupon}")
        assert (answer.status_code, answer.content) == (204, b"")
    assert await left() == [1] * 4
    rows = await service.fetch("SELECT issued FROM offer_stock WHERE offer_id = $1", UUID(offer))
    assert rows[0]["issued"] == 0, "giving back twice is giving back once"
    again = await coupon_of(first.http, offer)
    await first.http.delete(f"/coupons/{again}")
    answered(await claim(second.http, offer), 201, *COUPON)


async def test_what_was_used_ended_or_revoked_is_not_given_back(service: Service) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    offer = await make_offer(service, uses_total=2)
    used, ended, revoked = [await coupon_of(citizen.http, offer) for _ in range(3)]
    done = await clerk.redeem(await code_of(citizen.http, used))
    refusal = problem(await citizen.http.delete(f"/coupons/{used}"), 409, "already_redeemed")
    assert refusal["redeemed_at"] == done.json()["redeemed_at"]
    await end_coupon(service, ended)
    problem(await citizen.http.delete(f"/coupons/{ended}"), 410, "coupon_expired")
    await service.revoke_coupon(revoked)
    problem(await citizen.http.delete(f"/coupons/{revoked}"), 410, "coupon_revoked")
    await clerk.reverse(done.json()["id"])
    assert (await citizen.http.delete(f"/coupons/{used}")).status_code == 204


async def test_the_wallet_lists_each_coupon_once_and_by_status(service: Service) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    offer = await make_offer(service)
    ids = [await coupon_of(citizen.http, offer) for _ in range(7)]
    claimed, redeemed, given_back, revoked, expired, *_ = ids
    assert (await clerk.redeem(await code_of(citizen.http, redeemed))).status_code == 201
    await citizen.http.delete(f"/coupons/{given_back}")
    await service.revoke_coupon(revoked)
    await end_coupon(service, expired)
    everything = await walk(citizen.http, "/me/coupons", 3)
    assert [item["id"] for item in everything] == ids[::-1], "newest first"
    assert all(set(COUPON) <= set(item) for item in everything)
    by_status = {"redeemed": redeemed, "given_back": given_back, "revoked": revoked, "expired": expired}
    for status, coupon in by_status.items():
        (item,) = await walk(citizen.http, "/me/coupons", 2, status=status)
        assert (item["id"], item["status"]) == (coupon, status)
    assert {item["id"] for item in await walk(citizen.http, "/me/coupons", 2, status="claimed")} == {
        claimed,
        *ids[5:],
    }
    problem(await citizen.http.get("/me/coupons?status=lost"), 422, "validation_failed")


async def test_a_coupon_tells_its_history(service: Service) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk()
    coupon = await coupon_of(citizen.http, await make_offer(service, uses_total=3))
    done = (await clerk.redeem(await code_of(citizen.http, coupon))).json()
    await clerk.reverse(done["id"])
    await clerk.redeem(await code_of(citizen.http, coupon), uses=2)
    body = answered(await citizen.http.get(f"/coupons/{coupon}"), 200, *COUPON, "history")
    assert body["uses_left"] == 1
    await service.revoke_coupon(coupon, "门店停业，抱歉")
    body = answered(await citizen.http.get(f"/coupons/{coupon}"), 200, *COUPON, "history")
    assert [entry["event"] for entry in body["history"]] == [
        *("claimed", "redeemed", "reversed", "redeemed", "revoked")
    ]
    times = [entry["at"] for entry in body["history"]]
    assert {entry["store_id"] for entry in body["history"][1:4]} == {clerk.store_id}
    assert times == sorted(times) and body["history"][1]["at"] == done["redeemed_at"]
    assert (body["status"], body["ended_reason"]) == ("revoked", "门店停业，抱歉")
    english = await citizen.http.get(f"/coupons/{coupon}", headers={"Accept-Language": "en"})
    assert (body["hours"], english.json()["hours"]) == ("每天", "Every day")


async def test_what_was_used_is_listed_with_what_it_saved_and_what_was_undone_does_not_count(
    service: Service,
) -> None:
    citizen, other, clerk = [await service.citizen(consent=False) for _ in "ab"] + [await service.clerk()]
    offer = await make_offer(service, title="八折", uses_total=3)
    empty = answered(await citizen.http.get("/me/redemptions"), 200, "items", "next_cursor", "total")
    assert (empty["items"], empty["total"]) == ([], {"redemptions": 0, "saved_fen": 0})
    coupon, unused = [await coupon_of(citizen.http, offer) for _ in "ab"]
    done = []
    for amount in (1000, 2000, 3000):
        scan = await clerk.redeem(await code_of(citizen.http, coupon), order_amount_fen=amount)
        done.append(scan.json())
    await clerk.reverse(done[1]["id"])
    await clerk.redeem(await code_of(other.http, await coupon_of(other.http, offer)))

    page = (await citizen.http.get("/me/redemptions?limit=2")).json()
    rest = (await citizen.http.get(f"/me/redemptions?limit=2&cursor={page['next_cursor']}")).json()
    assert page["total"] == rest["total"] == {"redemptions": 2, "saved_fen": 200 + 600}
    assert rest["next_cursor"] is None
    items = page["items"] + rest["items"]
    assert [item["id"] for item in items] == [each["id"] for each in done[::-1]], "newest first"
    assert [(item["status"], item["discount_fen"]) for item in items] == [
        *(("redeemed", 600), ("reversed", 400), ("redeemed", 200))
    ]
    newest, undone, _ = items
    assert (newest["offer"], newest["coupon_id"]) == ({"id": offer, "title": "八折"}, coupon)
    assert (newest["redeemed_at"], newest["reversed_at"]) == (done[2]["redeemed_at"], None)
    assert (newest["store_id"], newest["uses"]) == (clerk.store_id, 1) and newest["store"]
    assert undone["reversed_at"] > undone["redeemed_at"]
    assert unused not in {item["coupon_id"] for item in items}


async def test_validity_is_counted_in_whole_days_of_shanghai(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    today = datetime.now(UTC) + timedelta(hours=8)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC) - timedelta(hours=8)
    one_day = (await claim(citizen.http, await make_offer(service, valid_days=1))).json()
    assert datetime.fromisoformat(one_day["valid_until"]) == midnight + timedelta(days=1)
    later = (await claim(citizen.http, await make_offer(service, valid_days=2, wait_days=1))).json()
    assert datetime.fromisoformat(later["valid_from"]) == midnight + timedelta(days=1)
    assert datetime.fromisoformat(later["valid_until"]) == midnight + timedelta(days=3)
