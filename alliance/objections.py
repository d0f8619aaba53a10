"""异议与信用修复: a citizen or a member contests a record about him, or has one mended; it is marked at once (rule 8).

Being there and open is the mark: whoever shows the record asks `open_about_tier` or `disputed`. Ids, states and
times are in `objections`; what he wrote is beside it, encrypted, in a row that can be deleted (rule 7). Partial unique
indexes keep one open objection to a record, and ten of one citizen or member.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from alliance import objection_steps
from alliance.objection_states import after
from benefits.refusals import Busy, IdempotencyKeyReused
from common.actors import CitizenActor, MemberActor
from common.clock import end_of, local_day
from common.crypto import PersonalDataKeys
from common.database import Row, constraint_of, execute, fetch_all, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from common.ids import new_id
from common.request_keys import RequestKey
from common.working_days import add_working_days
from merchants.regions import RegionUnknown
from models import audit_log, notice_log, stored_files
from models.citizen_enums import ObjectionAbout, ObjectionEvent, ObjectionKind, ObjectionStatus
from models.office_enums import FilePurpose

TEXT, ANSWER = "objection_texts.text", "objection_texts.answer"
ANSWER_WITHIN_DAYS = 5
MOST_OPEN = 10
# Losing a race to oneself takes a place each time, or meets the same key: after that there is no race left.
MOST_TRIES = MOST_OPEN + 2

# What each may be about: always one's own ($1), named by its id ($2) or the newest there is.
RECORDS = {
    # The month of the look-up's partition is that of the snapshot.
    ObjectionAbout.TIER: """
SELECT s.id, l.source, s.source_record_id, s.data_date, s.taken_at AS recorded_at, NULL::text AS region_id
  FROM tier_snapshots s LEFT JOIN credit_lookups l ON l.id = s.lookup_id AND l.looked_up_at = s.taken_at
 WHERE s.citizen_id = $1 AND $2::uuid IS NULL ORDER BY s.taken_at DESC LIMIT 1
""",
    ObjectionAbout.LOOKUP: """
SELECT l.id, l.source, s.source_record_id, s.data_date, l.looked_up_at AS recorded_at, NULL::text AS region_id
  FROM credit_lookups l LEFT JOIN tier_snapshots s ON s.lookup_id = l.id
 WHERE l.citizen_id = $1 AND l.id = $2
""",
    ObjectionAbout.DECLARATION: """
SELECT id, NULL::text AS source, NULL::text AS source_record_id, NULL::date AS data_date, decided_at AS recorded_at,
       region_id
  FROM declarations WHERE citizen_id = $1 AND id = $2 AND status = 'refused'
""",
    ObjectionAbout.ORGANISATION_CHECK: """
SELECT c.id, c.source, c.record_id AS source_record_id, c.data_date, c.checked_at AS recorded_at, m.region_id
  FROM organisation_checks c JOIN members m ON m.id = c.member_id
 WHERE c.member_id = $1 AND ($2::uuid IS NULL OR c.id = $2) AND c.finding <> 'unavailable' ORDER BY c.id DESC LIMIT 1
""",
    ObjectionAbout.SUSPENSION: """
SELECT s.id, NULL::text AS source, NULL::text AS source_record_id, NULL::date AS data_date,
       s.suspended_at AS recorded_at, m.region_id
  FROM suspensions s JOIN members m ON m.id = s.member_id
 WHERE s.member_id = $1 AND s.lifted_at IS NULL AND s.id = $2
""",
}
OF_CITIZENS = frozenset((ObjectionAbout.TIER, ObjectionAbout.LOOKUP, ObjectionAbout.DECLARATION))
REPAIRABLE = frozenset((ObjectionAbout.TIER, ObjectionAbout.ORGANISATION_CHECK))


class ObjectionOpen(Refused):
    """Something about the same record is being looked into."""

    code = "objection_open"
    zh = "这条记录已有一件异议或修复申请正在处理。请到“我的异议”里查看，有新材料可以补充到那一件里。"
    en = "An objection to this record is being looked into. See it under “My objections”, and add new evidence there."


class ObjectionsUsedUp(Refused):
    """He has as many open ones as one may have."""

    code = "objections_used_up"
    zh = "您有 {limit} 件异议还在处理，请等其中一件有了结果或撤回一件，再提出新的。"
    en = "{limit} of your objections are being looked into. Wait for one to be answered, or withdraw one, then go on."


class RepairNotThere(Invalid):
    """Repair mends what a credit source has on record, and nothing else."""

    code = "repair_not_there"
    zh = "信用修复只能针对信用等级或信用核查的记录。对其他事项有不同意见，请提出异议。"
    en = "Only what a credit source has on record can be repaired. Object to anything else instead."
    pointer = "/kind"


@dataclass(frozen=True, slots=True)
class Party:
    """Who contests: a citizen, or somebody for his member. `reader` names the column, and where notices go."""

    reader: notice_log.Reader
    id: UUID
    who: audit_log.Who


@dataclass(frozen=True, slots=True)
class Contest:
    """What is contested or to be mended, in his words; `region` is whose office answers a citizen."""

    kind: ObjectionKind
    about: ObjectionAbout
    text: str
    record_id: UUID | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """An objection as it was filed: it is answered before `due_at`."""

    id: UUID
    status: ObjectionStatus
    filed_at: datetime
    due_at: datetime
    is_due_certain: bool
    is_replayed: bool = False


def party_of(actor: CitizenActor | MemberActor) -> Party:
    """For whom an actor contests."""
    if isinstance(actor, CitizenActor):
        return Party("citizen", actor.id, audit_log.who(actor))
    return Party("member", actor.member_id, audit_log.who(actor))


async def file(
    party: Party, contest: Contest, request: RequestKey, keys: PersonalDataKeys, now: datetime
) -> Filed:
    """File an objection; the record is marked, and the office has five working days (Asia/Shanghai).

    Args:
        request: hashed without the text, which is compared as long as it is kept.

    Raises:
        NotFound: what it is about is not there, or not his.
        RepairNotThere, RegionUnknown: what was asked for can't be.
        ObjectionOpen, ObjectionsUsedUp, IdempotencyKeyReused, Busy.
    """
    is_taken = False
    for _ in range(MOST_TRIES):
        stored = await fetch_one(
            "SELECT o.id, o.request_hash, o.filed_at, p.due_at, w.text_encrypted"
            " FROM objections o JOIN objection_steps p ON p.objection_id = o.id AND p.event = 'file'"
            " LEFT JOIN objection_texts w ON w.objection_id = o.id"
            f" WHERE o.{party.reader}_id = $1 AND o.request_key = $2",
            *(party.id, request.key),
        )
        if stored is not None:
            return _stored(stored, contest, request, keys)
        if is_taken:
            raise ObjectionOpen
        record = await _record_of(party, contest)
        try:
            return await _write(party, contest, record, request, keys, now)
        except asyncpg.UniqueViolationError as error:
            # By himself, at the same time: it is judged anew.
            is_taken = constraint_of(error) == "objections_record_once"
            if not is_taken and not constraint_of(error).startswith(f"objections_{party.reader}_"):
                raise
    raise Busy


async def withdraw(party: Party, objection_id: UUID, now: datetime) -> None:
    """Take an objection back, and erase its words and its evidence; twice is once. The record is marked no more.

    Raises:
        NotFound: no such objection of his.
        ObjectionNotPossible: it was answered.
    """
    async with transaction():
        row = await locked(party, objection_id)
        if row["status"] == ObjectionStatus.WITHDRAWN:
            return
        status = after(row["status"], ObjectionEvent.WITHDRAW)
        await execute(
            "UPDATE objections SET status = $2, closed_at = $3 WHERE id = $1", objection_id, status, now
        )
        await execute("DELETE FROM objection_texts WHERE objection_id = $1", objection_id)
        await stored_files.delete_all(FilePurpose.OBJECTION_EVIDENCE, objection_id, now)
        await objection_steps.record(row, ObjectionEvent.WITHDRAW, status, party.who, now)


async def locked(party: Party, objection_id: UUID) -> Row:
    """One of a party's, held until the caller's transaction ends.

    Raises:
        NotFound: no such objection of his.
    """
    row = await fetch_one(
        "SELECT id, status, region_id, due_at FROM objections"
        f" WHERE id = $1 AND {party.reader}_id = $2 FOR UPDATE",
        *(objection_id, party.id),
    )
    if row is None:
        raise NotFound
    return row


async def open_about_tier(citizen_id: UUID) -> Row | None:
    """What is open about a citizen's tier: `id`, `status` and `due_at`; a tier that he contests is shown as disputed."""
    return await fetch_one(
        "SELECT id, status, due_at FROM objections"
        " WHERE citizen_id = $1 AND closed_at IS NULL AND about = 'tier' ORDER BY id DESC LIMIT 1",
        citizen_id,
    )


async def disputed(reader: notice_log.Reader, party_id: UUID) -> frozenset[UUID]:
    """Which records of a citizen's or a member's are contested at present: ten at most, shown as disputed."""
    rows = await fetch_all(
        f"SELECT record_id FROM objections WHERE {reader}_id = $1 AND closed_at IS NULL", party_id
    )
    return frozenset(row["record_id"] for row in rows)


async def is_disputed(member_id: UUID, check_id: UUID) -> bool:
    """Whether a check says just what a contested one says: the same record of the source, of the same date and grade."""
    row = await fetch_one(
        "SELECT 1 FROM objections o JOIN organisation_checks contested ON contested.id = o.record_id"
        " JOIN organisation_checks c ON c.id = $2 AND (c.source, c.record_id, c.data_date, c.grade)"
        "  = (contested.source, contested.record_id, contested.data_date, contested.grade)"
        " WHERE o.member_id = $1 AND o.closed_at IS NULL AND o.about = 'organisation_check' LIMIT 1",
        *(member_id, check_id),
    )
    return row is not None


async def overdue(now: datetime) -> int:
    """How many wait for an answer whose time is over."""
    row = await fetch_one(
        "SELECT count(*) AS objections FROM objections WHERE closed_at IS NULL AND due_at <= $1", now
    )
    assert row is not None
    return int(row["objections"])


def _stored(row: Row, contest: Contest, request: RequestKey, keys: PersonalDataKeys) -> Filed:
    text = None if row["text_encrypted"] is None else keys.decrypt(row["text_encrypted"], TEXT)
    if row["request_hash"] != request.body_hash or text not in (None, contest.text):
        raise IdempotencyKeyReused
    # What was answered then: an extension may have moved the date since.
    is_certain = add_working_days(local_day(row["filed_at"]), ANSWER_WITHIN_DAYS).is_certain
    return Filed(
        row["id"], ObjectionStatus.OPEN, row["filed_at"], row["due_at"], is_certain, is_replayed=True
    )


async def _record_of(party: Party, contest: Contest) -> Row:
    if contest.kind is ObjectionKind.REPAIR and contest.about not in REPAIRABLE:
        raise RepairNotThere
    if (contest.about in OF_CITIZENS) != (party.reader == "citizen"):
        raise NotFound
    known = "SELECT 1 FROM regions WHERE code = $1"
    if contest.region is not None and await fetch_one(known, contest.region) is None:
        raise RegionUnknown
    row = await fetch_one(RECORDS[contest.about], party.id, contest.record_id)
    if row is None:
        raise NotFound
    return row


async def _write(
    party: Party,
    contest: Contest,
    record: Row,
    request: RequestKey,
    keys: PersonalDataKeys,
    now: datetime,
) -> Filed:
    objection_id, region = new_id(), record["region_id"] or contest.region
    last = add_working_days(local_day(now), ANSWER_WITHIN_DAYS)
    due_at, status = end_of(last.day), ObjectionStatus.OPEN
    async with transaction():
        made = await fetch_one(
            f"INSERT INTO objections (id, kind, about, record_id, {party.reader}_id, region_id, source,"
            " source_record_id, data_date, recorded_at, filed_at, filed_by, due_at, is_due_certain, request_key,"
            " request_hash, place)"
            " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, free.place"
            "  FROM (SELECT min(place) AS place FROM generate_series(1, $17::int) AS place WHERE NOT EXISTS"
            f"   (SELECT FROM objections taken WHERE taken.{party.reader}_id = $5 AND taken.closed_at IS NULL"
            "     AND taken.place = place.place)) free"
            " WHERE free.place IS NOT NULL RETURNING id",
            *(objection_id, contest.kind, contest.about, record["id"], party.id, region, record["source"]),
            *(record["source_record_id"], record["data_date"], record["recorded_at"], now, party.who[1]),
            *(due_at, last.is_certain, request.key, request.body_hash, MOST_OPEN),
        )
        if made is None:
            raise ObjectionsUsedUp(limit=MOST_OPEN)
        await execute(
            "INSERT INTO objection_texts (objection_id, text_encrypted) VALUES ($1, $2)",
            *(objection_id, keys.encrypt(contest.text, TEXT)),
        )
        made_of = {"id": objection_id, "status": None, "region_id": region, "due_at": due_at}
        await objection_steps.record(made_of, ObjectionEvent.FILE, status, party.who, now)
    return Filed(objection_id, status, now, due_at, last.is_certain)
