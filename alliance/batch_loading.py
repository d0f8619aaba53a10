"""Loading a batch's files into tables of their own, piece by piece, so that a killed process goes on where it was.

Each piece is one transaction: its rows, its bad rows, and how far the file is read with the hash of everything before.
Nothing here counts yet: the tables are attached only when the whole batch is put in force.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import asyncpg

from alliance.batch_manifest import BadBatch, FileEntry, opened
from alliance.batch_rows import TARGETS, BadRow, Fault, Rules, Target
from common.database import Row, execute, fetch_all, fetch_one, one_connection, transaction
from common.ids import new_id
from models.office_enums import BatchKind

PIECE = 4 * 1_048_576
LONGEST_LINE = 4096
# More than one bad row in a hundred, and the file is refused as a whole.
MOST_BAD_PER_CENT = 1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Loading:
    """A batch that is being loaded: its row, the folder it lies in, and what its rows are measured by."""

    id: UUID
    folder: Path
    rules: Rules
    say: Say
    now: datetime


@dataclass
class _Piece:
    """What one read of a file gave."""

    size: int
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    bad: int = 0
    recent: int = 0
    read: int = 0


def table_of(target: Target, number: int) -> str:
    """A batch's own table of a kind."""
    return f"{target.table}_{number}" if target.key else target.table


def check_whole(folder: Path, file: FileEntry) -> None:
    """Hash and count a file before anything is made of it.

    Raises:
        BadBatch: `file_missing`, `hash`, `rows`.
    """
    digest, lines, last = sha256(), 0, b"\n"
    with opened(folder, file) as content:
        while piece := content.read(PIECE):
            digest.update(piece)
            lines += piece.count(b"\n")
            last = piece[-1:]
    if digest.hexdigest() != file.sha256:
        raise BadBatch("hash", file.name)
    if lines + (last != b"\n") - 1 != file.rows:
        raise BadBatch("rows", file.name)


async def load(batch: Loading, file: FileEntry) -> None:
    """Load a file from where it was left.

    Raises:
        BadBatch: `hash`, `rows`, `columns`, `encoding`, `line_too_long`, `too_many_bad_rows`.
    """
    target = TARGETS[file.kind]
    known = await _begun(batch, file, target)
    if known["is_loaded"]:
        return
    with opened(batch.folder, file) as content:
        reader = _Reader(batch.rules, file, content)
        if not await asyncio.to_thread(reader.skip, known["bytes_done"], known["prefix_sha256"]):
            # Another file stands there than the one that was begun with.
            await _forget(batch, file, target)
            return await load(batch, file)
        reader.rows_read = known["rows_read"]
        bad = known["rows_bad"]
        while (piece := await asyncio.to_thread(reader.next_piece)).size:
            bad += piece.bad
            await _keep(batch, file, target, reader, piece)
            _refuse_many(bad, file)
            batch.say(f"{file.name}: {reader.rows_read:,} of {file.rows:,} rows, {bad:,} bad")
        if reader.digest.hexdigest() != file.sha256:
            raise BadBatch("hash", file.name)
        if reader.rows_read != file.rows:
            raise BadBatch("rows", file.name)
    await _finish(batch, file, target)


class _Reader:
    """Reads whole lines, hashes what it reads and judges the rows; never more than a piece in memory."""

    def __init__(self, rules: Rules, file: FileEntry, content: IO[bytes]) -> None:
        self._rules, self._file, self._content = rules, file, content
        self._parse = rules.parser(file.kind)
        self._day = TARGETS[file.kind].day
        self.digest = sha256()
        self.bytes_read = 0
        self.rows_read = 0

    def skip(self, size: int, digest: str) -> bool:
        """Read over what is loaded already; whether it is the same as then."""
        while left := size - self.bytes_read:
            piece = self._content.read(min(PIECE, left))
            if not piece:
                return False
            self._count(piece)
        return not size or self.digest.hexdigest() == digest

    def next_piece(self) -> _Piece:
        """The next lines, all of them whole; none at the end of the file."""
        before = self.bytes_read
        if not before:
            self._read_header()
        raw = self._content.read(PIECE)
        if raw and not raw.endswith(b"\n"):
            raw += self._line()
        self._count(raw)
        piece = _Piece(self.bytes_read - before)
        if raw:
            self._judge(raw, piece)
        return piece

    def _read_header(self) -> None:
        header = self._line()
        if header.rstrip(b"\r\n").decode(errors="replace").split(",") != list(self._file.columns):
            raise BadBatch("columns", self._file.name)
        self._count(header)

    def _line(self) -> bytes:
        line = self._content.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise BadBatch("line_too_long", self._file.name)
        return line

    def _count(self, raw: bytes) -> None:
        self.digest.update(raw)
        self.bytes_read += len(raw)

    def _judge(self, raw: bytes, piece: _Piece) -> None:
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError:
                raise BadBatch("encoding", self._file.name) from None
        lines = raw.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        parse, is_recent, day = self._parse, self._rules.is_recent, self._day
        first = self.rows_read + 2  # after the header, as an editor counts
        piece.read = len(lines)
        for number, line in enumerate(lines, first):
            try:
                row = parse(line, number)
            except BadRow as bad:
                # Once there are too many the file is refused: the rest is counted, and would only fill the memory.
                if not _are_many(piece.bad, self._file):
                    piece.faults.append(Fault(new_id(), number, bad.record_id, bad.field, bad.code))
                piece.bad += 1
                continue
            piece.rows.append(row)
            piece.recent += is_recent(row[day])
        self.rows_read += piece.read


def _refuse_many(bad: int, file: FileEntry) -> None:
    if _are_many(bad, file):
        raise BadBatch("too_many_bad_rows", file.name)


def _are_many(bad: int, file: FileEntry) -> bool:
    return bad * 100 > file.rows * MOST_BAD_PER_CENT


async def _begun(batch: Loading, file: FileEntry, target: Target) -> Row:
    """How far the file is; a table of its own where it is not begun."""
    if target.key:
        table = table_of(target, batch.rules.batch_number)
        await execute(
            f"CREATE TABLE IF NOT EXISTS {table} (LIKE {target.table} INCLUDING ALL EXCLUDING INDEXES)"
        )
    row = await fetch_one(
        "SELECT bytes_done, prefix_sha256, rows_read, rows_bad, is_loaded FROM credit_batch_files"
        " WHERE batch_id = $1 AND kind = $2",
        *(batch.id, file.kind),
    )
    assert row is not None
    return row


async def _keep(batch: Loading, file: FileEntry, target: Target, reader: _Reader, piece: _Piece) -> None:
    async with transaction(), one_connection() as connection:
        await connection.copy_records_to_table(
            table_of(target, batch.rules.batch_number), records=piece.rows, columns=target.columns
        )
        await write_faults(batch.id, file.kind, piece.faults, batch.now)
        await execute(
            "UPDATE credit_batch_files SET bytes_done = $3, prefix_sha256 = $4, rows_read = rows_read + $5,"
            " rows_bad = rows_bad + $6, rows_recent = rows_recent + $7 WHERE batch_id = $1 AND kind = $2",
            *(batch.id, file.kind, reader.bytes_read, reader.digest.hexdigest()),
            *(piece.read, piece.bad, piece.recent),
        )


async def write_faults(batch_id: UUID, kind: BatchKind, faults: list[Fault], now: datetime) -> None:
    """Write bad rows down, to be sent back."""
    if faults:
        await execute(
            "INSERT INTO credit_batch_errors (id, batch_id, kind, row_number, record_id, field, code, found_at)"
            " SELECT f.*, $8 FROM (SELECT unnest($1::uuid[]), $2::uuid, $3::text, unnest($4::bigint[]),"
            " unnest($5::text[]), unnest($6::text[]), unnest($7::text[])) AS f",
            *([fault.id for fault in faults], batch_id, kind, [fault.row_number for fault in faults]),
            *([fault.record_id for fault in faults], [fault.field for fault in faults]),
            *([fault.code for fault in faults], now),
        )


async def _forget(batch: Loading, file: FileEntry, target: Target) -> None:
    async with transaction():
        number = batch.rules.batch_number
        if target.key:
            await execute(f"DROP TABLE IF EXISTS {table_of(target, number)}")
        else:
            await execute("DELETE FROM credit_repairs WHERE batch_number = $1", number)
        await execute(
            "DELETE FROM credit_batch_errors WHERE batch_id = $1 AND kind = $2", batch.id, file.kind
        )
        await execute(
            "UPDATE credit_batch_files SET bytes_done = 0, prefix_sha256 = '', rows_read = 0, rows_bad = 0,"
            " rows_recent = 0 WHERE batch_id = $1 AND kind = $2",
            *(batch.id, file.kind),
        )


async def _finish(batch: Loading, file: FileEntry, target: Target) -> None:
    """Give the table its key; where rows repeat, take those out first that can't be told apart."""
    number = batch.rules.batch_number
    table = table_of(target, number)
    add_key = f"ALTER TABLE {table} ADD PRIMARY KEY (batch_number, {target.key})"
    async with transaction():
        if target.key:
            # So that attaching it need not read it again.
            await execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_batch CHECK (batch_number = {number})")
            try:
                async with transaction():  # a savepoint
                    await execute(add_key)
            except asyncpg.UniqueViolationError:
                await _send_back_repeated(batch, file, target, table)
                await execute(add_key)
        await execute(
            "UPDATE credit_batch_files SET is_loaded = true WHERE batch_id = $1 AND kind = $2",
            *(batch.id, file.kind),
        )


async def _send_back_repeated(batch: Loading, file: FileEntry, target: Target, table: str) -> None:
    """Of rows that say the same the first one stays; of rows that contradict each other none."""
    repeated = (
        f"SELECT {target.key}, min(row_number) AS first, count(*) AS rows,"
        f" count(DISTINCT ({target.content})) > 1 AS is_conflict FROM {table} GROUP BY {target.key}"
        " HAVING count(*) > 1"
    )
    known = await fetch_one(
        "UPDATE credit_batch_files SET rows_bad = rows_bad + (SELECT coalesce(sum(CASE WHEN is_conflict THEN rows"
        f" ELSE rows - 1 END), 0) FROM ({repeated}) AS r) WHERE batch_id = $1 AND kind = $2 RETURNING rows_bad",
        *(batch.id, file.kind),
    )
    assert known is not None
    _refuse_many(known["rows_bad"], file)
    rows = await fetch_all(
        f"WITH repeated AS ({repeated}) DELETE FROM {table} t USING repeated r"
        f" WHERE ({_of('t', target.key)}) = ({_of('r', target.key)}) AND (r.is_conflict OR t.row_number <> r.first)"
        " RETURNING t.row_number, t.record_id, t.data_date, r.is_conflict"
    )
    names = {True: "conflicting_row", False: "duplicate_row"}
    faults = [
        Fault(new_id(), row["row_number"], row["record_id"], "row", names[row["is_conflict"]]) for row in rows
    ]
    await execute(
        "UPDATE credit_batch_files SET rows_recent = rows_recent - $3 WHERE batch_id = $1 AND kind = $2",
        *(batch.id, file.kind, sum(batch.rules.is_recent(row["data_date"]) for row in rows)),
    )
    await write_faults(batch.id, file.kind, faults, batch.now)


def _of(alias: str, key: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in key.split(", "))
