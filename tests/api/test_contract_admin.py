"""Alliance admins: signing in with a one-time code, and what they may do in their region and role."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pyotp
import pytest

from tests.api.kit import BACKGROUND, NOBODY, answered, claim, code_of, coupon_of, fingerprint, problem, walk
from tests.api.offers import make_admin, make_offer, make_staff
from tests.server.commands import run_warm as run
from tests.service import Service

PASSWORD = "a long enough passphrase"


async def create_admin(service: Service, *roles: str, region: str = "330000") -> tuple[str, str]:
    """Make an admin as an operator does; his login and his one-time-code secret."""
    login = f"real-{uuid4().hex[:10]}"
    options = [part for role in roles for part in ("--role", role)]
    ran = await run(
        *(service.environment, "create-admin", "--login", login, "--region", region, *options),
        "--password-stdin",
        typed=PASSWORD + "\n",
    )
    assert ran.code == 0, ran.err
    return login, ran.out.rsplit(maxsplit=1)[1]


async def sign_in(service: Service, login: str, totp: str | None, password: str = PASSWORD) -> httpx.Response:
    """One try."""
    body = {"login": login, "password": password} | ({"totp": totp} if totp else {})
    return await service.client().post("/auth/admin", json=body)


async def test_the_demo_admins_sign_in_without_a_one_time_code(service: Service) -> None:
    for login, region in (("demo-admin", "330000"), ("demo-admin-hz", "330100")):
        answer = await sign_in(service, login, None, login)
        body = answered(answer, 200, "access_token", "refresh_token", "token_type", "expires_in", "admin")
        assert body["token_type"] == "Bearer" and {"id", "roles", "region"} <= set(body["admin"])
        assert body["admin"]["region"] == region and body["admin"]["roles"]
    assert (await sign_in(service, "demo-admin", "123456", "demo-admin")).status_code == 200


async def test_a_one_time_code_is_needed_and_good_once(service: Service) -> None:
    login, secret = await create_admin(service, "auditor")
    at = datetime.now(UTC)
    code = pyotp.TOTP(secret).at(at)
    old = pyotp.TOTP(secret).at(at - timedelta(minutes=5))
    for wrong in (None, old, f"{(int(code) + 500_000) % 1_000_000:06d}"):
        problem(await sign_in(service, login, wrong), 401, "login_failed")
    problem(await sign_in(service, login, code, "wrong password"), 401, "login_failed")
    # A mistyped password has not cost the code as well; what has signed somebody in is burnt.
    answered(await sign_in(service, login, code), 200, "admin")
    problem(await sign_in(service, login, code), 401, "login_failed")
    rows = await service.fetch(
        "SELECT outcome FROM audit_records JOIN admins ON admins.id = actor_id WHERE login = $1 ORDER BY audit_records.id",
        login,
    )
    assert [row["outcome"] for row in rows if row["outcome"] == "done"] == ["done"]
    assert [row["outcome"] for row in rows].count("refused") == 5


async def test_the_right_code_signs_in_once(service: Service) -> None:
    login, secret = await create_admin(service, "operator", "auditor")
    code = pyotp.TOTP(secret).now()
    first, *rest = sorted(
        await asyncio.gather(*(sign_in(service, login, code) for _ in range(4))),
        key=lambda answer: answer.status_code,
    )
    admin = answered(first, 200, "admin")["admin"]
    assert set(admin["roles"]) == {"operator", "auditor"}
    for answer in rest:
        problem(answer, 401, "login_failed")


async def test_five_wrong_tries_lock_an_admin_too(service: Service) -> None:
    login = await make_admin(service, "330000", "auditor")
    tries = [await sign_in(service, login, None, "wrong") for _ in range(6)]
    assert [answer.status_code for answer in tries] == [401] * 5 + [429]
    refusal = await sign_in(service, login, None, login)
    problem(refusal, 429, "too_many_attempts")


@pytest.mark.parametrize("status", ["paused", "ended", "published"])
async def test_an_operator_stops_and_resumes_an_offer(service: Service, status: str) -> None:
    admin, citizen = await service.admin("demo-admin-hz"), await service.citizen(consent=False)
    offer = await make_offer(service)
    answer = await admin.put(f"/admin/offers/{offer}/status", json={"status": status})
    assert (answer.status_code, answer.content) == (204, b"")
    if status == "published":
        assert (await claim(citizen.http, offer)).status_code == 201
    else:
        problem(await claim(citizen.http, offer), 410, "offer_ended")


async def test_an_offer_without_terms_can_not_be_published(service: Service) -> None:
    admin, offer = await service.admin(), await make_offer(service, status="approved")
    await service.fetch("UPDATE offers SET terms_id = NULL WHERE id = $1", UUID(offer))
    answer = await admin.put(f"/admin/offers/{offer}/status", json={"status": "published"})
    problem(answer, 409, "offer_has_no_terms")


async def test_the_stock_is_never_set_below_what_is_claimed(service: Service) -> None:
    admin, citizen = await service.admin(), await service.citizen(consent=False)
    offer = await make_offer(service, total=3)
    for _ in range(2):
        await coupon_of(citizen.http, offer)
    refusal = problem(
        await admin.put(f"/admin/offers/{offer}/stock", json={"stock_total": 1}), 422, "stock_below_issued"
    )
    assert refusal["errors"][0]["pointer"] == "/stock_total"
    assert (await admin.put(f"/admin/offers/{offer}/stock", json={"stock_total": 2})).status_code == 204
    problem(await claim(citizen.http, offer), 409, "sold_out")
    unlimited = await make_offer(service)
    problem(await admin.put(f"/admin/offers/{unlimited}/stock", json={"stock_total": 5}), 404, "not_found")


async def test_a_coupon_is_revoked_with_a_reason_that_its_citizen_reads(service: Service) -> None:
    admin, citizen, clerk = await service.admin(), await service.citizen(consent=False), await service.clerk()
    coupon = await coupon_of(citizen.http, await make_offer(service))
    code = await code_of(citizen.http, coupon)
    for reason in ("", " ", "\n"):
        answer = await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": reason})
        assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/reason"
    asked = answered(
        await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": "活动取消"}),
        202,
        "approval_id",
    )
    problem(
        await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": "又一次"}),
        409,
        "already_asked",
    )
    path = f"/admin/approvals/{asked['approval_id']}/approval"
    problem(await admin.post(path, json={"reason": "自己同意自己"}), 403, "own_request")
    assert (await citizen.http.get(f"/coupons/{coupon}")).json()["status"] == "claimed"
    head = await service.admin("demo-head")
    answer = await head.post(path, json={"reason": "同意"})
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await head.post(path, json={"reason": "同意"}), 409, "approval_not_open")
    [notice] = (await citizen.http.get("/me/notices")).json()["items"]
    assert notice["kind"] == "coupon_revoked" and "活动取消" in notice["text_zh"]
    problem(
        await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": "活动取消"}),
        409,
        "coupon_not_revocable",
    )
    shown = (await citizen.http.get(f"/coupons/{coupon}")).json()
    assert (shown["status"], shown["ended_reason"]) == ("revoked", "活动取消")
    problem(await clerk.redeem(code), 410, "coupon_revoked")


async def test_revoking_a_clerk_twice_is_revoking_him_once(service: Service) -> None:
    admin = await service.admin("demo-admin-hz")
    clerk = await service.clerk(await make_staff(service))
    staff = clerk.signed_in["staff"]["id"]
    for _ in range(2):
        answer = await admin.post(f"/admin/staff/{staff}/revocation")
        assert (answer.status_code, answer.content) == (204, b"")


async def test_another_region_is_not_found_and_nothing_changes(service: Service) -> None:
    ningbo = await service.admin(await make_admin(service, "330200", "operator", "auditor", "head"))
    county = await service.admin(await make_admin(service, "330106", "operator", "auditor", "head"))
    citizen, clerk = await service.citizen(consent=False), await service.clerk(await make_staff(service))
    offer = await make_offer(service, total=5)
    coupon = await coupon_of(citizen.http, offer)
    before = await fingerprint(service)
    for admin in (ningbo, county):
        for answer in (
            await admin.put(f"/admin/offers/{offer}/status", json={"status": "ended"}),
            await admin.put(f"/admin/offers/{offer}/stock", json={"stock_total": 50}),
            await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": "测试"}),
            await admin.post(f"/admin/staff/{clerk.signed_in['staff']['id']}/revocation"),
        ):
            problem(answer, 404, "not_found")
    # An auditor reads what is his region's business, and nothing of this.
    for admin, region in ((ningbo, "3302"), (county, "330106")):
        records = await walk(admin, "/admin/audit", 100)
        assert records and all(record["region"].startswith(region) for record in records)
    assert await fingerprint(service) == before


async def test_a_role_that_is_missing_is_forbidden_and_nothing_changes(service: Service) -> None:
    citizen, clerk = await service.citizen(consent=False), await service.clerk(await make_staff(service))
    offer = await make_offer(service, total=5)
    coupon = await coupon_of(citizen.http, offer)
    admins = {
        role: await service.admin(await make_admin(service, "330000", role))
        for role in ("operator", "auditor", "head")
    }
    # The audit is what remembers the tries.
    before = await fingerprint(service, {*BACKGROUND, "audit_records"})
    tries = "SELECT count(*) AS n FROM audit_records WHERE outcome = 'refused' AND action <> 'admin.sign_in'"
    [tried_before] = await service.fetch(tries)
    for role, admin in admins.items():
        may = {
            "operator": [
                await admin.put(f"/admin/offers/{NOBODY}/status", json={"status": "ended"}),
                await admin.put(f"/admin/offers/{NOBODY}/stock", json={"stock_total": 50}),
                await admin.post(f"/admin/staff/{NOBODY}/revocation"),
            ],
            "head": [await admin.post(f"/admin/coupons/{NOBODY}/revocation", json={"reason": "测试"})],
        }
        for needed, answers in may.items():
            for answer in answers:
                problem(answer, *((404, "not_found") if needed == role else (403, "forbidden")))
        if role != "operator":
            problem(
                await admin.put(f"/admin/offers/{offer}/status", json={"status": "ended"}), 403, "forbidden"
            )
            problem(
                await admin.post(f"/admin/staff/{clerk.signed_in['staff']['id']}/revocation"),
                403,
                "forbidden",
            )
        if role != "head":
            answer = await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": "测试"})
            problem(answer, 403, "forbidden")
        if role != "auditor":
            problem(await admin.get("/admin/audit"), 403, "forbidden")
    assert await fingerprint(service, {*BACKGROUND, "audit_records"}) == before
    [tried] = await service.fetch(tries)
    # Of the four acts on nobody each role may do some; then those on somebody, and reading the audit.
    assert tried["n"] - tried_before["n"] == 8 + 4 + 2 + 2


async def test_an_admin_who_was_revoked_is_out_at_once(service: Service) -> None:
    login = await make_admin(service, "330000", "auditor")
    admin = await service.admin(login)
    assert (await admin.get("/admin/audit")).status_code == 200
    await service.fetch("UPDATE admins SET status = 'revoked', revoked_at = now() WHERE login = $1", login)
    problem(await admin.get("/admin/audit"), 401, "unauthenticated")
    problem(await sign_in(service, login, None, login), 401, "login_failed")


async def test_every_action_is_in_the_audit_with_who_what_and_when(service: Service) -> None:
    answer = await sign_in(service, "demo-admin", None, "demo-admin")
    own = answer.json()["admin"]["id"]
    admin = service.client(Authorization="Bearer " + answer.json()["access_token"])
    citizen, clerk = await service.citizen(consent=False), await service.clerk(await make_staff(service))
    offer = await make_offer(service, total=5)
    coupon = await coupon_of(citizen.http, offer)
    staff = clerk.signed_in["staff"]["id"]
    await admin.put(f"/admin/offers/{offer}/status", json={"status": "paused"})
    await admin.put(f"/admin/offers/{offer}/stock", json={"stock_total": 9})
    await admin.post(f"/admin/coupons/{coupon}/revocation", json={"reason": "审计测试的原因"})
    await admin.post(f"/admin/staff/{staff}/revocation")
    records = answered(await admin.get("/admin/audit?limit=5"), 200, "items", "next_cursor")["items"]
    assert [(record["action"], record["object_kind"], record["object_id"]) for record in records] == [
        ("staff.revoke", "staff", staff),
        ("coupon_revocation.ask", "coupon", coupon),
        ("offer.set_stock", "offer", offer),
        ("offer.paused", "offer", offer),
        ("admin.sign_in", "admin", own),
    ]
    assert {(record["actor_kind"], record["actor_id"], record["outcome"]) for record in records} == {
        ("admin", own, "done")
    }
    assert "审计测试的原因" not in str(records), "ids only"
    whole = await walk(admin, "/admin/audit", 3)
    assert len({record["id"] for record in whole}) == len(whole)
