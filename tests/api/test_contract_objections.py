"""Objections and declarations over the wire: from the mark to the answer, and what each side gets to see."""

from typing import Any
from uuid import uuid4

import httpx

from alliance.rechecks import RECHECK_JOB
from tests.api.applicants import PDF
from tests.api.kit import answered, problem, walk, with_key
from tests.api.offers import make_admin, make_staff, shanghai_today
from tests.service import CitizenClient, Service

PLEA = "这不是我的记录，我叫王小明，电话13812349050。"
CONTEST = {"kind": "objection", "about": "tier", "region": "330106", "text": PLEA}
SERVICE = {"kind": "volunteer_hours", "region": "330106", "happened_on": "2026-03-04", "hours": 40}


async def rated(service: Service) -> CitizenClient:
    """A citizen whose tier was looked up."""
    citizen = await service.citizen()
    seen = answered(await citizen.http.get("/me/credit"), 200, "tier")
    assert seen["objection"] is None
    return citizen


async def send_file(
    http: httpx.AsyncClient, path: str, content: bytes = PDF, kind: str = "application/pdf"
) -> httpx.Response:
    return await http.post(
        f"{path}/evidence", params={"name": "证明.pdf"}, content=content, headers={"Content-Type": kind}
    )


async def contested(citizen: CitizenClient, **changes: Any) -> dict[str, Any]:
    made = await citizen.http.post("/me/objections", json={**CONTEST, **changes}, headers=with_key())
    return answered(made, 201, "id", "status", "filed_at", "due_at", "due_note")


async def test_a_tier_is_marked_passed_on_and_looked_up_afresh_once_it_was_wrong(service: Service) -> None:
    citizen, key = await rated(service), with_key()
    made = answered(await citizen.http.post("/me/objections", json=CONTEST, headers=key), 201, "id", "due_at")
    again = await citizen.http.post("/me/objections", json=CONTEST, headers=key)
    assert again.json() == made and again.headers["idempotency-replayed"] == "true"
    problem(
        await citizen.http.post("/me/objections", json=CONTEST, headers=with_key()), 409, "objection_open"
    )
    mark = (await citizen.http.get("/me/credit")).json()["objection"]
    assert mark == {"id": made["id"], "state": "open", "due_at": made["due_at"]}
    path, office = f"/me/objections/{made['id']}", f"/admin/objections/{made['id']}"
    file_id = answered(await send_file(citizen.http, path), 201, "id")["id"]
    assert (await citizen.http.get(f"{path}/evidence/{file_id}")).content == PDF
    admin = await service.admin(await make_admin(service, "330100", "operator"))
    dossier = answered(await admin.get(office), 200, "text", "steps", "evidence")
    assert dossier["text"] == PLEA.replace("13812349050", "138****9050")
    assert citizen.id not in str(dossier) and "证明" not in str(dossier) and "tier" not in dossier
    assert [step["event"] for step in dossier["steps"]] == ["file", "add_evidence"]
    assert (await admin.get(f"{office}/evidence/{file_id}")).content == PDF
    assert (await admin.post(f"{office}/forwarding")).status_code == 204
    problem(await admin.post(f"{office}/forwarding"), 409, "objection_not_possible")
    sent = await admin.get(f"{office}/forwarding")
    assert sent.json()["source_record_id"] and "13812349050" not in sent.text and citizen.id not in sent.text
    page = await admin.get(f"{office}/forwarding?form=html")
    assert page.headers["content-disposition"].startswith("attachment") and "核查函" in page.text
    reply = {"outcome": "corrected", "reason": "已更正"}
    assert (await admin.post(f"{office}/answer", json=reply)).status_code == 204
    problem(await admin.post(f"{office}/answer", json=reply), 409, "objection_not_possible")
    before = len((await citizen.http.get("/me/credit/lookups")).json()["items"])
    assert (await citizen.http.get("/me/credit")).json()["objection"] is None
    assert len((await citizen.http.get("/me/credit/lookups")).json()["items"]) == before + 1
    mine = answered(await citizen.http.get(path), 200)
    assert (mine["status"], mine["answer"], mine["text"]) == ("corrected", "已更正", PLEA)
    assert [each["kind"] for each in (await citizen.http.get("/me/notices")).json()["items"]] == [
        "objection_corrected",
        "objection_forwarded",
    ]
    problem(await citizen.http.delete(path), 409, "objection_not_possible")
    problem(await send_file(citizen.http, path), 409, "objection_not_possible")
    for _ in range(2):
        assert (await citizen.http.delete(f"{path}/words")).status_code == 204
    assert (await citizen.http.get(path)).json()["text"] is None
    problem(await citizen.http.get(f"{path}/evidence/{file_id}"), 404, "not_found")


async def test_more_time_takes_a_second_admin(service: Service) -> None:
    citizen = await rated(service)
    made = await contested(citizen)
    asker, head = [
        await service.admin(await make_admin(service, "330100", role)) for role in ("operator", "head")
    ]
    path = f"/admin/objections/{made['id']}/extension"
    wish = {"working_days": 20, "reason": "需外地核实"}
    for wrong in (5, 21):
        problem(await asker.post(path, json={**wish, "working_days": wrong}), 422, "validation_failed")
    approval = answered(await asker.post(path, json=wish), 202, "approval_id")["approval_id"]
    problem(await asker.post(path, json=wish), 409, "already_asked")
    decided = await head.post(f"/admin/approvals/{approval}/approval", json={"reason": "同意"})
    assert decided.status_code == 204, decided.text
    mark = (await citizen.http.get("/me/credit")).json()["objection"]
    assert mark["due_at"] > made["due_at"]
    problem(await asker.post(path, json=wish), 409, "objection_not_extendable")


async def test_a_look_up_that_is_contested_says_so(service: Service) -> None:
    citizen = await rated(service)

    async def marks() -> list[bool]:
        return [
            each["is_disputed"] for each in (await citizen.http.get("/me/credit/lookups")).json()["items"]
        ]

    lookup = (await citizen.http.get("/me/credit/lookups")).json()["items"][0]["id"]
    assert await marks() == [False]
    made = await contested(citizen, about="lookup", record_id=lookup)
    assert await marks() == [True]
    assert (await citizen.http.delete(f"/me/objections/{made['id']}")).status_code == 204
    assert await marks() == [False]


async def test_withdrawing_ends_the_mark(service: Service) -> None:
    citizen = await rated(service)
    path = f"/me/objections/{(await contested(citizen, kind='repair'))['id']}"
    for _ in range(2):
        assert (await citizen.http.delete(path)).status_code == 204
    assert (await citizen.http.get("/me/credit")).json()["objection"] is None
    shown = answered(await citizen.http.get(path), 200)
    assert (shown["status"], shown["text"], shown["kind"]) == ("withdrawn", None, "repair")


async def test_what_can_t_be_contested_says_why(service: Service) -> None:
    citizen = await rated(service)
    for changes, status, code in (
        ({"region": "999999"}, 422, "region_unknown"),
        ({"about": "lookup", "record_id": str(uuid4())}, 404, "not_found"),
        ({"about": "lookup"}, 404, "not_found"),
        ({"about": "lookup", "kind": "repair", "record_id": str(uuid4())}, 422, "repair_not_there"),
        ({"about": "suspension"}, 422, "validation_failed"),
        ({"text": " "}, 422, "validation_failed"),
        ({"text": "字" * 2001}, 422, "validation_failed"),
    ):
        answer = await citizen.http.post("/me/objections", json={**CONTEST, **changes}, headers=with_key())
        problem(answer, status, code)
    problem(await citizen.http.post("/me/objections", json=CONTEST), 400, "idempotency_key_required")
    path = f"/me/objections/{(await contested(citizen))['id']}"
    problem(await send_file(citizen.http, path, b"MZ"), 422, "file_not_as_said")
    problem(await send_file(citizen.http, path, b""), 422, "file_empty")
    problem(await send_file(citizen.http, path, kind="text/csv"), 415, "unsupported_media_type")


async def test_the_office_pages_and_filters(service: Service) -> None:
    made = [(await contested(await rated(service)))["id"] for _ in range(3)]
    admin = await service.admin(await make_admin(service, "330106", "reviewer"))
    found = [each["id"] for each in await walk(admin, "/admin/objections", 2)]
    assert set(made) <= set(found)
    open_ones = await walk(admin, "/admin/objections", 2, state="open", kind="objection", overdue="false")
    assert set(made) <= {each["id"] for each in open_ones}
    assert not set(made) & {
        each["id"] for each in await walk(admin, "/admin/objections", 100, overdue="true")
    }
    problem(await admin.get("/admin/objections?overdue=perhaps"), 422, "validation_failed")
    reply = {"outcome": "upheld", "reason": "x"}
    problem(await admin.post(f"/admin/objections/{made[0]}/answer", json=reply), 403, "forbidden")


async def test_a_member_contests_its_check_which_says_so(service: Service) -> None:
    owner = (await service.clerk(await make_staff(service, "owner", "hz-tea", ("hz-tea-longjing",)))).http
    manager = (await service.clerk(await make_staff(service, "manager", "hz-tea", ("hz-tea-longjing",)))).http
    [row] = await service.fetch(
        "INSERT INTO organisation_checks (id, member_id, source, checked_at, finding, grade, min_grade, is_dishonest,"
        " is_white_listed, data_date, record_id) SELECT gen_random_uuid(), member_id, 'sandbox', now(), 'passed', 4, 3,"
        " false, false, '2026-03-03', 'record-1' FROM staff_stores WHERE store_id ="
        " (SELECT id FROM stores WHERE name LIKE '%龙井%' LIMIT 1) LIMIT 1 RETURNING id, member_id"
    )
    mine = (await owner.get("/member")).json()
    assert mine["id"] == str(row["member_id"])
    contest = {"kind": "repair", "about": "organisation_check", "text": "已履行判决"}
    problem(await manager.post("/member/objections", json=contest, headers=with_key()), 403, "forbidden")
    made = answered(await owner.post("/member/objections", json=contest, headers=with_key()), 201, "id")
    checks = (await manager.get("/member")).json()["checks"]
    assert [check["is_disputed"] for check in checks if check["id"] == str(row["id"])] == [True]
    path = f"/member/objections/{made['id']}"
    answered(await send_file(owner, path), 201, "id")
    assert (await manager.get(path)).json()["region"].startswith("3301")
    admin = await service.admin()
    listed = (await admin.get(f"/admin/members/{mine['id']}/checks")).json()["items"]
    assert [check["is_disputed"] for check in listed if check["id"] == str(row["id"])] == [True]
    reply = {"outcome": "corrected", "reason": "已修复"}
    assert (await admin.post(f"/admin/objections/{made['id']}/answer", json=reply)).status_code == 204
    jobs = await service.fetch(
        "SELECT 1 FROM pgqueuer WHERE entrypoint = $1 AND dedupe_key = $2",
        *(RECHECK_JOB, f"{RECHECK_JOB}.repaired:{mine['id']}"),
    )
    assert len(jobs) == 1
    assert "repair_corrected" in [
        each["kind"] for each in (await owner.get("/member/notices")).json()["items"]
    ]
    assert {each["is_disputed"] for each in (await owner.get("/member")).json()["checks"]} == {False}


async def test_a_declaration_is_looked_at_and_goes_when_its_citizen_wants(service: Service) -> None:
    citizen = await service.citizen(consent=False)
    body = {**SERVICE, "text": "亚运会志愿服务，13812349050", "may_forward": True}
    for changes, code in (
        ({"text": "无偿献血 3 次"}, "declares_too_much"),
        ({"hours": None}, "hours_of_service_alone"),
        ({"happened_on": "2999-01-01"}, "not_yet_happened"),
        ({"region": "999999"}, "region_unknown"),
        ({"kind": "blood_donation"}, "validation_failed"),
        ({"happened_on": "2026-02-30"}, "validation_failed"),
    ):
        answer = await citizen.http.post("/me/declarations", json={**body, **changes}, headers=with_key())
        problem(answer, 422, code)
    made = answered(await citizen.http.post("/me/declarations", json=body, headers=with_key()), 201, "id")
    path, office = f"/me/declarations/{made['id']}", f"/admin/declarations/{made['id']}"
    problem(await citizen.http.post(f"{path}/submission"), 409, "declaration_evidence_missing")
    file_id = answered(await send_file(citizen.http, path), 201, "id")["id"]
    reviewer, operator = [
        await service.admin(await make_admin(service, "330106", role)) for role in ("reviewer", "operator")
    ]
    problem(await reviewer.get(office), 404, "not_found")
    assert (await citizen.http.post(f"{path}/submission")).status_code == 204
    seen = answered(await reviewer.get(office), 200, "evidence")
    assert "13812349050" not in str(seen) and citizen.id not in str(seen)
    assert (await reviewer.get(f"{office}/evidence/{file_id}")).content == PDF
    problem(await operator.post(f"{office}/forwarding"), 409, "forwarding_not_allowed")
    wrong = {"valid_until": f"{shanghai_today()}"}
    problem(await reviewer.post(f"{office}/acceptance", json=wrong), 422, "validity_out_of_range")
    until = {"valid_until": f"{shanghai_today().replace(year=shanghai_today().year + 1, day=1)}"}
    assert (await reviewer.post(f"{office}/acceptance", json=until)).status_code == 204
    problem(await reviewer.post(f"{office}/refusal", json={"reason": "x"}), 409, "declaration_decided")
    sent = await operator.post(f"{office}/forwarding")
    assert sent.json()["hours"] == 40 and "13812349050" not in sent.text and citizen.id not in sent.text
    mine = answered(await citizen.http.get(path), 200)
    assert (mine["status"], mine["is_valid"], mine["text"]) == ("accepted", True, body["text"])
    assert mine["forwarded_at"] is not None and len(mine["evidence"]) == 1
    assert (await citizen.http.delete(path)).status_code == 204
    problem(await citizen.http.get(path), 404, "not_found")
    problem(await reviewer.get(office), 404, "not_found")
    assert (await citizen.http.get("/me/declarations")).json()["items"] == []
