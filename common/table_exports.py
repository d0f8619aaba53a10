"""Tables as files, CSV or XLSX, written as their rows come: the memory does not grow with the table.

Cells are inert: a text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a return) gets an
apostrophe before it, in both kinds of file. Numbers stay numbers.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from common.clock import SHANGHAI
from common.files import CHUNK, XLSX

Cell = str | int | UUID | datetime | date | None
Rows = AsyncIterator[Sequence[Sequence[Cell]]]
"""Batches of rows, a few thousand each."""

CSV = "text/csv"
_BOM = b"\xef\xbb\xbf"
# As Excel has them; a longer table goes on with the next sheet.
ROWS_PER_SHEET = 1_048_576
_TEXTS_STAY_TEXTS = {"strings_to_formulas": False, "strings_to_urls": False}
# OWASP: CSV injection; full-width signs too, which some spreadsheets take for the others.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(value: Cell) -> str | int:
    """A cell as it is written: numbers as they are, times in Asia/Shanghai, texts that are no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    text = str(value)
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def written(rows: Sequence[Sequence[Cell]], media_type: str) -> bytes:
    """A small file at once; its first row is the header."""
    if media_type != XLSX:
        return _BOM + lines(rows)
    import xlsxwriter  # 0.1 s, for the few who write a workbook

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, **_TEXTS_STAY_TEXTS}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            _write_row(sheet, number, row)
    return content.getvalue()


def chunks(media_type: str, header: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    """The file piece by piece, as `FileStore.keep` and an answer take it.

    Args:
        media_type: `CSV` (UTF-8 with BOM, so that Excel reads it) or `XLSX`.
    """
    return _xlsx(header, rows) if media_type == XLSX else _csv(header, rows)


async def _csv(header: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    yield _BOM + lines([header])
    async for batch in rows:
        yield await asyncio.to_thread(lines, batch)


def lines(batch: Sequence[Sequence[Cell]]) -> bytes:
    """Rows of a CSV file, as they stand below its header."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([inert(cell) for cell in row] for row in batch)
    return text.getvalue().encode()


async def _xlsx(header: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    """The whole file is made before its first piece: its end is written first."""
    with TemporaryDirectory(prefix="xinyi-xlsx-") as folder:
        path = Path(folder) / "table.xlsx"
        sheets = _Sheets(path, folder, header)
        async for batch in rows:
            await asyncio.to_thread(sheets.add, batch)
        await asyncio.to_thread(sheets.close)
        with await asyncio.to_thread(path.open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, CHUNK):
                yield piece


class _Sheets:
    """One workbook whose rows go to the disk as they come."""

    def __init__(self, path: Path, folder: str, header: Sequence[str]) -> None:
        import xlsxwriter

        options = {"constant_memory": True, "tmpdir": folder, **_TEXTS_STAY_TEXTS}
        self._book: Any = xlsxwriter.Workbook(str(path), options)
        self._book.use_zip64()
        self._header = header
        self._next_sheet()

    def add(self, batch: Sequence[Sequence[Cell]]) -> None:
        for row in batch:
            if self._row == ROWS_PER_SHEET:
                self._next_sheet()
            self._write(row)

    def close(self) -> None:
        self._book.close()

    def _next_sheet(self) -> None:
        self._sheet, self._row = self._book.add_worksheet(), 0
        self._write(self._header)

    def _write(self, row: Sequence[Cell]) -> None:
        _write_row(self._sheet, self._row, row)
        self._row += 1


def _write_row(sheet: Any, number: int, row: Sequence[Cell]) -> None:
    for column, cell in enumerate(row):
        value = inert(cell)
        if isinstance(value, int):
            sheet.write_number(number, column, value)
        elif value:
            sheet.write_string(number, column, value)
