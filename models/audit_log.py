"""Writing and reading the audit (rule 14); writing goes into the same transaction as what it tells of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from json import dumps
from uuid import UUID

from common import replica
from common.actors import AdminActor, CitizenActor, MemberActor, StaffActor
from common.database import Row, execute
from common.ids import AFTER_ALL, new_id
from common.request_ids import current_request_id
from models.enums import ActorKind, AuditOutcome

Who = tuple[ActorKind, UUID | None]
# What changed, by column: ids, codes, numbers and times; texts that people typed stay out (rule 7).
Facts = Mapping[str, object]

SYSTEM: Who = (ActorKind.SYSTEM, None)


def who(actor: CitizenActor | StaffActor | MemberActor | AdminActor) -> Who:
    """An actor as the audit writes him."""
    if isinstance(actor, AdminActor):
        return ActorKind.ADMIN, actor.id
    return (ActorKind.CITIZEN if isinstance(actor, CitizenActor) else ActorKind.STAFF), actor.id


async def record(
    actor: Who,
    action: str,
    thing: tuple[str, object],
    now: datetime,
    outcome: AuditOutcome = AuditOutcome.DONE,
    *,
    region: str | None = None,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """Write one action; the id of the request that it belongs to is found by itself.

    Args:
        actor: kind and id of who did it.
        action: verb and noun, such as `staff.revoke`.
        thing: kind and id of what it was done to.
        region: whose business it is; admins of it and above may read it, without one the province's alone.
        before, after: what changed; the same keys in both where there is a before.
    """
    kind, actor_id = actor
    object_kind, object_id = thing
    await execute(
        "INSERT INTO audit_records (id, recorded_at, actor_kind, actor_id, action, object_kind, object_id, outcome,"
        " request_id, region_id, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *(new_id(), now, kind, actor_id, action, object_kind, str(object_id), outcome),
        *(current_request_id.get(), region, _text(before), _text(after)),
    )


async def record_each(
    actor: Who, action: str, kind: str, ids: Sequence[UUID], region: str, after: Facts, now: datetime
) -> None:
    """Write the same action once for each of many things that are made together."""
    actor_kind, actor_id = actor
    await execute(
        "INSERT INTO audit_records (id, recorded_at, actor_kind, actor_id, action, object_kind, object_id, outcome,"
        " request_id, region_id, after)"
        " SELECT r.id, $3, $4, $5, $6, $7, r.object_id, 'done', $8, $9, $10"
        " FROM unnest($1::uuid[], $2::text[]) AS r (id, object_id)",
        *([new_id() for _ in ids], [str(id_) for id_ in ids], now, actor_kind, actor_id, action, kind),
        *(current_request_id.get(), region, _text(after)),
    )


def _text(facts: Facts | None) -> str | None:
    return None if facts is None else dumps(facts, ensure_ascii=False, default=str, sort_keys=True)


async def newest(before: UUID | None, limit: int) -> Sequence[Row]:
    """Records, newest first, some seconds old at most; `before` is the last id of the page before."""
    return await replica.read(
        lambda fetch_all: fetch_all(
            "SELECT * FROM audit_records WHERE id < $1 ORDER BY id DESC LIMIT $2", before or AFTER_ALL, limit
        )
    )
