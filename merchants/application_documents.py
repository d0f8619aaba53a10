"""证明材料: an applicant's documents, at most 20 of at most 10 MB; admins of the region read them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from common.actors import ApplicantActor
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.files import MOST_UPLOADS_A_DAY, FileStore, TooManyUploads
from merchants.applications import ApplicationNotOpen
from models import audit_log, stored_files
from models.office_enums import FilePurpose

MOST_DOCUMENTS = 20
DAY = timedelta(days=1)
MOST_BYTES = 10 * 1_048_576


class TooManyDocuments(Refused):
    """There are as many as there may be."""

    code = "too_many_documents"
    zh = "最多上传 20 份材料。请先删除不需要的，或合并成一个文件。"
    en = "20 documents at most. Delete what is not needed, or put several into one file."


async def add(
    actor: ApplicantActor,
    name: str,
    media_type: str,
    chunks: AsyncIterator[bytes],
    files: FileStore,
    now: datetime,
) -> UUID:
    """Keep a document until the application is decided; its id. Before that nothing of it is read in vain.

    Raises:
        ApplicationNotOpen: the application is decided.
        TooManyDocuments: there are 20.
        TooManyUploads: 60 were sent in within a day.
        FileTooLarge, FileEmpty, FileNotAsSaid: as `common.files` says.
    """
    await _must_have_room(actor.id, "", now)
    content = await files.keep(chunks, media_type, MOST_BYTES)
    purpose = FilePurpose.MEMBER_DOCUMENT
    async with stored_files.or_forgotten(purpose, actor.id, content, now), transaction():
        # Again, one after the other: uploads at the same time all saw room for one.
        await _must_have_room(actor.id, " FOR NO KEY UPDATE", now)
        file_id = await stored_files.add(purpose, actor.id, name, content, now)
        await _record(actor, "document.add", file_id, now)
    return file_id


async def remove(actor: ApplicantActor, file_id: UUID, now: datetime) -> None:
    """Take a document out of a draft.

    Raises:
        ApplicationNotOpen: it is submitted: what reviewers look at stays.
        NotFound: no such document of this application.
    """
    async with transaction():
        row = await fetch_one(
            "SELECT state FROM member_applications WHERE id = $1 FOR NO KEY UPDATE", actor.id
        )
        if row is None or row["state"] != "draft":
            raise ApplicationNotOpen
        removed = await execute(
            "UPDATE stored_files SET deleted_at = $4, name = ''"
            " WHERE id = $1 AND owner_id = $2 AND purpose = $3 AND deleted_at IS NULL",
            *(file_id, actor.id, FilePurpose.MEMBER_DOCUMENT, now),
        )
        if not removed:
            raise NotFound
        await _record(actor, "document.remove", file_id, now)


async def of_application(application_id: UUID) -> Sequence[Row]:
    """All documents of an application, the first one first."""
    return await fetch_all(
        "SELECT id, name, media_type, size, stored_at FROM stored_files"
        " WHERE owner_id = $1 AND purpose = 'member_document' AND deleted_at IS NULL ORDER BY id",
        application_id,
    )


async def count(application_id: UUID) -> int:
    """How many there are."""
    return len(await of_application(application_id))


async def _must_have_room(application_id: UUID, lock: str, now: datetime) -> None:
    row = await fetch_one(f"SELECT decided_at FROM member_applications WHERE id = $1{lock}", application_id)
    if row is None or row["decided_at"] is not None:
        raise ApplicationNotOpen
    if await count(application_id) >= MOST_DOCUMENTS:
        raise TooManyDocuments
    sent = await stored_files.count_since(FilePurpose.MEMBER_DOCUMENT, application_id, now - DAY)
    if sent >= MOST_UPLOADS_A_DAY:
        raise TooManyUploads(most=MOST_UPLOADS_A_DAY)


async def _record(actor: ApplicantActor, action: str, file_id: UUID, now: datetime) -> None:
    row = await fetch_one("SELECT region_id FROM member_applications WHERE id = $1", actor.id)
    region = row["region_id"] if row else None
    after = {"application_id": actor.id}
    await audit_log.record(audit_log.who(actor), action, ("file", file_id), now, region=region, after=after)
