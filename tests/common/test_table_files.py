"""Tables in files: encodings, broken and hostile files, and that no cell is a formula."""

import csv
import random
import re
import subprocess
import sys
import tracemalloc
import zipfile
from io import BytesIO, StringIO
from pathlib import Path

import openpyxl
import psutil
import pytest

from common import table_files, workbooks
from common.files import XLSX
from common.table_exports import written
from common.table_files import opened
from common.workbooks import TableUnreadable

CSV = "text/csv"


def lines_of(
    folder: Path, content: bytes, media_type: str = CSV, most: int = 100
) -> list[tuple[int, list[str]]]:
    path = folder / "content"
    path.write_bytes(content)
    with opened(path, media_type, most) as lines:
        return list(lines)


def code_of(folder: Path, content: bytes, media_type: str = CSV, most: int = 100) -> str:
    with pytest.raises(TableUnreadable) as refused:
        lines_of(folder, content, media_type, most)
    return refused.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_spreadsheets_of_china_are_read(tmp_path: Path, encoding: str) -> None:
    content = '名称,地址\r\n湖畔,"延安路\n1 号"\r\n,\r\n  西溪 ,,\r\n'.encode(encoding)
    assert lines_of(tmp_path, content) == [
        (1, ["名称", "地址"]),
        (2, ["湖畔", "延安路\n1 号"]),
        (4, ["西溪"]),
    ]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    assert code_of(tmp_path, b"a,b\n\xff\xff\xff,1\n") == "encoding_unknown"
    assert code_of(tmp_path, b'a,"b\n1,2\n') == "table_unreadable"
    assert code_of(tmp_path, b"a\n" * 4, most=3) == "too_many_rows"
    assert code_of(tmp_path, b"," * 50 + b"x," * 100 + b"\n") == "table_too_large"
    assert code_of(tmp_path, b"x" * 5000) == "table_too_large"


@pytest.mark.parametrize("content", [b"PK\x03\x04 and nothing", b"PK\x03\x04" + bytes(500)])
def test_a_broken_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    assert code_of(tmp_path, content, XLSX) == "table_unreadable"


def packed(**parts: bytes) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", part)
    return content.getvalue()


def first_sight_of(content: bytes) -> str:
    with pytest.raises(TableUnreadable) as refused:
        next(workbooks.rows_of(BytesIO(content), 100))
    return refused.value.code


def test_a_zip_bomb_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would unpack to is looked at first: a million blanks are packed a thousand times."""
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))
    bomb = packed(xl__sheet=b" " * 20_000_000)
    assert code_of(tmp_path, bomb, XLSX) == first_sight_of(bomb) == "table_too_large"
    monkeypatch.setattr(workbooks, "MOST_RATIO", 10_000)
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 10_000_000)
    assert first_sight_of(bomb) == "table_too_large"
    monkeypatch.setattr(workbooks, "MOST_TEXTS", 1_000)
    assert first_sight_of(packed(xl__sharedStrings=b" " * 2_000)) == "table_too_large"
    monkeypatch.setattr(workbooks, "MOST_PARTS", 2)
    assert first_sight_of(packed(a=b"", b=b"", c=b"")) == "table_too_large"


def test_a_workbook_without_what_it_needs_is_refused(tmp_path: Path) -> None:
    assert code_of(tmp_path, packed(a=b"x"), XLSX) == "table_unreadable"


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
# Each is small enough for first sight and would take hundreds of megabytes.
HOSTILE = {
    "texts under another name": ("xl/words.xml", "<sst>", "<si><t>x</t></si>" * 3_000_000, "</sst>"),
    "one row": ("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row>", "<c/>" * 3_000_000, "</row></sheetData></worksheet>"),
    "styles": ("xl/styles.xml", "<styleSheet><cellXfs>", "<xf/>" * 1_000_000, "</cellXfs></styleSheet>"),
    "one element in the other": ("xl/worksheets/sheet1.xml", "<worksheet>", "<a>" * 3_000_000, "</worksheet>"),
    "entities": (
        "xl/worksheets/sheet1.xml",
        f'<!DOCTYPE x [<!ENTITY a "{"x" * 1_000_000}">]><worksheet><sheetData><row><c t="inlineStr"><is><t>',
        "&a;" * 98,
        "</t></is></c></row></sheetData></worksheet>",
    ),
}  # fmt: skip


def hostile(name: str) -> bytes:
    """A workbook one part of which is not what it seems."""
    book, content = openpyxl.Workbook(), BytesIO()
    assert book.active is not None
    book.active["A1"] = "x"
    book.save(content)
    part, begins, middle, ends = HOSTILE[name]
    begins = re.sub("<(sst|worksheet|styleSheet)>", rf'<\1 xmlns="{MAIN}">', begins)
    # What is not pressed well keeps the whole below the ratio that is refused at first sight.
    noise = f"<!--{random.Random(1).randbytes(400_000).hex()}-->"
    with (
        zipfile.ZipFile(content) as old,
        zipfile.ZipFile(changed := BytesIO(), "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            text = old.read(info.filename).decode()
            if name == "texts under another name":
                kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
                text = text.replace(
                    "</Types>", f'<Override PartName="/{part}" ContentType="{kind}"/></Types>'
                )
            if info.filename != part and info.filename != "xl/sharedStrings.xml":
                new.writestr(info.filename, text)
        new.writestr(part, begins + middle + ends)
        new.writestr("noise.xml", noise)
    return changed.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_workbook_becomes_is_bounded(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_MEMORY", 100_000_000)
    content = hostile(name)
    workbooks.must_look_bounded(BytesIO(content))
    assert code_of(tmp_path, content, XLSX) == "table_too_large"


def test_the_time_that_a_workbook_takes_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "MOST_SECONDS", 1)
    monkeypatch.setattr(table_files, "MOST_MEMORY", 2_000_000_000)
    assert code_of(tmp_path, hostile("one row"), XLSX) == "table_too_large"


def test_who_reads_a_workbook_knows_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import workbooks, sys; print(sorted({'common', 'models', 'tortoise', 'asyncio'} & {*sys.modules}))"
    )
    folder = Path(workbooks.__file__).parent
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A workbook that is not read in one go."""
    path = tmp_path / "many"
    path.write_bytes(written([["x" * 1_000] * 20] * 200, XLSX))
    return path


def readers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if workbooks.__file__ in child.cmdline()]


def test_who_reads_a_workbook_is_gone_when_nobody_asks_for_more(many: Path) -> None:
    with opened(many, XLSX, 1_000) as lines:
        next(lines)
        assert len(readers()) == 1
    assert readers() == []


def test_a_stop_of_the_whole_service_says_nothing_about_the_file(many: Path) -> None:
    with opened(many, XLSX, 1_000) as lines:
        next(lines)
        readers()[0].terminate()  # it is for its reader to decide
        assert len(list(lines)) == 199
    with pytest.raises(ChildProcessError), opened(many, XLSX, 1_000) as lines:
        readers()[0].terminate()  # before it could say so
        list(lines)


def test_who_reads_a_workbook_ends_with_a_killed_reader(many: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from common.files import XLSX; from common.table_files import opened\n"
        "with opened(Path(sys.argv[1]), XLSX, 1000) as lines: print(next(lines)[0], flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(many)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=Path(workbooks.__file__).parent.parent
    ) as owner:
        try:
            assert owner.stdout is not None and owner.stdout.readline() == b"1\n"
            (reader,) = psutil.Process(owner.pid).children()
        finally:
            owner.kill()
    reader.wait(10)


@pytest.mark.parametrize(
    "row", ['"' + "x" * 30_000_000, "," * 30_000_000, '"' + "\n" * 900_000, "x" * 200_000]
)
def test_no_row_of_a_csv_is_held_whole(tmp_path: Path, row: str) -> None:
    tracemalloc.start()
    try:
        assert code_of(tmp_path, row.encode()) == "table_too_large"
        assert tracemalloc.get_traced_memory()[1] - len(row) < 40_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(tmp_path: Path, cell: str) -> None:
    (row,) = csv.reader(StringIO(written([[cell]], CSV).decode("utf-8-sig"), newline=""))
    assert row == ["'" + cell]
    book = openpyxl.load_workbook(BytesIO(written([[cell]], XLSX)))
    assert book.active is not None and book.active["A1"].data_type == "s"


def test_numbers_and_dates_of_a_workbook_are_read_as_they_are_written(tmp_path: Path) -> None:
    from datetime import date, datetime

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append([30.27, 5.0, 12, date(2026, 3, 4), datetime(2026, 3, 4), True, None, " x "])
    content = BytesIO()
    book.save(content)
    assert lines_of(tmp_path, content.getvalue(), XLSX) == [
        (1, ["30.27", "5", "12", "2026-03-04", "2026-03-04", "True", "", "x"])
    ]
