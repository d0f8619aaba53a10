"""Fifty thousand rows: in bounded memory, in seconds."""

import gc
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from alliance import import_runs, imports
from common.database import fetch_one
from common.files import XLSX
from models.office_enums import ImportKind
from tests.alliance.imported import Office, table, uscc_of
from tests.factories.moments import NOON

pytestmark = pytest.mark.usefixtures("database")
MANY = imports.MOST_ROWS


def memory_mb(name: str) -> float:
    """What the system says of this process: `VmRSS` now, `VmHWM` the most since it was last forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def forget_peak() -> None:
    """Begin to measure anew (man 5 proc)."""
    Path("/proc/self/clear_refs").write_text("5")


def members(media_type: str) -> bytes:
    """A file of as many rows as there may be."""
    rows = ({"uscc": uscc_of(number), "name": f"商家 {number}"} for number in range(MANY))
    return table(ImportKind.MEMBERS, *rows, media_type=media_type)


@pytest.mark.alone
@pytest.mark.parametrize("media_type", [XLSX, "text/csv"])
async def test_fifty_thousand_members_are_checked_and_applied(tmp_path: Path, media_type: str) -> None:
    office = Office.at(tmp_path)
    # Made elsewhere: memory that this process had before and gave back would hide what it needs.
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        content = elsewhere.submit(members, media_type).result()
    import_id = await office.sent(ImportKind.MEMBERS, content, media_type)
    del content
    gc.collect()
    forget_peak()
    before, began = memory_mb("VmRSS"), time.monotonic()
    await import_runs.check(office.files, import_id, NOON)
    checked = time.monotonic() - began
    await imports.apply(office.second, import_id, NOON)
    await import_runs.apply(office.files, import_id, NOON)
    took, grown = time.monotonic() - began, memory_mb("VmHWM") - before
    row = await office.row(import_id)
    print(f"{media_type}: checked in {checked:.1f} s, all in {took:.1f} s, {grown:.0f} MB more at the peak")
    assert (row["status"], row["rows_done"], row["rows_bad"]) == ("applied", MANY, 0)
    found = await fetch_one("SELECT count(*) AS members FROM members")
    assert found is not None and found["members"] == MANY
    assert took < 40 and grown < 120


async def test_more_rows_are_refused_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_runs, "MOST_ROWS", 3)
    office = Office.at(tmp_path)
    rows = [{"uscc": uscc_of(number)} for number in range(4)]
    assert (await office.checked(ImportKind.MEMBERS, table(ImportKind.MEMBERS, *rows[:3])))["rows_total"] == 3
    row = await office.checked(ImportKind.MEMBERS, table(ImportKind.MEMBERS, *rows))
    assert (row["status"], row["failure"]) == ("failed", "too_many_rows")


@pytest.mark.parametrize(
    ("content", "failure"),
    [("", "table_empty"), ("\n\n", "table_empty"), ("kind,name,uscc,region\n", "table_empty")],
)
async def test_a_file_without_rows_has_failed(tmp_path: Path, content: str, failure: str) -> None:
    row = await Office.at(tmp_path).checked(ImportKind.MEMBERS, b"\xef\xbb\xbf" + content.encode())
    assert (row["status"], row["failure"]) == ("failed", failure)


async def test_a_file_that_is_gone_has_failed(tmp_path: Path) -> None:
    office = Office.at(tmp_path)
    import_id = await office.sent(ImportKind.MEMBERS, table(ImportKind.MEMBERS, {}))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.unlink()
    await import_runs.check(office.files, import_id, NOON)
    assert (await office.row(import_id))["failure"] == "table_gone"


async def test_columns_that_nobody_asked_for_are_refused(tmp_path: Path) -> None:
    """Rule 11: an import that carries income, religion or the like has no place for it."""
    office = Office.at(tmp_path)
    row = await office.checked(ImportKind.MEMBERS, b"kind,name,uscc,religion,=cmd,name\nx,y,z\n")
    assert (row["status"], row["rows_bad"]) == ("checked", 1)
    assert sorted(await office.errors(row)) == [
        (1, "'=cmd", "column_unknown"),
        (1, "name", "column_twice"),
        (1, "region", "column_missing"),
        (1, "religion", "column_unknown"),
    ]
