"""A member's stores and webhooks at the interface."""

from datetime import timedelta

import httpx
import pytest

from tests.api.kit import answered, code_of, coupon_of, problem, walk
from tests.api.offers import HUPAN_STORES, make_offer, make_staff, shanghai_today
from tests.service import Service, StaffClient

STORE = {
    "name": "滨江店",
    "address": "江南大道 1 号",
    "region": "330108",
    "lat": 30.2,
    "lng": 120.2,
    "hours": [
        {"weekday": 1, "open_minute": 540, "close_minute": 1320},
        {"weekday": 7, "open_minute": 0, "close_minute": 1440},
    ],
}


@pytest.fixture
async def owner(service: Service) -> httpx.AsyncClient:
    return (await service.clerk(await make_staff(service, "owner", stores=HUPAN_STORES))).http


async def test_a_store_is_opened_shown_changed_and_closed(service: Service, owner: httpx.AsyncClient) -> None:
    store_id = answered(await owner.post("/member/stores", json=STORE), 201, "id")["id"]
    path = f"/member/stores/{store_id}"
    assert (await owner.get(path)).json() == {**STORE, "id": store_id, "is_active": True}
    assert (await owner.put(path, json={**STORE, "hours": None, "name": "江南店"})).status_code == 204
    shown = {each["id"]: each for each in await walk(owner, "/member/stores", 2)}
    assert (shown[store_id]["name"], shown[store_id]["hours"]) == ("江南店", None)
    for changes, code, pointer in (
        ({"region": "330100"}, "region_unknown", "/region"),
        ({"hours": [STORE["hours"][0]] * 2}, "hours_invalid", "/hours"),  # type: ignore[index]
        ({"lat": 90.1}, "validation_failed", "/lat"),
        ({"lat": 31.4}, "position_outside", "/lat"),
        ({"lng": 117.9}, "position_outside", "/lat"),
        (
            {"hours": [{"weekday": 8, "open_minute": 0, "close_minute": 1}]},
            "validation_failed",
            "/hours/0/weekday",
        ),
    ):
        for answer in (
            await owner.post("/member/stores", json={**STORE, **changes}),
            await owner.put(path, json={**STORE, **changes}),
        ):
            assert problem(answer, 422, code)["errors"][0]["pointer"] == pointer
    assert (await owner.post(f"{path}/closing")).status_code == 204
    assert (await owner.get(path)).json()["is_active"] is False


async def test_a_new_store_has_its_clerk_and_closures_and_takes_coupons_once_an_offer_names_it(
    service: Service, owner: httpx.AsyncClient
) -> None:
    store_id = (await owner.post("/member/stores", json=STORE)).json()["id"]
    login = f"own-{store_id[-12:]}"
    link = (
        await owner.post("/member/staff", json={"login": login, "role": "cashier", "store_ids": [store_id]})
    ).json()
    client = service.client()
    body = {"secret": link["secret"], "password": "river lamp otter 84"}
    assert (await client.post("/auth/staff/invitation", json=body)).status_code == 200
    signed_in = (await client.post("/auth/staff", json={"login": login, "password": body["password"]})).json()
    clerk = StaffClient(service.client(Authorization="Bearer " + signed_in["access_token"]), signed_in)
    offer = await make_offer(service, uses_total=5)
    citizen = await service.citizen(consent=False)
    today = shanghai_today()
    days = {"first_day": str(today), "last_day": str(today + timedelta(days=1)), "reason": "renovation"}
    closure = answered(await owner.post(f"/member/stores/{store_id}/closures", json=days), 201, "id")["id"]
    [listed] = await walk(owner, f"/member/stores/{store_id}/closures", 5)
    assert (listed["id"], listed["reason"], listed["withdrawn_at"]) == (closure, "renovation", None)
    over = {**days, "first_day": "2020-01-01", "last_day": "2020-01-02"}
    problem(await owner.post(f"/member/stores/{store_id}/closures", json=over), 422, "closure_invalid")
    assert (await owner.delete(f"/member/stores/{store_id}/closures/{closure}")).status_code == 204
    coupon = await coupon_of(citizen.http, offer)
    problem(await clerk.redeem(await code_of(citizen.http, coupon)), 403, "store_not_allowed")
    detail = answered(await citizen.http.get(f"/offers/{offer}"), 200, "stores")
    assert all({"hours", "closures"} <= set(store) for store in detail["stores"])


async def test_a_webhook_is_set_up_tested_and_its_secret_shown_once(
    service: Service, owner: httpx.AsyncClient
) -> None:
    made = answered(
        await owner.post("/member/webhooks", json={"url": "https://till.example.com/x"}), 201, "id", "secret"
    )
    path = f"/member/webhooks/{made['id']}"
    try:
        for url in ("https://10.0.0.1/", "http://till.example.com/"):
            answer = await owner.post("/member/webhooks", json={"url": url})
            assert problem(answer, 422, "url_not_allowed")["errors"][0]["pointer"] == "/url"
        assert made["secret"] not in (await owner.get("/member/webhooks")).text
        again = answered(await owner.post(f"{path}/secret"), 201, "secret")
        assert again["secret"] != made["secret"]
        ping = answered(await owner.post(f"{path}/ping"), 202, "delivery_id")["delivery_id"]
        [shown] = await walk(owner, f"{path}/deliveries", 5, status="pending")
        assert (shown["id"], shown["event"], shown["tries"]) == (ping, "ping", 0)
        problem(await owner.post(f"{path}/deliveries/{ping}/retry"), 404, "not_found")
        off = {"url": "https://till.example.com/y", "is_enabled": False}
        assert (await owner.put(path, json=off)).status_code == 204
        problem(await owner.post(f"{path}/ping"), 404, "not_found")
    finally:
        await service.fetch("DELETE FROM webhook_deliveries")
        await service.fetch("DELETE FROM webhooks")
