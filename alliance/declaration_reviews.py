"""自主申报的核实: the region's office looks at what a citizen declared, and passes it on to the source if he agreed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from json import dumps
from uuid import UUID

from alliance.declarations import COLUMNS, EVIDENCE, REFUSAL, WORDS, Declared, declared, evidence_of
from common.actors import AdminActor
from common.clock import local_day
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from common.ids import AFTER_ALL
from common.masking import masked_numbers
from models import audit_log, notice_log, stored_files
from models.citizen_enums import DeclarationStatus
from models.region import shared_prefix, subtree_prefix

MOST_YEARS = 5
NEWEST_FIRST = "ORDER BY d.id DESC LIMIT $4"
# A draft is its citizen's alone.
SEEN = frozenset(DeclarationStatus) - {DeclarationStatus.DRAFT}


class DeclarationDecided(Refused):
    """Somebody decided it before."""

    code = "declaration_decided"
    zh = "这条申报已经核实过。请刷新页面查看结果。"
    en = "This declaration was decided. Reload the page to see how."


class ForwardingNotAllowed(Refused):
    """Its citizen did not agree to it, or it is not accepted."""

    code = "forwarding_not_allowed"
    zh = "只有已通过核实、且市民同意转送的申报才能转送。"
    en = "Only what was accepted, and what its citizen agreed to have passed on, can be passed on."


class ValidityOutOfRange(Invalid):
    """It ends today or before, or lasts more than five years."""

    code = "validity_out_of_range"
    zh = "有效期要晚于今天，最长五年。请重新选择日期。"
    en = "The validity ends after today, and within five years. Choose another date."
    pointer = "/valid_until"


async def in_region(
    actor: AdminActor,
    status: DeclarationStatus | None,
    region: str | None,
    keys: PersonalDataKeys,
    before: UUID | None,
    limit: int,
    now: datetime,
) -> Sequence[Declared]:
    """What was submitted to the admin's region, newest first, numbers of persons masked; drafts never."""
    prefix = shared_prefix(actor.region, region or actor.region)
    if prefix is None:
        return []
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM regions r CROSS JOIN LATERAL (SELECT * FROM declarations d WHERE d.region_id = r.code"
        f" AND d.status = ANY ($3) AND d.id < $2 {NEWEST_FIRST}) d {WORDS} WHERE r.code LIKE $1 || '%' {NEWEST_FIRST}",
        *(prefix, before or AFTER_ALL, list(SEEN & {status} if status else SEEN), limit),
    )
    return [_masked(declared(row, keys, now)) for row in rows]


async def one(
    actor: AdminActor, declaration_id: UUID, keys: PersonalDataKeys, now: datetime
) -> tuple[Declared, Sequence[Row]]:
    """One that was submitted to the admin's region, with the rows of its evidence.

    Raises:
        NotFound: no such declaration there.
    """
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM declarations d {WORDS}"
        " WHERE d.id = $1 AND d.region_id LIKE $2 || '%' AND d.status <> 'draft'",
        *(declaration_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return _masked(declared(row, keys, now)), await evidence_of(declaration_id)


async def opened(
    actor: AdminActor, declaration_id: UUID, keys: PersonalDataKeys, now: datetime
) -> tuple[Declared, Sequence[Row]]:
    """The same, for whoever works on it; that it was read is recorded, and its citizen sees it.

    Raises:
        NotFound: as for `one`.
    """
    found, evidence = await one(actor, declaration_id, keys, now)
    who, thing = audit_log.who(actor), ("declaration", declaration_id)
    await audit_log.record(who, "declaration.read", thing, now, region=found.region)
    return found, evidence


async def file(actor: AdminActor, declaration_id: UUID, file_id: UUID, now: datetime) -> Row:
    """One file of a declaration in the admin's region; that he read it is audited.

    Raises:
        NotFound: no such file there.
    """
    row = await _there(actor, declaration_id, "")
    found = await stored_files.of_owner(file_id, EVIDENCE, declaration_id)
    await _record(actor, "read_evidence", row, now)
    return found


async def accept(actor: AdminActor, declaration_id: UUID, valid_until: date, now: datetime) -> None:
    """Confirm what was declared until a day (that day included); its citizen is told.

    Raises:
        NotFound: no such declaration in the admin's region, or not any more.
        DeclarationDecided: somebody was faster.
        ValidityOutOfRange: it ends today or before, or lasts more than five years.
    """
    today = local_day(now)
    if not today < valid_until <= date(today.year + MOST_YEARS, today.month, min(today.day, 28)):
        raise ValidityOutOfRange
    async with transaction():
        row = await _undecided(actor, declaration_id)
        await _decide(actor, row, DeclarationStatus.ACCEPTED, valid_until, now)


async def refuse(
    actor: AdminActor, declaration_id: UUID, reason: str, keys: PersonalDataKeys, now: datetime
) -> None:
    """Refuse it, with a reason that its citizen reads and may object to.

    Raises:
        NotFound, DeclarationDecided: as for `accept`.
    """
    async with transaction():
        row = await _undecided(actor, declaration_id)
        await _decide(actor, row, DeclarationStatus.REFUSED, None, now)
        await execute(
            "UPDATE declaration_texts SET refusal_encrypted = $2 WHERE declaration_id = $1",
            *(declaration_id, keys.encrypt(reason, REFUSAL)),
        )


async def forward(actor: AdminActor, declaration_id: UUID, keys: PersonalDataKeys, now: datetime) -> bytes:
    """What the credit source is sent, as JSON: by its citizen's consent alone, and without his name or number.

    Raises:
        NotFound: no such declaration in the admin's region.
        ForwardingNotAllowed: he did not agree, or it is not accepted.
    """
    async with transaction():
        row = await _there(actor, declaration_id, " FOR UPDATE")
        sent = await execute(
            "UPDATE declarations SET forwarded_at = coalesce(forwarded_at, $2)"
            " WHERE id = $1 AND may_forward AND status = 'accepted' AND valid_until >= $3",
            *(declaration_id, now, local_day(now)),
        )
        if not sent:
            raise ForwardingNotAllowed
        await _record(actor, "forward", row, now)
        found, evidence = await one(actor, declaration_id, keys, now)
    facts = {
        "declaration_id": found.id,
        "kind": found.kind,
        "happened_on": found.happened_on,
        "hours": found.hours,
        "valid_until": found.valid_until,
        "text": found.text,
        "evidence": [{"media_type": each["media_type"], "sha256": each["sha256"]} for each in evidence],
    }
    return dumps(facts, ensure_ascii=False, indent=2, default=str).encode()


async def _decide(
    actor: AdminActor, row: Row, status: DeclarationStatus, valid_until: date | None, now: datetime
) -> None:
    await execute(
        "UPDATE declarations SET status = $2, decided_at = $3, decided_by = $4, valid_until = $5 WHERE id = $1",
        *(row["id"], status, now, actor.id, valid_until),
    )
    facts = {"declaration_id": row["id"], **({"valid_until": valid_until} if valid_until else {})}
    # A refusal that an objection undid may be followed by another decision: that is another cause.
    kind, once = f"declaration_{status}", f"declaration_{status}:{row['id']}:{now.isoformat()}"
    await notice_log.tell("citizen", row["citizen_id"], kind, once, facts, now)
    await _record(actor, "accept" if valid_until else "refuse", row, now)


async def _undecided(actor: AdminActor, declaration_id: UUID) -> Row:
    row = await _there(actor, declaration_id, " FOR UPDATE")
    if row["status"] != DeclarationStatus.SUBMITTED:
        raise DeclarationDecided
    return row


async def _there(actor: AdminActor, declaration_id: UUID, lock: str) -> Row:
    row = await fetch_one(
        "SELECT id, citizen_id, region_id, status FROM declarations"
        f" WHERE id = $1 AND region_id LIKE $2 || '%' AND status <> 'draft'{lock}",
        *(declaration_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


def _masked(found: Declared) -> Declared:
    text = None if found.text is None else masked_numbers(found.text)
    return replace(found, text=text)


async def _record(actor: AdminActor, action: str, row: Row, now: datetime) -> None:
    who, thing = audit_log.who(actor), ("declaration", row["id"])
    await audit_log.record(who, f"declaration.{action}", thing, now, region=row["region_id"])
