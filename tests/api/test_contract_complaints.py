"""Complaints over the wire: from the refused scan to the decision, and what each side gets to see."""

from datetime import datetime, timedelta

from common.clock import SHANGHAI
from common.working_days import add_working_days
from tests.api.kit import NOBODY, answered, code_of, coupon_of, problem, walk, with_key
from tests.api.offers import make_admin, make_offer, make_staff
from tests.service import Service

TEXT = "店员不认这张券。我的电话是13812349050。"


async def test_a_refused_scan_becomes_a_complaint_that_is_answered_and_decided(service: Service) -> None:
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await coupon_of(citizen.http, await make_offer(service, uses_total=3))
    code = await code_of(citizen.http, coupon)
    assert (await clerk.redeem(code)).status_code == 201
    problem(await clerk.redeem(code), 409, "code_used")
    page = answered(await citizen.http.get(f"/me/coupons/{coupon}/refusals"), 200, "items", "next_cursor")
    [refused] = page["items"]
    assert (refused["code"], refused["store_id"], refused["is_preview"]) == (
        "code_used",
        clerk.store_id,
        False,
    )
    body = {"kind": "refused", "text": TEXT, "attempt_id": refused["id"]}
    made = answered(
        await citizen.http.post("/me/complaints", json=body, headers=with_key()),
        201,
        "id",
        "answer_due_at",
        "due_note",
    )
    due = datetime.fromisoformat(made["answer_due_at"]).astimezone(SHANGHAI)
    assert (due.hour, due.minute) == (0, 0)
    last = add_working_days(datetime.now(SHANGHAI).date(), 5)
    assert due.date() == last.day + timedelta(days=1)
    assert (made["due_note"] is None) == last.is_certain
    # The member reads and answers; it learns of nobody.
    manager = await service.clerk("demo-manager")
    path = f"/member/complaints/{made['id']}"
    seen = answered(await manager.http.get(path), 200, "text", "status")
    assert seen["text"] == TEXT.replace("13812349050", "138****9050")
    assert citizen.id not in str(seen) and not {"citizen_id", "tier", "name"} & set(seen)
    admin = await service.admin(await make_admin(service, "330100", "operator"))
    early = await admin.post(
        f"/admin/complaints/{made['id']}/decision", json={"decision": "upheld", "reason": "录像为证"}
    )
    assert problem(early, 409, "complaint_not_possible")["status"] == 409
    assert (await manager.http.post(f"{path}/answer", json={"text": "已培训店员"})).status_code == 204
    problem(
        await manager.http.post(f"{path}/answer", json={"text": "再说一句"}), 409, "complaint_not_possible"
    )
    decided = await admin.post(
        f"/admin/complaints/{made['id']}/decision", json={"decision": "dismissed", "reason": "一码一用"}
    )
    assert decided.status_code == 204, decided.text
    mine = answered(await citizen.http.get(f"/me/complaints/{made['id']}"), 200)
    assert (mine["status"], mine["answer"], mine["decision_reason"]) == (
        "dismissed",
        "已培训店员",
        "一码一用",
    )
    kinds = [item["kind"] for item in (await citizen.http.get("/me/notices")).json()["items"]]
    assert kinds[:2] == ["complaint_dismissed", "complaint_answered"]
    audit = await (await service.admin()).get(
        "/admin/audit", params={"object_kind": "complaint", "object_id": made["id"]}
    )
    assert [item["action"] for item in audit.json()["items"]] == [
        "complaint.dismiss",
        "complaint.answer",
        "complaint.read",
        "complaint.make",
    ]
    assert "一码一用" not in audit.text and "13812349050" not in audit.text


async def test_roles_and_regions_of_complaints(service: Service) -> None:
    citizen, clerk = await service.citizen(), await service.clerk()
    body = {"kind": "service", "text": "态度不好", "store_id": clerk.store_id}
    made = (await citizen.http.post("/me/complaints", json=body, headers=with_key())).json()["id"]
    answer = {"text": "已改进"}
    problem(await clerk.http.post(f"/member/complaints/{made}/answer", json=answer), 403, "forbidden")
    problem(await clerk.http.get("/member/complaints"), 403, "forbidden")
    other = await service.clerk(await make_staff(service, "owner", "hz-books", ("hz-books-hefang",)))
    problem(await other.http.post(f"/member/complaints/{made}/answer", json=answer), 404, "not_found")
    decision = {"decision": "upheld", "reason": "测试"}
    for region, role, status in (
        ("330100", "auditor", 403),
        ("330100", "reviewer", 403),
        ("330200", "operator", 404),
        ("330100", "operator", 409),
    ):
        admin = await service.admin(await make_admin(service, region, role))
        answered_with = await admin.post(f"/admin/complaints/{made}/decision", json=decision)
        assert answered_with.status_code == status, (role, answered_with.text)
    operator = await service.admin(await make_admin(service, "330000", "operator"))
    problem(
        await operator.post(f"/admin/complaints/{made}/reopening", json={"reason": "x"}), 403, "forbidden"
    )
    assert (await citizen.http.post(f"/me/complaints/{made}/withdrawal")).status_code == 204
    assert (await citizen.http.get(f"/me/complaints/{made}")).json()["text"] is None


async def test_the_office_reads_those_of_a_member_and_of_a_region(service: Service) -> None:
    citizen, clerk, admin = await service.citizen(), await service.clerk(), await service.admin()
    body = {"kind": "service", "text": "态度不好", "store_id": clerk.store_id}
    made = (await citizen.http.post("/me/complaints", json=body, headers=with_key())).json()["id"]
    one = answered(await admin.get(f"/admin/complaints/{made}"), 200, "member_id", "member_name", "region")
    member = (await (await service.clerk("demo-owner")).http.get("/member")).json()
    assert (one["member_id"], one["member_name"]) == (member["id"], member["name"])
    ningbo = await service.admin(await make_admin(service, "330200", "operator"))
    for reader, query, is_there in (
        (admin, {"member_id": member["id"]}, True),
        (admin, {"member_id": member["id"], "status": "open", "region": one["region"]}, True),
        (admin, {"region": "330100"}, True),
        (admin, {"member_id": NOBODY}, False),
        (admin, {"member_id": member["id"], "status": "upheld"}, False),
        (admin, {"member_id": member["id"], "region": "330200"}, False),
        (admin, {"region": "330200"}, False),
        (ningbo, {"member_id": member["id"]}, False),
        (ningbo, {"region": "330100"}, False),
    ):
        found = await walk(reader, "/admin/complaints", 2, **query)
        assert (made in [each["id"] for each in found]) is is_there, query
        assert {each["member_id"] for each in found} <= {
            query.get("member_id", each["member_id"]) for each in found
        }
    problem(await admin.get("/admin/complaints?region=33"), 422, "validation_failed")


async def test_what_is_wrong_in_a_complaint_is_said(service: Service) -> None:
    citizen = await service.citizen()
    good = {"kind": "other", "text": "测试", "redemption_id": NOBODY}
    for changes, status, code in (
        ({}, 404, "not_found"),
        ({"store_id": NOBODY}, 422, "complaint_about_one_thing"),
        ({"redemption_id": None}, 422, "complaint_about_one_thing"),
        ({"text": " "}, 422, "validation_failed"),
        ({"text": "长" * 1001}, 422, "validation_failed"),
        ({"kind": "noise"}, 422, "validation_failed"),
        ({"status": "upheld"}, 422, "validation_failed"),
    ):
        answer = await citizen.http.post("/me/complaints", json={**good, **changes}, headers=with_key())
        problem(answer, status, code)
