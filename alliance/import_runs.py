"""What the background process does with an imported file: checking it, and applying it.

Both may be killed at any moment and run again, also while an older run is only believed to be dead. A check begins
anew with a run of its own; whatever an older run still writes is refused by its number. Applying is one transaction,
and its last statement is the import's change of state: whoever comes second finds it changed, and leaves nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from json import dumps, loads
from typing import Any, TypeVar
from uuid import UUID

from alliance import imports
from alliance.import_cells import SENTENCES, Cells, Row, RowError, header_errors
from alliance.import_kinds import KINDS, Kind
from alliance.imports import MOST_ROWS
from common import table_exports, table_files
from common.database import Row as Record
from common.database import execute, fetch_all, fetch_one, transaction
from common.files import FileStore
from common.ids import new_id
from common.table_files import Line
from common.workbooks import TableUnreadable
from models import audit_log, stored_files
from models.enums import ActorKind
from models.office_enums import FilePurpose, ImportKind, ImportStatus
from models.region import subtree_prefix

BATCH = 1_000
# More are counted, but nobody reads them before he has mended these.
MOST_ERRORS = 10_000
HEADER = ("row 行号", "column 列", "code 代码", "说明", "what to do")
APPLYING = (
    "SELECT id, kind, region_id, status, file_id, run_id, rows_total, uploaded_by, applied_by FROM imports"
    " WHERE id = $1 AND status = 'applying'"
)
FILE = "SELECT sha256, media_type FROM stored_files WHERE id = $1"
# Nothing once another run has begun, or the import was given up.
STAGE = """
INSERT INTO import_rows (import_id, run_id, number, made_id, content)
SELECT i.id, $2, r.number, r.made_id, r.content
  FROM imports i, unnest($3::int[], $4::uuid[], $5::text[]) AS r (number, made_id, content)
 WHERE i.id = $1 AND i.run_id = $2 AND i.status = 'checking'
"""
STAGED = """
SELECT number, made_id, content FROM import_rows
 WHERE import_id = $1 AND run_id = $2 AND number > $3 ORDER BY number LIMIT $4
"""
PROGRESS = "UPDATE imports SET rows_done = $3, rows_bad = $4 WHERE id = $1 AND run_id = $2 AND status = $5"
UNSTAGE = """
DELETE FROM import_rows WHERE id IN (SELECT id FROM import_rows WHERE import_id = $1 AND run_id <> $2 LIMIT 5000)
"""

T = TypeVar("T")


class RunIsOver(Exception):
    """Another run has begun, or the import was given up: this one writes no more."""


class RowsRefused(Exception):
    """Since the check something has changed that speaks against some rows."""

    def __init__(self, errors: Sequence[RowError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


@dataclass(slots=True)
class Found:
    """What a check has found so far."""

    good: int = 0
    bad: int = 0
    errors: list[RowError] = field(default_factory=list)
    seen: set[object] = field(default_factory=set)

    def add(self, errors: Sequence[RowError]) -> None:
        """Count rows with errors, and keep as many errors as a file shows."""
        self.bad += len({error.number for error in errors})
        self.errors += sorted(errors, key=lambda error: error.number)[: MOST_ERRORS - len(self.errors)]


async def check(files: FileStore, import_id: UUID, now: datetime) -> None:
    """Read a file and say of each row what is wrong with it; nothing is written but that."""
    run_id = new_id()
    row = await imports.move(
        import_id, ImportStatus.CHECKING, now, new_run_id=run_id, rows_done=0, rows_bad=0
    )
    if row is None:
        return
    while await execute(UNSTAGE, import_id, run_id):
        pass
    try:
        found = await _check_file(files, row)
    except RunIsOver:
        return
    except TableUnreadable as error:
        await imports.move(import_id, ImportStatus.FAILED, now, run_id, failure=error.code)
        return
    errors_file_id = await _store_errors(files, row, found.errors, now)
    done = found.good + found.bad
    await imports.move(
        import_id,
        ImportStatus.CHECKED,
        now,
        run_id,
        rows_total=done,
        rows_done=done,
        rows_bad=found.bad,
        errors_file_id=errors_file_id,
    )


async def apply(files: FileStore, import_id: UUID, now: datetime) -> None:
    """Write what a checked file says: all of it, or nothing and why."""
    row = await fetch_one(APPLYING, import_id)
    if row is None:
        return
    try:
        async with transaction():
            await _write_rows(row, now)
            if await imports.move(import_id, ImportStatus.APPLIED, now, row["run_id"]) is None:
                raise RunIsOver
            await _record_end(row, ImportStatus.APPLIED, now)
    except RunIsOver:
        return
    except RowsRefused as refused:
        await _fail(files, row, refused.errors, now)


async def _check_file(files: FileStore, row: Record) -> Found:
    kind, found = KINDS[ImportKind(row["kind"])], Found()
    file = await fetch_one(FILE, row["file_id"])
    assert file is not None
    try:
        with table_files.opened(files.path(file["sha256"]), file["media_type"], MOST_ROWS + 1) as lines:
            header: list[str] | None = None
            async for batch in _in_thread(table_files.batches_of(lines, BATCH)):
                if header is None:
                    header = [name.strip() for name in batch.pop(0)[1]]
                    found.add(header_errors(header, kind.columns, kind.needed))
                    if found.bad:
                        return found
                await _check_batch(row, kind, header, batch, found)
    except FileNotFoundError:
        raise TableUnreadable("table_gone") from None
    if not found.good + found.bad:
        raise TableUnreadable("table_empty")
    return found


async def _check_batch(
    row: Record, kind: Kind, header: Sequence[str], batch: Sequence[Line], found: Found
) -> None:
    errors, good = await asyncio.to_thread(_read_batch, kind, header, batch, found.seen)
    if good:
        errors += await kind.check(good, subtree_prefix(row["region_id"]))
    bad = {error.number for error in errors}
    good = [each for each in good if each.number not in bad]
    found.add(errors)
    found.good += len(good)
    contents = [dumps(each.content, ensure_ascii=False, default=str) for each in good]
    await execute(
        STAGE, row["id"], row["run_id"], [each.number for each in good], [new_id() for _ in good], contents
    )
    done = found.good + found.bad
    if not await execute(PROGRESS, row["id"], row["run_id"], done, found.bad, ImportStatus.CHECKING):
        raise RunIsOver


def _read_batch(
    kind: Kind, header: Sequence[str], batch: Sequence[Line], seen: set[object]
) -> tuple[list[RowError], list[Row]]:
    """Rows as plain values, and what is wrong with the others; `seen` are the keys of the rows before."""
    errors: list[RowError] = []
    good: list[Row] = []
    for number, texts in batch:
        cells = Cells(number, dict(zip(header, texts, strict=False)))
        if len(texts) > len(header):
            cells.wrong("", "too_many_cells")
        content = kind.read(cells)
        column, key = kind.key(content)
        if not cells.errors and key in seen:
            cells.wrong(column, "row_twice")
        elif not cells.errors:
            seen.add(key)
            good.append(Row(number, content))
        errors += cells.errors
    return errors, good


async def _write_rows(row: Record, now: datetime) -> None:
    """Check every row once more and write it; inside the transaction.

    Raises:
        RowsRefused: nothing of what was written stays.
    """
    kind, found, last, done = KINDS[ImportKind(row["kind"])], Found(), 0, 0
    while staged := await fetch_all(STAGED, row["id"], row["run_id"], last, BATCH):
        rows = [Row(each["number"], loads(each["content"])) for each in staged]
        found.add(await kind.check(rows, subtree_prefix(row["region_id"])))
        if not found.bad:
            ids = [each["made_id"] for each in staged]
            await kind.write(rows, ids, now)
            await audit_log.record_each(
                *((ActorKind.ADMIN, row["applied_by"]), f"{kind.noun}.import", kind.noun),
                *([{"id": id_, "region_id": row["region_id"]} for id_ in ids], {"import_id": row["id"]}, now),
            )
        last, done = rows[-1].number, done + len(rows)
        await _outside(execute(PROGRESS, row["id"], row["run_id"], done, 0, ImportStatus.APPLYING))
    if found.bad:
        raise RowsRefused(found.errors)


async def _fail(files: FileStore, row: Record, errors: Sequence[RowError], now: datetime) -> None:
    errors_file_id = await _store_errors(files, row, errors, now)
    async with transaction():
        bad = len({error.number for error in errors})
        moved = await imports.move(
            row["id"],
            ImportStatus.FAILED,
            now,
            row["run_id"],
            failure="rows_refused",
            rows_bad=bad,
            errors_file_id=errors_file_id,
        )
        if moved is not None:
            await _record_end(row, ImportStatus.FAILED, now)


async def _record_end(row: Record, status: ImportStatus, now: datetime) -> None:
    await audit_log.record(
        (ActorKind.ADMIN, row["applied_by"]),
        f"import.{status}",
        ("import", row["id"]),
        now,
        region=row["region_id"],
        before={"status": row["status"]},
        after={"status": status, "rows": row["rows_total"]},
    )


async def _store_errors(
    files: FileStore, row: Record, errors: Sequence[RowError], now: datetime
) -> UUID | None:
    """Errors as a file of the kind that was sent in, for whoever sent it; none without errors."""
    if not errors:
        return None
    file = await fetch_one(FILE, row["file_id"])
    assert file is not None
    lines: list[Sequence[str | int]] = [HEADER]
    lines += [(each.number, each.column, each.code, *SENTENCES[each.code]) for each in errors]
    written = await asyncio.to_thread(table_exports.written, lines, file["media_type"])

    async def content() -> AsyncIterator[bytes]:
        yield written

    kept = await files.keep(content(), file["media_type"], len(written))
    name = f"errors.{'csv' if file['media_type'] == 'text/csv' else 'xlsx'}"
    return await stored_files.add(FilePurpose.IMPORT_ERRORS, row["uploaded_by"], name, kept, now)


async def _in_thread(items: Iterator[T]) -> AsyncIterator[T]:
    """Reading a file must not keep the process from telling that it lives."""
    while (item := await asyncio.to_thread(_next, items)) is not None:
        yield item


def _next(items: Iterator[T]) -> T | None:
    return next(items, None)


async def _outside(work: Coroutine[Any, Any, T]) -> T:
    """On a connection of its own: what others are to see before the transaction around it is over."""
    return await asyncio.get_running_loop().create_task(work, context=Context())
