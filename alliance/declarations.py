"""自主申报: voluntary service and honours that a citizen declares of himself, with evidence; looked at by an office.

A declaration gives no tier and denies nothing: it is a dated record that its citizen reads, deletes at any time, and
lets be passed on to the credit source, or not (decision 0034).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from benefits.refusals import Busy, IdempotencyKeyReused
from citizens.declaration_words import must_be_fit
from common.clock import local_day
from common.crypto import PersonalDataKeys
from common.database import Row, constraint_of, execute, fetch_all, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from common.files import MOST_UPLOADS_A_DAY, FileStore, TooManyUploads
from common.ids import AFTER_ALL, new_id
from common.request_keys import RequestKey
from merchants.application_documents import DAY
from merchants.regions import RegionUnknown
from models import audit_log, stored_files
from models.citizen_enums import DeclarationKind, DeclarationStatus
from models.enums import ActorKind
from models.office_enums import FilePurpose

TEXT, REFUSAL = "declaration_texts.text", "declaration_texts.refusal"
EVIDENCE = FilePurpose.DECLARATION_EVIDENCE
MOST = 20
MOST_FILES = 5
MOST_BYTES = 10 * 1_048_576
MOST_TRIES = MOST + 2

COLUMNS = """d.id, d.kind, d.region_id AS region, d.status, d.happened_on, d.hours, d.may_forward, d.begun_at, d.submitted_at,
 d.decided_at, d.valid_until, d.forwarded_at, w.text_encrypted, w.refusal_encrypted,
 EXISTS (SELECT FROM objections o WHERE o.about = 'declaration' AND o.record_id = d.id AND o.closed_at IS NULL) AS is_disputed"""
WORDS = "LEFT JOIN declaration_texts w ON w.declaration_id = d.id"
STORED = f"SELECT d.id, d.request_hash, w.text_encrypted FROM declarations d {WORDS} WHERE d.citizen_id = $1 AND d.request_key = $2"
BEGIN = """
INSERT INTO declarations (id, citizen_id, kind, region_id, happened_on, hours, may_forward, begun_at, request_key, request_hash, place)
SELECT $1, $2, $3, r.code, $5, $6, $7, $8, $9, $10, free.place
  FROM regions r, (SELECT min(place) AS place FROM generate_series(1, $11::int) AS place
         WHERE NOT EXISTS (SELECT FROM declarations taken WHERE taken.citizen_id = $2 AND taken.place = place.place)) free
 WHERE r.code = $4 AND free.place IS NOT NULL
RETURNING id
"""


class DeclarationNotOpen(Refused):
    """It is no draft any more."""

    code = "declaration_not_open"
    zh = "这条申报已经提交，不能再改。要修改，请删除后重新申报。"
    en = "This was submitted and can't be changed any more. To change it, delete it and declare it anew."


class DeclarationsUsedUp(Refused):
    """He has as many as one may have."""

    code = "declarations_used_up"
    zh = "最多保留 {limit} 条自主申报。请先删除不需要的，再申报新的。"
    en = "{limit} declarations at most. Delete what is not needed, then declare more."


class TooMuchDeclarationEvidence(Refused):
    """There is as much as there may be."""

    code = "too_much_declaration_evidence"
    zh = "一条申报最多上传 {most} 份材料。请合并成较少的文件。"
    en = "{most} files at most for one declaration. Put several into one."


class DeclarationEvidenceMissing(Refused):
    """Nothing bears it out."""

    code = "declaration_evidence_missing"
    zh = "请先上传证明材料（如证书、服务记录），再提交。"
    en = "Upload evidence first, such as a certificate or a record of service, then submit."


class NotYetHappened(Invalid):
    """It lies in the future."""

    code = "not_yet_happened"
    zh = "日期还没有到。请填写已经完成的服务或已经获得的荣誉。"
    en = "The date is yet to come. Declare what is done, or what was awarded."
    pointer = "/happened_on"


class HoursOfServiceAlone(Invalid):
    """Voluntary service has hours, an honour has none."""

    code = "hours_of_service_alone"
    zh = "志愿服务要填写小时数（1–8784）；荣誉表彰不填小时数。"
    en = "Voluntary service has hours (1–8784); an honour has none."
    pointer = "/hours"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a citizen declares, in his words."""

    kind: DeclarationKind
    region: str
    happened_on: date
    hours: int | None
    text: str
    may_forward: bool


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration as its citizen and his office read it; `is_valid`: accepted, and its time is not over.

    `is_disputed`: an objection to its refusal is open (rule 8).
    """

    id: UUID
    kind: str
    region: str
    status: str
    happened_on: date
    hours: int | None
    may_forward: bool
    begun_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    valid_until: date | None
    forwarded_at: datetime | None
    text: str | None
    refusal: str | None
    is_valid: bool
    is_disputed: bool


async def begin(
    citizen_id: UUID, statement: Statement, request: RequestKey, keys: PersonalDataKeys, now: datetime
) -> tuple[UUID, bool]:
    """Begin a declaration, which nobody else sees before it is submitted; its id, and whether it was begun before.

    Args:
        request: hashed without the text, which is compared by itself.

    Raises:
        DeclaresTooMuch, NotYetHappened, HoursOfServiceAlone, RegionUnknown: what is wrong with it.
        DeclarationsUsedUp: there are twenty.
        IdempotencyKeyReused, Busy.
    """
    must_be_fit(statement.text)
    if statement.happened_on > local_day(now):
        raise NotYetHappened
    if (statement.kind is DeclarationKind.VOLUNTEER_HOURS) != (statement.hours is not None):
        raise HoursOfServiceAlone
    for _ in range(MOST_TRIES):
        stored = await fetch_one(STORED, citizen_id, request.key)
        if stored is not None:
            text = keys.decrypt(stored["text_encrypted"], TEXT)
            if (stored["request_hash"], text) != (request.body_hash, statement.text):
                raise IdempotencyKeyReused
            return stored["id"], True
        try:
            return await _write(citizen_id, statement, request, keys, now), False
        except asyncpg.UniqueViolationError as error:
            # By himself, at the same time: it is judged anew.
            if constraint_of(error) not in ("declarations_place_once", "declarations_request_key_once"):
                raise
    raise Busy


async def submit(citizen_id: UUID, declaration_id: UUID, now: datetime) -> None:
    """Hand a draft to its region's office; twice is once.

    Raises:
        NotFound: no such declaration of his.
        DeclarationEvidenceMissing: there is nothing to look at.
        DeclarationNotOpen: it is decided.
    """
    async with transaction():
        row = await _locked(citizen_id, declaration_id)
        if row["status"] == DeclarationStatus.SUBMITTED:
            return
        if row["status"] != DeclarationStatus.DRAFT:
            raise DeclarationNotOpen
        if not await evidence_of(declaration_id):
            raise DeclarationEvidenceMissing
        status = DeclarationStatus.SUBMITTED
        await execute(
            "UPDATE declarations SET status = $2, submitted_at = $3 WHERE id = $1",
            *(declaration_id, status, now),
        )
        await _record(citizen_id, row, "submit", now)


async def delete(citizen_id: UUID, declaration_id: UUID, now: datetime) -> None:
    """Delete a declaration in any state, with its words and its evidence: nothing of it is left here (rule 7).

    Raises:
        NotFound: no such declaration of his, or not any more.
    """
    async with transaction():
        row = await _locked(citizen_id, declaration_id)
        await stored_files.delete_all(EVIDENCE, declaration_id, now)
        await execute("DELETE FROM declaration_texts WHERE declaration_id = $1", declaration_id)
        await execute("DELETE FROM declarations WHERE id = $1", declaration_id)
        await _record(citizen_id, row, "delete", now)


async def add_evidence(
    citizen_id: UUID,
    declaration_id: UUID,
    name: str,
    media_type: str,
    chunks: AsyncIterator[bytes],
    files: FileStore,
    now: datetime,
) -> UUID:
    """Keep a file as evidence of a draft; its id. Before it is known that it may be added, nothing of it is read.

    Raises:
        NotFound: no such declaration of his.
        DeclarationNotOpen: it is submitted.
        TooMuchDeclarationEvidence: there are five files.
        TooManyUploads: he sent in sixty within a day, those of deleted declarations included.
        DeclaresTooMuch: the file's name tells of what is never stored.
        FileTooLarge, FileEmpty, FileNotAsSaid: as `common.files` says.
    """
    must_be_fit(name)
    async with transaction():
        await _must_have_room(citizen_id, declaration_id, now)
    content = await files.keep(chunks, media_type, MOST_BYTES)
    async with stored_files.or_forgotten(EVIDENCE, declaration_id, content, now), transaction():
        # Again, one after the other: uploads at the same time all saw room for one.
        row = await _must_have_room(citizen_id, declaration_id, now)
        file_id = await stored_files.add(EVIDENCE, declaration_id, name, content, now)
        await _record(citizen_id, row, "add_evidence", now)
    return file_id


async def of_citizen(
    citizen_id: UUID, keys: PersonalDataKeys, before: UUID | None, limit: int, now: datetime
) -> Sequence[Declared]:
    """A citizen's own, newest first; `before` is the last id of the page before."""
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM declarations d {WORDS} WHERE d.citizen_id = $1 AND d.id < $2"
        " ORDER BY d.id DESC LIMIT $3",
        *(citizen_id, before or AFTER_ALL, limit),
    )
    return [declared(row, keys, now) for row in rows]


async def one_of_citizen(
    citizen_id: UUID, declaration_id: UUID, keys: PersonalDataKeys, now: datetime
) -> Declared:
    """One of a citizen's.

    Raises:
        NotFound: no such declaration of his.
    """
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM declarations d {WORDS} WHERE d.id = $1 AND d.citizen_id = $2",
        *(declaration_id, citizen_id),
    )
    if row is None:
        raise NotFound
    return declared(row, keys, now)


async def evidence_of(declaration_id: UUID) -> Sequence[Row]:
    """A declaration's evidence, the first file first; the caller has seen that he may read it."""
    return await fetch_all(
        "SELECT id, name, media_type, size, sha256, stored_at FROM stored_files"
        " WHERE owner_id = $1 AND purpose = $2 AND deleted_at IS NULL ORDER BY id",
        *(declaration_id, EVIDENCE),
    )


async def own_file(citizen_id: UUID, declaration_id: UUID, file_id: UUID) -> Row:
    """One file of a citizen's own declaration.

    Raises:
        NotFound: no such file of his.
    """
    mine = "SELECT 1 FROM declarations WHERE id = $1 AND citizen_id = $2"
    if await fetch_one(mine, declaration_id, citizen_id) is None:
        raise NotFound
    return await stored_files.of_owner(file_id, EVIDENCE, declaration_id)


def declared(row: Row, keys: PersonalDataKeys, now: datetime) -> Declared:
    """A declaration with its words, from a row with `COLUMNS`."""

    def words(column: str, context: str) -> str | None:
        return None if row[column] is None else keys.decrypt(row[column], context)

    facts = {name: value for name, value in dict(row).items() if not name.endswith("_encrypted")}
    return Declared(
        **facts,
        text=words("text_encrypted", TEXT),
        refusal=words("refusal_encrypted", REFUSAL),
        is_valid=row["valid_until"] is not None and row["valid_until"] >= local_day(now),
    )


async def _write(
    citizen_id: UUID, statement: Statement, request: RequestKey, keys: PersonalDataKeys, now: datetime
) -> UUID:
    declaration_id = new_id()
    async with transaction():
        made = await fetch_one(
            BEGIN,
            *(declaration_id, citizen_id, statement.kind, statement.region, statement.happened_on),
            *(statement.hours, statement.may_forward, now, request.key, request.body_hash, MOST),
        )
        if made is None:
            known = await fetch_one("SELECT 1 FROM regions WHERE code = $1", statement.region)
            raise DeclarationsUsedUp(limit=MOST) if known else RegionUnknown
        await execute(
            "INSERT INTO declaration_texts (declaration_id, text_encrypted) VALUES ($1, $2)",
            *(declaration_id, keys.encrypt(statement.text, TEXT)),
        )
        await _record(citizen_id, {"id": declaration_id, "region_id": statement.region}, "begin", now)
    return declaration_id


async def _locked(citizen_id: UUID, declaration_id: UUID) -> Row:
    row = await fetch_one(
        "SELECT id, region_id, status FROM declarations WHERE id = $1 AND citizen_id = $2 FOR UPDATE",
        *(declaration_id, citizen_id),
    )
    if row is None:
        raise NotFound
    return row


async def _must_have_room(citizen_id: UUID, declaration_id: UUID, now: datetime) -> Row:
    row = await _locked(citizen_id, declaration_id)
    if row["status"] != DeclarationStatus.DRAFT:
        raise DeclarationNotOpen
    if len(await evidence_of(declaration_id)) >= MOST_FILES:
        raise TooMuchDeclarationEvidence(most=MOST_FILES)
    # What is sent in and deleted over and over fills the disk too.
    most, action = MOST_UPLOADS_A_DAY, "declaration.add_evidence"
    if await audit_log.count_since(citizen_id, action, now - DAY, most) >= most:
        raise TooManyUploads(most=most)
    return row


async def _record(citizen_id: UUID, row: Row | dict[str, object], action: str, now: datetime) -> None:
    who, thing, region = (ActorKind.CITIZEN, citizen_id), ("declaration", row["id"]), str(row["region_id"])
    await audit_log.record(who, f"declaration.{action}", thing, now, region=region)
