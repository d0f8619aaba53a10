"""投诉: a citizen complains about a redemption, a refused scan or a store; he may withdraw, and erase his words.

Ids, states and times stay in `complaints`; what he wrote is beside it, encrypted, in a row that can be deleted (rule 7).
Each complaint takes one of his places of the day; a unique constraint keeps him to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from alliance.complaint_files import TEXT
from alliance.complaint_states import ComplaintEvent, ComplaintNotPossible, after
from benefits.refusals import Busy, IdempotencyKeyReused
from common.clock import end_of, local_day
from common.crypto import PersonalDataKeys
from common.database import Row, constraint_of, execute, fetch_all, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from common.ids import AFTER_ALL, new_id
from common.request_keys import RequestKey
from common.working_days import add_working_days
from merchants import policies
from models import audit_log, notice_log
from models.enums import ActorKind
from models.office_enums import ComplaintKind, ComplaintStatus

MOST_A_DAY = 5
# Losing a race to oneself takes a place each time, or meets the same key: after that there is no race left.
MOST_TRIES = MOST_A_DAY + 2

STORED = """
SELECT c.id, c.request_hash, c.status, c.complained_at, c.answer_due_at, w.text_encrypted
  FROM complaints c LEFT JOIN complaint_texts w ON w.complaint_id = c.id
 WHERE c.citizen_id = $1 AND c.request_key = $2
"""
OF_REDEMPTION = """
SELECT r.store_id, r.member_id, s.region_id, r.offer_id FROM redemptions r JOIN stores s ON s.id = r.store_id
  JOIN coupons c ON c.id = r.coupon_id
 WHERE r.id = $1 AND c.citizen_id = $2
"""
# A clerk may have named a store that is none of his: then it is his member's region.
OF_ATTEMPT = """
SELECT a.store_id, a.member_id, coalesce(s.region_id, m.region_id) AS region_id, c.offer_id
  FROM attempts a JOIN coupons c ON c.id = a.coupon_id JOIN members m ON m.id = a.member_id
  LEFT JOIN stores s ON s.id = a.store_id AND s.member_id = a.member_id
 WHERE a.id = $1 AND c.citizen_id = $2
"""
OF_STORE = "SELECT id AS store_id, member_id, region_id, NULL::uuid AS offer_id FROM stores WHERE id = $1"
OF_OFFER = """
SELECT s.id AS store_id, s.member_id, s.region_id, o.id AS offer_id FROM stores s JOIN offers o ON o.member_id = s.member_id
 WHERE s.id = $1 AND o.id = $2 AND o.status <> 'draft'
"""
MAKE = """
INSERT INTO complaints (id, citizen_id, member_id, store_id, region_id, offer_id, redemption_id, attempt_id, kind,
                        complained_at, complained_on, answer_due_at, request_key, request_hash, place)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, free.place
  FROM (SELECT min(place) AS place FROM generate_series(1, $15::int) AS place
         WHERE NOT EXISTS (SELECT FROM complaints taken
                            WHERE taken.citizen_id = $2 AND taken.complained_on = $11 AND taken.place = place.place)) free
 WHERE free.place IS NOT NULL
RETURNING id
"""


class ComplaintAboutOneThing(Invalid):
    """A complaint names a redemption, or a refused scan, or a store (and perhaps an offer there)."""

    code = "complaint_about_one_thing"
    zh = "请选一件事投诉：一次核销、一次被拒绝的扫码，或者一家门店。"
    en = "Choose one thing to complain about: a redemption, a refused scan, or a store."
    pointer = "/store_id"


class ComplaintsUsedUp(Refused):
    """He made as many as one may in a day."""

    code = "complaints_used_up"
    zh = "今天已提交 {limit} 件投诉，请明天再来。急事请拨打 12345。"
    en = "You made {limit} complaints today; come back tomorrow. For urgent matters call 12345."


@dataclass(frozen=True, slots=True)
class Grievance:
    """What a citizen complains of, in his words, and what it is about."""

    kind: ComplaintKind
    text: str
    redemption_id: UUID | None = None
    attempt_id: UUID | None = None
    store_id: UUID | None = None
    offer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Complained:
    """A complaint as it was made."""

    id: UUID
    status: str
    complained_at: datetime
    answer_due_at: datetime
    is_replayed: bool = False


async def complain(
    citizen_id: UUID,
    grievance: Grievance,
    request: RequestKey,
    keys: PersonalDataKeys,
    now: datetime,
    by: UUID | None = None,
) -> Complained:
    """Make a complaint; the member has the working days of its region's policy to answer (Asia/Shanghai).

    Args:
        request: hashed without the text, which is compared as long as it is kept.
        by: who acts for him; the audit names whoever did it.

    Raises:
        ComplaintAboutOneThing: it names none, or several.
        NotFound: what it is about is not there, or not his.
        ComplaintsUsedUp, IdempotencyKeyReused, Busy.
    """
    for _ in range(MOST_TRIES):
        stored = await fetch_one(STORED, citizen_id, request.key)
        if stored is not None:
            return _stored(stored, grievance, request, keys)
        about = await _about(citizen_id, grievance)
        made = await _make((citizen_id, by or citizen_id), grievance, about, request, keys, now)
        if made is not None:
            return made
    raise Busy


async def refusals_of(citizen_id: UUID, coupon_id: UUID, before: UUID | None, limit: int) -> Sequence[Row]:
    """The refused scans of a citizen's coupon, newest first; `before` is the last id of the page before.

    Raises:
        NotFound: no such coupon of his.
    """
    if (
        await fetch_one("SELECT 1 FROM coupons WHERE id = $1 AND citizen_id = $2", coupon_id, citizen_id)
        is None
    ):
        raise NotFound
    return await fetch_all(
        "SELECT a.id, a.attempted_at, a.store_id, s.name AS store_name, a.code, a.is_preview FROM attempts a"
        " LEFT JOIN stores s ON s.id = a.store_id AND s.member_id = a.member_id"
        " WHERE a.coupon_id = $1 AND a.id < $2 ORDER BY a.id DESC LIMIT $3",
        *(coupon_id, before or AFTER_ALL, limit),
    )


async def withdraw(citizen_id: UUID, complaint_id: UUID, now: datetime, by: UUID | None = None) -> None:
    """Take a complaint back, and erase its words; twice is once.

    Args:
        by: who acts for him; the audit names whoever did it.

    Raises:
        NotFound: no such complaint of his.
        ComplaintNotPossible: it was decided.
    """
    async with transaction():
        row = await _locked(citizen_id, complaint_id)
        if row["status"] == ComplaintStatus.WITHDRAWN:
            return
        status = after(row["status"], ComplaintEvent.WITHDRAW)
        await execute(
            "UPDATE complaints SET status = $2, withdrawn_at = $3 WHERE id = $1", complaint_id, status, now
        )
        await execute("DELETE FROM complaint_texts WHERE complaint_id = $1", complaint_id)
        once, facts = f"complaint_withdrawn:{complaint_id}", {"complaint_id": complaint_id}
        await notice_log.tell("member", row["member_id"], "complaint_withdrawn", once, facts, now)
        await _record(by or citizen_id, row, "complaint.withdraw", {"status": status}, now)


async def erase_text(citizen_id: UUID, complaint_id: UUID, now: datetime) -> None:
    """Erase what was written about a complaint that is closed; that it was made stays. Twice is once.

    Raises:
        NotFound: no such complaint of his.
        ComplaintNotPossible: it is not closed yet; it can be withdrawn.
    """
    async with transaction():
        row = await _locked(citizen_id, complaint_id)
        if row["status"] not in (
            ComplaintStatus.UPHELD,
            ComplaintStatus.DISMISSED,
            ComplaintStatus.WITHDRAWN,
        ):
            raise ComplaintNotPossible(status=row["status"])
        if await execute("DELETE FROM complaint_texts WHERE complaint_id = $1", complaint_id):
            await _record(citizen_id, row, "complaint.erase_text", {"status": row["status"]}, now)


def _stored(row: Row, grievance: Grievance, request: RequestKey, keys: PersonalDataKeys) -> Complained:
    text = None if row["text_encrypted"] is None else keys.decrypt(row["text_encrypted"], TEXT)
    if row["request_hash"] != request.body_hash or text not in (None, grievance.text):
        raise IdempotencyKeyReused
    return Complained(
        row["id"], ComplaintStatus.OPEN, row["complained_at"], row["answer_due_at"], is_replayed=True
    )


async def _about(citizen_id: UUID, grievance: Grievance) -> Row:
    match grievance:
        case Grievance(redemption_id=UUID() as id_, attempt_id=None, store_id=None, offer_id=None):
            row = await fetch_one(OF_REDEMPTION, id_, citizen_id)
        case Grievance(redemption_id=None, attempt_id=UUID() as id_, store_id=None, offer_id=None):
            row = await fetch_one(OF_ATTEMPT, id_, citizen_id)
        case Grievance(redemption_id=None, attempt_id=None, store_id=UUID() as id_, offer_id=None):
            row = await fetch_one(OF_STORE, id_)
        case Grievance(
            redemption_id=None, attempt_id=None, store_id=UUID() as id_, offer_id=UUID() as offer_id
        ):
            row = await fetch_one(OF_OFFER, id_, offer_id)
        case _:
            raise ComplaintAboutOneThing
    if row is None:
        raise NotFound
    return row


async def _make(
    whose: tuple[UUID, UUID],
    grievance: Grievance,
    about: Row,
    request: RequestKey,
    keys: PersonalDataKeys,
    now: datetime,
) -> Complained | None:
    """Write it; nothing when he is in the way of himself and it has to be judged anew.

    Args:
        whose: the citizen, and who does it for him, or himself.
    """
    citizen_id, by = whose
    today, complaint_id = local_day(now), new_id()
    policy, _ = await policies.of_region(about["region_id"])
    last_day = add_working_days(today, policy.complaint_answer_days).day
    due_at = end_of(last_day)
    try:
        async with transaction():
            made = await fetch_one(
                MAKE,
                *(complaint_id, citizen_id, about["member_id"], about["store_id"], about["region_id"]),
                *(
                    about["offer_id"],
                    grievance.redemption_id,
                    grievance.attempt_id,
                    grievance.kind,
                    now,
                    today,
                ),
                *(due_at, request.key, request.body_hash, MOST_A_DAY),
            )
            if made is None:
                raise ComplaintsUsedUp(limit=MOST_A_DAY)
            await execute(
                "INSERT INTO complaint_texts (complaint_id, text_encrypted) VALUES ($1, $2)",
                *(complaint_id, keys.encrypt(grievance.text, TEXT)),
            )
            once, facts = f"complaint_made:{complaint_id}", {"complaint_id": complaint_id}
            await notice_log.tell(
                "member", about["member_id"], "complaint_made", once, {**facts, "last_day": last_day}, now
            )
            made_of = {"id": complaint_id, "status": None, "region_id": about["region_id"]}
            await _record(by, made_of, "complaint.make", {"status": "open", "kind": grievance.kind}, now)
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) in ("complaints_place_once", "complaints_request_key_once"):
            return None
        raise
    return Complained(complaint_id, ComplaintStatus.OPEN, now, due_at)


async def _locked(citizen_id: UUID, complaint_id: UUID) -> Row:
    row = await fetch_one(
        "SELECT id, status, member_id, region_id FROM complaints WHERE id = $1 AND citizen_id = $2 FOR UPDATE",
        *(complaint_id, citizen_id),
    )
    if row is None:
        raise NotFound
    return row


async def _record(
    by: UUID, row: Row | dict[str, object], action: str, to: audit_log.Facts, now: datetime
) -> None:
    before = None if row["status"] is None else {"status": row["status"]}
    who, thing, region = (ActorKind.CITIZEN, by), ("complaint", row["id"]), str(row["region_id"])
    await audit_log.record(who, action, thing, now, region=region, before=before, after=to)
