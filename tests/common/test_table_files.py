"""Tables in files: encodings, broken and hostile files, and that no cell is a formula."""

import csv
import zipfile
from io import BytesIO, StringIO
from pathlib import Path

import openpyxl
import pytest

from common import table_files
from common.files import XLSX
from common.table_exports import written
from common.table_files import TableUnreadable, read_lines

CSV = "text/csv"


def lines_of(
    folder: Path, content: bytes, media_type: str = CSV, most: int = 100
) -> list[tuple[int, list[str]]]:
    path = folder / "content"
    path.write_bytes(content)
    return [(number, list(cells)) for number, cells in read_lines(path, media_type, most)]


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


def test_a_zip_bomb_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would unpack to is looked at first: a million blanks are packed a thousand times."""
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))
    assert code_of(tmp_path, packed(xl__sheet=b" " * 20_000_000), XLSX) == "table_too_large"
    monkeypatch.setattr(table_files, "MOST_RATIO", 10_000)
    monkeypatch.setattr(table_files, "MOST_UNPACKED", 10_000_000)
    assert code_of(tmp_path, packed(xl__sheet=b" " * 20_000_000), XLSX) == "table_too_large"
    monkeypatch.setattr(table_files, "MOST_TEXTS", 1_000)
    assert code_of(tmp_path, packed(xl__sharedStrings=b" " * 2_000), XLSX) == "table_too_large"
    monkeypatch.setattr(table_files, "MOST_PARTS", 2)
    assert code_of(tmp_path, packed(a=b"", b=b"", c=b""), XLSX) == "table_too_large"


def test_a_workbook_without_what_it_needs_is_refused(tmp_path: Path) -> None:
    assert code_of(tmp_path, packed(a=b"x"), XLSX) == "table_unreadable"


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
