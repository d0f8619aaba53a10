"""The errands of those who become members, stay, are suspended and leave."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from common import database as db
from common.clock import now
from common.files import FileStore
from models import stored_files
from server.config import load
from tests.api.applicants import FORM, an_applicant, in_review, rechecked
from tests.factories.applications import a_uscc, a_wrong_uscc
from tests.service import Service


async def run(service: Service, admin: httpx.AsyncClient) -> None:
    """From an application to the register and out of the alliance again."""
    head = await service.admin("demo-head")
    await _white_list_and_policy(admin, head)
    await _hesitate(service, admin, head)
    applicant = await in_review(service)
    path = f"/admin/member-applications/{applicant.id}"
    await _all_ok(
        admin, "/admin/member-applications?limit=1", "/admin/member-applications?state=refused&q=x", path
    )
    for _ in range(2):
        approved = await admin.post(f"{path}/approval", json={"reason": "齐全"})
        assert approved.status_code == 200, approved.text
    member = approved.json()["member_id"]
    login = {"login": f"owner-{uuid4().hex[:10]}", "password": "correct horse battery"}
    assert (await applicant.http.post("/member-application/owner", json=login)).status_code == 201
    tokens = (await service.client().post("/auth/staff", json=login)).json()
    owner = service.client(Authorization="Bearer " + tokens["access_token"])
    await _all_ok(admin, f"{path}/events", f"/admin/members/{member}/staff")
    await _suspend_and_lift(service, admin, member)
    await _all_ok(owner, "/member", "/member/promises")
    await _all_ok(
        owner, "/register?q=x&region=330100&kind=merchant", "/register/removals", "/commitment-text"
    )
    assert (await owner.post("/member/leaving")).status_code == 204
    again = await in_review(service, uscc=(await applicant.http.get("/member-application")).json()["uscc"])
    for _ in range(2):
        assert (
            await admin.post(f"/admin/member-applications/{again.id}/approval", json={})
        ).status_code == 200


async def _white_list_and_policy(admin: httpx.AsyncClient, head: httpx.AsyncClient) -> None:
    entry = {"uscc": a_uscc(), "region": "330100", "reason": "新设"}
    asked = await admin.post("/admin/white-list", json=entry)
    await _agree(head, asked)
    [listed, *_] = (await admin.get("/admin/white-list")).json()["items"]
    assert (await head.delete(f"/admin/white-list/{listed['id']}")).status_code == 204
    policy = (await admin.get("/admin/regions/330182/policy")).json()
    policy.pop("of_region")
    assert (await head.put("/admin/regions/330182/policy", json=policy)).status_code == 204


async def _hesitate(service: Service, admin: httpx.AsyncClient, head: httpx.AsyncClient) -> None:
    applicant = await an_applicant(service)
    document = (await applicant.upload()).json()["id"]
    assert (await applicant.http.delete(f"/member-application/documents/{document}")).status_code == 204
    settings = load(service.environment)
    await db.connect(settings.database_url, pool_size=2)
    try:
        assert await stored_files.forgetter(FileStore(settings.files_folder))(now() + timedelta(hours=2)) == 1
    finally:
        await db.disconnect()
    body = {**FORM, "uscc": a_wrong_uscc()}
    assert (await applicant.http.put("/member-application", json=body)).status_code == 204
    path = f"/admin/member-applications/{applicant.id}"
    await _agree(head, await admin.post(f"{path}/uscc-override", json={"reason": "确认"}))
    await _all_ok(applicant.http, "/member-application", "/member-application/events")
    assert (await applicant.http.post("/member-application/withdrawal")).status_code == 204
    refused = await in_review(service)
    path = f"/admin/member-applications/{refused.id}"
    document = (await refused.http.get("/member-application")).json()["documents"][0]["id"]
    await _all_ok(admin, f"{path}/documents/{document}")
    assert (await admin.post(f"{path}/refusal", json={"reason": "不齐"})).status_code == 204


async def _suspend_and_lift(service: Service, admin: httpx.AsyncClient, member: str) -> None:
    path = f"/admin/members/{member}"
    promise: dict[str, Any] = {"outcome": "kept", "cause": "inspection", "cause_id": "1"}
    for route, body in (
        ("suspension", {"reason": "违规"}),
        ("reinstatement", {"cause": "office"}),
        ("promises", promise),
        ("recheck", None),
    ):
        answer = await admin.post(f"{path}/{route}", json=body)
        assert answer.status_code < 300, answer.text
    await rechecked(service, member, times=1)
    await _all_ok(admin, path, f"{path}/checks", f"{path}/promises", "/admin/members?limit=1&status=active")


async def _agree(head: httpx.AsyncClient, asked: httpx.Response) -> None:
    assert asked.status_code == 202, asked.text
    path = f"/admin/approvals/{asked.json()['approval_id']}/approval"
    assert (await head.post(path, json={"reason": "同意"})).status_code == 204


async def _all_ok(client: httpx.AsyncClient, *paths: str) -> None:
    for path in paths:
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
