"""The errands of those who contest what is on record about them, and of those who declare something of themselves."""

from datetime import timedelta
from typing import Any

import httpx

from tests.api.applicants import PDF
from tests.api.offers import shanghai_today
from tests.service import CitizenClient, Service, new_key

ABOUT_TIER = {"kind": "objection", "about": "tier", "region": "330106", "text": "测试"}
REASON = {"reason": "测试"}


async def run(service: Service, citizen: CitizenClient, admin: httpx.AsyncClient) -> None:
    """A citizen's and a member's objections in every way that they end, and a declaration from its draft on."""
    head = await service.admin("demo-head")
    await _contest(citizen.http, admin, head)
    await _contest_as_member(service, admin)
    await _declare(citizen.http, admin)


async def _contest(citizen: httpx.AsyncClient, admin: httpx.AsyncClient, head: httpx.AsyncClient) -> None:
    tier, office = await _filed(citizen, "/me/objections", ABOUT_TIER)
    file_id = await _file(citizen, tier)
    lookup = (await citizen.get("/me/credit/lookups")).json()["items"][0]["id"]
    withdrawn, _ = await _filed(
        citizen, "/me/objections", {**ABOUT_TIER, "about": "lookup", "record_id": lookup}
    )
    await _all_ok(citizen, "/me/credit", "/me/objections", tier, f"{tier}/evidence/{file_id}")
    await _all_ok(
        admin,
        *("/admin/objections", "/admin/objections?state=open&kind=repair&region=330100"),
        *("/admin/objections?overdue=true", "/admin/objections?overdue=false&kind=objection"),
        *(office, f"{office}/evidence/{file_id}", f"{office}/forwarding"),
    )
    assert (await admin.post(f"{office}/forwarding")).status_code == 204
    asked = await admin.post(f"{office}/extension", json={"working_days": 20, **REASON})
    assert asked.status_code == 202, asked.text
    agreed = await head.post(f"/admin/approvals/{asked.json()['approval_id']}/approval", json=REASON)
    assert agreed.status_code == 204, agreed.text
    await _answer(admin, office, "upheld")
    for path in (f"{tier}/words", withdrawn):
        assert (await citizen.delete(path)).status_code == 204


async def _contest_as_member(service: Service, admin: httpx.AsyncClient) -> None:
    owner = (await service.clerk("demo-owner")).http
    [check] = await service.fetch(
        "INSERT INTO organisation_checks (id, member_id, source, checked_at, finding, grade, min_grade, is_dishonest,"
        " is_white_listed, data_date, record_id) SELECT gen_random_uuid(), member_id, 'sandbox', now(), 'passed', 4, 3,"
        " false, false, '2026-03-03', 'record-1' FROM staff WHERE login = 'demo-owner' RETURNING id"
    )
    contest = {
        "kind": "repair",
        "about": "organisation_check",
        "text": "已履行",
        "record_id": str(check["id"]),
    }
    path, office = await _filed(owner, "/member/objections", contest)
    file_id = await _file(owner, path)
    await _all_ok(owner, "/member", "/member/objections", path, f"{path}/evidence/{file_id}")
    await _answer(admin, office, "corrected")
    path, _ = await _filed(owner, "/member/objections", contest)
    assert (await owner.delete(path)).status_code == 204
    [suspended] = await service.fetch(
        "INSERT INTO suspensions (id, member_id, cause, facts, suspended_at) SELECT gen_random_uuid(), member_id, 'office',"
        " '{}', now() FROM staff WHERE login = 'demo-owner' RETURNING id"
    )
    suspension = {
        "kind": "objection",
        "about": "suspension",
        "record_id": str(suspended["id"]),
        "text": "不属实",
    }
    _, office = await _filed(owner, "/member/objections", suspension)
    await _answer(admin, office, "dismissed")
    await service.fetch("DELETE FROM suspensions WHERE id = $1", suspended["id"])


async def _declare(citizen: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    body = {"kind": "volunteer_hours", "region": "330106", "happened_on": "2026-03-04", "hours": 8}
    made = []
    for _ in range(3):  # the last one waits for its review
        path, office = await _filed(
            citizen, "/me/declarations", {**body, "text": "社区志愿服务", "may_forward": True}
        )
        file_id = await _file(citizen, path)
        assert (await citizen.post(f"{path}/submission")).status_code == 204
        made.append((path, office))
        await _all_ok(citizen, "/me/declarations", path, f"{path}/evidence/{file_id}")
        await _all_ok(
            admin,
            *("/admin/declarations", "/admin/declarations?status=submitted&region=330100"),
            *(office, f"{office}/evidence/{file_id}"),
        )
    (accepted, first), (refused, second), _ = made
    until = {"valid_until": f"{shanghai_today() + timedelta(days=30)}"}
    assert (await admin.post(f"{first}/acceptance", json=until)).status_code == 204
    assert (await admin.post(f"{first}/forwarding")).status_code == 200
    assert (await admin.post(f"{second}/refusal", json=REASON)).status_code == 204
    about = {"about": "declaration", "record_id": refused.rpartition("/")[2]}
    _, office = await _filed(citizen, "/me/objections", {**ABOUT_TIER, **about})
    await _answer(admin, office, "upheld")
    for _ in range(2):  # they stay, for whoever walks through the list
        await _filed(citizen, "/me/declarations", {**body, "text": "社区志愿服务"})
    assert (await citizen.delete(accepted)).status_code == 204


async def _filed(http: httpx.AsyncClient, path: str, body: Any) -> tuple[str, str]:
    """The path of what was made, and an office's path to it; asked for twice with one key."""
    key = {"Idempotency-Key": new_key()}
    for _ in range(2):
        answer = await http.post(path, json=body, headers=key)
        assert answer.status_code == 201, answer.text
    made = answer.json()["id"]
    return f"{path}/{made}", f"/admin/{path.rpartition('/')[2]}/{made}"


async def _file(http: httpx.AsyncClient, path: str) -> str:
    answer = await http.post(
        f"{path}/evidence", params={"name": "x.pdf"}, content=PDF, headers={"Content-Type": "application/pdf"}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _answer(admin: httpx.AsyncClient, office: str, outcome: str) -> None:
    answer = await admin.post(f"{office}/answer", json={"outcome": outcome, **REASON})
    assert answer.status_code == 204, answer.text


async def _all_ok(http: httpx.AsyncClient, *paths: str) -> None:
    for path in paths:
        answer = await http.get(path)
        assert answer.status_code == 200, (path, answer.text)
