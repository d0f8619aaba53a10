"""The rows of stored files; content is in `common.files`."""

from datetime import datetime
from uuid import UUID

from common.database import Row, fetch_one
from common.errors import NotFound
from common.files import Content
from common.ids import new_id
from models.office_enums import FilePurpose


async def add(purpose: FilePurpose, owner_id: UUID, name: str, content: Content, now: datetime) -> UUID:
    """Write the row of content that is in the store; the file's id."""
    file_id = new_id()
    await fetch_one(
        "INSERT INTO stored_files (id, purpose, owner_id, name, media_type, size, sha256, stored_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(file_id, purpose, owner_id, name, content.media_type, content.size, content.sha256, now),
    )
    return file_id


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
