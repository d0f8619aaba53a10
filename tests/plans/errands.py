"""Everybody's errands at one service, once: so that it sends every statement that it has."""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import httpx

from alliance import exports, statement_closing
from alliance.statement_lines import period_of
from common import database as db
from common.clock import now
from common.files import FileStore
from tests.api.kit import claim, code_of, coupon_of
from tests.api.offers import backdate_redemption, end_coupon, make_offer, make_staff
from tests.e2e.invariants import seal_by_hand
from tests.service import CitizenClient, Service, StaffClient, new_key

TWO_MONTHS = timedelta(days=62)


async def run(service: Service) -> None:
    """Citizens, clerks and admins do what they can, and some of what they may not."""
    clerk, manager, admin = await service.clerk(), await service.clerk("demo-manager"), await service.admin()
    citizen = await service.citizen("demo-good")
    await _look_around(citizen)
    await _claim(service, citizen)
    await _scan(service, citizen, clerk, manager)
    await _as_admin(service, citizen, admin)
    await _reckon(service, citizen, clerk, admin)
    await _come_and_go(service, citizen)


async def _look_around(citizen: CitizenClient) -> None:
    for path in (
        *("/me", "/me/credit", "/me/credit/lookups?limit=1", "/me/coupons", "/me/coupons?status=expired"),
        *("/offers?limit=5", "/offers?eligible=true&near=30.2,120.1", "/consents/credit_check"),
    ):
        answer = await citizen.http.get(path)
        assert answer.status_code in (200, 422), (path, answer.text)


async def _claim(service: Service, citizen: CitizenClient) -> None:
    limited = await make_offer(
        service, total=3, daily_limit=2, per_citizen_limit=1, per_citizen_period="month", min_tier_level=3
    )
    key = new_key()
    answers = [await claim(citizen.http, limited, each) for each in (key, key, new_key())]
    assert [answer.status_code for answer in answers] == [201, 201, 409], answers[-1].text
    coupon = answers[0].json()["id"]
    await citizen.http.get(f"/offers/{limited}")
    await citizen.http.get(f"/coupons/{coupon}")
    assert (await citizen.http.delete(f"/coupons/{coupon}")).status_code in (200, 204)


async def _scan(service: Service, citizen: CitizenClient, clerk: StaffClient, manager: StaffClient) -> None:
    coupon = await coupon_of(citizen.http, offer := await make_offer(service, uses_total=5, daily_use_cap=3))
    await citizen.http.get(f"/coupons/{coupon}/code?renewal=client")
    async with citizen.http.stream("GET", f"/coupons/{coupon}/events") as events:
        await anext(events.aiter_lines())
    key, code = new_key(), await code_of(citizen.http, coupon)
    assert (await clerk.preview(code)).status_code == 200
    done = await clerk.redeem(code, key)
    assert done.status_code == 201, done.text
    assert (await clerk.redeem(code, key)).json() == done.json()
    for refused in (
        await clerk.redeem(code),
        await clerk.redeem("nonsense"),
        await clerk.preview(code, uses=9),
    ):
        assert refused.status_code >= 400
    redemption = done.json()["id"]
    for http in (clerk.http, manager.http):
        for path in (
            f"/redemptions/{redemption}",
            "/redemptions?limit=1",
            f"/redemptions?store_id={clerk.store_id}",
        ):
            assert (await http.get(path)).status_code == 200
    for expected in (201, 409):
        assert (await clerk.reverse(redemption)).status_code == expected
    await _ask_for_proofs(service, citizen, clerk, redemption)
    old = await backdate_redemption(service, redemption, TWO_MONTHS)
    assert (await clerk.reverse(old)).status_code >= 400
    ended = await coupon_of(citizen.http, offer)
    code = await code_of(citizen.http, ended)
    await end_coupon(service, ended)
    assert (await clerk.redeem(code)).status_code >= 400
    binding = await clerk.http.post("/staff/self-binding")
    await (await service.citizen()).http.post("/me/staff-binding", json=binding.json())


async def _ask_for_proofs(
    service: Service, citizen: CitizenClient, clerk: StaffClient, redemption: str
) -> None:
    paths = (
        (citizen.http, f"/me/redemptions/{redemption}/proof"),
        (clerk.http, f"/redemptions/{redemption}/proof"),
    )
    for expected in (409, 200):
        for http, path in paths:
            assert (await http.get(path)).status_code == expected, path
        await seal_by_hand(service.environment["DATABASE_URL"])
    for path in ("/ledger/roots?limit=1", "/ledger/roots?after=0"):
        assert (await clerk.http.get(path)).status_code == 200


async def _as_admin(service: Service, citizen: CitizenClient, admin: httpx.AsyncClient) -> None:
    offer = await make_offer(service, total=5, daily_limit=5)
    coupon = await coupon_of(citizen.http, offer)
    fired = await service.clerk(await make_staff(service))
    for method, path, body in (
        ("PUT", f"/admin/offers/{offer}/status", {"status": "paused"}),
        ("PUT", f"/admin/offers/{offer}/stock", {"stock_total": 9}),
        ("POST", f"/admin/coupons/{coupon}/revocation", {"reason": "测试"}),
        ("POST", f"/admin/staff/{fired.signed_in['staff']['id']}/revocation", None),
        ("GET", "/admin/audit?limit=1", None),
    ):
        answer = await admin.request(method, path, json=body)
        assert answer.status_code < 300, (path, answer.text)
    await _with_four_eyes(service, citizen, admin)


async def _with_four_eyes(service: Service, citizen: CitizenClient, admin: httpx.AsyncClient) -> None:
    head = await service.admin("demo-head")
    [open_one] = (await admin.get("/admin/approvals?status=open")).json()["items"]
    asked = f"/admin/approvals/{open_one['id']}"
    assert (await admin.post(f"{asked}/refusal", json={"reason": "自己"})).status_code == 403
    assert (await admin.delete(asked)).status_code == 204
    assert (await admin.delete(asked)).status_code == 409
    await service.revoke_coupon(await coupon_of(citizen.http, await make_offer(service)))
    [notice] = (await citizen.http.get("/me/notices")).json()["items"]
    assert (await citizen.http.put(f"/me/notices/{notice['id']}/read")).status_code == 204
    owner = await service.clerk("demo-owner")
    assert (await owner.http.get("/member/notices")).status_code == 200
    assert (await owner.http.put(f"/member/notices/{notice['id']}/read")).status_code == 404
    assert (await head.get("/admin/jobs/dead-letters")).status_code == 200
    assert (await admin.post("/admin/jobs/1/retry")).status_code == 404


async def _come_and_go(service: Service, citizen: CitizenClient) -> None:
    client = service.client()
    for audience in ("staff", "admin"):
        wrong = {"login": f"demo-{'cashier' if audience == 'staff' else 'admin'}", "password": "wrong"}
        assert (await client.post(f"/auth/{audience}", json=wrong)).status_code == 401
        right = {**wrong, "password": wrong["login"]}
        assert (await client.post(f"/auth/{audience}", json=right)).status_code == 200
    token = {"refresh_token": citizen.signed_in["refresh_token"]}
    for expected in (200, 200):  # the second one is the lost answer's
        assert (await client.post("/auth/refresh", json=token)).status_code == expected
    assert (await citizen.http.delete("/me/consents/credit_check")).status_code < 300
    assert (await citizen.http.post("/auth/logout")).status_code < 300
    assert (await client.get(service.url + "/readyz")).status_code == 200


async def _reckon(
    service: Service, citizen: CitizenClient, clerk: StaffClient, admin: httpx.AsyncClient
) -> None:
    """A past month of the member's is closed, answered, exported; a day is closed; a late reversal."""
    done = await clerk.redeem(
        await code_of(citizen.http, await coupon_of(citizen.http, await make_offer(service)))
    )
    redemption = await backdate_redemption(service, done.json()["id"], TWO_MONTHS)
    owner, period = (await service.clerk("demo-owner")).http, period_of(now() - TWO_MONTHS)
    body = {
        "store_id": clerk.store_id,
        "day": "2026-03-04",
        "redemptions": 0,
        "reversals": 0,
        "discount_fen": 0,
    }
    key = {"Idempotency-Key": new_key()}
    for _ in range(2):
        assert (await clerk.http.post("/day-closes", json=body, headers=key)).status_code == 201
    await _close_by_hand(service, period)
    [statement] = [
        each
        for each in (await owner.get("/member/statements")).json()["items"]
        if each["period"] == f"{period:%Y-%m}"
    ]
    mine, office = (f"/{audience}/statements/{statement['id']}" for audience in ("member", "admin"))
    because, share = {"reason": "测试"}, {"member_fen": -1, "alliance_fen": 1, "reason_code": "other"}
    export = {"region": "330100", "period": statement["period"], "reason": "测试"}
    undone = await owner.post(f"/member/redemptions/{redemption}/late-reversals", json=because, headers=key)
    assert undone.status_code == 201, undone.text
    approval = (await admin.post("/admin/exports", json=export)).json()["approval_id"]
    head = await service.admin("demo-head")
    for http, method, path, sent in (
        (owner, "GET", mine, None),
        (owner, "GET", f"{mine}/lines", None),
        (owner, "GET", f"{mine}/file", None),
        (owner, "GET", f"/member/owed?period={statement['period']}", None),
        (owner, "GET", "/member/day-closes", None),
        (clerk.http, "GET", "/day-closes", None),
        (admin, "GET", "/admin/statements?state=closed", None),
        (admin, "GET", f"/admin/statements/sums?period={statement['period']}", None),
        (admin, "GET", office, None),
        (owner, "POST", f"{mine}/dispute", because),
        (admin, "POST", f"{office}/rejection", because),
        (owner, "POST", f"{mine}/dispute", because),
        (admin, "POST", f"{office}/adjustment", share),
        (admin, "POST", f"{office}/settlement", {"reference": "PAY-1"}),
        (head, "POST", f"/admin/approvals/{approval}/approval", because),
        (admin, "GET", "/admin/exports", None),
    ):
        answer = await http.request(method, path, json=sent)
        assert answer.status_code < 300, (path, answer.text)
    assert (await admin.get(f"/admin/exports/{approval}/file")).status_code == 409
    [current] = [
        each for each in (await owner.get("/member/statements")).json()["items"] if each["state"] == "open"
    ][:1]
    assert (await owner.get(f"/member/statements/{current['id']}")).status_code == 200
    assert (await owner.post(f"{mine}/confirmation")).status_code == 409
    async with db.own_connection(service.environment["DATABASE_URL"]):
        with tempfile.TemporaryDirectory(prefix="xy-files-") as folder:
            await exports.write(UUID(approval), FileStore(Path(folder)), now())


async def _close_by_hand(service: Service, period: date) -> None:
    """As the worker does."""
    [row] = await service.fetch("SELECT member_id FROM staff WHERE login = 'demo-owner'")
    async with db.own_connection(service.environment["DATABASE_URL"]):
        await statement_closing.close(row["member_id"], period, now())
