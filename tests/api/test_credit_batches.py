"""Batches over the wire: what was delivered, what goes back, what became of it, and how good the data is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alliance import credit_batches, data_quality
from common import database as db
from common.clock import SHANGHAI, local_day, now
from models.office_enums import BatchKind
from sandbox.demo_data.rows import demo_id
from tests.api.kit import problem, walk
from tests.api.offers import make_admin
from tests.factories.batches import batch, batch_desk, csv_of, tier_rows
from tests.service import Service

TODAY = local_day(now())
FIRST, DAY = TODAY - timedelta(days=4), timedelta(days=1)
T = BatchKind.TIERS


def with_faults(*rows: int, day: Any) -> list[list[Any]]:
    """Two hundred people; these have a score that is off the scale."""
    made = [list(row) for row in tier_rows(200, day=day)]
    for number in rows:
        made[number][1] = 9999
    return made


@pytest.fixture(scope="module")
async def delivered(service: Service, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Four days: one with two bad rows, one that was late and mends one of them, none, one that is refused."""
    url, folder = service.environment["DATABASE_URL"], tmp_path_factory.mktemp("batches")
    desk = batch_desk(url, Path(service.environment["FILES_DIR"]))
    await db.connect(url, pool_size=2)
    try:
        for days, rows, hours in (
            (0, with_faults(3, 5, day=FIRST), 5),
            (1, with_faults(3, day=FIRST), 7),
            (3, with_faults(1, 2, 3, day=FIRST), 5),
        ):
            day = FIRST + days * DAY
            at = now().astimezone(SHANGHAI).replace(hour=hours, minute=0) - (TODAY - day - DAY)
            made = batch(folder / str(days), {T: csv_of(T, rows)}, day=day, batch_id=f"b-{days}", made_at=at)
            await credit_batches.import_folder(desk, made, at, lambda _: None)
    finally:
        await db.disconnect()
    yield service


@pytest.fixture
async def head(delivered: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A head of the province."""
    yield await delivered.admin("demo-head")


async def test_batches_are_listed_newest_first_with_what_became_of_them(head: httpx.AsyncClient) -> None:
    items = await walk(head, "/admin/credit-batches", limit=1)
    assert [item["source_batch_id"] for item in items] == ["b-3", "b-1", "b-0"]
    assert [item["status"] for item in items] == ["refused", "in_force", "superseded"]
    assert items[0]["failure"] == "too_many_bad_rows" and "百分之一" in items[0]["detail"]
    one = (await head.get(f"/admin/credit-batches/{items[2]['id']}")).json()
    assert one["files"] == [
        {
            "kind": "tiers",
            "name": "tiers.csv",
            "rows_promised": 200,
            "rows_read": 200,
            "rows_bad": 2,
            "is_loaded": True,
        }
    ]


async def test_bad_rows_go_back_without_whose_they_are(head: httpx.AsyncClient) -> None:
    first = (await walk(head, "/admin/credit-batches", 100))[-1]
    rows = await walk(head, f"/admin/credit-batches/{first['id']}/errors", limit=1)
    assert [(row["row_number"], row["record_id"], row["code"]) for row in rows] == [
        *((5, "t-3", "score_off_scale"), (7, "t-5", "score_off_scale")),
    ]
    # The next day delivered the second one rightly.
    assert [row["state"] for row in rows] == ["open", "mended"]
    file = await head.get(f"/admin/credit-batches/{first['id']}/error-file")
    assert file.headers["content-type"] == "text/csv"
    assert file.text.lstrip("\ufeff").splitlines() == [
        "file,row,record_id,field,code",
        *("tiers.csv,5,t-3,score,score_off_scale", "tiers.csv,7,t-5,score,score_off_scale"),
    ]


async def test_data_quality_is_told_by_day(head: httpx.AsyncClient) -> None:
    span = {"from": FIRST.isoformat(), "to": (FIRST + 3 * DAY).isoformat(), "source": "test"}
    items = (await head.get("/admin/data-quality", params=span)).json()["items"]
    names = ("expected", "received", "collection", "conformity", "timeliness", "accuracy", "rectification")
    assert [tuple(item[name] for name in names) for item in items] == [
        (200, 200, 10_000, 9_900, 9_900, 10_000, 5_000),
        (200, 200, 10_000, 9_950, 0, 10_000, 0),
        (200, 0, 0, None, None, None, None),
        (200, 0, 0, 9_850, 0, 10_000, 0),
    ]
    assert [item["is_on_time"] for item in items] == [True, False, False, True]
    assert (await head.get("/admin/data-quality", params={**span, "source": "other"})).json() == {"items": []}


async def test_a_bad_row_is_closed_once_for_a_reason(head: httpx.AsyncClient) -> None:
    last = (await walk(head, "/admin/credit-batches", 100))[0]
    row = (await walk(head, f"/admin/credit-batches/{last['id']}/errors", 100))[0]
    path = f"/admin/credit-batch-errors/{row['id']}/closure"
    problem(await head.post(path, json={"reason": " "}), 422, "validation_failed")
    assert (await head.post(path, json={"reason": "来源方确认作废"})).status_code == 204
    problem(await head.post(path, json={"reason": "再关一次"}), 409, "batch_error_not_open")
    closed = (await walk(head, f"/admin/credit-batches/{last['id']}/errors", 100))[0]
    assert (closed["state"], closed["reason"]) == ("closed", "来源方确认作废")


async def test_only_the_provinces_admins_see_them(delivered: Service) -> None:
    for login in (
        await make_admin(delivered, "330100", "operator"),
        await make_admin(delivered, "330100", "head"),
    ):
        city = await delivered.admin(login)
        for path in (
            "/admin/credit-batches",
            f"/admin/credit-batches/{demo_id('x', 'y')}/errors",
            "/admin/data-quality",
        ):
            problem(await city.get(path), 403, "province_alone")


async def test_an_upheld_objection_counts_against_the_source_once(
    delivered: Service, head: httpx.AsyncClient
) -> None:
    await db.connect(delivered.environment["DATABASE_URL"], pool_size=2)
    try:
        assert await data_quality.note_upheld("test", "t-9", now())
        assert not await data_quality.note_upheld("test", "t-9", now())
    finally:
        await db.disconnect()
    day = (FIRST + DAY).isoformat()
    (item,) = (await head.get("/admin/data-quality", params={"from": day, "to": day})).json()["items"]
    assert (item["wrong"], item["accuracy"]) == (1, 9_950)
