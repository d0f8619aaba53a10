"""Reading an XLSX in a process of its own, which may have so much memory and time and no more.

`common.table_files` runs this file as a program. A workbook is a ZIP archive of XML, and a small one can be made that
takes gigabytes in any of its parts: texts, styles, one row, one attribute, the archive's own list. Which part it is
can't be known before it is read, so it is the system that holds the bound, whatever is read and by whichever library.

The file is standard input. Lines of JSON are written to standard output: lists of rows, and as the last one null, or
the code of what is wrong. This process knows nothing of ours: neither its packages, nor its database, nor its secrets.
"""

import gc
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from json import dumps
from threading import Thread
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

# What is refused at first sight. Of an XLSX: 50,000 rows of thirty columns unpack to some 60 MB.
MOST_UNPACKED, MOST_TEXTS, MOST_PARTS, MOST_RATIO = 150_000_000, 40_000_000, 1_000, 200
MOST_COLUMNS = 100
MOST_CELL = 4_000
# In one line of the answer; a row is never cut, and has at most 400,000.
MOST_CHARACTERS, MOST_ROWS = 100_000, 500

Cells = list[str]


class TableUnreadable(Exception):
    """The file as a whole can't be read; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def text_of(cell: object) -> str:
    """What a cell holds, as a text without blanks around it.

    Raises:
        TableUnreadable: `table_too_large`.
    """
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


def filled(cells: Cells) -> Cells:
    """A row without the empty cells at its end.

    Raises:
        TableUnreadable: `table_too_large`.
    """
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > MOST_COLUMNS:
        raise TableUnreadable("table_too_large")
    return cells


def must_look_bounded(file: IO[bytes]) -> None:
    """Refuse at first sight what says itself that it is too large.

    Raises:
        TableUnreadable: `table_too_large`, `table_unreadable`.
    """
    try:
        with ZipFile(file) as archive:
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


def rows_of(file: IO[bytes], most_lines: int) -> Iterator[tuple[int, Cells]]:
    """The rows of the first sheet that hold something, each with its number.

    Raises:
        TableUnreadable: `table_too_large`, `too_many_rows`, `table_unreadable`.
    """
    import openpyxl

    must_look_bounded(file)
    with closing(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)) as book:
        sheet: Any = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size is not believed
        rows = sheet.iter_rows(max_row=most_lines + 1, max_col=MOST_COLUMNS + 1, values_only=True)
        for number, values in enumerate(rows, 1):
            if number > most_lines:
                raise TableUnreadable("too_many_rows")
            if cells := filled([text_of(value) for value in values]):
                yield number, cells


def main(most_lines: int, most_bytes: int, most_seconds: int) -> None:
    """Answer with the rows of the workbook that is standard input, within these limits."""
    # A service manager tells the whole group to end; we end with whoever reads.
    for told in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(told, signal.SIG_IGN)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, most_bytes)
    _limit(resource.RLIMIT_CPU, most_seconds)
    Thread(target=_end_with_reader, daemon=True).start()
    gc.set_threshold(100_000, 10, 10)
    try:
        _tell(sys.stdin.buffer, most_lines)
        code = None
    except TableUnreadable as error:
        code = error.code
    except MemoryError:
        code = "table_too_large"
    except Exception:  # noqa: BLE001 - whatever the library stumbles over: the file is broken
        code = "table_unreadable"
    print(dumps(code), flush=True)  # noqa: T201 - that is the answer


def _tell(file: IO[bytes], most_lines: int) -> None:
    rows: list[tuple[int, Cells]] = []
    characters = 0
    for number, cells in rows_of(file, most_lines):
        rows.append((number, cells))
        characters += sum(map(len, cells))
        if characters > MOST_CHARACTERS or len(rows) == MOST_ROWS:
            print(dumps(rows), flush=True)  # noqa: T201
            rows, characters = [], 0
    print(dumps(rows), flush=True)  # noqa: T201


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _end_with_reader() -> None:
    """A reader that is gone, killed or tired of it, wants nothing more; we may be far from the next line."""
    looking = select.poll()
    looking.register(sys.stdout.fileno(), 0)  # an error is always told
    looking.poll()
    os._exit(1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
