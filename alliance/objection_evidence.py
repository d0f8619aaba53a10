"""异议的证明材料: files that bear an objection out, at most ten of at most 10 MB, until it is answered."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from alliance import objection_steps, objections
from alliance.objection_states import after
from alliance.objections import Party
from common.actors import AdminActor
from common.database import Row, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.files import MOST_UPLOADS_A_DAY, FileStore, TooManyUploads
from merchants.application_documents import DAY
from models import audit_log, stored_files
from models.citizen_enums import ObjectionEvent
from models.office_enums import FilePurpose
from models.region import subtree_prefix

EVIDENCE = FilePurpose.OBJECTION_EVIDENCE
MOST_FILES = 10
MOST_BYTES = 10 * 1_048_576


class TooMuchObjectionEvidence(Refused):
    """There is as much as there may be."""

    code = "too_much_objection_evidence"
    zh = "一件异议最多上传 {most} 份材料。请合并成较少的文件；多出的材料可联系联盟办公室提交。"
    en = "{most} files at most for one objection. Put several into one, or hand the rest to the alliance office."


async def add(
    party: Party,
    objection_id: UUID,
    name: str,
    media_type: str,
    chunks: AsyncIterator[bytes],
    files: FileStore,
    now: datetime,
) -> UUID:
    """Keep a file as evidence; its id. Before it is known that it may be added, nothing of it is read.

    Raises:
        NotFound: no such objection of his.
        ObjectionNotPossible: it is closed.
        TooMuchObjectionEvidence: there are ten files.
        TooManyUploads: he sent in sixty within a day, those of withdrawn objections included.
        FileTooLarge, FileEmpty, FileNotAsSaid: as `common.files` says.
    """
    async with transaction():
        await _must_have_room(party, objection_id, now)
    content = await files.keep(chunks, media_type, MOST_BYTES)
    async with stored_files.or_forgotten(EVIDENCE, objection_id, content, now), transaction():
        # Again, one after the other: uploads at the same time all saw room for one.
        row = await _must_have_room(party, objection_id, now)
        status = after(row["status"], ObjectionEvent.ADD_EVIDENCE)
        file_id = await stored_files.add(EVIDENCE, objection_id, name, content, now)
        await objection_steps.record(row, ObjectionEvent.ADD_EVIDENCE, status, party.who, now)
    return file_id


async def of(objection_id: UUID) -> Sequence[Row]:
    """An objection's evidence, the first file first; the caller has seen that he may read it."""
    return await fetch_all(
        "SELECT id, name, media_type, size, sha256, stored_at FROM stored_files"
        " WHERE owner_id = $1 AND purpose = $2 AND deleted_at IS NULL ORDER BY id",
        *(objection_id, EVIDENCE),
    )


async def own_file(party: Party, objection_id: UUID, file_id: UUID) -> Row:
    """One file of a party's own objection.

    Raises:
        NotFound: no such file of his.
    """
    mine = await fetch_one(
        f"SELECT 1 FROM objections WHERE id = $1 AND {party.reader}_id = $2", objection_id, party.id
    )
    if mine is None:
        raise NotFound
    return await stored_files.of_owner(file_id, EVIDENCE, objection_id)


async def file_of_region(actor: AdminActor, objection_id: UUID, file_id: UUID, now: datetime) -> Row:
    """One file of an objection in the admin's region; that he read it is audited.

    Raises:
        NotFound: no such file there.
    """
    row = await fetch_one(
        "SELECT region_id FROM objections WHERE id = $1 AND region_id LIKE $2 || '%'",
        *(objection_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    file = await stored_files.of_owner(file_id, EVIDENCE, objection_id)
    who, thing = audit_log.who(actor), ("file", file_id)
    await audit_log.record(who, "objection.read_evidence", thing, now, region=row["region_id"])
    return file


async def _must_have_room(party: Party, objection_id: UUID, now: datetime) -> Row:
    row = await objections.locked(party, objection_id)
    after(row["status"], ObjectionEvent.ADD_EVIDENCE)
    if len(await of(objection_id)) >= MOST_FILES:
        raise TooMuchObjectionEvidence(most=MOST_FILES)
    # What is sent in and withdrawn over and over fills the disk too.
    assert party.who[1] is not None
    most, action = MOST_UPLOADS_A_DAY, "objection.add_evidence"
    if await audit_log.count_since(party.who[1], action, now - DAY, most) >= most:
        raise TooManyUploads(most=most)
    return row
