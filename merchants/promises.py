"""承诺践诺: promises that a member kept or broke, each tied to what showed it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common.actors import AdminActor
from common.database import Row, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import AFTER_ALL, new_id
from merchants import adverse_records
from models import audit_log, notice_log
from models.enums import PromiseCause, PromiseOutcome
from models.region import subtree_prefix


class PromiseRecorded(Refused):
    """The same cause was recorded before."""

    code = "promise_recorded"
    zh = "这件事的践诺情况已经记录过，不用重复登记。"
    en = "This was recorded for the member before; there is no need to do it again."


async def record(
    actor: AdminActor,
    member_id: UUID,
    outcome: PromiseOutcome,
    cause: tuple[PromiseCause, str],
    note: str,
    now: datetime,
) -> UUID:
    """Record that a member kept or broke a promise of its newest commitment; the member reads it. Never changed.

    Args:
        cause: what showed it, and the id of that (a complaint, an inspection's number).

    Raises:
        NotFound: no such member in the admin's region.
        PromiseRecorded: it was recorded before.
    """
    promise_id, (kind, cause_id) = new_id(), cause
    async with transaction():
        member = await fetch_one(
            "SELECT region_id, (SELECT c.id FROM member_applications a JOIN commitments c ON c.application_id = a.id"
            "  WHERE a.member_id = m.id ORDER BY a.id DESC, c.version DESC LIMIT 1) AS commitment_id"
            " FROM members m WHERE id = $1 AND region_id LIKE $2 || '%'",
            *(member_id, subtree_prefix(actor.region)),
        )
        if member is None:
            raise NotFound
        made = await fetch_one(
            "INSERT INTO promise_records (id, member_id, commitment_id, outcome, cause, cause_id, note, recorded_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            " ON CONFLICT (member_id, outcome, cause, cause_id) DO NOTHING RETURNING id",
            *(promise_id, member_id, member["commitment_id"], outcome, kind, cause_id, note, now),
        )
        if made is None:
            raise PromiseRecorded
        once = f"promise_{outcome}:{promise_id}"
        await notice_log.tell("member", member_id, f"promise_{outcome}", once, {}, now)
        after = {"member_id": member_id, "outcome": outcome, "cause": kind, "cause_id": cause_id}
        who, thing, region = audit_log.who(actor), ("promise", promise_id), member["region_id"]
        await audit_log.record(who, "promise.record", thing, now, region=region, after=after)
    return promise_id


async def of_member(member_id: UUID, before: UUID | None, limit: int, now: datetime) -> Sequence[Row]:
    """A member's promises, newest first; `before` is the last id of the page before.

    What was broken is left out once it counts no more (rule 9).
    """
    return await fetch_all(
        "SELECT id, commitment_id, outcome, cause, cause_id, note, recorded_at FROM promise_records"
        " WHERE member_id = $1 AND id < $2 AND (outcome <> 'broken' OR recorded_at >= $4) ORDER BY id DESC LIMIT $3",
        *(member_id, before or AFTER_ALL, limit, adverse_records.counts_since(now)),
    )
