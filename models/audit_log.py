"""Writing the audit (rule 14), in the same transaction as what it tells of.

Its records are sealed and stay for good, so nothing personal may get in, whoever calls (rule 7): ids, codes, numbers and
times pass, and everything else, such as a text that somebody typed, is written as `***`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from json import dumps
from uuid import UUID

from common.actors import AdminActor, ApplicantActor, CitizenActor, MemberActor, StaffActor
from common.database import Row, execute, fetch_one
from common.ids import new_id
from common.masking import is_of_a_person
from common.request_ids import current_request_id
from models.enums import ActorKind, AuditOutcome

Who = tuple[ActorKind, UUID | None]
# What changed, by column: ids, codes, numbers and times; texts that people typed stay out (rule 7).
Facts = Mapping[str, object]

MASK = "***"
# A UUID, or a request's id that we made.
_RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
_CODE = re.compile(r"[A-Za-z0-9_.:,+/-]{0,128}")

SYSTEM: Who = (ActorKind.SYSTEM, None)


def who(actor: CitizenActor | StaffActor | MemberActor | AdminActor | ApplicantActor) -> Who:
    """An actor as the audit writes him: an applicant by his application, of an agent and his principal the agent."""
    if isinstance(actor, AdminActor):
        return ActorKind.ADMIN, actor.id
    if isinstance(actor, ApplicantActor):
        return ActorKind.APPLICANT, actor.id
    if isinstance(actor, CitizenActor) and actor.agent:
        return ActorKind.CITIZEN, actor.agent.id
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
        *(new_id(), now, kind, actor_id, action, object_kind, _plain(str(object_id)), outcome),
        *(_plain(current_request_id.get()), region, _text(before), _text(after)),
    )


async def count_since(actor_id: UUID, action: str, since: datetime, most: int) -> int:
    """How often somebody has done something since then, counted to `most`; it outlives what he did it to."""
    row = await fetch_one(
        "SELECT count(*) AS records FROM (SELECT FROM audit_records WHERE actor_id = $1 AND recorded_at > $2"
        " AND action = $3 AND outcome = 'done' LIMIT $4) few",
        *(actor_id, since, action, most),
    )
    assert row is not None
    return int(row["records"])


async def record_each(
    actor: Who,
    action: str,
    kind: str,
    things: Sequence[Row | Mapping[str, object]],
    after: Facts,
    now: datetime,
) -> None:
    """Write the same action once for each of many things that are changed together; nothing for none.

    Args:
        things: rows with `id` and `region_id`, as the change returned them.
    """
    if not things:
        return
    actor_kind, actor_id = actor
    await execute(
        "INSERT INTO audit_records (id, recorded_at, actor_kind, actor_id, action, object_kind, object_id, outcome,"
        " request_id, region_id, after)"
        " SELECT r.id, $4, $5, $6, $7, $8, r.object_id, 'done', $9, r.region_id, $10"
        " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS r (id, object_id, region_id)",
        *([new_id() for _ in things], [str(thing["id"]) for thing in things]),
        *([thing["region_id"] for thing in things], now),
        *(actor_kind, actor_id, action, kind, _plain(current_request_id.get()), _text(after)),
    )


def _text(facts: Facts | None) -> str | None:
    return None if facts is None else dumps(_plain(facts), sort_keys=True)


def _plain(value: object) -> object:
    """What may stay for good; the rest is masked."""
    match value:
        case None | bool():
            return value
        case Mapping():
            return {_plain(str(name)): _plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case int():
            return value if _plain(str(value)) != MASK else MASK
        case date():  # a datetime is one too
            return value.isoformat()
    text = str(value)
    if _RANDOM.fullmatch(text) or (_CODE.fullmatch(text) and not is_of_a_person(text)):
        return text
    return MASK
