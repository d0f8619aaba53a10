"""Tables in files, CSV and XLSX, read row by row in bounded memory; `common.table_exports` writes them.

A CSV is UTF-8 (with or without a byte order mark) or GB18030, which is what spreadsheets in China write. An XLSX is a
ZIP archive: what it would unpack to is looked at before it is opened.
"""

import codecs
import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from common.files import CHUNK, XLSX

# Of an XLSX: 50,000 rows of thirty columns unpack to some 60 MB; its table of texts is held in memory.
MOST_UNPACKED, MOST_TEXTS, MOST_PARTS, MOST_RATIO = 150_000_000, 40_000_000, 1_000, 200
MOST_COLUMNS = 100
MOST_CELL = 4_000

Line = tuple[int, Sequence[str]]
Lines = Generator[tuple[int, list[str]], None, None]


class TableUnreadable(Exception):
    """The file as a whole can't be read; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_lines(path: Path, media_type: str, most_lines: int) -> Iterator[Line]:
    """The rows that hold something, each with its number as a spreadsheet shows it; the first is row 1.

    Args:
        most_lines: more than so many is an error.

    Raises:
        TableUnreadable: `table_unreadable`, `table_too_large`, `encoding_unknown`, `too_many_rows`.
        FileNotFoundError: it is gone.
    """
    lines = _xlsx(path, most_lines) if media_type == XLSX else _csv(path)
    with closing(lines):
        while True:
            try:
                number, cells = next(lines)
            except StopIteration:
                return
            except (TableUnreadable, FileNotFoundError):
                raise
            except Exception as error:
                # Whatever the libraries stumble over: the file is broken, and its content stays out of logs.
                raise TableUnreadable("table_unreadable") from error
            if number > most_lines:
                raise TableUnreadable("too_many_rows")
            while cells and not cells[-1]:
                cells.pop()
            if len(cells) > MOST_COLUMNS:
                raise TableUnreadable("table_too_large")
            if cells:
                yield number, cells


def batches_of(lines: Iterator[Line], size: int) -> Iterator[list[Line]]:
    """So many rows at a time."""
    while batch := list(islice(lines, size)):
        yield batch


def _csv(path: Path) -> Lines:
    with path.open(encoding=_encoding_of(path), newline="") as file:
        for number, cells in enumerate(csv.reader(file, strict=True), 1):
            yield number, [_text(cell) for cell in cells]


def _encoding_of(path: Path) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while piece := file.read(CHUNK):
                    decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise TableUnreadable("encoding_unknown")


def _xlsx(path: Path, most_lines: int) -> Lines:
    import openpyxl  # 0.15 s, for the few who read a workbook

    _must_be_bounded(path)
    with (
        path.open("rb") as file,
        closing(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)) as book,
    ):
        sheet: Any = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size is not believed
        rows = sheet.iter_rows(max_row=most_lines + 1, max_col=MOST_COLUMNS + 1, values_only=True)
        for number, cells in enumerate(rows, 1):
            yield number, [_text(cell) for cell in cells]


def _must_be_bounded(path: Path) -> None:
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
    except BadZipFile:
        raise TableUnreadable("table_unreadable") from None
    # An archive that says less than it holds is cut off there when it is read.
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    texts = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
    if (
        *(unpacked > MOST_UNPACKED, texts > MOST_TEXTS, len(parts) > MOST_PARTS),
        unpacked > 1_000_000 and unpacked > MOST_RATIO * max(1, packed),
    ) != (False,) * 4:
        raise TableUnreadable("table_too_large")


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        cell = cell.date() if cell.time().isoformat() == "00:00:00" else cell
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell).strip()
    if len(text) > MOST_CELL:
        raise TableUnreadable("table_too_large")
    return text
