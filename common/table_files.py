"""Tables in files, CSV and XLSX, read row by row in bounded memory; `common.table_exports` writes them.

A CSV is UTF-8 (with or without a byte order mark) or GB18030, which is what spreadsheets in China write; what may come
before a row is over is bounded here. An XLSX is read by a process of its own (`common.workbooks`), which the system
lets have so much memory and time: nothing less bounds what a ZIP archive of XML becomes.
"""

import codecs
import csv
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from json import loads
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM
from subprocess import DEVNULL, PIPE, Popen
from typing import IO

from common import workbooks
from common.files import CHUNK, XLSX
from common.workbooks import MOST_CELL, MOST_COLUMNS, Cells, TableUnreadable, filled, text_of

# Characters that a row of a CSV may have: each of its cells full, and every character doubled, as quotes are.
MOST_ROW = 2 * MOST_COLUMNS * (MOST_CELL + 2)
# What reading a workbook may take: fifty thousand rows of twenty columns took 250 MB and 15 s. Imports are checked
# eight at once at the most (`server.jobs`).
MOST_MEMORY, MOST_SECONDS = 512 * 1_048_576, 120
# All that the reading process gets of our environment: how Python is found, and no secrets.
KNOWN_TO_READERS = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG")
# Whoever sends these ends a whole service; it says nothing about the file.
TOLD_TO_END = {-SIGTERM, -SIGINT, -SIGHUP}

Line = tuple[int, Cells]


@contextmanager
def opened(path: Path, media_type: str, most_lines: int) -> Iterator[Iterator[Line]]:
    """The rows that hold something, each with its number as a spreadsheet shows it; the first is row 1.

    They may be asked for in another thread; left early, that thread is waited for no longer than its row takes.

    Args:
        most_lines: more than so many is an error.

    Raises:
        TableUnreadable: here or at any row: `table_unreadable`, `table_too_large`, `encoding_unknown`,
            `too_many_rows`.
        FileNotFoundError: it is gone.
        OSError: it could not be read now; that says nothing about the file.
    """
    if media_type == XLSX:
        with path.open("rb") as file, _reader_of(file, most_lines) as reader:
            yield _told_by(reader)
    else:
        with path.open(encoding=_encoding_of(path), newline="") as text:
            yield _csv(text, most_lines)


def batches_of(lines: Iterator[Line], size: int) -> Iterator[list[Line]]:
    """So many rows at a time."""
    while batch := list(islice(lines, size)):
        yield batch


def _csv(file: IO[str], most_lines: int) -> Iterator[Line]:
    pieces = _Pieces(file)
    try:
        for number, cells in enumerate(csv.reader(pieces, strict=True), 1):
            pieces.begin_row()
            if number > most_lines:
                raise TableUnreadable("too_many_rows")
            if line := filled([text_of(cell) for cell in cells]):
                yield number, line
    except csv.Error as error:
        # Its content stays out of logs. A cell that is far too long is one of the library's own errors.
        is_long = "field larger" in str(error)
        raise TableUnreadable("table_too_large" if is_long else "table_unreadable") from None


class _Pieces:
    """The lines of a CSV; a row may go on over many, but not for ever."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._left = file, MOST_ROW

    def __iter__(self) -> Iterator[str]:
        while piece := self._file.readline(self._left + 1):
            self._left -= len(piece)
            if self._left < 0:
                raise TableUnreadable("table_too_large")
            yield piece

    def begin_row(self) -> None:
        """What was read until now was a row."""
        self._left = MOST_ROW


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


@contextmanager
def _reader_of(file: IO[bytes], most_lines: int) -> Iterator[Popen[bytes]]:
    """The process that reads a workbook; it is over when this is.

    It is a program of its own, begun without copying this process and its threads. Should we be killed, it ends too:
    nobody reads what it writes.
    """
    limits = map(str, (most_lines, MOST_MEMORY, MOST_SECONDS))
    known = {name: os.environ[name] for name in KNOWN_TO_READERS if name in os.environ}
    try:
        reader = Popen(
            [sys.executable, "-P", "-W", "ignore", workbooks.__file__, *limits],
            stdin=file,
            stdout=PIPE,
            stderr=DEVNULL,  # the file's content stays out of logs
            env={**known, "MALLOC_ARENA_MAX": "1"},
            start_new_session=True,
        )
    except FileNotFoundError as error:  # it is Python that is gone, not the file
        raise ChildProcessError("no program to read a workbook with") from error
    try:
        yield reader
    finally:
        # First of all: somebody may still wait in another thread for what it says.
        reader.kill()
        reader.wait()
        assert reader.stdout is not None
        reader.stdout.close()


def _told_by(reader: Popen[bytes]) -> Iterator[Line]:
    assert reader.stdout is not None
    for told in reader.stdout:
        if not told.endswith(b"\n"):
            break
        said = loads(told)
        if said is None:
            return
        if isinstance(said, str):
            raise TableUnreadable(said)
        yield from ((number, cells) for number, cells in said)
    ended = reader.wait()
    if ended > 0 or ended in TOLD_TO_END:
        raise ChildProcessError(f"the process that read a workbook ended ({ended})")
    # Killed by its limits, by a system that had no memory left, or by a library that got none.
    raise TableUnreadable("table_too_large")
