"""The member's and the reviewer's routes for offers, from the draft to the end, over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from sandbox.demo_data.rows import demo_id
from tests.api.kit import answered, claim, coupon_of, problem, walk
from tests.api.offers import HUPAN_STORES, make_offer, make_staff
from tests.service import Service

PDF = b"%PDF-1.7\n" + b"x" * 300_000


def a_body(**changes: object) -> dict[str, Any]:
    """20 % off at most 50 yuan for everybody."""
    return {
        "programme": "xinyi_gou",
        "region": "330100",
        "title": "湖畔八折",
        "description": "出示券码享八折。",
        "discount_kind": "percent_off",
        "percent_off": 20,
        "cap_fen": 5000,
        "store_ids": [str(demo_id("store", store)) for store in HUPAN_STORES],
        "claim_from": "2026-01-01T00:00:00+08:00",
        "claim_until": "2099-12-31T00:00:00+08:00",
        "valid_days": 30,
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "blackout_dates": ["2099-10-01"],
        **changes,
    }


async def owner_of(service: Service) -> httpx.AsyncClient:
    return (await service.clerk("demo-owner")).http


async def drafted(http: httpx.AsyncClient, **changes: object) -> str:
    answer = await http.post("/member/offers", json=a_body(**changes))
    return str(answered(answer, 201, "id")["id"])


async def done(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.content) == (204, b""), answer.text


async def sent(
    http: httpx.AsyncClient, content: bytes, media_type: str = "application/pdf"
) -> httpx.Response:
    return await http.post(
        "/member/price-evidence",
        params={"name": "价目表.pdf"},
        content=content,
        headers={"Content-Type": media_type},
    )


async def test_from_the_draft_to_the_end(service: Service) -> None:
    owner, citizen = await owner_of(service), await service.citizen(consent=False)
    reviewer, operator = await service.admin("demo-admin-hz"), await service.admin("demo-admin-hz")
    evidence = answered(await sent(owner, PDF), 201, "id")
    assert (evidence["size"], evidence["media_type"]) == (len(PDF), "application/pdf")
    priced = {"list_price_fen": 20_000, "evidence_file_id": evidence["id"]}
    offer = await drafted(owner, **priced, stock_total=5, budget_fen=50_000)
    path, admin_path = f"/member/offers/{offer}", f"/admin/offers/{offer}"
    problem(await claim(citizen.http, offer), 404, "not_found")
    await done(
        await owner.put(path, json=a_body(**priced, title="湖畔特惠", stock_total=5, budget_fen=50_000))
    )
    await done(await owner.post(f"{path}/submission"))
    problem(await owner.put(path, json=a_body()), 409, "offer_state_forbids")
    waiting = answered(await reviewer.get("/admin/offer-versions"), 200, "items")["items"]
    assert next(line for line in waiting if line["offer_id"] == offer)["title"] == "湖畔特惠"
    await done(await reviewer.post(f"{admin_path}/return", json={"number": 1, "reason": "请写明封顶"}))
    story = answered(await owner.get(path), 200, "versions")
    assert [version["decision_reason"] for version in story["versions"]] == [None, "请写明封顶"]
    assert (story["status"], story["open_number"], story["open_state"]) == ("draft", 2, "draft")
    await done(await owner.post(f"{path}/submission"))
    file = await reviewer.get(f"{admin_path}/evidence/{evidence['id']}")
    assert (file.status_code, file.content) == (200, PDF)
    assert file.headers["content-disposition"].startswith("attachment")
    problem(await reviewer.get(f"{admin_path}/evidence/{uuid4()}"), 404, "not_found")
    await done(await reviewer.post(f"{admin_path}/approval", json={"number": 2}))
    await done(await operator.put(f"{admin_path}/status", json={"status": "published"}))
    coupon = await coupon_of(citizen.http, offer)
    changed = a_body(**priced, percent_off=30, stock_total=5, budget_fen=50_000)
    await done(await owner.put(path, json=changed))
    await done(await owner.post(f"{path}/submission"))
    story = answered(await reviewer.get(admin_path), 200, "changes")
    assert {change["field"]: (change["before"], change["after"]) for change in story["changes"]} == {
        "percent_off": (20, 30),
        "title": ("湖畔特惠", "湖畔八折"),
    }
    assert (story["issued"], story["reserved_fen"], story["claimed"], story["used"]) == (1, 5000, 1, 0)
    named = {each["id"]: each["name"] for each in story["names"]}
    assert set(named) == {store for version in story["versions"] for store in version["content"]["store_ids"]}
    assert all("湖畔便利" in name for name in named.values())
    await done(await reviewer.post(f"{admin_path}/approval", json={"number": 3}))
    await done(await owner.post(f"{path}/publication"))
    assert answered(await owner.get(path), 200, "in_force")["in_force"]["percent_off"] == 30
    await done(await owner.post(f"{path}/pause"))
    problem(await claim(citizen.http, offer), 410, "offer_ended")
    problem(await owner.post(f"{path}/pause"), 409, "offer_state_forbids")
    await done(await owner.delete(f"{path}/pause"))
    await done(await owner.post(f"{path}/end"))
    problem(await owner.post(f"{path}/withdrawal"), 409, "offer_state_forbids")
    assert (await citizen.http.get(f"/coupons/{coupon}")).json()["status"] == "claimed"
    notices = (await owner.get("/member/notices?limit=100")).json()["items"]
    assert {"offer_approved", "offer_sent_back"} <= {notice["kind"] for notice in notices}


async def test_a_public_unit_is_asked_before_it_pays(service: Service) -> None:
    owner, reviewer = await owner_of(service), await service.admin("demo-admin-hz")
    login = await make_staff(service, "manager", "hz-library", ("hz-library-hushu",))
    unit = (await service.clerk(login)).http
    shares = {"public_unit_share": 25, "public_unit_id": str(demo_id("member", "hz-library"))}
    offer = await drafted(owner, **shares, stock_total=5, budget_fen=50_000)
    path = f"/admin/offers/{offer}"
    await done(await owner.post(f"/member/offers/{offer}/submission"))
    refusal = problem(await reviewer.post(f"{path}/approval", json={"number": 1}), 409, "share_not_agreed")
    assert "同意" in refusal["detail"]
    names = answered(await reviewer.get(path), 200, "names")["names"]
    assert {each["name"] for each in names if each["id"] == shares["public_unit_id"]} == {
        "杭州市湖墅市民图书馆"
    }
    [asked] = (await unit.get("/member/share-consents")).json()["items"]
    assert (asked["state"], asked["member_name"], asked["content"]["public_unit_share"]) == (
        *("waiting", "杭州湖畔便利连锁有限公司"),
        25,
    )
    assert (asked["stock_total"], asked["budget_fen"], asked["content"]["title"]) == (5, 50_000, "湖畔八折")
    [notice, *_] = (await unit.get("/member/notices")).json()["items"]
    assert (
        notice["kind"] == "offer_share_asked"
        and "25%" in notice["text_zh"]
        and "湖畔八折" in notice["text_zh"]
    )
    assert (await owner.get("/member/share-consents")).json()["items"] == []
    problem(await owner.post(f"/member/share-consents/{asked['id']}/agreement"), 404, "not_found")
    cashier = (
        await service.clerk(await make_staff(service, "cashier", "hz-library", ("hz-library-hushu",)))
    ).http
    problem(await cashier.post(f"/member/share-consents/{asked['id']}/agreement"), 403, "forbidden")
    problem(
        await unit.post(f"/member/share-consents/{asked['id']}/refusal", json={}), 422, "validation_failed"
    )
    await done(await unit.post(f"/member/share-consents/{asked['id']}/agreement"))
    problem(
        await unit.post(f"/member/share-consents/{asked['id']}/agreement"), 409, "share_consent_state_forbids"
    )
    [version] = answered(await reviewer.get(path), 200, "versions")["versions"]
    assert version["share_consent"] == "agreed" and version["share_consent_at"]
    waiting = (await reviewer.get("/admin/offer-versions?limit=100")).json()["items"]
    assert next(line for line in waiting if line["offer_id"] == offer)["share_consent"] == "agreed"
    await done(await reviewer.post(f"{path}/approval", json={"number": 1}))


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"percent_off": 100}, "/percent_off", "too_large"),
        ({"percent_off": None}, "/percent_off", "offer_field_invalid"),
        ({"title": " "}, "/title", None),
        ({"title": "优秀专享", "min_tier_level": 4}, "/title", "title_spells_tier"),
        ({"min_tier_level": 5}, "/min_tier_level", None),
        ({"min_real_name_level": 3}, "/min_real_name_level", None),
        ({"budget_fen": 100, "cap_fen": None}, "/budget_fen", "budget_needs_most_cost"),
        ({"store_ids": [str(uuid4())]}, "/store_ids", "offer_field_invalid"),
        ({"evidence_file_id": str(uuid4()), "list_price_fen": 5}, "/evidence_file_id", "evidence_unknown"),
        ({"unknown": 1}, "/unknown", None),
    ],
)
async def test_a_wrong_field_is_named(
    service: Service, changes: dict[str, object], pointer: str, code: str | None
) -> None:
    refusal = (await (await owner_of(service)).post("/member/offers", json=a_body(**changes))).json()
    assert refusal["status"] == 422 and [error["pointer"] for error in refusal["errors"]] == [pointer]
    assert code in (None, refusal["code"], refusal["errors"][0]["code"])


async def test_evidence_is_what_it_says_and_no_larger_than_ten_megabytes(service: Service) -> None:
    owner = await owner_of(service)
    problem(await sent(owner, b"MZ" + PDF), 422, "file_not_as_said")
    problem(await sent(owner, b""), 422, "file_empty")
    problem(await sent(owner, PDF, "text/html"), 415, "unsupported_media_type")
    png = b"\x89PNG\r\n\x1a\n"
    problem(await sent(owner, png + b"x" * (10 * 1024 * 1024), "image/png"), 422, "file_too_large")
    answered(await sent(owner, png + b"x" * (10 * 1024 * 1024 - 8), "image/png"), 201, "id")


async def test_nobody_else_reads_or_changes_it(service: Service) -> None:
    offer = await drafted(await owner_of(service))
    other = (await service.clerk("demo-other")).http
    cashier, citizen = (await service.clerk()).http, (await service.citizen(consent=False)).http
    elsewhere = await service.admin("demo-reviewer-xh")
    path = f"/member/offers/{offer}"
    for http in (other, cashier, citizen):
        for answer in (
            await http.get(path),
            await http.post(f"{path}/submission"),
            await http.put(path, json=a_body()),
        ):
            assert answer.status_code in (403, 404), answer.text
    problem(await elsewhere.get(f"/admin/offers/{offer}"), 404, "not_found")
    assert (await (await owner_of(service)).get(path)).json()["status"] == "draft"


async def test_lists_go_page_by_page(service: Service) -> None:
    owner, admin = await owner_of(service), await service.admin()
    made = [await drafted(owner) for _ in range(3)]
    for http, path in ((owner, "/member/offers?status=draft"), (admin, "/admin/offers?status=draft")):
        found, cursor = [], ""
        while len(found) < 3:
            page = (await http.get(f"{path}&limit=1{cursor}")).json()
            found += [line["id"] for line in page["items"]]
            cursor = f"&cursor={page['next_cursor']}"
        assert found == made[::-1]
    every = {each["id"]: each["status"] for each in await walk(admin, "/admin/offers", 100, status="all")}
    assert {every[offer] for offer in made} == {"draft"} and {"draft", "published"} <= {*every.values()}
    assert {each["status"] for each in await walk(admin, "/admin/offers", 100)} <= {"submitted"}


async def test_a_budget_is_changed_from_what_was_seen(service: Service) -> None:
    admin, head = await service.admin(), await service.admin("demo-head")
    offer = await make_offer(service, total=9, cap_fen=1000)
    await service.fetch("UPDATE offer_stock SET piece_fen = 1000 WHERE offer_id = $1::uuid", offer)
    path = f"/admin/offers/{offer}/budget"
    await done(await admin.put(path, json={"from_fen": None, "to_fen": 5000}))
    refusal = problem(await admin.put(path, json={"from_fen": None, "to_fen": 900}), 409, "budget_changed")
    assert refusal["budget_fen"] == 5000
    raised = {"from_fen": 5000, "to_fen": 9000}
    problem(await admin.put(path, json=raised), 422, "reason_required")
    asked = answered(await admin.put(path, json={**raised, "reason": "更多人来"}), 202, "approval_id")
    await done(await head.post(f"/admin/approvals/{asked['approval_id']}/approval", json={"reason": "同意"}))
    [row] = await service.fetch("SELECT budget_fen FROM offer_stock WHERE offer_id = $1::uuid", offer)
    assert row["budget_fen"] == 9000
