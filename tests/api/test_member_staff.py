"""A member's owner at the interface: people, devices and their sessions; what is taken away is gone within a second."""

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sandbox.demo_data.rows import demo_id
from tests.api.kit import answered, bearer, code_of, coupon_of, problem, revocations_are_known, walk
from tests.api.offers import HUPAN_STORES, make_offer, make_staff
from tests.e2e.wire import call_as, lines_to
from tests.faults.test_revocation import WITHIN_S, refused_everywhere
from tests.service import Service, StaffClient

WULIN, XIXI = (str(demo_id("store", store)) for store in HUPAN_STORES)
GOOD = "river lamp otter 84"


@pytest.fixture
async def owner(service: Service) -> httpx.AsyncClient:
    return (await service.clerk(await make_staff(service, "owner", stores=HUPAN_STORES))).http


def a_login() -> str:
    return f"new-{uuid4().hex[:12]}"


async def invited(
    owner: httpx.AsyncClient, role: str = "cashier", *stores: str
) -> tuple[str, dict[str, Any]]:
    """Somebody's login, and his link."""
    login = a_login()
    body = {"login": login, "role": role, "store_ids": list(stores or (WULIN,))}
    return login, answered(
        await owner.post("/member/staff", json=body), 201, "staff_id", "secret", "expires_at"
    )


async def hired(service: Service, owner: httpx.AsyncClient, role: str = "cashier") -> StaffClient:
    """Somebody who took up his invitation and signed in."""
    login, link = await invited(owner, role)
    client = service.client()
    body = {"secret": link["secret"], "password": GOOD}
    assert answered(await client.post("/auth/staff/invitation", json=body), 200) == {"login": login}
    answer = answered(await client.post("/auth/staff", json={"login": login, "password": GOOD}), 200, "staff")
    client.headers["Authorization"] = "Bearer " + answer["access_token"]
    return StaffClient(client, answer)


async def paired(service: Service, owner: httpx.AsyncClient) -> StaffClient:
    """A device at the first store."""
    made = answered(
        await owner.post("/member/devices", json={"name": "前台", "store_id": WULIN}),
        201,
        "device_id",
        "code",
    )
    client = service.client()
    answer = answered(await client.post("/auth/device", json={"code": made["code"]}), 200, "staff")
    client.headers["Authorization"] = "Bearer " + answer["access_token"]
    problem(await client.post("/auth/device", json={"code": made["code"]}), 401, "link_invalid")
    return StaffClient(client, answer)


async def test_an_invited_cashier_sets_a_password_signs_in_and_redeems(
    service: Service, owner: httpx.AsyncClient
) -> None:
    cashier = await hired(service, owner)
    assert cashier.signed_in["staff"]["role"] == "cashier" and cashier.store_id == WULIN
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, await make_offer(service))
    assert (await cashier.redeem(await code_of(citizen.http, coupon))).status_code == 201
    problem(await cashier.http.get("/member/staff"), 403, "forbidden")
    shown = {item["id"]: item for item in await walk(owner, "/member/staff", 50)}
    person = shown[cashier.signed_in["staff"]["id"]]
    assert (person["status"], person["store_ids"]) == ("active", [WULIN])


async def test_a_bad_password_leaves_the_link_good(service: Service, owner: httpx.AsyncClient) -> None:
    login, link = await invited(owner)
    client = service.client()
    for password, code in (
        ("too short", "validation_failed"),
        ("1234567890", "password_weak"),
        (login, "password_weak"),
    ):
        answer = await client.post(
            "/auth/staff/invitation", json={"secret": link["secret"], "password": password}
        )
        assert problem(answer, 422, code)["errors"][0]["pointer"] == "/password"
    problem(await client.post("/auth/staff", json={"login": login, "password": "!"}), 401, "login_failed")
    body = {"secret": link["secret"], "password": GOOD}
    for status in (200, 401):
        assert (await client.post("/auth/staff/invitation", json=body)).status_code == status


async def test_a_taken_login_and_stores_of_others_are_refused(
    service: Service, owner: httpx.AsyncClient
) -> None:
    body = {"login": "demo-cashier", "role": "cashier", "store_ids": [WULIN]}
    problem(await owner.post("/member/staff", json=body), 409, "staff_login_taken")
    foreign = str(demo_id("store", "nb-yongwei-gulou"))
    answer = await owner.post("/member/staff", json={**body, "login": a_login(), "store_ids": [foreign]})
    assert problem(answer, 422, "stores_unknown")["errors"][0]["pointer"] == "/store_ids"
    answer = await owner.post("/member/staff", json={**body, "login": a_login(), "role": "device"})
    problem(answer, 422, "validation_failed")


async def test_a_manager_manages_cashiers_of_his_stores(service: Service, owner: httpx.AsyncClient) -> None:
    manager = (await service.clerk(await make_staff(service, "manager", stores=HUPAN_STORES[:1]))).http
    body = {"login": a_login(), "role": "owner", "store_ids": [WULIN]}
    problem(await manager.post("/member/staff", json=body), 403, "role_not_yours")
    _, link = await invited(manager)
    path = f"/member/staff/{link['staff_id']}"
    problem(await manager.put(path, json={"role": "manager", "store_ids": [WULIN]}), 403, "role_not_yours")
    problem(await manager.put(path, json={"role": "cashier", "store_ids": [XIXI]}), 422, "stores_unknown")
    assert (await owner.put(path, json={"role": "cashier", "store_ids": [XIXI]})).status_code == 204
    problem(await manager.get(path), 404, "not_found")
    assert (await owner.post(f"{path}/revocation")).status_code == 204
    assert (await owner.get(path)).json()["status"] == "revoked"
    store = {"name": "店", "address": "路", "region": "330106", "lat": 30, "lng": 120}
    problem(await manager.post("/member/stores", json=store), 403, "forbidden")
    problem(await manager.get("/member/webhooks"), 403, "forbidden")


async def test_a_forgotten_password_is_set_anew_and_ends_every_session(
    service: Service, owner: httpx.AsyncClient
) -> None:
    cashier = await hired(service, owner)
    staff_id = cashier.signed_in["staff"]["id"]
    link = answered(await owner.post(f"/member/staff/{staff_id}/password-reset"), 201, "secret")
    client = service.client()
    body = {"secret": link["secret"], "password": "seven wet umbrellas"}
    assert (await client.post("/auth/staff/password-reset", json=body)).status_code == 200
    await revocations_are_known()
    problem(await cashier.http.get("/redemptions"), 401, "unauthenticated")
    login = (await owner.get(f"/member/staff/{staff_id}")).json()["login"]
    problem(await client.post("/auth/staff", json={"login": login, "password": GOOD}), 401, "login_failed")
    assert (
        await client.post("/auth/staff", json={"login": login, "password": body["password"]})
    ).status_code == 200


async def test_an_admin_lets_an_owner_in_again_and_no_cashier(
    service: Service, owner: httpx.AsyncClient
) -> None:
    admin = await service.admin("demo-admin-hz")
    [me] = [
        each
        for each in await walk(owner, "/member/staff", 50)
        if each["role"] == "owner" and each["login"].startswith("staff-")
    ][-1:]
    answered(await admin.post(f"/admin/staff/{me['id']}/password-reset"), 201, "secret")
    member_id = (await owner.get("/member")).json()["id"]
    assert me in await walk(admin, f"/admin/members/{member_id}/staff", 50)
    _, link = await invited(owner)
    problem(await admin.post(f"/admin/staff/{link['staff_id']}/password-reset"), 404, "not_found")


async def test_ones_own_password_needs_the_old_one_and_ends_the_other_sessions(
    service: Service, owner: httpx.AsyncClient
) -> None:
    cashier = await hired(service, owner)
    login = (await owner.get(f"/member/staff/{cashier.signed_in['staff']['id']}")).json()["login"]
    other = (await service.client().post("/auth/staff", json={"login": login, "password": GOOD})).json()
    wrong = {"old_password": "not it at all", "password": "seven wet umbrellas"}
    answer = await cashier.http.post("/staff/password", json=wrong)
    assert problem(answer, 422, "old_password_wrong")["errors"][0]["pointer"] == "/old_password"
    assert (
        await cashier.http.post("/staff/password", json={**wrong, "old_password": GOOD})
    ).status_code == 204
    await revocations_are_known()
    assert (await cashier.http.get("/redemptions")).status_code == 200
    signed_out = service.client(Authorization="Bearer " + other["access_token"])
    problem(await signed_out.get("/redemptions"), 401, "unauthenticated")


async def test_who_is_signed_in_sees_his_stores_and_role_as_they_are_now(
    service: Service, owner: httpx.AsyncClient
) -> None:
    cashier = await hired(service, owner)
    first = answered(await cashier.http.get("/staff/me"), 200, "id", "role", "member_id", "stores")
    assert first == cashier.signed_in["staff"]
    now = {"role": "manager", "store_ids": [XIXI, WULIN]}
    assert (await owner.put(f"/member/staff/{first['id']}", json=now)).status_code == 204
    then = (await cashier.http.get("/staff/me")).json()
    assert (then["role"], {store["id"] for store in then["stores"]}) == ("manager", {XIXI, WULIN})
    assert first["stores"] != then["stores"]


async def test_sessions_are_shown_and_ended_one_by_one(service: Service, owner: httpx.AsyncClient) -> None:
    cashier = await hired(service, owner)
    staff_id = cashier.signed_in["staff"]["id"]
    login = (await owner.get(f"/member/staff/{staff_id}")).json()["login"]
    other = (await service.client().post("/auth/staff", json={"login": login, "password": GOOD})).json()
    own = await walk(cashier.http, "/staff/sessions", 1)
    assert [each["is_this_one"] for each in own] == [False, True]
    assert [each["id"] for each in await walk(owner, f"/member/staff/{staff_id}/sessions", 1)] == [
        each["id"] for each in own
    ]
    assert (await cashier.http.delete(f"/staff/sessions/{own[0]['id']}")).status_code == 204
    await revocations_are_known()
    problem(
        await service.client(Authorization="Bearer " + other["access_token"]).get("/redemptions"),
        401,
        "unauthenticated",
    )
    assert (await owner.delete(f"/member/staff/{staff_id}/sessions/{own[1]['id']}")).status_code == 204
    await revocations_are_known()
    problem(await cashier.http.get("/redemptions"), 401, "unauthenticated")


async def test_a_device_redeems_lists_and_does_nothing_else(
    service: Service, owner: httpx.AsyncClient
) -> None:
    device = await paired(service, owner)
    assert device.signed_in["staff"]["role"] == "device"
    assert (await device.http.get("/staff/me")).json() == device.signed_in["staff"]
    assert [store["id"] for store in device.signed_in["staff"]["stores"]] == [WULIN]
    citizen = await service.citizen(consent=False)
    coupon = await coupon_of(citizen.http, await make_offer(service))
    code = await code_of(citizen.http, coupon)
    assert (await device.preview(code)).status_code == 200
    problem(await device.redeem(code, store_id=XIXI), 403, "store_not_allowed")
    done = answered(await device.redeem(code), 201, "id")
    listed = (await device.http.get("/redemptions")).json()["items"]
    assert done["id"] in {item["id"] for item in listed} and {item["store_id"] for item in listed} == {WULIN}
    problem(await device.reverse(done["id"]), 403, "person_required")
    for path in ("staff", "devices", "stores", "webhooks", "notices"):
        problem(await device.http.get(f"/member/{path}"), 403, "forbidden")
    body = {"old_password": "!", "password": GOOD}
    problem(await device.http.post("/staff/password", json=body), 403, "forbidden")
    refreshed = await device.http.post(
        "/auth/refresh", json={"refresh_token": device.signed_in["refresh_token"]}
    )
    assert refreshed.status_code == 200
    shown = {each["id"]: each for each in await walk(owner, "/member/devices", 50)}
    assert shown[device.signed_in["staff"]["id"]]["last_seen_at"]


@pytest.mark.alone
@pytest.mark.parametrize("what", ["person", "device"])
async def test_who_is_sent_away_by_the_owner_is_refused_by_every_process_within_a_second(
    service: Service, owner: httpx.AsyncClient, what: str
) -> None:
    gone = await (hired if what == "person" else paired)(service, owner)
    kind = "staff" if what == "person" else "devices"
    async with lines_to(service, count=4) as lines:
        listing = call_as(bearer(gone.http), "GET", "/redemptions")
        assert {(await line.ask(listing)).status for line in lines} == {200}
        begun = time.monotonic()
        answer = await owner.post(f"/member/{kind}/{gone.signed_in['staff']['id']}/revocation")
        assert answer.status_code == 204
        assert await refused_everywhere(lines, listing) < WITHIN_S and time.monotonic() - begun < 2
    refreshed = await gone.http.post("/auth/refresh", json={"refresh_token": gone.signed_in["refresh_token"]})
    problem(refreshed, 401, "refresh_token_invalid")
