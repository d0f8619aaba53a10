"""The rows of stored files; content is in `common.files`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import DomainError, NotFound
from common.files import Content, FileStore
from common.ids import new_id
from models.office_enums import FilePurpose

AT_ONCE = 100
# Two files with the same content share it on the disk: who writes a row of it and who deletes it take turns.
LOCK_CONTENT = "SELECT pg_advisory_xact_lock($1)"
# What was written this lately may get its row only now: an upload takes two minutes at most.
JUST_WRITTEN = timedelta(hours=1)


async def add(purpose: FilePurpose, owner_id: UUID, name: str, content: Content, now: datetime) -> UUID:
    """Write the row of content that is in the store; the file's id."""
    file_id = new_id()
    await fetch_one(
        "INSERT INTO stored_files (id, purpose, owner_id, name, media_type, size, sha256, stored_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(file_id, purpose, owner_id, name, content.media_type, content.size, content.sha256, now),
    )
    return file_id


@asynccontextmanager
async def or_forgotten(
    purpose: FilePurpose, owner_id: UUID, content: Content, now: datetime
) -> AsyncIterator[None]:
    """Around what writes the row of content that was just kept: when that is refused, the content goes after all.

    Several uploads at once all see room for one, and what one of them was for may be gone when it has arrived; nothing
    else would ever find the content again. It counts as sent in and deleted.
    """
    try:
        yield
    except DomainError:
        await execute(
            "INSERT INTO stored_files (id, purpose, owner_id, name, media_type, size, sha256, stored_at, deleted_at)"
            " VALUES ($1, $2, $3, 'refused', $4, $5, $6, $7, $7)",
            *(new_id(), purpose, owner_id, content.media_type, content.size, content.sha256, now),
        )
        raise


async def of_owner(file_id: UUID, purpose: FilePurpose, owner_id: UUID) -> Row:
    """One file of an owner's.

    Raises:
        NotFound: there is none, or it is somebody else's or of another purpose.
    """
    row = await fetch_one(
        "SELECT id, name, media_type, size, sha256, stored_at FROM stored_files"
        " WHERE id = $1 AND purpose = $2 AND owner_id = $3 AND deleted_at IS NULL",
        *(file_id, purpose, owner_id),
    )
    if row is None:
        raise NotFound
    return row


async def delete_all(purpose: FilePurpose, owner_id: UUID, now: datetime) -> None:
    """Delete an owner's files, and what they were called; their content goes with the next clearing (`forgetter`)."""
    await execute(
        "UPDATE stored_files SET deleted_at = $3, name = '' WHERE owner_id = $1 AND purpose = $2 AND deleted_at IS NULL",
        *(owner_id, purpose, now),
    )


async def count_since(purpose: FilePurpose, owner_id: UUID, since: datetime) -> int:
    """How many files an owner has sent in since then, with those that are deleted."""
    row = await fetch_one(
        "SELECT count(*) AS files FROM stored_files WHERE owner_id = $1 AND purpose = $2 AND stored_at > $3",
        *(owner_id, purpose, since),
    )
    assert row is not None
    return int(row["files"])


def lock_of(digest: str) -> int:
    """The lock of a content, for `LOCK_CONTENT`."""
    return int(digest[:15], 16)


def forgetter(files: FileStore) -> Callable[[datetime], Awaitable[int]]:
    """The duty of the background process that deletes the content of what was deleted."""

    async def forget_deleted_files(at: datetime) -> int:
        """Each content that no living file shares; how many files it were."""
        rows = await fetch_all(
            "SELECT id, sha256 FROM stored_files WHERE deleted_at IS NOT NULL AND forgotten_at IS NULL"
            " AND deleted_at <= $1 ORDER BY deleted_at LIMIT $2",
            *(at - JUST_WRITTEN, AT_ONCE),
        )
        for row in rows:
            await _forget(row, files, at)
        return len(rows)

    return forget_deleted_files


async def _forget(row: Row, files: FileStore, at: datetime) -> None:
    """The content goes first: a process that is killed in between does it again."""
    async with transaction():
        # The same content that is just being sent in anew stays; this row is looked at again.
        if await is_shared(row["id"], row["sha256"]) or await files.forget_older(
            row["sha256"], at - JUST_WRITTEN
        ):
            await execute("UPDATE stored_files SET forgotten_at = $2 WHERE id = $1", row["id"], at)


async def is_shared(file_id: UUID, digest: str) -> bool:
    """Whether another living file has this content; until the caller's transaction ends, nobody changes that."""
    await fetch_one(LOCK_CONTENT, lock_of(digest))
    row = await fetch_one(
        "SELECT 1 FROM stored_files WHERE sha256 = $1 AND id <> $2 AND deleted_at IS NULL LIMIT 1",
        *(digest, file_id),
    )
    return row is not None
