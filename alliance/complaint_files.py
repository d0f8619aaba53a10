"""A complaint with its words, as citizen, member and admin read it: each what is his, 404 otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.actors import AdminActor, MemberActor
from common.crypto import PersonalDataKeys
from common.database import Row, fetch_all, fetch_one
from common.errors import NotFound
from common.ids import AFTER_ALL
from common.masking import masked_numbers
from models import audit_log
from models.office_enums import ComplaintStatus
from models.region import shared_prefix, subtree_prefix

TEXT, ANSWER, DECISION = (f"complaint_texts.{name}" for name in ("text", "answer", "decision"))

COLUMNS = """c.id, c.member_id, m.name AS member_name, c.region_id, c.citizen_id, c.store_id, s.name AS store_name, c.offer_id, c.redemption_id,
 c.attempt_id, c.kind, c.status, c.complained_at, c.answer_due_at, c.answered_at, c.overdue_at, c.decided_at,
 c.withdrawn_at, w.text_encrypted, w.answer_encrypted, w.decision_encrypted"""
WORDS = (
    "LEFT JOIN complaint_texts w ON w.complaint_id = c.id LEFT JOIN stores s ON s.id = c.store_id"
    " LEFT JOIN members m ON m.id = c.member_id"
)
NEWEST_FIRST = "ORDER BY c.id DESC LIMIT $3"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of a region's complaints; a field that is None narrows nothing down, `region` has all below it."""

    status: ComplaintStatus | None = None
    region: str | None = None
    member_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ComplaintFile:
    """A complaint; texts are None where nothing was written, or where it was erased. Nobody's name is in it."""

    id: UUID
    member_id: UUID
    member_name: str | None
    region: str
    store_id: UUID
    store_name: str | None
    offer_id: UUID | None
    redemption_id: UUID | None
    attempt_id: UUID | None
    kind: str
    status: str
    text: str | None
    complained_at: datetime
    answer_due_at: datetime
    answer: str | None
    answered_at: datetime | None
    overdue_at: datetime | None
    decision_reason: str | None
    decided_at: datetime | None
    withdrawn_at: datetime | None


async def of_citizen(
    citizen_id: UUID, keys: PersonalDataKeys, before: UUID | None, limit: int
) -> Sequence[ComplaintFile]:
    """A citizen's own, newest first; `before` is the last id of the page before."""
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM complaints c {WORDS} WHERE c.citizen_id = $1 AND c.id < $2 {NEWEST_FIRST}",
        *(citizen_id, before or AFTER_ALL, limit),
    )
    return [_file(row, keys) for row in rows]


async def of_member(
    member_id: UUID, status: ComplaintStatus | None, keys: PersonalDataKeys, before: UUID | None, limit: int
) -> Sequence[ComplaintFile]:
    """Those about a member, newest first; numbers of persons in them are masked."""
    which, more = ("AND c.status = $4", [status]) if status else ("", [])
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM complaints c {WORDS} WHERE c.member_id = $1 AND c.id < $2 {which} {NEWEST_FIRST}",
        *(member_id, before or AFTER_ALL, limit, *more),
    )
    return [_file(row, keys, is_masked=True) for row in rows]


async def in_region(
    actor: AdminActor, filters: Filters, keys: PersonalDataKeys, before: UUID | None, limit: int
) -> Sequence[ComplaintFile]:
    """Those about stores in the admin's region, newest first."""
    prefix = shared_prefix(actor.region, filters.region or actor.region)
    if prefix is None:
        return []
    which, values = "", [prefix, before or AFTER_ALL, limit]
    for column, wanted in (("status", filters.status), ("member_id", filters.member_id)):
        if wanted is not None:
            values.append(wanted)
            which += f" AND c.{column} = ${len(values)}"
    if filters.member_id is None:
        found = (
            "regions r CROSS JOIN LATERAL (SELECT * FROM complaints c WHERE c.region_id = r.code"
            f" AND c.id < $2 {which} {NEWEST_FIRST}) c {WORDS} WHERE r.code LIKE $1 || '%'"
        )
    else:
        found = f"complaints c {WORDS} WHERE c.region_id LIKE $1 || '%' AND c.id < $2 {which}"
    rows = await fetch_all(f"SELECT {COLUMNS} FROM {found} {NEWEST_FIRST}", *values)
    return [_file(row, keys) for row in rows]


async def one_of_citizen(citizen_id: UUID, complaint_id: UUID, keys: PersonalDataKeys) -> ComplaintFile:
    """One of a citizen's.

    Raises:
        NotFound: no such complaint of his.
    """
    row = await _one(complaint_id)
    if row["citizen_id"] != citizen_id:
        raise NotFound
    return _file(row, keys)


async def one_of_member(member_id: UUID, complaint_id: UUID, keys: PersonalDataKeys) -> ComplaintFile:
    """One about a member.

    Raises:
        NotFound: no such complaint about it.
    """
    row = await _one(complaint_id)
    if row["member_id"] != member_id:
        raise NotFound
    return _file(row, keys, is_masked=True)


async def one_of_region(actor: AdminActor, complaint_id: UUID, keys: PersonalDataKeys) -> ComplaintFile:
    """One about a store in the admin's region.

    Raises:
        NotFound: no such complaint there.
    """
    row = await _one(complaint_id)
    if not row["region_id"].startswith(subtree_prefix(actor.region)):
        raise NotFound
    return _file(row, keys)


async def opened(
    actor: AdminActor | MemberActor, complaint_id: UUID, keys: PersonalDataKeys, now: datetime
) -> ComplaintFile:
    """One, for whoever answers or decides it; that its words were read is recorded, and the citizen sees it.

    Raises:
        NotFound: as for `one_of_region` and `one_of_member`.
    """
    if isinstance(actor, AdminActor):
        file = await one_of_region(actor, complaint_id, keys)
    else:
        file = await one_of_member(actor.member_id, complaint_id, keys)
    if file.text is not None:
        who, thing = audit_log.who(actor), ("complaint", complaint_id)
        await audit_log.record(who, "complaint.read", thing, now, region=file.region)
    return file


async def _one(complaint_id: UUID) -> Row:
    row = await fetch_one(f"SELECT {COLUMNS} FROM complaints c {WORDS} WHERE c.id = $1", complaint_id)
    if row is None:
        raise NotFound
    return row


def _file(row: Row, keys: PersonalDataKeys, *, is_masked: bool = False) -> ComplaintFile:
    def words(column: str, context: str) -> str | None:
        return None if row[column] is None else keys.decrypt(row[column], context)

    text = words("text_encrypted", TEXT)
    return ComplaintFile(
        *(
            row["id"],
            row["member_id"],
            row["member_name"],
            row["region_id"],
            row["store_id"],
            row["store_name"],
        ),
        *(row["offer_id"], row["redemption_id"], row["attempt_id"], row["kind"], row["status"]),
        masked_numbers(text) if text and is_masked else text,
        *(row["complained_at"], row["answer_due_at"], words("answer_encrypted", ANSWER), row["answered_at"]),
        *(row["overdue_at"], words("decision_encrypted", DECISION), row["decided_at"], row["withdrawn_at"]),
    )
