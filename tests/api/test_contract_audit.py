"""The audit over the wire: filters, proofs, and an export that a spreadsheet does not calculate."""

import csv
import io
import json
import struct
from hashlib import sha256
from typing import Any
from uuid import UUID

from common.merkle import root_by_path
from common.table_exports import inert
from tests.api.kit import NOBODY, answered, problem, walk
from tests.api.offers import make_admin, make_offer
from tests.e2e.invariants import check_sealed
from tests.service import Service


def holds(line: str, place: int, path: list[str], seal: dict[str, Any]) -> bool:
    """Check a proof as docs/ledger.md says, with nothing of the service but the tree."""
    record = json.loads(line)
    digest = sha256(line.encode()).digest()
    leaf = struct.pack(">cQ16s32s", b"A", record["entry"], UUID(record["id"]).bytes, digest)
    hashed = sha256(b"\0" + leaf).digest()
    root = root_by_path(hashed, place, seal["records"], [bytes.fromhex(node) for node in path])
    return root == bytes.fromhex(seal["root"])


async def test_a_change_is_found_with_before_and_after_and_proved(service: Service) -> None:
    admin, offer = await service.admin(), await make_offer(service, total=5)
    path = f"/admin/offers/{offer}/stock"
    changed = await admin.put(path, json={"stock_total": 9})
    [record] = await walk(admin, "/admin/audit", 2, object_kind="offer", object_id=offer)
    assert (record["action"], record["before"], record["after"]) == (
        "offer.set_stock",
        '{"stock_total": 5}',
        '{"stock_total": 9}',
    )
    assert (record["region"], record["request_id"]) == ("330100", changed.headers["x-request-id"])
    one = f"/admin/audit/{record['id']}"
    assert answered(await admin.get(one), 200) == record
    problem(await admin.get(f"{one}/proof"), 409, "not_yet_sealed")
    await check_sealed(service.environment["DATABASE_URL"])
    proof = answered(await admin.get(f"{one}/proof"), 200, "record", "leaf_index", "path", "seal")
    assert proof["seal"]["format"] == "xinyi-audit-seal/1"
    assert holds(proof["record"], proof["leaf_index"], proof["path"], proof["seal"])
    published = await walk(service.client(), "/audit/roots", 100)
    assert proof["seal"] in published
    ningbo = await service.admin(await make_admin(service, "330200", "auditor"))
    for unreachable in (one, f"{one}/proof", f"/admin/audit/{NOBODY}"):
        problem(await ningbo.get(unreachable), 404, "not_found")


async def test_the_export_has_every_record_with_its_proof_and_is_recorded(service: Service) -> None:
    login = await make_admin(service, "330100", "auditor")
    auditor, admin = await service.admin(login), await service.admin()
    for total in (5, 6, 7):
        offer = await make_offer(service, total=1)
        await admin.put(f"/admin/offers/{offer}/stock", json={"stock_total": total})
    await check_sealed(service.environment["DATABASE_URL"])
    listed = await walk(auditor, "/admin/audit", 100, action="offer.set_stock")
    seals = {seal["number"]: seal for seal in await walk(service.client(), "/audit/roots", 100)}
    answer = await auditor.get("/admin/audit/export?action=offer.set_stock")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [json.loads(line["record"])["id"] for line in lines] == [record["id"] for record in listed]
    assert all(holds(line["record"], line["leaf_index"], line["path"], seals[line["seal"]]) for line in lines)
    table = await auditor.get("/admin/audit/export?action=offer.set_stock&format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert [row["id"] for row in rows] == [record["id"] for record in listed]
    [latest, _] = (await auditor.get("/admin/audit?action=audit.export&limit=2")).json()["items"]
    assert (latest["object_id"], latest["after"]) == ("csv", '{"action": "offer.set_stock"}')
    for nobody in (await service.admin(await make_admin(service, "330100", "operator", "head")),):
        problem(await nobody.get("/admin/audit/export"), 403, "forbidden")


async def test_a_number_in_the_address_of_a_try_in_vain_is_not_kept(service: Service) -> None:
    """Whatever is typed into an address would be sealed for good."""
    login = await make_admin(service, "330100", "reviewer")
    problem(await (await service.admin(login)).post("/admin/jobs/13812349050/retry"), 403, "forbidden")
    rows = await service.fetch("SELECT object_id FROM audit_records WHERE action = 'job.retry'")
    assert rows and {row["object_id"] for row in rows} == {"***"}


def test_cells_that_a_spreadsheet_would_calculate_are_inert() -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert inert(text) == "'" + text
    assert inert("offer.paused") == "offer.paused"
