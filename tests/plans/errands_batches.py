"""A credit source delivers twice, with rows that repeat and repairs; the office looks at it."""

import tempfile
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from alliance import credit_batches, data_quality
from citizens.credit_sources import Subject
from citizens.credit_sources.batch import BatchSource
from common import database as db
from common.clock import SHANGHAI, local_day, now
from merchants.organisation_sources.batch import BatchOrganisationSource
from models.office_enums import BatchKind
from tests.factories.batches import batch, batch_desk, csv_of, id_number, tier_rows
from tests.factories.citizens import KEYS, PURPOSE
from tests.service import Service

USCC = "91330100MA2XY0001Y"


async def run(service: Service, admin: httpx.AsyncClient) -> None:
    """As the operator's command does it, and the background process."""
    with tempfile.TemporaryDirectory() as name:
        await _deliver(service.environment["DATABASE_URL"], Path(name))
    for path in ("/admin/credit-batches", "/admin/data-quality"):
        assert (await admin.get(path)).status_code == 200
    first = (await admin.get("/admin/credit-batches?limit=100")).json()["items"][-1]["id"]
    errors = (await admin.get(f"/admin/credit-batches/{first}/errors?limit=1")).json()["items"]
    assert (await admin.get(f"/admin/credit-batches/{first}")).status_code == 200
    assert (await admin.get(f"/admin/credit-batches/{first}/error-file")).status_code in (200, 404)
    for error_id, status in ((errors[0]["id"], (204, 409)), (uuid4(), (404,))):
        path = f"/admin/credit-batch-errors/{error_id}/closure"
        assert (await admin.post(path, json={"reason": "测试"})).status_code in status


async def _deliver(url: str, folder: Path) -> None:
    desk, day = batch_desk(url, folder / "files"), local_day(now()) - timedelta(days=2)
    rows = tier_rows(600, day=day)
    rows += [rows[3], (rows[4][0], 500, *rows[4][2:])]
    rows[7] = (*rows[7][:1], 9999, *rows[7][2:])
    organisations = {
        BatchKind.ORGANISATION_GRADES: [(USCC, 4, day, "g-1")],
        BatchKind.DISHONEST_LIST: [(USCC, day, "d-1")],
    }
    repairs = [("person", id_number(1), "t-1", day, "zj-demo", 900, "")]
    repairs += [("organisation", USCC, "d-1", day, "", "", 5)]
    made = now().astimezone(SHANGHAI) - timedelta(hours=2)
    kinds = {BatchKind.TIERS: rows, **organisations}
    batch(folder / "in" / "1", kinds, day=day, made_at=made, batch_id="1")
    later = {BatchKind.TIERS: csv_of(BatchKind.TIERS, tier_rows(600, day=day)), BatchKind.REPAIRS: repairs}
    batch(folder / "in" / "2", later, day=day, made_at=made + timedelta(hours=1), batch_id="2")
    assert await credit_batches.import_new(desk, folder / "in", now(), lambda _: None) == 2
    assert (await credit_batches.check_folder(desk, folder / "in" / "2", now(), lambda _: None)).code
    broken = folder / "in" / "3"
    batch(broken, later, day=day, made_at=made + timedelta(minutes=90), batch_id="3")
    (broken / "tiers.csv").write_bytes(b"")
    for _ in range(2):  # the second time it is begun anew
        assert (await credit_batches.import_folder(desk, broken, now(), lambda _: None)).code == "hash"
    async with db.own_connection(url):
        await BatchSource("test", KEYS).look_up(Subject(id_number(1)), PURPOSE, uuid4())
        await BatchOrganisationSource("test").look_up(USCC)
        await data_quality.note_upheld("test", "t-9", now())
        assert await BatchSource("test", KEYS).histogram("zj-demo") is not None
