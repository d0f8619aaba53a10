"""Exports of a region: asked for by one admin, agreed to by another, made in the background, gone after a week."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from alliance import approvals
from alliance.statement_files import MEDIA_TYPES, region_file
from common.actors import AdminActor
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Ended, NotFound, Refused
from common.files import FileStore
from common.ids import AFTER_ALL
from common.jobs import enqueue
from models import audit_log, stored_files
from models.office_enums import ApprovalKind, ExportFormat, ExportState, FilePurpose
from models.region import subtree_prefix
from models.stored_files import LOCK_CONTENT, lock_of

KEPT = timedelta(days=7)
MOST_BYTES = 4 * 1024**3
EXPORT_JOB = "export.write"
AT_ONCE = 100


class ExportNotReady(Refused):
    """The file is still being written."""

    code = "export_not_ready"
    zh = "文件还在生成，已写 {rows_done} 行。请稍后再下载。"
    en = "The file is being written, {rows_done} rows so far. Download it a little later."


class ExportDeleted(Ended):
    """Files are kept for a week."""

    code = "export_deleted"
    zh = "文件保存 7 天，现已删除。如仍需要，请重新提请导出。"
    en = "The file was kept for 7 days and is deleted. Ask for a new export if you still need it."


async def ask(
    actor: AdminActor, region: str, period: date, kind: ExportFormat, reason: str, now: datetime
) -> UUID:
    """Ask for all closed statements of a month in a region as one file; the request's id, and later the export's.

    Raises:
        NotFound: no such region at or below the admin's.
        AlreadyAsked: it waits for a second admin already.
    """
    if not region.startswith(subtree_prefix(actor.region)) or not await fetch_one(
        "SELECT 1 FROM regions WHERE code = $1", region
    ):
        raise NotFound
    payload = {"what": "statements", "region": region, "period": period, "format": kind}
    thing = ("export", f"statements:{region}:{period:%Y-%m}:{kind}")
    return await approvals.ask(actor, ApprovalKind.EXPORT, thing, region, payload, reason, now)


async def begin(actor: AdminActor, asked: Row, payload: Mapping[str, Any], now: datetime) -> None:
    """Have it made; in the transaction of the second admin's decision (`alliance.decisions`)."""
    await execute(
        "INSERT INTO exports (id, region_id, period, format, asked_by, agreed_at) VALUES ($1, $2, $3, $4, $5, $6)",
        *(asked["id"], payload["region"], date.fromisoformat(payload["period"])),
        *(ExportFormat(payload["format"]), asked["asked_by"], now),
    )
    await enqueue(EXPORT_JOB, {"export_id": asked["id"]}, once=f"{EXPORT_JOB}:{asked['id']}")
    await audit_log.record(
        audit_log.who(actor),
        "export.begin",
        ("export", asked["id"]),
        now,
        region=payload["region"],
        after={"period": payload["period"], "format": payload["format"], "asked_by": asked["asked_by"]},
    )


async def write(export_id: UUID, files: FileStore, now: datetime) -> bool:
    """Make the file of an export that waits; False when there is nothing to do (any more).

    A process that is killed leaves no row of a file; whoever runs the job next begins anew.
    """
    export = await fetch_one("SELECT * FROM exports WHERE id = $1 AND state = 'waiting'", export_id)
    if export is None:
        return False
    kind = ExportFormat(export["format"])
    content = await files.keep(_file(export, kind), MEDIA_TYPES[kind], MOST_BYTES)
    name = f"statements-{export['region_id']}-{export['period']:%Y-%m}.{kind}"
    async with transaction():
        await fetch_one(LOCK_CONTENT, lock_of(content.sha256))
        file_id = await stored_files.add(FilePurpose.EXPORT, export["asked_by"], name, content, now)
        # Deleted meanwhile with an older file of the same content: written again by the job's next try.
        if not files.path(content.sha256).exists():
            raise FileNotFoundError(content.sha256)
        done = await execute(
            "UPDATE exports SET state = 'ready', file_id = $2, ready_at = $3 WHERE id = $1 AND state = 'waiting'",
            *(export_id, file_id, now),
        )
        if not done:
            await execute("UPDATE stored_files SET deleted_at = $2 WHERE id = $1", file_id, now)
            return False
        after = {"file_id": file_id, "size": content.size}
        await audit_log.record(
            audit_log.SYSTEM,
            "export.write",
            ("export", export_id),
            now,
            region=export["region_id"],
            after=after,
        )
    return True


def _file(export: Row, kind: ExportFormat) -> AsyncIterator[bytes]:
    """The file; how many rows it has so far is told as it grows."""
    rows = 0

    async def wrote(count: int) -> None:
        nonlocal rows
        rows += count
        await execute("UPDATE exports SET rows_done = $2 WHERE id = $1", export["id"], rows)

    return region_file(export["region_id"], export["period"], kind, wrote)


async def of_asker(actor: AdminActor, before: UUID | None, limit: int) -> Sequence[Row]:
    """What an admin asked for and others agreed to, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        "SELECT * FROM exports WHERE asked_by = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        *(actor.id, before or AFTER_ALL, limit),
    )


async def opened(actor: AdminActor, export_id: UUID, now: datetime) -> Row:
    """The stored file of an export, for whoever asked for it; that it was read is recorded.

    Raises:
        NotFound: none that this admin asked for, or of a region that is not his any more.
        ExportNotReady, ExportDeleted: not yet, or no more.
    """
    export = await fetch_one(
        "SELECT * FROM exports WHERE id = $1 AND asked_by = $2 AND region_id LIKE $3 || '%'",
        *(export_id, actor.id, subtree_prefix(actor.region)),
    )
    if export is None:
        raise NotFound
    if export["state"] == ExportState.WAITING:
        raise ExportNotReady(rows_done=export["rows_done"])
    if export["state"] == ExportState.DELETED or now >= export["ready_at"] + KEPT:
        raise ExportDeleted
    file = await stored_files.of_owner(export["file_id"], FilePurpose.EXPORT, actor.id)
    await audit_log.record(
        audit_log.who(actor),
        "export.download",
        ("export", export_id),
        now,
        region=export["region_id"],
        after={"file_id": file["id"]},
    )
    return file


def deleter(files: FileStore) -> Callable[[datetime], Awaitable[int]]:
    """The duty of the background process that deletes files whose week is over."""

    async def delete_old_exports(at: datetime) -> int:
        """Each file and its rows; how many it were."""
        rows = await fetch_all(
            "SELECT e.id, e.region_id, f.id AS file_id, f.sha256 FROM exports e JOIN stored_files f ON f.id = e.file_id"
            " WHERE e.state = 'ready' AND e.ready_at <= $1 ORDER BY e.ready_at LIMIT $2",
            *(at - KEPT, AT_ONCE),
        )
        for row in rows:
            await _delete(row, files, at)
        return len(rows)

    return delete_old_exports


async def _delete(row: Row, files: FileStore, at: datetime) -> None:
    """The content goes first: a process that is killed in between does it again."""
    async with transaction():
        if not await stored_files.is_shared(row["file_id"], row["sha256"]):
            await files.forget(row["sha256"])
        await execute(
            "UPDATE stored_files SET deleted_at = $2, forgotten_at = $2 WHERE id = $1", row["file_id"], at
        )
        if await execute(
            "UPDATE exports SET state = 'deleted', deleted_at = $2 WHERE id = $1 AND state = 'ready'",
            *(row["id"], at),
        ):
            await audit_log.record(
                audit_log.SYSTEM, "export.delete", ("export", row["id"]), at, region=row["region_id"]
            )
