"""An objection with its words, as whoever filed it and the office read it: each what is his, 404 otherwise.

The office reads no ID number and no phone number, nor who the citizen is: the record's id says which record it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from alliance import objections
from alliance.objection_states import ObjectionNotPossible
from alliance.objections import ANSWER, TEXT, Party
from common.actors import AdminActor
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from common.ids import AFTER_ALL
from common.masking import masked_numbers
from models import audit_log, stored_files
from models.citizen_enums import ObjectionKind, ObjectionStatus
from models.office_enums import FilePurpose
from models.region import shared_prefix, subtree_prefix

COLUMNS = """o.id, o.kind, o.about, o.record_id, o.member_id, o.region_id, o.source, o.source_record_id, o.data_date, o.recorded_at,
 o.status, o.filed_at, o.due_at, o.is_due_certain, o.forwarded_at, o.extended_at, o.overdue_at, o.answered_at, o.closed_at,
 w.text_encrypted, w.answer_encrypted"""
WORDS = "LEFT JOIN objection_texts w ON w.objection_id = o.id"
NEWEST_FIRST = "ORDER BY o.id DESC LIMIT $3"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of a region's objections; a field that is None narrows nothing down, `region` has all below it."""

    status: ObjectionStatus | None = None
    kind: ObjectionKind | None = None
    region: str | None = None
    is_overdue: bool | None = None


@dataclass(frozen=True, slots=True)
class ObjectionFile:
    """An objection; texts are None where nothing was written, or where it was erased. No citizen is named in it."""

    id: UUID
    kind: str
    about: str
    record_id: UUID
    member_id: UUID | None
    region: str
    source: str | None
    source_record_id: str | None
    data_date: date | None
    recorded_at: datetime
    status: str
    filed_at: datetime
    due_at: datetime
    is_due_certain: bool
    forwarded_at: datetime | None
    extended_at: datetime | None
    overdue_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    text: str | None
    answer: str | None


async def of_party(
    party: Party, keys: PersonalDataKeys, before: UUID | None, limit: int
) -> Sequence[ObjectionFile]:
    """One's own, newest first; `before` is the last id of the page before."""
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM objections o {WORDS} WHERE o.{party.reader}_id = $1 AND o.id < $2 {NEWEST_FIRST}",
        *(party.id, before or AFTER_ALL, limit),
    )
    return [_file(row, keys) for row in rows]


async def one_of_party(party: Party, objection_id: UUID, keys: PersonalDataKeys) -> ObjectionFile:
    """One of one's own.

    Raises:
        NotFound: no such objection of his.
    """
    row = await _one(objection_id)
    if row[f"{party.reader}_id"] != party.id:
        raise NotFound
    return _file(row, keys)


async def in_region(
    actor: AdminActor,
    filters: Filters,
    keys: PersonalDataKeys,
    before: UUID | None,
    limit: int,
    now: datetime,
) -> Sequence[ObjectionFile]:
    """Those that the admin's region answers, newest first; numbers of persons in them are masked."""
    prefix = shared_prefix(actor.region, filters.region or actor.region)
    if prefix is None:
        return []
    which, values = "", [prefix, before or AFTER_ALL, limit]
    for column, wanted in (("status", filters.status), ("kind", filters.kind)):
        if wanted is not None:
            values.append(wanted)
            which += f" AND o.{column} = ${len(values)}"
    if filters.is_overdue is not None:
        values.append(now)
        which += f" AND (o.closed_at IS NULL AND o.due_at <= ${len(values)}) = {filters.is_overdue}"
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM regions r CROSS JOIN LATERAL (SELECT * FROM objections o WHERE o.region_id = r.code"
        f" AND o.id < $2 {which} {NEWEST_FIRST}) o {WORDS} WHERE r.code LIKE $1 || '%' {NEWEST_FIRST}",
        *values,
    )
    return [_file(row, keys, is_masked=True) for row in rows]


async def one_of_region(actor: AdminActor, objection_id: UUID, keys: PersonalDataKeys) -> ObjectionFile:
    """One that the admin's region answers, numbers of persons masked.

    Raises:
        NotFound: no such objection there.
    """
    row = await _one(objection_id)
    if not row["region_id"].startswith(subtree_prefix(actor.region)):
        raise NotFound
    return _file(row, keys, is_masked=True)


async def erase_words(party: Party, objection_id: UUID, now: datetime) -> None:
    """Erase what was written about an objection that is closed, and its evidence; that it was filed stays. Twice is once.

    Raises:
        NotFound: no such objection of his.
        ObjectionNotPossible: it is not closed yet; it can be withdrawn.
    """
    async with transaction():
        row = await objections.locked(party, objection_id)
        if row["status"] in (ObjectionStatus.OPEN, ObjectionStatus.FORWARDED):
            raise ObjectionNotPossible(status=row["status"])
        erased = await execute("DELETE FROM objection_texts WHERE objection_id = $1", objection_id)
        await stored_files.delete_all(FilePurpose.OBJECTION_EVIDENCE, objection_id, now)
        if erased:
            thing, region = ("objection", objection_id), row["region_id"]
            await audit_log.record(party.who, "objection.erase_words", thing, now, region=region)


async def _one(objection_id: UUID) -> Row:
    row = await fetch_one(
        f"SELECT {COLUMNS}, o.citizen_id FROM objections o {WORDS} WHERE o.id = $1", objection_id
    )
    if row is None:
        raise NotFound
    return row


def _file(row: Row, keys: PersonalDataKeys, *, is_masked: bool = False) -> ObjectionFile:
    def words(column: str, context: str) -> str | None:
        if row[column] is None:
            return None
        text = keys.decrypt(row[column], context)
        return masked_numbers(text) if is_masked else text

    return ObjectionFile(
        *(row["id"], row["kind"], row["about"], row["record_id"], row["member_id"], row["region_id"]),
        *(row["source"], row["source_record_id"], row["data_date"], row["recorded_at"], row["status"]),
        *(row["filed_at"], row["due_at"], row["is_due_certain"], row["forwarded_at"], row["extended_at"]),
        *(row["overdue_at"], row["answered_at"], row["closed_at"]),
        *(words("text_encrypted", TEXT), words("answer_encrypted", ANSWER)),
    )
