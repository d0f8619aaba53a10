"""信用数据批次: from a folder that a source delivered to the copy that is in force, all of it or nothing.

One process at a time works on a source's batches (a session lock). What it has loaded stays when it is killed; the next
one goes on there. A batch takes force in one transaction, and never after a newer one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from alliance import batch_effects, batch_loading
from alliance.batch_loading import Loading, Say
from alliance.batch_manifest import MANIFEST, SIGNATURE, BadBatch, FileEntry, Manifest, opened, read_manifest
from alliance.batch_rows import TARGETS, BadRow, Rules
from common.clock import end_of
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, own_connection, transaction
from common.files import FileStore
from common.ids import new_id
from common.table_exports import written
from models import stored_files
from models.office_enums import BatchKind, FilePurpose

LOCK = 0x6372_6564_6974  # "credit"
MOST_ERRORS_BYTES = 64 * 1_048_576
ERRORS_AT_ONCE = 5_000
ERROR_COLUMNS = ("file", "row", "record_id", "field", "code")


@dataclass(frozen=True, slots=True)
class BatchDesk:
    """One source's batches: its name, its public key (32 bytes of Ed25519), and where what becomes of them goes.

    `due_hour`: by when the day after its date a batch is due, in Asia/Shanghai.
    """

    database_url: str
    source: str
    public_key: bytes
    keys: PersonalDataKeys
    files: FileStore
    due_hour: int = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a folder: `code` is in_force, known (nothing was done), busy, checked or a refusal's code."""

    code: str
    file: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to do about it."""
        return self.code in ("in_force", "known", "checked")


async def import_folder(desk: BatchDesk, folder: Path, now: datetime, say: Say) -> Outcome:
    """Check, load and put in force what a folder holds; the same folder again changes nothing.

    Returns:
        What became of it; a batch that is refused is written down with its reason.
    """
    async with own_connection(desk.database_url, is_unhurried=True):
        if not await _is_ours_alone():
            return Outcome("busy")
        await batch_effects.settle_all(now)
        return await _take_in(desk, folder, now, say)


async def _take_in(desk: BatchDesk, folder: Path, now: datetime, say: Say) -> Outcome:
    try:
        manifest = await asyncio.to_thread(read_manifest, folder, desk.source, desk.public_key, now)
    except BadBatch as bad:
        # Whoever wrote it is not known, so that there is nothing to be kept of it.
        return Outcome(bad.code, bad.file)
    return await _import(desk, manifest, folder, now, say)


async def check_folder(desk: BatchDesk, folder: Path, now: datetime, say: Say) -> Outcome:
    """Everything that can be found without writing a row; rows that repeat are found only by the import."""
    async with own_connection(desk.database_url, is_unhurried=True):
        try:
            manifest = await asyncio.to_thread(read_manifest, folder, desk.source, desk.public_key, now)
            await _refuse_older(manifest)
            rules = Rules(0, manifest.data_date, await _scales(now), desk.keys)
            for file in manifest.files:
                await asyncio.to_thread(batch_loading.check_whole, folder, file)
                await asyncio.to_thread(_check_rows, folder, file, rules, say)
        except BadBatch as bad:
            return Outcome(bad.code, bad.file)
    return Outcome("checked")


async def import_new(desk: BatchDesk, folder: Path, now: datetime, say: Say) -> int:
    """Import what lies in a folder of folders and was not tried before, in their names' order; how many took force.

    One that was refused is tried again only by hand, or when its manifest is another one.
    """
    done = 0
    async with own_connection(desk.database_url, is_unhurried=True):
        if not await _is_ours_alone():
            return 0
        await batch_effects.settle_all(now)
        for each in await asyncio.to_thread(_deliveries, folder):
            if await _is_new(desk, each, now):
                outcome = await _take_in(desk, each, now, say)
                done += outcome.code == "in_force"
                say(f"{each.name}: {outcome.code} {outcome.file}".rstrip())
    return done


async def _is_new(desk: BatchDesk, folder: Path, now: datetime) -> bool:
    try:
        manifest = await asyncio.to_thread(read_manifest, folder, desk.source, desk.public_key, now)
    except BadBatch:
        return True  # so that it is said, each time
    known = await _known(manifest)
    return known is None or known["status"] == "loading"


async def _import(desk: BatchDesk, manifest: Manifest, folder: Path, now: datetime, say: Say) -> Outcome:
    known = await _known(manifest)
    if known is not None and known["status"] in ("in_force", "superseded"):
        return Outcome("known")
    batch = await _begin(desk, manifest, known, now)
    try:
        await _refuse_older(manifest)
        for file in manifest.files:
            await asyncio.to_thread(batch_loading.check_whole, folder, file)
        rules = Rules(batch["number"], manifest.data_date, await _scales(now), desk.keys)
        loading = Loading(batch["id"], folder, rules, say, now)
        for file in manifest.files:
            await batch_loading.load(loading, file)
        errors_file = await _write_errors(desk, batch["id"], now)
        await _put_in_force(manifest, batch, errors_file, now)
    except BadBatch as bad:
        await _refuse(desk, batch, bad, now)
        return Outcome(bad.code, bad.file)
    await batch_effects.settle(batch["id"], batch["number"], now)
    return Outcome("in_force")


async def _is_ours_alone() -> bool:
    row = await fetch_one("SELECT pg_try_advisory_lock($1) AS ours", LOCK)
    assert row is not None
    return bool(row["ours"])


async def _known(manifest: Manifest) -> Row | None:
    return await fetch_one(
        "SELECT id, number, status FROM credit_batches WHERE source = $1 AND manifest_sha256 = $2",
        *(manifest.source, manifest.sha256),
    )


async def _begin(desk: BatchDesk, manifest: Manifest, known: Row | None, now: datetime) -> Row:
    """The batch's row: a new one, the one that was being loaded, or the refused one begun anew."""
    if known is not None:
        if known["status"] == "refused":
            await _begin_anew(known["id"])
        return known
    batch_id = new_id()
    async with transaction():
        row = await fetch_one(
            "INSERT INTO credit_batches (id, number, source, source_batch_id, manifest_sha256, data_date, made_at,"
            " delivered_at, due_at) SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8"
            " FROM credit_batches RETURNING id, number, status",
            *(batch_id, manifest.source, manifest.batch_id, manifest.sha256, manifest.data_date),
            *(manifest.made_at, now, end_of(manifest.data_date) + timedelta(hours=desk.due_hour)),
        )
        for file in manifest.files:
            await execute(
                "INSERT INTO credit_batch_files (batch_id, kind, name, sha256, rows_promised)"
                " VALUES ($1, $2, $3, $4, $5)",
                *(batch_id, file.kind, file.name, file.sha256, file.rows),
            )
    assert row is not None
    return row


async def _begin_anew(batch_id: UUID) -> None:
    async with transaction():
        await execute("DELETE FROM credit_batch_errors WHERE batch_id = $1", batch_id)
        await execute(
            "UPDATE credit_batch_files SET bytes_done = 0, prefix_sha256 = '', rows_read = 0, rows_bad = 0,"
            " rows_recent = 0, is_loaded = false WHERE batch_id = $1",
            batch_id,
        )
        await execute(
            "UPDATE credit_batches SET status = 'loading', failure = NULL, failure_file = NULL, ended_at = NULL,"
            " errors_file_id = NULL WHERE id = $1",
            batch_id,
        )


async def _refuse_older(manifest: Manifest) -> None:
    """Raises `BadBatch` `older_batch` when any of its kinds is in force from a newer batch, or the same moment's."""
    newer = await fetch_one(
        "SELECT 1 FROM credit_copies WHERE source = $1 AND kind = ANY ($2) AND (data_date, made_at) >= ($3, $4)",
        *(manifest.source, [file.kind for file in manifest.files], manifest.data_date, manifest.made_at),
    )
    if newer is not None:
        raise BadBatch("older_batch")


async def _scales(now: datetime) -> Mapping[str, tuple[int, int]]:
    """The scale of every scheme in force, by its code."""
    rows = await fetch_all(
        "SELECT s.code, min(b.low) AS low, max(b.high) AS high FROM tier_schemes s"
        " JOIN tier_bands b ON b.scheme_id = s.id WHERE s.id IN (SELECT DISTINCT ON (code) id FROM tier_schemes"
        "  WHERE effective_from <= $1 ORDER BY code, version DESC) GROUP BY s.code",
        now,
    )
    return {row["code"]: (row["low"], row["high"]) for row in rows}


async def _put_in_force(manifest: Manifest, batch: Row, errors_file: UUID | None, now: datetime) -> None:
    """One transaction: until it is over the copy before is in force, whole; afterwards this one is.

    Raises:
        BadBatch: `older_batch`.
    """
    number = batch["number"]
    async with transaction():
        before = await batch_effects.organisations_in_force(manifest.source)
        for file in manifest.files:
            target = TARGETS[file.kind]
            if target.key:
                await execute(
                    f"ALTER TABLE {target.table} ATTACH PARTITION {batch_loading.table_of(target, number)}"
                    f" FOR VALUES IN ({number})"
                )
            await _point_to(manifest, file, batch, now)
        await batch_effects.repair_copies(manifest.source, number)
        await batch_effects.recheck_changed(manifest.source, number, before)
        await execute(
            "UPDATE credit_batches b SET status = 'superseded', ended_at = $3 WHERE source = $1 AND id <> $2"
            " AND status = 'in_force' AND NOT EXISTS (SELECT FROM credit_copies c WHERE c.batch_id = b.id)",
            *(manifest.source, batch["id"], now),
        )
        await execute(
            "UPDATE credit_batches SET status = 'in_force', in_force_at = $2, errors_file_id = $3"
            " WHERE id = $1 AND status = 'loading'",
            *(batch["id"], now, errors_file),
        )


async def _point_to(manifest: Manifest, file: FileEntry, batch: Row, now: datetime) -> None:
    scheme = None
    if file.kind is BatchKind.TIERS:
        scheme = await fetch_one(
            "SELECT scheme_code FROM credit_ratings WHERE batch_number = $1 LIMIT 1", batch["number"]
        )
    done = await execute(
        "INSERT INTO credit_copies AS c (source, kind, batch_id, batch_number, data_date, made_at, scheme_code)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source, kind) DO UPDATE SET batch_id = $3,"
        " batch_number = $4, data_date = $5, made_at = $6, scheme_code = $7"
        " WHERE (c.data_date, c.made_at) < ($5, $6)",
        *(manifest.source, file.kind, batch["id"], batch["number"], manifest.data_date, manifest.made_at),
        scheme and scheme["scheme_code"],
    )
    if not done:
        raise BadBatch("older_batch")


async def _refuse(desk: BatchDesk, batch: Row, bad: BadBatch, now: datetime) -> None:
    """Write down why; its rows go, what was wrong with them stays to be sent back."""
    errors_file = await _write_errors(desk, batch["id"], now)
    async with transaction():
        await batch_effects.drop_tables(batch["number"])
        await execute(
            "UPDATE credit_batches SET status = 'refused', failure = $2, failure_file = $3, ended_at = $4,"
            " errors_file_id = $5 WHERE id = $1 AND status = 'loading'",
            *(batch["id"], bad.code, bad.file[:64], now, errors_file),
        )


async def _write_errors(desk: BatchDesk, batch_id: UUID, now: datetime) -> UUID | None:
    """The file that goes back to the source: row, record id, field and code; never whose row it is."""
    some = await fetch_one("SELECT 1 FROM credit_batch_errors WHERE batch_id = $1 LIMIT 1", batch_id)
    if some is None:
        return None
    content = await desk.files.keep(_error_lines(batch_id), "text/csv", MOST_ERRORS_BYTES)
    name = f"errors-{batch_id}.csv"
    return await stored_files.add(FilePurpose.CREDIT_BATCH_ERRORS, batch_id, name, content, now)


async def _error_lines(batch_id: UUID) -> AsyncIterator[bytes]:
    yield written([ERROR_COLUMNS], "text/csv")
    after, marked = UUID(int=0), len(written([], "text/csv"))
    while rows := await fetch_all(
        "SELECT e.id, f.name, e.row_number, e.record_id, e.field, e.code FROM credit_batch_errors e"
        " JOIN credit_batch_files f ON f.batch_id = e.batch_id AND f.kind = e.kind"
        " WHERE e.batch_id = $1 AND e.id > $2 ORDER BY e.id LIMIT $3",
        *(batch_id, after, ERRORS_AT_ONCE),
    ):
        after = rows[-1]["id"]
        yield written([tuple(row)[1:] for row in rows], "text/csv")[marked:]


def _deliveries(folder: Path) -> list[Path]:
    """Folders that are whole: the signature is delivered last."""
    return sorted(
        each.parent
        for each in folder.glob(f"*/{SIGNATURE}")
        if not each.parent.is_symlink() and (each.parent / MANIFEST).is_file()
    )


def _check_rows(folder: Path, file: FileEntry, rules: Rules, say: Say) -> None:
    parse, bad, number = rules.parser(file.kind), 0, 0
    with opened(folder, file) as content:
        if content.readline(batch_loading.LONGEST_LINE).rstrip(b"\r\n").decode(errors="replace").split(
            ","
        ) != list(file.columns):
            raise BadBatch("columns", file.name)
        for number, line in enumerate(content, 2):
            try:
                parse(line.rstrip(b"\r\n"), number)
            except BadRow as fault:
                bad += 1
                if bad <= 20:
                    say(f"{file.name}: row {number}: {fault.field}: {fault.code}")
    say(f"{file.name}: {file.rows:,} rows, {bad:,} bad")
    if bad * 100 > file.rows * batch_loading.MOST_BAD_PER_CENT:
        raise BadBatch("too_many_bad_rows", file.name)
