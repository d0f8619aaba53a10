"""Exports: what is in the files, that cells do nothing, that memory stays small; two admins, one reader, one week."""

import asyncio
import csv
import gc
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from json import loads
from pathlib import Path
from uuid import UUID, uuid4

import openpyxl
import psutil
import pytest

from alliance import approvals, decisions, exports, statement_files
from alliance.approvals import AlreadyAsked
from alliance.exports import ExportDeleted, ExportNotReady
from common import table_exports
from common.actors import AdminActor
from common.database import fetch_all, fetch_one
from common.errors import NotFound
from common.files import XLSX, FileStore
from common.table_exports import CSV, Cell, chunks, inert
from models import Admin
from models.enums import AdminRole, StaffStatus
from models.office_enums import ExportFormat
from tests.alliance.test_statements import owner
from tests.factories.members import a_shop
from tests.factories.moments import NOON
from tests.factories.statements import (
    MARCH,
    MID_APRIL,
    a_deal,
    a_funded_deal,
    closed_statement,
    given,
    killed_before_statement,
    taken_back,
)

WEEK = timedelta(days=7)
MEBIBYTE = 1_048_576


async def an_admin(*roles: AdminRole, region: str = "330100") -> AdminActor:
    """Somebody of an alliance office."""
    admin_id = uuid4()
    await Admin.create(
        id=admin_id,
        login=f"admin-{admin_id.hex}",
        password_hash="none",
        roles=[*roles],
        region_id=region,
        status=StaffStatus.ACTIVE,
        created_at=NOON,
    )
    return AdminActor(admin_id, uuid4(), roles, region)


async def of(rows: Sequence[Sequence[Cell]], size: int = 2) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    """Rows in batches."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    """The file."""
    return b"".join([piece async for piece in pieces])


def csv_rows(content: bytes) -> list[list[str]]:
    """What a spreadsheet reads."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def xlsx_rows(content: bytes) -> list[tuple[object, ...]]:
    """All rows of all sheets."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)]


DANGEROUS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=HYPERLINK(0)", "＝1+1"]


@pytest.mark.parametrize("text", DANGEROUS)
async def test_no_cell_is_a_formula(text: str) -> None:
    rows: list[tuple[Cell, ...]] = [(text, -5, 'a,"b"\n=c')]
    _, (cell, number, other) = csv_rows(await whole(chunks(CSV, ("a", "b", "c"), of(rows))))
    assert (cell, number, other) == (f"'{text}", "-5", 'a,"b"\n=c')
    book = openpyxl.load_workbook(io.BytesIO(await whole(chunks(XLSX, ("a", "b", "c"), of(rows)))))
    cells = next(book.worksheets[0].iter_rows(min_row=2))
    assert [cell.data_type for cell in cells] == ["s", "n", "s"]
    assert str(cells[0].value).startswith("'") and cells[1].value == -5


def test_plain_cells_are_as_they_are() -> None:
    moment = NOON
    assert [inert(cell) for cell in (None, 0, -5, "湖畔", "a=b", moment, MARCH)] == [
        *("", 0, -5, "湖畔", "a=b", "2026-03-04 12:00:00", "2026-03-01"),
    ]


async def test_a_long_table_goes_on_with_the_next_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_exports, "ROWS_PER_SHEET", 3)
    content = await whole(chunks(XLSX, ("n",), of([(n,) for n in range(5)])))
    assert xlsx_rows(content) == [("n",), (0,), (1,), ("n",), (2,), (3,), ("n",), (4,)]


async def many_rows(count: int) -> AsyncIterator[list[tuple[Cell, ...]]]:
    """So many rows as wide as a statement's, made as they are asked for."""
    record = UUID(int=1)
    for start in range(0, count, 2_000):
        yield [
            *(
                (
                    "2026-03",
                    "330106",
                    "湖畔百货",
                    record,
                    "武林店",
                    "全场八折",
                    "redemption",
                    n,
                    record,
                    None,
                    NOON,
                    10000,
                    2000,
                    1000,
                    400,
                    record,
                    600,
                    None,
                )
                for n in range(start, min(count, start + 2_000))
            )
        ]


@pytest.mark.parametrize(("media_type", "rows"), [(CSV, 100_000), (XLSX, 20_000)])
async def test_the_memory_does_not_grow_with_the_table(media_type: str, rows: int) -> None:
    await _size_of(chunks(media_type, statement_files.HEADER, many_rows(4_000)))
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    size = await _size_of(chunks(media_type, statement_files.HEADER, many_rows(rows)))
    grown = process.memory_info().rss - before
    # A table that is held in memory is larger than its file (XLSX: ten times and more).
    assert size > (1 if media_type == XLSX else 10) * MEBIBYTE
    assert grown < 16 * MEBIBYTE, f"{grown / MEBIBYTE:.0f} MiB"


async def _size_of(pieces: AsyncIterator[bytes]) -> int:
    size = 0
    async for piece in pieces:
        size += len(piece)
    return size


@pytest.mark.parametrize("kind", ExportFormat)
async def test_a_members_file_has_every_line_of_its_statement(
    database: str, monkeypatch: pytest.MonkeyPatch, kind: ExportFormat
) -> None:
    monkeypatch.setattr(statement_files, "PAGE", 2)
    shop = await a_shop()
    deal = await a_funded_deal(shop)
    ids = [await given(deal, fen) for fen in (100, 200, 300, 999)]
    await taken_back(deal, ids[0], MID_APRIL - timedelta(days=20))
    statement = await closed_statement(shop)
    content = await whole(await statement_files.own_file(owner(shop), statement["id"], kind, MID_APRIL))
    header, *rows = csv_rows(content) if kind is ExportFormat.CSV else xlsx_rows(content)
    assert tuple(header) == statement_files.HEADER
    discount, record = header.index("优惠(分) / discount_fen"), header.index("记录编号 / record_id")
    assert [int(str(row[discount])) for row in rows] == [100, 200, 300, 999, -100]
    assert [row[record] for row in rows][:4] == [str(each) for each in ids]
    assert {row[4] for row in rows} == {"武林店"} and {row[5] for row in rows} == {"全场八折"}
    assert str(deal.citizen_id).encode() not in content and str(shop.manager.id).encode() not in content
    [audited] = await fetch_all("SELECT action FROM audit_records WHERE action = 'statement.export'")
    with pytest.raises(NotFound):
        await statement_files.own_file(owner(await a_shop()), statement["id"], kind, MID_APRIL)


# A region's ---------------------------------------------------------------------------------------


async def agreed(kind: ExportFormat = ExportFormat.CSV) -> tuple[AdminActor, UUID]:
    """An export that one admin asked for and another agreed to."""
    auditor, head = await an_admin(AdminRole.AUDITOR), await an_admin(AdminRole.HEAD)
    export_id = await exports.ask(auditor, "330100", MARCH, kind, "年度检查", MID_APRIL)
    await decisions.approve(head, export_id, "同意", MID_APRIL)
    return auditor, export_id


async def two_shops_closed() -> None:
    """Two members' statements of March, in Hangzhou and in Ningbo, and one of Hangzhou that is open."""
    for region, fen in (("330106", 11), ("330106", 22), ("330203", 99)):
        shop = await a_shop(region=region)
        await given(await a_deal(shop), fen)
        await closed_statement(shop)
    await given(await a_deal(await a_shop()), 1_000)


async def test_an_export_is_agreed_to_by_a_second_admin_and_made_once(database: str, tmp_path: Path) -> None:
    auditor = await an_admin(AdminRole.AUDITOR)
    export_id = await exports.ask(auditor, "330100", MARCH, ExportFormat.CSV, "年度检查", MID_APRIL)
    with pytest.raises(AlreadyAsked):
        await exports.ask(auditor, "330100", MARCH, ExportFormat.CSV, "再来", MID_APRIL)
    assert await exports.of_asker(auditor, None, 9) == []
    assert not await exports.write(export_id, FileStore(tmp_path), MID_APRIL)
    with pytest.raises(approvals.OwnRequest):
        await decisions.approve(auditor, export_id, "自己", MID_APRIL)
    await decisions.approve(await an_admin(AdminRole.HEAD), export_id, "同意", MID_APRIL)
    [job] = await fetch_all("SELECT entrypoint, payload FROM pgqueuer")
    assert (job["entrypoint"], loads(job["payload"])) == (exports.EXPORT_JOB, {"export_id": str(export_id)})
    assert await exports.write(export_id, FileStore(tmp_path), MID_APRIL)
    assert not await exports.write(export_id, FileStore(tmp_path), MID_APRIL)
    actions = await fetch_all("SELECT action FROM audit_records WHERE object_kind = 'export' ORDER BY entry")
    assert [row["action"] for row in actions] == ["export.ask", "export.begin", "export.write"]


async def test_a_regions_file_has_its_closed_statements_and_no_others(database: str, tmp_path: Path) -> None:
    await two_shops_closed()
    auditor, export_id = await agreed()
    files = FileStore(tmp_path)
    with pytest.raises(ExportNotReady):
        await exports.opened(auditor, export_id, MID_APRIL)
    await exports.write(export_id, files, MID_APRIL)
    file = await exports.opened(auditor, export_id, MID_APRIL)
    header, *rows = csv_rows(await whole(files.chunks(file["sha256"])))
    assert sorted(row[header.index("优惠(分) / discount_fen")] for row in rows) == ["11", "22"]
    [export] = await exports.of_asker(auditor, None, 9)
    assert (export["state"], export["rows_done"]) == ("ready", 2)
    assert (file["name"], file["media_type"]) == ("statements-330100-2026-03.csv", CSV)


async def test_an_export_is_for_whoever_asked_alone(database: str, tmp_path: Path) -> None:
    auditor, export_id = await agreed()
    await exports.write(export_id, FileStore(tmp_path), MID_APRIL)
    other = await an_admin(AdminRole.AUDITOR)
    for stranger in (other, replace(auditor, region="330200")):
        with pytest.raises(NotFound):
            await exports.opened(stranger, export_id, MID_APRIL)
    assert await exports.of_asker(other, None, 9) == []
    await exports.opened(auditor, export_id, MID_APRIL)
    downloads = await fetch_all("SELECT actor_id FROM audit_records WHERE action = 'export.download'")
    assert [row["actor_id"] for row in downloads] == [auditor.id]


@pytest.mark.parametrize("region", ["330000", "330200", "330199", "33010"])
async def test_nobody_asks_for_more_than_his_region(database: str, region: str) -> None:
    auditor = await an_admin(AdminRole.AUDITOR)
    with pytest.raises(NotFound):
        await exports.ask(auditor, region, MARCH, ExportFormat.CSV, "x", MID_APRIL)


async def test_a_file_is_deleted_after_a_week(database: str, tmp_path: Path) -> None:
    auditor, export_id = await agreed()
    files = FileStore(tmp_path)
    await exports.write(export_id, files, MID_APRIL)
    file = await exports.opened(auditor, export_id, MID_APRIL)
    delete = exports.deleter(files)
    assert await delete(MID_APRIL + WEEK - timedelta(milliseconds=1)) == 0
    assert files.path(file["sha256"]).exists()
    with pytest.raises(ExportDeleted):  # also before the duty came round
        await exports.opened(auditor, export_id, MID_APRIL + WEEK)
    assert [await delete(MID_APRIL + WEEK), await delete(MID_APRIL + WEEK)] == [1, 0]
    assert not files.path(file["sha256"]).exists()
    with pytest.raises(ExportDeleted):
        await exports.opened(auditor, export_id, MID_APRIL + WEEK)
    row = await fetch_one("SELECT deleted_at FROM stored_files WHERE id = $1", file["id"])
    assert row is not None and row["deleted_at"] == MID_APRIL + WEEK


async def test_content_that_another_file_shares_stays(database: str, tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    _, first = await agreed()
    await exports.write(first, files, MID_APRIL)
    auditor, second = await agreed()
    await exports.write(second, files, MID_APRIL + WEEK)
    assert await exports.deleter(files)(MID_APRIL + WEEK) == 1
    file = await exports.opened(auditor, second, MID_APRIL + WEEK)
    assert files.path(file["sha256"]).exists()


async def test_a_writing_that_is_killed_anywhere_is_begun_anew(database: str, tmp_path: Path) -> None:
    await two_shops_closed()
    auditor, export_id = await agreed()
    files = FileStore(tmp_path)
    for number in range(1, 40):
        with killed_before_statement(number):
            await exports.write(export_id, files, MID_APRIL)
        rows = await fetch_all("SELECT id FROM stored_files")
        [export] = await exports.of_asker(auditor, None, 9)
        assert (export["state"], len(rows)) in (("waiting", 0), ("ready", 1))
        if rows:
            break
    else:
        raise AssertionError("never written")
    assert number > 5 and export["rows_done"] == 2


async def test_two_who_write_at_once_leave_one_file(database: str, tmp_path: Path) -> None:
    auditor, export_id = await agreed()
    files = FileStore(tmp_path)
    done = await asyncio.gather(*(exports.write(export_id, files, MID_APRIL) for _ in range(3)))
    assert sum(done) == 1
    live = await fetch_all("SELECT id FROM stored_files WHERE deleted_at IS NULL")
    assert len(live) == 1
    assert files.path((await exports.opened(auditor, export_id, MID_APRIL))["sha256"]).exists()
