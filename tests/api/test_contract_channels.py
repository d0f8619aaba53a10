"""One person, many channels: adding one, joining the account that it has, taking one off, and what offers ask for."""

import asyncio

import httpx
import pytest

from tests.api.kit import (
    account_without_a_person,
    answered,
    claim,
    code_of,
    coupon_of,
    problem,
    revocations_are_known,
    with_key,
)
from tests.api.offers import make_offer
from tests.service import CitizenClient, Service


async def add(citizen: CitizenClient, code: str) -> httpx.Response:
    return await citizen.http.post("/me/channels", json={"channel": "sandbox", "code": code})


async def test_a_channel_is_added_listed_and_taken_off(service: Service) -> None:
    citizen = await service.citizen("load-880001", consent=False)
    first = (await citizen.http.get("/me/channels")).json()["items"]
    added = answered(await add(citizen, "load-880001@b"), 200, "id", "channel", "since")
    assert answered(await add(citizen, "load-880001@b"), 200, "id") == added
    assert (await citizen.http.get("/me/channels")).json()["items"] == [added, *first]
    answered(await citizen.http.get("/me"), 200, "channels", "real_name_level")
    assert (await citizen.http.delete(f"/me/channels/{first[0]['id']}")).status_code == 204
    problem(await citizen.http.delete(f"/me/channels/{first[0]['id']}"), 404, "not_found")
    problem(await citizen.http.delete(f"/me/channels/{added['id']}"), 409, "last_channel")
    # The person is known, and so is his account, through whichever channel he comes back.
    assert (await service.citizen("load-880001", consent=False)).id == citizen.id


async def test_a_stolen_token_adds_no_channel_of_the_thiefs(service: Service) -> None:
    """With one he would sign in himself, and take the copy of everything that asks for a sign-in of the last minutes."""
    citizen = await service.citizen("load-880020", consent=False)
    await service.fetch(
        "UPDATE sessions SET created_at = now() - interval '301 seconds' WHERE actor_id::text = $1",
        citizen.id,
    )
    await account_without_a_person(service, "load-880020@b")
    problem(await citizen.http.get("/me/data"), 403, "sign_in_too_old")
    problem(await add(citizen, "load-880020@b"), 403, "sign_in_too_old")
    assert (await service.citizen("load-880020@b", consent=False)).id != citizen.id
    answered(await citizen.http.get("/me/channels"), 200, "next_cursor")
    again = await service.citizen("load-880020", consent=False)
    problem(await add(again, "load-880020@b"), 409, "accounts_to_join")


@pytest.mark.parametrize("wrong", ["0", "x", "-1", "1.0", "9" * 18, "9" * 19, "9" * 40, "１"])
async def test_an_id_that_is_none_is_not_found(service: Service, wrong: str) -> None:
    citizen = await service.citizen(consent=False)
    problem(await citizen.http.delete(f"/me/channels/{wrong}"), 404, "not_found")


async def test_a_channel_of_another_person_is_refused(service: Service) -> None:
    citizen = await service.citizen("load-880002", consent=False)
    problem(await add(citizen, "load-880003"), 409, "other_person")
    problem(await add(citizen, "nobody"), 401, "login_code_invalid")
    wechat = {"channel": "wechat", "code": "x"}
    problem(await citizen.http.post("/me/channels", json=wechat), 503, "channel_unavailable")


async def test_two_accounts_become_one_with_everything_of_both(service: Service) -> None:
    await account_without_a_person(service, "load-880004@b")
    kept = await service.citizen("load-880004", consent=False)
    gone = await service.citizen("load-880004@b", consent=False)
    assert kept.id != gone.id
    assert [(await each.http.get("/me")).json()["real_name_level"] for each in (kept, gone)] == [2, 0]
    offer = await make_offer(service, per_citizen_limit=1, uses_total=2)
    coupons = {await coupon_of(kept.http, offer), moved := await coupon_of(gone.http, offer)}
    used = (await (await service.clerk()).redeem(await code_of(gone.http, moved))).json()["id"]
    asked = problem(await add(kept, "load-880004@b"), 409, "accounts_to_join")
    assert (asked["own_coupons"], asked["their_coupons"]) == (1, 1) and asked["expires_at"]
    assert [(each["id"], each["limit"], each["held"]) for each in asked["offers_over_limit"]] == [
        (offer, 1, 2)
    ]
    body, key = {"token": asked["join_token"]}, with_key()
    stranger = await service.citizen(consent=False)
    problem(await stranger.http.post("/me/channels/join", json=body, headers=key), 409, "join_token_invalid")
    problem(await kept.http.post("/me/channels/join", json=body), 400, "idempotency_key_required")
    done = await kept.http.post("/me/channels/join", json=body, headers=key)
    assert answered(done, 200, "joined_at")["citizen_id"] == kept.id and not done.json()["sign_in_again"]
    again = await kept.http.post("/me/channels/join", json=body, headers=key)
    assert again.json() == done.json() and again.headers["idempotency-replayed"] == "true"
    problem(
        await kept.http.post("/me/channels/join", json=body, headers=with_key()), 409, "join_token_invalid"
    )
    assert {each["id"] for each in (await kept.http.get("/me/coupons")).json()["items"]} == coupons
    assert [each["id"] for each in (await kept.http.get("/me/redemptions")).json()["items"]] == [used]
    problem(await claim(kept.http, offer), 409, "limit_reached")
    assert await code_of(kept.http, moved)
    await revocations_are_known()
    problem(await gone.http.get("/me"), 401, "unauthenticated")
    assert (await service.citizen("load-880004@b", consent=False)).id == kept.id
    [notice] = (await kept.http.get("/me/notices")).json()["items"]
    assert notice["kind"] == "accounts_joined"


async def test_whose_own_account_went_is_told_to_sign_in_again(service: Service) -> None:
    await account_without_a_person(service, "load-880005@b")
    kept, gone = [await service.citizen(code, consent=False) for code in ("load-880005", "load-880005@b")]
    asked = problem(await add(gone, "load-880005"), 409, "accounts_to_join")
    done = await gone.http.post("/me/channels/join", json={"token": asked["join_token"]}, headers=with_key())
    assert answered(done, 200, "joined_at")["sign_in_again"] is True and done.json()["citizen_id"] == kept.id
    # At once, before every process knows that the session has ended: nothing is written with the id that went.
    problem(await claim(gone.http, await make_offer(service)), 401, "unauthenticated")


async def test_an_offer_that_asks_for_a_real_name_says_so_and_refuses_who_has_none(service: Service) -> None:
    await account_without_a_person(service, "load-880011@b")
    person, nobody = [await service.citizen(each, consent=False) for each in ("load-880011", "load-880011@b")]
    # The person is another account's: this one stays without, until they are joined.
    offers = {level: await make_offer(service, min_real_name_level=level) for level in (1, 2)}
    await asyncio.sleep(1.2)  # until every process knows the new offers
    for level, offer in offers.items():
        shown = answered(await nobody.http.get(f"/offers/{offer}"), 200, "eligibility")
        assert shown["real_name_level"] == level
        [reason] = shown["eligibility"]["reasons"]
        assert reason["code"] == "real_name_required" and "浙里办" in reason["detail"]
        problem(await claim(nobody.http, offer), 403, "real_name_required")
        mine = (await person.http.get(f"/offers/{offer}")).json()["eligibility"]
        assert mine == {"eligible": True, "reasons": []}
        await coupon_of(person.http, offer)
