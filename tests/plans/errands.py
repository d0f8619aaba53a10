"""Everybody's errands at one service, once: so that it sends every statement that it has."""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import httpx

from alliance import exports, statement_closing
from alliance.statement_lines import period_of
from benefits.ledger import LEDGER
from common import database as db
from common.clock import now
from common.files import FileStore
from models import seal_export
from models.audit_book import AUDIT
from sandbox.demo_data.rows import demo_id
from tests.api.kit import account_without_a_person, claim, code_of, coupon_of
from tests.api.offers import backdate_redemption, end_coupon, make_admin, make_offer, make_staff
from tests.api.test_member_offers import a_body
from tests.e2e.invariants import seal_by_hand
from tests.plans import errands_batches, errands_families, errands_members, errands_objections, errands_tiers
from tests.service import CitizenClient, Service, StaffClient, new_key

TWO_MONTHS = timedelta(days=62)


async def run(service: Service) -> None:
    """Citizens, clerks and admins do what they can, and some of what they may not."""
    clerk, manager, admin = await service.clerk(), await service.clerk("demo-manager"), await service.admin()
    citizen = await service.citizen("demo-good")
    await _look_around(citizen)
    await _claim(service, citizen)
    await _sign_in_otherwise(service, citizen)
    await _scan(service, citizen, clerk, manager)
    await _as_admin(service, citizen, admin)
    await _complain(service, citizen, clerk, manager)
    await _take_and_erase(service, citizen)
    await _join_accounts(service, citizen, clerk)
    await _audit(service, admin)
    await _rule_admins(service)
    await _as_owner(service)
    await errands_members.run(service, admin)
    await errands_tiers.run(service, admin)
    await errands_families.run(service, citizen, clerk, admin)
    await errands_batches.run(service, admin)
    await _reckon(service, citizen, clerk, admin)
    await errands_objections.run(service, citizen, admin)
    await _come_and_go(service, citizen)


async def _look_around(citizen: CitizenClient) -> None:
    for path in (
        *("/me", "/me/credit", "/me/credit/lookups?limit=1", "/me/coupons", "/me/coupons?status=expired"),
        *("/me/redemptions", "/me/redemptions?limit=1"),
        *("/offers?limit=5", "/offers?eligible=true&near=30.2,120.1", "/consents/credit_check"),
    ):
        answer = await citizen.http.get(path)
        assert answer.status_code in (200, 422), (path, answer.text)


async def _sign_in_otherwise(service: Service, citizen: CitizenClient) -> None:
    phone = {"channel": "sandbox", "code": "13700009050"}
    assert (await citizen.http.post("/me/phone", json=phone)).status_code == 200
    [owner] = await service.fetch(
        "SELECT m.uscc FROM members m JOIN staff s ON s.member_id = m.id WHERE s.login = 'demo-owner'"
    )
    for uscc, expected in ((owner["uscc"], 200), ("9" * 18, 403)):
        body = {"channel": "sandbox", "code": f"uscc-{uscc}"}
        answer = await service.client().post("/auth/staff/legal-person", json=body)
        assert answer.status_code == expected, answer.text


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


async def _join_accounts(service: Service, citizen: CitizenClient, clerk: StaffClient) -> None:
    """A channel is added and taken off; another one has an account of its own with coupons, which is joined."""
    again = {"channel": "sandbox", "code": "demo-good@b"}
    for _ in range(2):
        added = await citizen.http.post("/me/channels", json=again)
        assert added.status_code == 200, added.text
    assert (await citizen.http.delete(f"/me/channels/{added.json()['id']}")).status_code == 204
    assert (await citizen.http.post("/me/channels", json=again)).status_code == 200
    assert len((await citizen.http.get("/me/channels?limit=5")).json()["items"]) == 2
    await account_without_a_person(service, "load-777@b")
    one, two = await service.citizen("load-777"), await service.citizen("load-777@b")
    offer = await make_offer(service, per_citizen_limit=1, min_real_name_level=1)
    await coupon_of(one.http, offer)
    assert (await claim(two.http, offer)).json()["code"] == "real_name_required"
    plain = await make_offer(service, per_citizen_limit=1)
    for each in (one, two):
        assert (await clerk.redeem(await code_of(each.http, await coupon_of(each.http, plain)))).is_success
    asked = await one.http.post("/me/channels", json={"channel": "sandbox", "code": "load-777@b"})
    key = {"Idempotency-Key": new_key()}
    for _ in range(2):
        body = {"token": asked.json()["join_token"]}
        done = await one.http.post("/me/channels/join", json=body, headers=key)
        assert done.status_code == 200, done.text


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
        ("PUT", f"/admin/offers/{offer}/status", {"status": "paused", "reason": "测试"}),
        ("PUT", f"/admin/offers/{offer}/stock", {"stock_total": 9}),
        ("POST", f"/admin/coupons/{coupon}/revocation", {"reason": "测试"}),
        ("POST", f"/admin/staff/{fired.signed_in['staff']['id']}/revocation", None),
        ("GET", "/admin/audit?limit=1", None),
    ):
        answer = await admin.request(method, path, json=body)
        assert answer.status_code < 300, (path, answer.text)
    await _with_four_eyes(service, citizen, admin)
    await _write_an_offer(service, citizen, admin)
    await _share_an_offer(service, admin)


async def _write_an_offer(service: Service, citizen: CitizenClient, admin: httpx.AsyncClient) -> None:
    owner, head = (await service.clerk("demo-owner")).http, await service.admin("demo-head")
    body = a_body(min_tier_level=3, alliance_share=10, stock_total=9, budget_fen=90_000)
    offer = (await owner.post("/member/offers", json=body)).json()["id"]
    own, theirs = f"/member/offers/{offer}", f"/admin/offers/{offer}"
    for http, method, path, sent in (
        *((owner, "PUT", own, body), (owner, "POST", f"{own}/submission", None)),
        *((owner, "DELETE", f"{own}/submission", None), (owner, "POST", f"{own}/submission", None)),
        (admin, "POST", f"{theirs}/return", {"number": 1, "reason": "测试"}),
        *((owner, "POST", f"{own}/submission", None), (admin, "POST", f"{theirs}/approval", {"number": 2})),
        *((owner, "POST", f"{own}/publication", None), (owner, "PUT", own, body)),
        *(
            (owner, "DELETE", f"{own}/proposal", None),
            (owner, "GET", own, None),
            (admin, "GET", theirs, None),
        ),
        *((owner, "GET", "/member/offers?limit=1", None), (admin, "GET", "/admin/offers?limit=1", None)),
        (admin, "GET", "/admin/offer-versions?limit=1", None),
        (admin, "PUT", f"{theirs}/budget", {"from_fen": 90_000, "to_fen": 80_000}),
        *((owner, "POST", f"{own}/pause", None), (owner, "DELETE", f"{own}/pause", None)),
    ):
        answer = await http.request(method, path, json=sent)
        assert answer.status_code < 300, (path, answer.text)
    await coupon_of(citizen.http, offer)
    asked = await admin.post(f"{theirs}/revocation", json={"reason": "测试"})
    path = f"/admin/approvals/{asked.json()['approval_id']}/approval"
    assert (await head.post(path, json={"reason": "同意"})).status_code == 204
    assert (await owner.post(f"{own}/end")).status_code == 204


async def _share_an_offer(service: Service, admin: httpx.AsyncClient) -> None:
    """A public unit agrees to pay for one offer, refuses another and is still asked about two."""
    owner = (await service.clerk("demo-owner")).http
    unit = (await service.clerk(await make_staff(service, "owner", "hz-library", ("hz-library-hushu",)))).http
    body = a_body(public_unit_share=20, public_unit_id=str(demo_id("member", "hz-library")))
    offers = [(await owner.post("/member/offers", json=body)).json()["id"] for _ in range(4)]
    for offer in offers:
        assert (await owner.post(f"/member/offers/{offer}/submission")).status_code == 204
    waiting = [line["id"] for line in (await unit.get("/member/share-consents")).json()["items"]]
    path, reason = f"/admin/offers/{offers[-1]}/approval", {"reason": "测试"}
    assert (await admin.post(path, json={"number": 1})).status_code == 409
    for answer in ("agreement", "refusal"):
        sent = reason if answer == "refusal" else None
        done = await unit.post(f"/member/share-consents/{waiting.pop(0)}/{answer}", json=sent)
        assert done.status_code == 204, done.text
    assert (await admin.post(path, json={"number": 1})).status_code == 204
    for query in ("state=agreed", "state=refused", "limit=1"):
        assert (await unit.get(f"/member/share-consents?{query}")).status_code == 200
    assert (await unit.post(f"/member/share-consents/{offers[0]}/agreement")).status_code == 404


async def _as_owner(service: Service) -> None:
    """People, devices, stores and webhooks of a member, by its owner and by a manager."""
    client = service.client()
    owner = (await service.clerk(await make_staff(service, "owner"))).http
    manager = (await service.clerk(await make_staff(service, "manager"))).http
    admin, password = await service.admin(), "river lamp otter 84"
    facts = {"name": "店", "address": "路", "region": "330106", "lat": 30, "lng": 120}
    store = (await owner.post("/member/stores", json=facts)).json()["id"]
    await owner.put(f"/member/stores/{store}", json=facts)
    await owner.post("/member/stores", json={**facts, "region": "330100"})
    days = {"first_day": "2999-01-01", "last_day": "2999-01-02", "reason": "holiday"}
    closure = (await owner.post(f"/member/stores/{store}/closures", json=days)).json()["id"]
    await manager.post(f"/member/stores/{store}/closures", json=days)
    await owner.delete(f"/member/stores/{store}/closures/{closure}")
    role = {"role": "cashier", "store_ids": [store]}
    link = (await owner.post("/member/staff", json={**role, "login": "errand-boy"})).json()
    person = f"/member/staff/{link['staff_id']}"
    body = {"secret": link["secret"], "password": password}
    assert (await client.post("/auth/staff/invitation", json=body)).status_code == 200
    signed_in = (await client.post("/auth/staff", json={"login": "errand-boy", "password": password})).json()
    cashier = service.client(Authorization="Bearer " + signed_in["access_token"])
    change = {"old_password": password, "password": "seven wet umbrellas"}
    assert (await cashier.post("/staff/password", json=change)).status_code == 204
    assert (await cashier.get("/staff/me")).status_code == 200
    session = (await cashier.get("/staff/sessions")).json()["items"][0]["id"]
    await owner.put(person, json=role)
    reset = (await owner.post(f"{person}/password-reset")).json()
    await client.post("/auth/staff/password-reset", json={**body, "secret": reset["secret"]})
    for path in (
        "/member/staff?limit=1",
        person,
        f"{person}/sessions",
        "/member/devices",
        "/member/stores?limit=1",
    ):
        assert (await owner.get(path)).status_code == 200, path
    await owner.delete(f"{person}/sessions/{session}")
    me = [each for each in (await owner.get("/member/staff")).json()["items"] if each["role"] == "owner"]
    await admin.post(f"/admin/staff/{me[0]['id']}/password-reset")
    device = (await owner.post("/member/devices", json={"name": "前台", "store_id": store})).json()
    again = (await owner.post(f"/member/devices/{device['device_id']}/pairing")).json()
    assert (await client.post("/auth/device", json={"code": again["code"]})).status_code == 200
    assert (await owner.post(f"/member/devices/{device['device_id']}/revocation")).status_code == 204
    assert (await owner.post(f"{person}/revocation")).status_code == 204
    assert (await owner.post(f"/member/stores/{store}/closing")).status_code == 204
    await _with_webhooks(owner)


async def _with_webhooks(owner: httpx.AsyncClient) -> None:
    hook = (await owner.post("/member/webhooks", json={"url": "http://127.0.0.1:9/"})).json()
    path = f"/member/webhooks/{hook['id']}"
    await owner.put(path, json={"url": "http://127.0.0.1:9/x", "is_enabled": True})
    await owner.post(f"{path}/secret")
    ping = (await owner.post(f"{path}/ping")).json()["delivery_id"]
    await owner.post(f"{path}/deliveries/{ping}/retry")
    for each in ("/member/webhooks", f"{path}/deliveries?limit=1", f"{path}/deliveries?status=failed"):
        assert (await owner.get(each)).status_code == 200, each


async def _with_four_eyes(service: Service, citizen: CitizenClient, admin: httpx.AsyncClient) -> None:
    head = await service.admin("demo-head")
    [open_one] = (await admin.get("/admin/approvals?status=open")).json()["items"]
    asked = f"/admin/approvals/{open_one['id']}"
    assert (await admin.post(f"{asked}/refusal", json={"reason": "自己"})).status_code == 403
    assert (await admin.delete(asked)).status_code == 204
    assert (await admin.delete(asked)).status_code == 409
    await service.revoke_coupon(await coupon_of(citizen.http, await make_offer(service)))
    notice = (await citizen.http.get("/me/notices")).json()["items"][0]
    assert (await citizen.http.put(f"/me/notices/{notice['id']}/read")).status_code == 204
    for path in (f"/{notice['id']}", "/unread-count", "?kind=coupon_claimed"):
        assert (await citizen.http.get(f"/me/notices{path}")).status_code == 200
    assert (await citizen.http.put("/me/notices/read", json={"up_to": notice["id"]})).status_code == 204
    answers = {"channel": "wechat", "templates": {"coupon_expiring": "accept", "coupon_redeemed": "ban"}}
    assert (await citizen.http.post("/me/subscriptions", json=answers)).status_code == 200
    owner = await service.clerk("demo-owner")
    assert (await owner.http.get("/member/notices")).status_code == 200
    assert (await owner.http.put(f"/member/notices/{notice['id']}/read")).status_code == 404
    await _numbers_and_imports(admin, head, owner.http)
    assert (await head.get("/admin/jobs/dead-letters")).status_code == 200
    assert (await admin.post("/admin/jobs/1/retry")).status_code == 404


async def _complain(
    service: Service, citizen: CitizenClient, clerk: StaffClient, manager: StaffClient
) -> None:
    offer = await make_offer(service, uses_total=2)
    coupon = await coupon_of(citizen.http, offer)
    code = await code_of(citizen.http, coupon)
    redemption = (await clerk.redeem(code)).json()["id"]
    assert (await clerk.redeem(code)).status_code >= 400
    refused = (await citizen.http.get(f"/me/coupons/{coupon}/refusals?limit=1")).json()["items"][0]["id"]
    store, admin, head = {"store_id": clerk.store_id}, await service.admin(), await service.admin("demo-head")
    made = []
    for about in (
        {"redemption_id": redemption},
        {"attempt_id": refused},
        store,
        {**store, "offer_id": offer},
    ):
        body = {"kind": "refused", "text": "测试", **about}
        answer = await citizen.http.post("/me/complaints", json=body, headers={"Idempotency-Key": new_key()})
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    for http, path in (
        (citizen.http, "/me/complaints"),
        (manager.http, "/member/complaints"),
        (admin, "/admin/complaints"),
    ):
        for end in ("", f"/{made[0]}", *(("?status=open",) if http is not citizen.http else ())):
            assert (await http.get(path + end)).status_code == 200, path + end
    of = "/admin/complaints?member_id=00000000-0000-4000-8000-000000000000"
    for path in (of, f"{of}&status=open&region=330100"):
        assert (await admin.get(path)).status_code == 200, path
    reason = {"reason": "测试"}
    for http, path, body in (
        (manager.http, f"/member/complaints/{made[0]}/answer", {"text": "已培训"}),
        (manager.http, f"/member/complaints/{made[1]}/answer", {"text": "已培训"}),
        (admin, f"/admin/complaints/{made[0]}/decision", {"decision": "upheld", **reason}),
        (head, f"/admin/complaints/{made[0]}/reopening", reason),
        (admin, f"/admin/complaints/{made[1]}/decision", {"decision": "dismissed", **reason}),
        (citizen.http, f"/me/complaints/{made[2]}/withdrawal", None),
    ):
        answer = await http.post(path, json=body)
        assert answer.status_code == 204, (path, answer.text)
    assert (await citizen.http.delete(f"/me/complaints/{made[1]}/text")).status_code == 204


async def _take_and_erase(service: Service, citizen: CitizenClient) -> None:
    """A copy in both forms, the access log, and a citizen of his own who goes."""
    for path in ("/me/data", "/me/data?format=html", "/me/access-log?limit=2", "/me/erasure"):
        assert (await citizen.http.get(path)).status_code == 200, path
    assert (await citizen.http.delete("/me/phone")).status_code == 204
    gone = await service.citizen()
    await coupon_of(gone.http, await make_offer(service, uses_total=2))
    sent = {"confirmation": (await gone.http.get("/me/erasure")).json()["confirmation"]}
    assert (await gone.http.request("DELETE", "/me", json=sent)).status_code == 204


async def _audit(service: Service, admin: httpx.AsyncClient) -> None:
    await seal_by_hand(service.environment["DATABASE_URL"])
    auditors = (admin, await service.admin(await make_admin(service, "330100", "auditor")))
    of = "actor_id=00000000-0000-4000-8000-000000000000"
    for http in auditors:
        for query in (
            "",
            of,
            "object_kind=offer&object_id=1",
            "action=offer",
            "outcome=refused",
            "outcome=done",
        ):
            assert (await http.get(f"/admin/audit?limit=2&{query}")).status_code == 200, query
        assert (await http.get("/admin/audit/export?from=2026-01-01T00:00:00%2B08:00")).status_code == 200
        record = (await http.get("/admin/audit?limit=1&action=offer")).json()["items"][0]["id"]
        assert (await http.get(f"/admin/audit/{record}")).status_code == 200
        assert (await http.get(f"/admin/audit/{record}/proof")).status_code == 200
    assert (await admin.get("/audit/roots?limit=1")).status_code == 200
    # As the operator's command does it.
    async with db.own_connection(service.environment["DATABASE_URL"]):
        for book in (LEDGER, AUDIT):
            assert [line async for line in seal_export.export_lines(book)]


async def _rule_admins(service: Service) -> None:
    """Somebody is invited, let in, let in anew, given another role, and let go."""
    head, client = await service.admin("demo-head"), service.client()
    body = {"login": "errand-admin", "region": "330100", "roles": ["operator"]}
    link = (await head.post("/admin/admins", json=body)).json()
    path, password = f"/admin/admins/{link['admin_id']}", "four unrelated words here"
    for way in ("invitation", "reset"):
        used = {"secret": link["secret"], "password": password}
        assert (await client.post(f"/auth/admin/{way}", json=used)).status_code == 200
        link = (await head.post(f"{path}/reset")).json()
    for method, rest, sent in (
        *(("GET", "", None), ("GET", "/sessions", None), ("PUT", "/roles", {"roles": ["auditor"]})),
        ("POST", "/confirmation", None),
        *(("DELETE", f"/sessions/{link['admin_id']}", None), ("POST", "/revocation", None)),
    ):
        answer = await head.request(method, path + rest, json=sent)
        assert answer.status_code in (200, 204, 404) or rest == "/confirmation", (rest, answer.text)
    assert (await head.get("/admin/admins?limit=1")).status_code == 200


async def _numbers_and_imports(
    admin: httpx.AsyncClient, head: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    for client, path in (
        *((admin, f"/admin/numbers?by={by}") for by in ("day", "offer", "member", "region", "programme")),
        *((owner, f"/member/numbers?by={by}") for by in ("day", "offer", "store")),
        *((admin, "/admin/numbers/refusals"), (admin, "/admin/numbers/members"), (admin, "/admin/imports")),
    ):
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
    kept, discarded = [
        await admin.post("/admin/imports?kind=members", content=b"a", headers={"Content-Type": "text/csv"})
        for _ in range(2)
    ]
    assert kept.status_code == discarded.status_code == 202, kept.text
    path = f"/admin/imports/{discarded.json()['id']}"
    assert (await admin.delete(path)).status_code == 204
    for method, rest in (("GET", "/errors"), ("POST", "/application"), ("POST", "/invitations")):
        assert (await head.request(method, path + rest)).status_code in (404, 409)


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
        (owner, "GET", f"/member/day-closes?store_id={clerk.store_id}&from=2026-03-01&to=2026-03-31", None),
        (clerk.http, "GET", "/day-closes", None),
        (admin, "GET", "/admin/statements?state=closed", None),
        (admin, "GET", f"/admin/statements?member_id={statement['member_id']}", None),
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
        await statement_closing.close_due(now())
        await statement_closing.close(row["member_id"], period, now())
