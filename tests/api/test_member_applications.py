"""Becoming a member over the API: from an application to the owner's own sign-in, and who may do what on the way."""

from uuid import uuid4

import pytest

from tests.api.applicants import FORM, PDF, Applicant, an_applicant, in_review, rechecked
from tests.api.kit import answered, problem, walk
from tests.api.offers import make_admin, make_staff
from tests.factories.applications import a_uscc, a_wrong_uscc
from tests.service import Service

PHONE, NAME = FORM["contact_phone"], FORM["contact_name"]


async def test_from_the_application_to_the_owners_standing(service: Service) -> None:
    """Application → checks → county → city → owner signs in → member sees its standing."""
    applicant = await an_applicant(service)
    document = answered(await applicant.upload(), 201, "id")["id"]
    assert (await applicant.submit()).json() == {"state": "submitted"}
    assert await applicant.checked() == "county_review"
    path = f"/admin/member-applications/{applicant.id}"
    county, city = await service.admin("demo-reviewer-xh"), await service.admin("demo-admin-hz")
    shown = answered(await county.get(path), 200, "documents", "checks", "state")
    assert (shown["contact_name"], shown["contact_phone"]) == ("*大友", "137****9050")
    assert [check["finding"] for check in shown["checks"]] == ["passed"]
    file = await county.get(f"{path}/documents/{document}")
    assert (file.status_code, file.content) == (200, PDF)
    assert file.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E6%89%A7")
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-type"] == "application/pdf"
    problem(await city.post(f"{path}/approval", json={}), 403, "not_your_step")
    passed = answered(await county.post(f"{path}/approval", json={"reason": "材料齐全"}), 200, "state")
    assert passed == {"state": "city_review", "member_id": None}
    login = {"login": f"owner-{uuid4().hex[:10]}", "password": "correct horse battery"}
    problem(await applicant.http.post("/member-application/owner", json=login), 409, "application_not_open")
    member = answered(await city.post(f"{path}/approval", json={}), 200, "member_id")["member_id"]
    plain = {**login, "password": login["login"]}
    problem(await applicant.http.post("/member-application/owner", json=plain), 422, "password_weak")
    made = answered(await applicant.http.post("/member-application/owner", json=login), 201, "staff_id")
    assert made["member_id"] == member
    problem(await applicant.http.post("/member-application/owner", json=login), 409, "owner_exists")
    owner = service.client()
    tokens = answered(await owner.post("/auth/staff", json=login), 200, "access_token", "staff")
    assert tokens["staff"]["role"] == "owner"
    owner.headers["Authorization"] = "Bearer " + tokens["access_token"]
    standing = answered(await owner.get("/member"), 200, "status", "checks", "suspensions", "promises")
    assert (standing["status"], standing["id"], standing["min_grade"]) == ("active", member, 3)
    events = await walk(applicant.http, "/member-application/events", 2)
    assert [event["action"] for event in events] == ["approve", "to_city", "to_county", "submit"]
    assert events[1]["reason"] == "材料齐全"
    assert await walk(city, f"/admin/member-applications/{applicant.id}/events", 2) == events
    assert member in {item["id"] for item in await walk(service.client(), "/register", 100, region="330106")}


async def test_what_fails_the_checks_is_refused_with_a_reason(service: Service) -> None:
    for mark, code in (("BAD", "dishonest"), ("LQW", "grade_too_low"), ("NNN", "no_grade")):
        applicant = await in_review(service, uscc=a_uscc(mark))
        [event, *_] = (await applicant.http.get("/member-application/events")).json()["items"]
        assert (event["state"], event["code"]) == ("refused", code) and "申请" in event["detail"]
        english = await applicant.http.get("/member-application/events", headers={"Accept-Language": "en"})
        assert "pply" in english.json()["items"][0]["detail"]
    silent = await in_review(service, uscc=a_uscc("DWN"))
    shown = (await silent.http.get("/member-application")).json()
    assert shown["state"] == "submitted" and shown["checks"][0]["finding"] == "unavailable"


async def test_a_wrong_check_digit_is_told_and_waits(service: Service) -> None:
    applicant = await in_review(service, uscc=a_wrong_uscc())
    shown = (await applicant.http.get("/member-application")).json()
    assert shown["is_uscc_in_doubt"] and shown["state"] == "submitted"
    city, head = await service.admin("demo-admin-hz"), await service.admin("demo-head")
    path = f"/admin/member-applications/{applicant.id}/uscc-override"
    asked = answered(await city.post(path, json={"reason": "登记机关确认"}), 202, "approval_id")
    problem(await city.post(path, json={"reason": "登记机关确认"}), 409, "already_asked")
    decision = f"/admin/approvals/{asked['approval_id']}/approval"
    assert (await head.post(decision, json={"reason": "同意"})).status_code == 204
    assert await applicant.checked() == "county_review"


@pytest.mark.parametrize(
    "changes",
    [
        *({"uscc": uscc} for uscc in ("", "123", "91330106MA2000001o", "91330106IA20000015")),
        *({"contact_phone": phone} for phone in ("1370000", "+8613700009050", "13700009050 ", "x")),
        *({"name": name} for name in ("", "  ", "x" * 129, "a\nb")),
        {"kind": "club"}, {"sector": "fun"}, {"region": "33010"}, {"state": "approved"}, {"id": "x"},
    ],
)  # fmt: skip
async def test_a_form_that_breaks_a_rule_is_refused(service: Service, changes: dict[str, str]) -> None:
    body = {"uscc": a_uscc(), **FORM, **changes}
    answer = await service.client().post("/member-applications", json=body)
    problem(answer, 422, "validation_failed")
    assert PHONE not in answer.text and NAME not in answer.text
    problem(
        await service.client().post(
            "/member-applications", json={"uscc": a_uscc(), **FORM, "region": "330199"}
        ),
        422,
        "region_unknown",
    )


async def test_the_key_opens_its_application_and_nothing_else(service: Service) -> None:
    """It is no access token, and an access token is no key."""
    applicant, other = await an_applicant(service), await an_applicant(service)
    assert (await applicant.http.get("/member-application")).json()["id"] == applicant.id
    document = (await other.upload()).json()["id"]
    problem(await applicant.http.delete(f"/member-application/documents/{document}"), 404, "not_found")
    for path in ("/me", "/redemptions", "/member", "/admin/members", "/admin/member-applications"):
        problem(await applicant.http.get(path), 403, "forbidden")
    assert (await applicant.http.get("/offers?limit=1")).status_code == 200
    wrong = applicant.key[:-1] + ("A" if applicant.key[-1] != "A" else "B")
    for token in (wrong, applicant.key + "x", "ak1.", applicant.key[4:]):
        problem(
            await service.client(Authorization=f"Bearer {token}").get("/member-application"),
            401,
            "unauthenticated",
        )
    problem(
        await service.client(Authorization=f"Basic {applicant.key}").get("/member-application"),
        401,
        "unauthenticated",
    )
    for client in (
        (await service.citizen(consent=False)).http,
        (await service.clerk("demo-owner")).http,
        await service.admin(),
    ):
        problem(await client.get("/member-application"), 403, "forbidden")


async def test_roles_and_regions_of_admins_hold(service: Service) -> None:
    applicant = await in_review(service)
    path = f"/admin/member-applications/{applicant.id}"
    for role in ("operator", "auditor", "head"):
        client = await service.admin(await make_admin(service, "330106", role))
        assert (await client.get(path)).status_code == 200
        problem(await client.post(f"{path}/approval", json={}), 403, "forbidden")
    ningbo = await service.admin(await make_admin(service, "330200", "reviewer"))
    document = (await applicant.http.get("/member-application")).json()["documents"][0]["id"]
    for answer in (
        await ningbo.get(path),
        await ningbo.get(f"{path}/documents/{document}"),
        await ningbo.post(f"{path}/approval", json={}),
        await ningbo.post(f"{path}/refusal", json={"reason": "不行"}),
    ):
        problem(answer, 404, "not_found")
    assert applicant.id not in {item["id"] for item in await walk(ningbo, "/admin/member-applications", 100)}
    mine = await service.admin("demo-reviewer-xh")
    found = await walk(mine, "/admin/member-applications", 1, state="county_review")
    assert applicant.id in {item["id"] for item in found} and {item["state"] for item in found} == {
        "county_review"
    }


async def test_the_office_finds_by_a_part_of_the_name_and_by_the_code(service: Service) -> None:
    applicant = await in_review(service, name=f"Lakeside {uuid4().hex[:12]} 书店")
    admin, ningbo = (
        await service.admin(),
        await service.admin(await make_admin(service, "330200", "reviewer")),
    )
    mine = (await applicant.http.get("/member-application")).json()
    path = f"/admin/member-applications/{applicant.id}/approval"
    for _ in range(2):
        assert (await admin.post(path, json={})).status_code == 200
    for words in (mine["name"][9:21].upper(), mine["uscc"], mine["uscc"].lower()):
        for where in ("member-applications", "members"):
            [found] = await walk(admin, f"/admin/{where}", 5, q=words)
            assert found["uscc"] == mine["uscc"]
            assert await walk(ningbo, f"/admin/{where}", 5, q=words) == []
    for words in (mine["uscc"][:17], "%", "x" * 64):
        assert await walk(admin, "/admin/members", 5, q=words) == []


async def _new_member(service: Service) -> tuple[Applicant, str]:
    applicant, admin = await in_review(service), await service.admin()
    path = f"/admin/member-applications/{applicant.id}/approval"
    await admin.post(path, json={})
    return applicant, (await admin.post(path, json={})).json()["member_id"]


async def test_a_member_is_suspended_told_lifted_and_leaves(service: Service) -> None:
    applicant, member = await _new_member(service)
    admin, public = await service.admin(), service.client()
    login = {"login": f"owner-{uuid4().hex[:10]}", "password": "correct horse battery"}
    assert (await applicant.http.post("/member-application/owner", json=login)).status_code == 201
    signed_in = (await public.post("/auth/staff", json=login)).json()
    owner = service.client(Authorization="Bearer " + signed_in["access_token"])
    path = f"/admin/members/{member}"
    assert (await admin.post(f"{path}/suspension", json={"reason": "虚假宣传"})).status_code == 204
    problem(await admin.post(f"{path}/suspension", json={"reason": "虚假宣传"}), 409, "not_suspendable")
    standing = (await owner.get("/member")).json()
    assert standing["status"] == "suspended"
    [suspension] = standing["suspensions"]
    assert (suspension["cause"], suspension["facts"]) == ("office", {"reason": "虚假宣传"})
    removals = {item["id"]: item for item in await walk(public, "/register/removals", 1)}
    assert removals[member]["causes"] == ["office"] and "facts" not in removals[member]
    problem(await admin.post(f"{path}/reinstatement", json={"cause": "grade"}), 422, "validation_failed")
    assert (await admin.post(f"{path}/reinstatement", json={"cause": "office"})).status_code == 204
    problem(
        await admin.post(f"{path}/reinstatement", json={"cause": "office"}), 409, "not_suspended_for_that"
    )
    body = {"outcome": "broken", "cause": "inspection", "cause_id": "2026-17", "note": "未公示"}
    answered(await admin.post(f"{path}/promises", json=body), 201, "id")
    problem(await admin.post(f"{path}/promises", json=body), 409, "promise_recorded")
    [promise] = await walk(owner, "/member/promises", 5)
    assert promise["commitment_id"] and promise["cause_id"] == "2026-17"
    answered(await admin.post(f"{path}/promises", json={**body, "outcome": "kept"}), 201, "id")
    promises = await walk(admin, f"{path}/promises", 1)
    assert [each["outcome"] for each in promises] == ["kept", "broken"] and promises[1] == promise
    assert (await admin.post(f"{path}/recheck")).status_code == 204
    await rechecked(service, member, times=2)
    shown = answered(await admin.get(path), 200, "checks", "suspensions")
    assert await walk(admin, f"{path}/checks", 1) == shown["checks"] and len(shown["checks"]) == 2
    ningbo = await service.admin(await make_admin(service, "330200", "reviewer"))
    for each in ("checks", "promises"):
        problem(await ningbo.get(f"{path}/{each}"), 404, "not_found")
    assert shown["status"] == "active"
    assert (await owner.post("/member/leaving")).status_code == 204
    problem(await owner.post("/member/leaving"), 409, "member_left")
    assert (await owner.get("/member")).json()["status"] == "left"
    kinds = [notice["kind"] for notice in await walk(owner, "/member/notices", 10)]
    assert kinds == ["member_left", "promise_kept", "promise_broken", "member_reinstated", "suspended_office"]
    assert member in {item["id"] for item in await walk(admin, "/admin/members", 50, status="left")}


async def test_a_manager_sees_the_standing_and_cant_leave_and_a_cashier_sees_nothing(
    service: Service,
) -> None:
    manager = await service.clerk(await make_staff(service, "manager"))
    cashier = await service.clerk(await make_staff(service, "cashier"))
    answered(await manager.http.get("/member"), 200, "status")
    problem(await manager.http.post("/member/leaving"), 403, "forbidden")
    problem(await cashier.http.get("/member"), 403, "forbidden")


async def test_policies_and_the_white_list_by_their_admins(service: Service) -> None:
    head, city = await service.admin("demo-head"), await service.admin("demo-admin-hz")
    policy = {"min_grade": 4, "review_levels": 1, "complaint_answer_days": 5, "complaint_limit": 3,
              "complaint_window_days": 180}  # fmt: skip
    before = answered(await city.get("/admin/regions/330110/policy"), 200, "min_grade", "of_region")
    problem(await city.put("/admin/regions/330110/policy", json=policy), 403, "forbidden")
    problem(await city.get("/admin/regions/330203/policy"), 404, "not_found")
    assert (await head.put("/admin/regions/330110/policy", json=policy)).status_code == 204
    assert (await city.get("/admin/regions/330110/policy")).json() == {**policy, "of_region": "330110"}
    assert before["of_region"] is None
    entry = {"uscc": a_uscc("LQW"), "region": "330110", "reason": "新设企业"}
    asked = answered(await city.post("/admin/white-list", json=entry), 202, "approval_id")
    decision = f"/admin/approvals/{asked['approval_id']}/approval"
    assert (await head.post(decision, json={"reason": "同意"})).status_code == 204
    problem(await city.post("/admin/white-list", json=entry), 409, "already_white_listed")
    [listed] = [item for item in await walk(city, "/admin/white-list", 50) if item["uscc"] == entry["uscc"]]
    applicant = await in_review(service, uscc=entry["uscc"], region="330110")
    shown = (await applicant.http.get("/member-application")).json()
    assert shown["state"] == "county_review" and shown["checks"][0]["is_white_listed"]
    problem(await city.delete(f"/admin/white-list/{listed['id']}"), 403, "forbidden")
    assert (await head.delete(f"/admin/white-list/{listed['id']}")).status_code == 204


async def test_no_personal_data_of_an_applicant_leaves_its_place(service: Service) -> None:
    """Rule 14, 15: the contact's name and phone are in no log, audit, event or answer in full."""
    applicant = await in_review(service, contact_name="欧阳独一", contact_phone="13912345670")
    county = await service.admin("demo-reviewer-xh")
    texts = [
        (await county.get(f"/admin/member-applications/{applicant.id}")).text,
        (await applicant.http.get("/member-application")).text,
        service.log.read_text(),
    ]
    for table in ("member_applications", "audit_records", "application_events", "commitments", "pgqueuer"):
        rows = await service.fetch(f"SELECT t::text AS text FROM {table} t")
        texts += [row["text"] for row in rows]
    for secret in ("欧阳独一", "13912345670", applicant.key):
        assert not [text for text in texts if secret in text]
