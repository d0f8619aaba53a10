"""Accounts of admins over the interface: invited, enrolled, recovered, ruled by heads; out within a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import pytest

from tests.api.kit import answered, problem, revocations_are_known, walk
from tests.api.offers import make_admin
from tests.api.tier_desk import carried_out
from tests.service import Service

PASSWORD, ANOTHER = "four unrelated words here", "and now for other ones"


class Person:
    """Somebody who was invited and has enrolled."""

    def __init__(self, service: Service, admin_id: str, shown: dict[str, Any]) -> None:
        self.service, self.id, self.login = service, admin_id, shown["login"]
        self.secret, self.codes = shown["totp_secret"], list(shown["recovery_codes"])

    async def code(self) -> str:
        """The next one-time code; the database is told to forget the last one, so that nobody waits for half a minute."""
        await self.service.fetch("UPDATE admins SET totp_last_step = 0 WHERE login = $1", self.login)
        return str(pyotp.TOTP(self.secret).at(datetime.now(UTC)))

    async def sign_in(self, password: str = PASSWORD, **codes: str) -> httpx.Response:
        """One try."""
        body = {"login": self.login, "password": password, **codes}
        return await self.service.client().post("/auth/admin", json=body)

    async def client(self) -> httpx.AsyncClient:
        """Signed in with a one-time code."""
        answer = answered(await self.sign_in(totp=await self.code()), 200, "admin")
        return self.service.client(Authorization=f"Bearer {answer['access_token']}")


async def invited(service: Service, head: httpx.AsyncClient, *roles: str, region: str = "330100") -> Any:
    """A link for somebody new."""
    body = {"login": f"new-{uuid4().hex[:10]}", "region": region, "roles": list(roles or ("operator",))}
    return answered(await head.post("/admin/admins", json=body), 201, "admin_id", "secret", "expires_at")


async def enrolled(service: Service, link: Any, way: str = "invitation", password: str = PASSWORD) -> Person:
    """Whoever used the link."""
    body = {"secret": link["secret"], "password": password}
    shown = answered(
        await service.client().post(f"/auth/admin/{way}", json=body),
        200,
        *("login", "totp_secret", "otpauth_uri", "recovery_codes"),
    )
    return Person(service, link["admin_id"], shown)


@pytest.fixture
async def head(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A head of Hangzhou."""
    yield await service.admin(await make_admin(service, "330100", "head"))


async def status_of(head: httpx.AsyncClient, admin_id: str) -> str:
    return str(answered(await head.get(f"/admin/admins/{admin_id}"), 200, "status")["status"])


async def test_from_the_invitation_to_the_first_sign_in(service: Service, head: httpx.AsyncClient) -> None:
    link = await invited(service, head, "operator", "reviewer", region="330106")
    person = await enrolled(service, link)
    assert person.codes and pyotp.TOTP(person.secret).now()
    assert await status_of(head, person.id) == "invited"
    for wrong in ({}, {"recovery_code": person.codes[0]}, {"totp": "000000"}):
        problem(await person.sign_in(**wrong), 401, "login_failed")
    assert await status_of(head, person.id) == "invited"
    admin = answered(await person.sign_in(totp=await person.code()), 200, "admin")["admin"]
    assert (set(admin["roles"]), admin["region"]) == ({"operator", "reviewer"}, "330106")
    assert await status_of(head, person.id) == "active"
    again = {"secret": link["secret"], "password": PASSWORD}
    problem(await service.client().post("/auth/admin/invitation", json=again), 401, "link_invalid")
    problem(await service.client().post("/auth/admin/reset", json=again), 401, "link_invalid")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "eleven char",
        "password1234",
        "Password2026!",
        "aaaaaaaaaaaaaa",
        "123456789012",
        "qwertyuiopasdf",
        "woaini1314520",
        "abababababab",
    ],
)
async def test_a_weak_password_is_refused_and_costs_no_link(
    service: Service, head: httpx.AsyncClient, password: str
) -> None:
    link = await invited(service, head)
    for weak in (password, (await head.get(f"/admin/admins/{link['admin_id']}")).json()["login"].upper()):
        body = {"secret": link["secret"], "password": weak}
        refusal = problem(
            await service.client().post("/auth/admin/invitation", json=body), 422, "password_weak"
        )
        assert refusal["errors"][0]["pointer"] == "/password" and weak not in str(refusal)
    if password == "short":
        await enrolled(service, link)


async def test_what_an_invitation_may_not_be(service: Service, head: httpx.AsyncClient) -> None:
    good = {"login": "somebody-new", "region": "330106", "roles": ["operator"]}
    for change, code, pointer in (
        ({"region": "330000"}, "region_beyond", "/region"),
        ({"region": "330200"}, "region_beyond", "/region"),
        ({"roles": ["auditor", "operator"]}, "roles_conflict", "/roles"),
        ({"roles": ["supervisor"]}, "validation_failed", "/roles/0"),
        ({"roles": []}, "validation_failed", "/roles"),
        ({"login": "a b"}, "validation_failed", "/login"),
    ):
        refusal = problem(await head.post("/admin/admins", json={**good, **change}), 422, code)
        assert refusal["errors"][0]["pointer"] == pointer
    taken = {**good, "login": "demo-admin"}
    problem(await head.post("/admin/admins", json=taken), 409, "login_taken")


async def test_another_head_confirms_who_was_invited(service: Service, head: httpx.AsyncClient) -> None:
    person = await enrolled(service, await invited(service, head, "head"))
    new, path = await person.client(), f"/admin/admins/{person.id}"
    for client, code, status in ((new, "own_account", 403), (head, "not_to_confirm", 409)):
        problem(await client.post(f"{path}/confirmation"), status, code)
    another = await service.admin(await make_admin(service, "330000", "head"))
    for by, confirmed in ((None, False), (another, True)):
        if by is not None:
            assert (await by.post(f"{path}/confirmation")).status_code == 204
        seen = answered(await head.get(path), 200, "linked_by", "confirmed_by", "confirmed_at")
        assert seen["linked_by"] == (await head.get("/admin/account")).json()["id"]
        assert (seen["confirmed_by"] is not None) is (seen["confirmed_at"] is not None) is confirmed


async def test_nobody_rules_himself(service: Service, head: httpx.AsyncClient) -> None:
    own = answered(await head.get("/admin/account"), 200, "id", "login", "recovery_codes_left")["id"]
    for answer in (
        await head.put(f"/admin/admins/{own}/roles", json={"roles": ["head", "operator"]}),
        await head.post(f"/admin/admins/{own}/revocation"),
        await head.post(f"/admin/admins/{own}/reset"),
    ):
        problem(answer, 403, "own_account")


async def test_new_roles_count_at_the_next_request(service: Service, head: httpx.AsyncClient) -> None:
    person = await enrolled(service, await invited(service, head))
    client = await person.client()
    problem(await client.get("/admin/admins"), 403, "forbidden")
    path = f"/admin/admins/{person.id}/roles"
    assert (await head.put(path, json={"roles": ["head"]})).status_code == 204
    answered(await client.get("/admin/admins"), 200, "items")
    assert (await head.put(path, json={"roles": ["operator"]})).status_code == 204
    problem(await client.get("/admin/admins"), 403, "forbidden")


@pytest.mark.parametrize("act", ["revocation", "reset"])
async def test_who_is_revoked_or_reset_is_out_within_a_second(
    service: Service, head: httpx.AsyncClient, act: str
) -> None:
    person = await enrolled(service, await invited(service, head))
    client = await person.client()
    refresh = answered(await person.sign_in(totp=await person.code()), 200, "refresh_token")["refresh_token"]
    assert (await client.get("/admin/account")).status_code == 200
    assert (await head.post(f"/admin/admins/{person.id}/{act}")).is_success
    await revocations_are_known()
    for _ in range(4):
        problem(await client.get("/admin/account"), 401, "unauthenticated")
    answer = await service.client().post("/auth/refresh", json={"refresh_token": refresh})
    problem(answer, 401, "refresh_token_invalid")
    problem(await person.sign_in(totp=await person.code()), 401, "login_failed")
    problem(await person.sign_in(recovery_code=person.codes[0]), 401, "login_failed")
    if act == "revocation":
        problem(await head.post(f"/admin/admins/{person.id}/reset"), 409, "admin_revoked")


async def test_a_reset_gives_a_new_password_and_new_codes(service: Service, head: httpx.AsyncClient) -> None:
    person = await enrolled(service, await invited(service, head))
    await person.client()
    link = answered(await head.post(f"/admin/admins/{person.id}/reset"), 201, "secret")
    new = await enrolled(service, link, "reset", ANOTHER)
    assert new.secret != person.secret
    problem(await new.sign_in(ANOTHER, totp=pyotp.TOTP(person.secret).now()), 401, "login_failed")
    answered(await new.sign_in(ANOTHER, totp=await new.code()), 200, "admin")
    answered(await new.sign_in(ANOTHER, recovery_code=new.codes[0]), 200, "admin")


async def test_a_recovery_code_signs_in_once_in_place_of_the_phone(
    service: Service, head: httpx.AsyncClient
) -> None:
    person = await enrolled(service, await invited(service, head))
    client = await person.client()
    problem(await person.sign_in("a wrong password", recovery_code=person.codes[0]), 401, "login_failed")
    done = await asyncio.gather(*(person.sign_in(recovery_code=person.codes[0]) for _ in range(3)))
    assert sorted(answer.status_code for answer in done) == [200, 401, 401], "burnt by one, and not by a typo"
    typed = person.codes[1].lower().replace("-", " ")
    answered(await person.sign_in(recovery_code=typed), 200, "admin")
    assert (await client.get("/admin/account")).json()["recovery_codes_left"] == 8
    body = {"old_password": PASSWORD, "totp": await person.code()}
    fresh = answered(await client.post("/admin/account/recovery-codes", json=body), 201, "recovery_codes")
    assert len(set(fresh["recovery_codes"])) == 10
    problem(await person.sign_in(recovery_code=person.codes[2]), 401, "login_failed")
    answered(await person.sign_in(recovery_code=fresh["recovery_codes"][0]), 200, "admin")


async def test_guessing_codes_locks_the_login_too(service: Service, head: httpx.AsyncClient) -> None:
    person = await enrolled(service, await invited(service, head))
    client = await person.client()
    guess = {"old_password": PASSWORD, "totp": "000000"}
    tries = [await client.post("/admin/account/recovery-codes", json=guess) for _ in range(6)]
    assert [answer.status_code for answer in tries] == [401] * 5 + [429]
    problem(await person.sign_in(totp=await person.code()), 429, "too_many_attempts")


async def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(
    service: Service, head: httpx.AsyncClient
) -> None:
    person = await enrolled(service, await invited(service, head))
    client, elsewhere = await person.client(), await person.client()
    path, new = "/admin/account/password", {"password": ANOTHER}
    for wrong in (
        {"old_password": "not the old one", "totp": await person.code()},
        {"old_password": PASSWORD, "totp": "000000"},
        {"old_password": PASSWORD},
    ):
        problem(await client.put(path, json={**new, **wrong}), 401, "login_failed")
    right = {"old_password": PASSWORD, "totp": await person.code()}
    refusal = problem(await client.put(path, json={**right, "password": person.login}), 422, "password_weak")
    assert refusal["errors"][0]["pointer"] == "/password"
    assert (await client.put(path, json={**new, **right})).status_code == 204
    await revocations_are_known()
    problem(await elsewhere.get("/admin/account"), 401, "unauthenticated")
    answered(await client.get("/admin/account"), 200, "id")
    problem(await person.sign_in(totp=await person.code()), 401, "login_failed")
    answered(await person.sign_in(ANOTHER, totp=await person.code()), 200, "admin")


async def test_sessions_are_seen_and_ended(service: Service, head: httpx.AsyncClient) -> None:
    person = await enrolled(service, await invited(service, head))
    client, lost = await person.client(), await person.client()
    found = await walk(client, "/admin/account/sessions", 1)
    assert [item["is_this_one"] for item in found] == [False, True]
    assert (await client.delete(f"/admin/account/sessions/{found[0]['id']}")).status_code == 204
    begun = time.monotonic()
    while (await lost.get("/admin/account")).status_code != 401:
        assert time.monotonic() - begun < 2
        await asyncio.sleep(0.05)
    path = f"/admin/admins/{person.id}/sessions"
    [left] = answered(await head.get(path), 200, "items")["items"]
    assert (await head.delete(f"{path}/{left['id']}")).status_code == 204
    await revocations_are_known()
    problem(await client.get("/admin/account"), 401, "unauthenticated")
    stranger = await service.admin(await make_admin(service, "330200", "head"))
    problem(await stranger.get(path), 404, "not_found")


async def test_links_and_codes_stay_out_of_log_and_audit(service: Service, head: httpx.AsyncClient) -> None:
    link = await invited(service, head)
    person = await enrolled(service, link)
    await person.client()
    await person.sign_in(recovery_code=person.codes[0])
    log = service.log.read_text()
    audit = str([dict(row) for row in await service.fetch("SELECT * FROM audit_records")])
    for secret in (link["secret"], person.secret, *person.codes, PASSWORD, person.login):
        assert secret not in log and secret not in audit


async def test_a_tier_scheme_is_asked_for_and_announced(service: Service) -> None:
    admin, head = await service.admin(), await service.admin("demo-head")
    band = {"code": "low", "name": "较低", "level": 2, "low": 0, "high": 500}
    high = {"code": "high", "name": "较高", "level": 4, "low": 500, "high": 900}
    top = {"code": "top", "name": "最高", "level": 5, "low": 900, "high": 1001}
    code = f"t{uuid4().hex[:10]}"
    body = {
        **{"code": code, "name": "试行", "explanation": "只用来给您更多优惠。", "grace_points": 5},
        **{"validity_days": 30, "notice_days": 30, "effective_from": "2099-01-01T00:00:00+08:00"},
        **{"bands": [band, high, top], "reason": "年度调整"},
    }
    for change, refusal, pointer in (
        ({"effective_from": "2026-01-01T00:00:00+08:00"}, "notice_too_short", "/effective_from"),
        ({"bands": [band, {**high, "low": 501}, top]}, "bands_not_in_order", "/bands"),
        ({"bands": [band, {**high, "level": 6}, top]}, "validation_failed", "/bands/1/level"),
        ({"bands": [band]}, "validation_failed", "/bands"),
    ):
        members = problem(await admin.post("/admin/tier-schemes", json={**body, **change}), 422, refusal)
        assert members["errors"][0]["pointer"] == pointer
    city = await service.admin("demo-admin-hz")
    problem(await city.post("/admin/tier-schemes", json=body), 403, "province_alone")
    asked = answered(await admin.post("/admin/tier-schemes", json=body), 202, "approval_id")
    problem(await admin.post("/admin/tier-schemes", json=body), 409, "already_asked")
    path = f"/admin/approvals/{asked['approval_id']}"
    [shown] = [
        item for item in await walk(head, "/admin/approvals", 20) if item["id"] == asked["approval_id"]
    ]
    assert shown["details"]["bands"][1]["low"] == 500, "whoever decides sees what he decides"
    problem(await admin.post(f"{path}/approval", json={"reason": "自己"}), 403, "own_request")
    await carried_out(service)
    assert (await head.post(f"{path}/approval", json={"reason": "同意"})).status_code == 204
    [version] = [item for item in await walk(city, "/admin/tier-schemes", 1) if item["code"] == code]
    assert version["version"] == 1 and version["bands"] == [band, high, top]
