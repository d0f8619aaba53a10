"""批量导入: from the upload of a file to what became of it.

A file is always checked first, without writing anything; only one without errors is applied, as a whole, and only
when another admin than the one who sent it says so: what is taken over becomes active without the usual review.
`TRANSITIONS` is all that can happen to an import; every change of state goes through `move`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from alliance.admin_rights import must_be_two
from common.actors import AdminActor
from common.database import Row, fetch_all, fetch_one, transaction
from common.errors import Forbidden, NotFound, Refused
from common.files import Content
from common.ids import AFTER_ALL, new_id
from common.jobs import enqueue
from models import audit_log, stored_files
from models.office_enums import FilePurpose, ImportKind, ImportStatus
from models.region import subtree_prefix

MOST_BYTES = 20 * 1_048_576
MOST_ROWS = 50_000

S = ImportStatus
# A run that was killed is begun anew: its state follows itself.
TRANSITIONS: Mapping[ImportStatus, frozenset[ImportStatus]] = {
    S.UPLOADED: frozenset({S.CHECKING, S.DISCARDED}),
    S.CHECKING: frozenset({S.CHECKING, S.CHECKED, S.FAILED, S.DISCARDED}),
    S.CHECKED: frozenset({S.APPLYING, S.DISCARDED}),
    S.APPLYING: frozenset({S.APPLIED, S.FAILED}),
    S.APPLIED: frozenset(),
    S.FAILED: frozenset(),
    S.DISCARDED: frozenset(),
}
COLUMNS = (
    "id, kind, region_id, status, file_id, errors_file_id, failure, run_id, rows_total, rows_done, rows_bad,"
    " uploaded_by, uploaded_at, checked_at, applied_by, ended_at"
)
MOVE = f"""
UPDATE imports
   SET status = $3::text, run_id = coalesce($4, run_id), rows_total = coalesce($5, rows_total),
       rows_done = coalesce($6, rows_done), rows_bad = coalesce($7, rows_bad),
       errors_file_id = coalesce($8, errors_file_id), failure = coalesce($9, failure),
       applied_by = coalesce($10, applied_by),
       checked_at = CASE WHEN $3 = 'checked' THEN $11::timestamptz ELSE checked_at END,
       ended_at = CASE WHEN $3 IN ('applied', 'failed', 'discarded') THEN $11 END
 WHERE id = $1 AND status = ANY ($2) AND ($12::uuid IS NULL OR run_id = $12)
RETURNING {COLUMNS}
"""


# By code of `failure`: why the file as a whole came to nothing, and what to do, Chinese and English.
FAILURES: Mapping[str, tuple[str, str]] = {
    "table_unreadable": (
        "文件打不开或格式已损坏。请用表格软件重新另存为 CSV 或 XLSX，再上传。",
        "The file is damaged or is no table. Save it again as CSV or XLSX, and send that.",
    ),
    "table_too_large": (
        "表格太大：列太多、单元格太长或解压后过大。请只留模板里的列，或分成几个文件上传。",
        "Too many columns, too long cells, or too large unpacked. Keep the template's columns, or split the file.",
    ),
    "encoding_unknown": (
        "看不懂文件的文字编码。请另存为“CSV UTF-8”或 XLSX，再上传。",
        "The file's encoding is not known. Save it as CSV UTF-8 or XLSX, and send that.",
    ),
    "too_many_rows": (
        "超过 50,000 行。请分成几个文件上传。",
        "More than 50,000 rows. Split the file and send the parts.",
    ),
    "table_empty": (
        "文件里没有数据行。请在表头下面填写数据，再上传。",
        "There are no rows below the header. Fill them in, and send the file again.",
    ),
    "table_gone": (
        "文件在检查之前已不在存储里。请重新上传；再次出现时，请联系运维人员。",
        "The stored file was gone before it was checked. Send it again; if it happens again, tell the operators.",
    ),
    "rows_refused": (
        "检查之后情况有变，有些行不能导入，一行也没有写入。请下载错误清单，改好后重新上传。",
        "Something changed since the check: some rows can't be taken, and none was. Download the errors, correct"
        " the file and send it again.",
    ),
}


class OwnImport(Forbidden):
    """Whoever sent the file is not the second pair of eyes."""

    code = "own_import"
    zh = "这个文件是您自己上传的，需要另一位管理员确认导入。"
    en = "You sent this file yourself; another admin has to apply it."


class ImportHasErrors(Refused):
    """A file is applied as a whole or not at all."""

    code = "import_has_errors"
    zh = "文件中还有错误，不能导入。请下载错误清单，改好后重新上传。"
    en = "The file has errors and can't be applied. Download them, correct the file and send it again."


class ImportNotReady(Refused):
    """It is not in the state for this."""

    code = "import_not_ready"
    zh = "这次导入现在不能这样操作：可能还在检查，或已经导入、失败或放弃。请刷新后再看。"
    en = "Not possible in its present state: it is still being checked, or was applied, discarded or has failed."


async def add(actor: AdminActor, kind: ImportKind, content: Content, now: datetime) -> Row:
    """Take in a file that is in the store, and have it checked; the import."""
    import_id = new_id()
    extension = "csv" if content.media_type == "text/csv" else "xlsx"
    async with transaction():
        file_id = await stored_files.add(FilePurpose.IMPORT, actor.id, f"{kind}.{extension}", content, now)
        row = await fetch_one(
            "INSERT INTO imports (id, kind, region_id, status, file_id, uploaded_by, uploaded_at)"
            f" VALUES ($1, $2, $3, 'uploaded', $4, $5, $6) RETURNING {COLUMNS}",
            *(import_id, kind, actor.region, file_id, actor.id, now),
        )
        await enqueue("import_check", {"import_id": import_id}, once=f"import_check:{import_id}")
        await audit_log.record(
            audit_log.who(actor),
            "import.upload",
            ("import", import_id),
            now,
            region=actor.region,
            after={"kind": kind, "file_id": file_id, "sha256": content.sha256},
        )
    assert row is not None
    return row


async def listed(actor: AdminActor, before: UUID | None, limit: int) -> Sequence[Row]:
    """Imports of the admin's region, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        f"SELECT {COLUMNS} FROM imports WHERE region_id LIKE $1 || '%' AND id < $2 ORDER BY id DESC LIMIT $3",
        *(subtree_prefix(actor.region), before or AFTER_ALL, limit),
    )


async def of_admin(actor: AdminActor, import_id: UUID) -> Row:
    """One import.

    Raises:
        NotFound: no such import in the admin's region.
    """
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM imports WHERE id = $1 AND region_id LIKE $2 || '%'",
        *(import_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


async def errors_file(actor: AdminActor, import_id: UUID) -> Row:
    """The stored file of an import's errors.

    Raises:
        NotFound: no such import in the admin's region, or it has no errors.
    """
    row = await of_admin(actor, import_id)
    if row["errors_file_id"] is None:
        raise NotFound
    return await stored_files.of_owner(row["errors_file_id"], FilePurpose.IMPORT_ERRORS, row["uploaded_by"])


async def apply(actor: AdminActor, import_id: UUID, now: datetime) -> None:
    """Have a file without errors applied; the background process does it, all of it or nothing.

    Raises:
        NotFound: no such import in the admin's region.
        OwnImport: he sent it himself.
        NotConfirmed: his account or the sender's is not known to be another person's.
        ImportHasErrors, ImportNotReady: it can't be applied (now).
    """
    row = await of_admin(actor, import_id)
    if row["uploaded_by"] == actor.id:
        raise OwnImport
    if row["rows_bad"]:
        raise ImportHasErrors
    async with transaction():
        await must_be_two(actor, row["uploaded_by"])
        if await move(import_id, S.APPLYING, now, applied_by=actor.id, rows_done=0) is None:
            raise ImportNotReady
        await enqueue("import_apply", {"import_id": import_id}, once=f"import_apply:{import_id}")
        await _record(actor, row, "import.apply", S.APPLYING, now)


async def discard(actor: AdminActor, import_id: UUID, now: datetime) -> None:
    """Give up an import that was not applied; discarding twice is discarding once.

    Raises:
        NotFound: no such import in the admin's region.
        ImportNotReady: it is being applied, or is over.
    """
    row = await of_admin(actor, import_id)
    if row["status"] == S.DISCARDED:
        return
    async with transaction():
        if await move(import_id, S.DISCARDED, now) is None:
            raise ImportNotReady
        await _record(actor, row, "import.discard", S.DISCARDED, now)


async def move(
    import_id: UUID, to: ImportStatus, now: datetime, run_id: UUID | None = None, **changes: Any
) -> Row | None:
    """Bring an import into a state, from those that lead to it; nothing when it was in none of them.

    Args:
        run_id: only as long as this run works on it.
        changes: columns that change with it.
    """
    sources = [status for status, following in TRANSITIONS.items() if to in following]
    names = ("new_run_id", "rows_total", "rows_done", "rows_bad", "errors_file_id", "failure", "applied_by")
    assert changes.keys() <= set(names)
    return await fetch_one(MOVE, import_id, sources, to, *(changes.get(name) for name in names), now, run_id)


async def _record(actor: AdminActor, row: Row, action: str, to: ImportStatus, now: datetime) -> None:
    await audit_log.record(
        audit_log.who(actor),
        action,
        ("import", row["id"]),
        now,
        region=row["region_id"],
        before={"status": row["status"]},
        after={"status": to},
    )
