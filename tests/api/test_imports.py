"""Imports over HTTP, with the background process at work: from the upload to what an admin downloads."""

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from alliance import import_runs
from alliance.imports import FAILURES
from common import table_files, workbooks
from common.files import XLSX
from models.office_enums import ImportKind
from tests.alliance.imported import table, uscc_of
from tests.api.kit import NOBODY, answered, problem
from tests.server.commands import started_warm as started
from tests.service import Service

MEMBERS, STAFF = ImportKind.MEMBERS, ImportKind.STAFF
CSV = {"Content-Type": "text/csv"}


async def sent(
    admin: httpx.AsyncClient, kind: str, content: bytes, headers: dict[str, str] = CSV
) -> httpx.Response:
    return await admin.post("/admin/imports", params={"kind": kind}, content=content, headers=headers)


async def until(admin: httpx.AsyncClient, import_id: str, *statuses: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            shown = answered(await admin.get(f"/admin/imports/{import_id}"), 200, "status", "rows_done")
            if shown["status"] in statuses:
                return shown
            await asyncio.sleep(0.2)


async def test_a_file_is_checked_corrected_and_applied_by_a_second_admin(service: Service) -> None:
    sender, second = await service.admin("demo-admin-hz"), await service.admin()
    first = 100_000 + uuid4().int % 1_000_000
    rows = [{"uscc": uscc_of(first + number), "name": f"商家 {first + number}"} for number in range(3)]
    wrong = table(MEMBERS, *rows, {"uscc": "1" * 18}, media_type=XLSX)
    async with started(service.environment, "worker"):
        await _says_why_it_has_failed(sender)
        bad = answered(await sent(sender, "members", wrong, {"Content-Type": XLSX}), 202, "id", "status")
        assert (bad["status"], bad["region"]) == ("uploaded", "330100")
        shown = await until(sender, bad["id"], "checked")
        assert (shown["rows_total"], shown["rows_bad"], shown["has_errors"]) == (4, 1, True)
        errors = await sender.get(f"/admin/imports/{bad['id']}/errors")
        assert errors.status_code == 200 and errors.headers["content-type"] == XLSX
        assert "attachment" in errors.headers["content-disposition"] and errors.content[:2] == b"PK"
        problem(await second.post(f"/admin/imports/{bad['id']}/application"), 409, "import_has_errors")
        assert (await sender.delete(f"/admin/imports/{bad['id']}")).status_code == 204
        good = answered(await sent(sender, "members", table(MEMBERS, *rows)), 202)
        await until(sender, good["id"], "checked")
        problem(await sender.get(f"/admin/imports/{good['id']}/errors"), 404, "not_found")
        problem(await sender.post(f"/admin/imports/{good['id']}/application"), 403, "own_import")
        assert (await second.post(f"/admin/imports/{good['id']}/application")).status_code == 202
        applied = await until(second, good["id"], "applied", "failed")
    assert (applied["status"], applied["rows_done"]) == ("applied", 3)
    found = await service.fetch(
        "SELECT status FROM members WHERE uscc = ANY ($1)", [each["uscc"] for each in rows]
    )
    assert [row["status"] for row in found] == ["active"] * 3
    problem(await second.post(f"/admin/imports/{good['id']}/invitations"), 409, "import_not_ready")
    listed = answered(await sender.get("/admin/imports"), 200, "items")["items"]
    assert [each["id"] for each in listed][:2] == [good["id"], bad["id"]]


async def _says_why_it_has_failed(admin: httpx.AsyncClient) -> None:
    empty = answered(await sent(admin, "members", table(MEMBERS)), 202)
    assert empty["detail"] is None
    failed = await until(admin, empty["id"], "failed")
    assert (failed["failure"], failed["detail"]) == ("table_empty", FAILURES["table_empty"][0])
    english = await admin.get(f"/admin/imports/{empty['id']}", headers={"Accept-Language": "en"})
    assert english.json()["detail"] == FAILURES["table_empty"][1]


def test_every_failure_of_a_file_has_its_sentences() -> None:
    source = "".join(Path(module.__file__).read_text() for module in (table_files, workbooks, import_runs))
    assert {*re.findall(r'(?:TableUnreadable\(|failure=)"(\w+)"', source)} == FAILURES.keys()


async def test_staff_get_links_and_no_password(service: Service) -> None:
    sender, second = await service.admin("demo-admin-hz"), await service.admin()
    (member,) = await service.fetch(
        "SELECT m.uscc FROM members m JOIN staff s ON s.member_id = m.id WHERE s.login = 'demo-owner'"
    )
    login = f"new-{uuid4().hex[:8]}"
    content = table(STAFF, {"member_uscc": member["uscc"], "login": login, "stores": ""})
    async with started(service.environment, "worker"):
        import_id = answered(await sent(sender, "staff", content), 202)["id"]
        shown = await until(sender, import_id, "checked")
        assert shown["rows_bad"] == 0
        assert (await second.post(f"/admin/imports/{import_id}/application")).status_code == 202
        await until(sender, import_id, "applied")
    for password in ("!", "", login):
        answer = await service.client().post("/auth/staff", json={"login": login, "password": password})
        assert answer.status_code in (401, 422)
    links = await second.post(f"/admin/imports/{import_id}/invitations")
    assert links.status_code == 200 and links.headers["cache-control"] == "no-store"
    line = links.content.decode("utf-8-sig").splitlines()[1].split(",")
    assert line[1] == login and len(line[2]) >= 43
    kept = await service.fetch("SELECT secret_hash FROM one_time_links")
    assert line[2].encode() not in {row["secret_hash"] for row in kept}


async def test_another_region_and_another_role_have_no_imports(service: Service) -> None:
    province, hz = await service.admin(), await service.admin("demo-admin-hz")
    reviewer = await service.admin("demo-reviewer-xh")
    made = answered(await sent(province, "stores", b"x\n"), 202)
    for path in ("", "/errors"):
        problem(await hz.get(f"/admin/imports/{made['id']}{path}"), 404, "not_found")
    problem(await hz.post(f"/admin/imports/{made['id']}/application"), 404, "not_found")
    problem(await hz.delete(f"/admin/imports/{made['id']}"), 404, "not_found")
    problem(await hz.get(f"/admin/imports/{NOBODY}"), 404, "not_found")
    problem(await reviewer.get("/admin/imports"), 403, "forbidden")
    problem(await sent(reviewer, "stores", b"x\n"), 403, "forbidden")
    assert made["id"] not in {each["id"] for each in (await hz.get("/admin/imports")).json()["items"]}


@pytest.mark.parametrize("kind", [*ImportKind])
async def test_the_template_is_a_file_that_can_be_sent_in(service: Service, kind: ImportKind) -> None:
    admin = await service.admin()
    answer = await admin.get("/admin/imports/template", params={"kind": kind})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    header, example = answer.content.decode("utf-8-sig").splitlines()
    assert header.count(",") == example.count(",") >= 3


async def test_what_is_no_table_is_refused(service: Service) -> None:
    admin = await service.admin()
    problem(
        await sent(admin, "members", b"%PDF-1", {"Content-Type": "application/pdf"}),
        415,
        "unsupported_media_type",
    )
    problem(await sent(admin, "members", b"a,b", {"Content-Type": XLSX}), 422, "file_not_as_said")
    problem(await sent(admin, "citizens", b"a,b"), 422, "validation_failed")
