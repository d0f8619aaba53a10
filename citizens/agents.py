"""代办: a guardian acts for a child under 14, a relative for whoever asked him to; either of the two ends it at once.

Why nobody acts without a right: the binding is looked for at every single request (`acting`), never taken from a token.
Why nobody gets one place too many: a binding that has not ended holds a place of both, each with a unique index; both
citizens' rows are locked before a free place is looked for, in the order of their ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from common.actors import Agent
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Forbidden, NotFound, Refused
from common.ids import new_id
from common.masking import masked_name
from models import notice_log
from models.citizen_enums import AgentKind, BindingEnd, BindingState
from models.office_enums import FilePurpose

MOST_OF_AGENT = 10
MOST_OF_PRINCIPAL = {AgentKind.GUARDIAN: 4, AgentKind.HELPER: 5}
AT_ONCE = 1_000

# A guardian acts as long as his own consent to have the child's data used is in force, too.
IN_FORCE = """b.state = 'active' AND (b.ends_at IS NULL OR b.ends_at > $3)
 AND (b.kind <> 'guardian' OR EXISTS (SELECT FROM consents c WHERE c.citizen_id = b.agent_id
      AND c.purpose = 'guardianship' AND c.withdrawn_at IS NULL))"""


class ActingEnded(Forbidden):
    """Whoever acts for another may not, or may no more."""

    code = "acting_ended"
    zh = "您现在不能为这位市民代办：代办关系已结束、还没有确认，或者您撤回了监护人授权。请用自己的账户继续，需要时重新建立代办关系。"
    en = "You can't act for this citizen now: it was ended, is not confirmed yet, or you withdrew your consent as a guardian. Go on with your own account; set it up anew if needed."


class TooManyBindings(Refused):
    """One of the two has as many as there may be."""

    code = "too_many_bindings"
    zh = "人数已满：每人最多由 4 位监护人或 5 位亲友代办，最多为 10 个人代办。请先结束不需要的代办关系。"
    en = "There is no place left: 4 guardians or 5 helpers each, and 10 people to act for. End one that is not needed."


class AlreadyBoundTo(Refused):
    """These two have such a binding already."""

    code = "already_bound_to"
    zh = "这两个人之间已经有代办关系，或者正在等待确认，不用重复办理。"
    en = "These two have such a binding already, or one that waits to be confirmed."


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding as one of the two sees it; the other one's name is masked."""

    id: UUID
    kind: AgentKind
    state: BindingState
    citizen_id: UUID
    masked_name: str
    made_at: datetime
    active_at: datetime | None
    ends_at: datetime | None


async def acting(agent_id: UUID, principal_id: UUID, binding_id: UUID | None, now: datetime) -> Agent:
    """Whether somebody may act for a citizen at this moment, and as what.

    Args:
        binding_id: the one that his token names; without it any that is in force, a guardian's before a helper's.

    Raises:
        ActingEnded: he may not.
    """
    row = await fetch_one(
        f"SELECT b.id, b.kind FROM agent_bindings b WHERE b.agent_id = $1 AND b.principal_id = $2 AND {IN_FORCE}"
        " AND ($4::uuid IS NULL OR b.id = $4) ORDER BY b.kind LIMIT 1",
        *(agent_id, principal_id, now, binding_id),
    )
    if row is None:
        raise ActingEnded
    return Agent(agent_id, row["id"], row["kind"])


async def bind(
    kind: AgentKind,
    agent_id: UUID,
    principal_id: UUID,
    state: BindingState,
    ends_at: datetime | None,
    now: datetime,
) -> UUID:
    """Write a binding, by itself or inside the transaction of its cause; its id.

    Raises:
        TooManyBindings: one of the two has no place left.
        AlreadyBoundTo: there is one between them.
    """
    try:
        async with transaction():
            await fetch_all(
                "SELECT id FROM citizens WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
                [agent_id, principal_id],
            )
            row = await fetch_one(
                "INSERT INTO agent_bindings (id, kind, agent_id, principal_id, state, agent_place, principal_place,"
                " made_at, active_at, ends_at)"
                " SELECT $1, $2, $3, $4, $5::text, a.place, p.place, $6::timestamptz,"
                "  CASE WHEN $5::text = 'active' THEN $6::timestamptz END, $7"
                " FROM (SELECT min(n) AS place FROM generate_series(1, $8::int) n WHERE NOT EXISTS ("
                "  SELECT FROM agent_bindings b WHERE b.agent_id = $3 AND b.kind = $2 AND b.agent_place = n"
                "   AND b.ended_at IS NULL)) a, (SELECT min(n) AS place FROM generate_series(1, $9::int) n"
                "  WHERE NOT EXISTS (SELECT FROM agent_bindings b WHERE b.principal_id = $4 AND b.kind = $2"
                "   AND b.principal_place = n AND b.ended_at IS NULL)) p"
                " WHERE a.place IS NOT NULL AND p.place IS NOT NULL RETURNING id",
                *(new_id(), kind, agent_id, principal_id, state, now, ends_at),
                *(MOST_OF_AGENT, MOST_OF_PRINCIPAL[kind]),
            )
    except asyncpg.UniqueViolationError:
        raise AlreadyBoundTo from None
    if row is None:
        raise TooManyBindings
    binding_id: UUID = row["id"]
    return binding_id


async def end(
    binding_id: UUID, kind: AgentKind, whose: tuple[BindingEnd, UUID] | None, cause: BindingEnd, now: datetime
) -> None:
    """End a binding at once; both are told. What ended before stays as it is.

    Args:
        whose: the agent's or the principal's id, who ends it; nothing when the office or the calendar does.

    Raises:
        NotFound: no such binding of his.
    """
    column = "principal_id" if whose and whose[0] is BindingEnd.PRINCIPAL else "agent_id"
    citizen_id = whose[1] if whose else None
    async with transaction():
        row = await fetch_one(
            "UPDATE agent_bindings SET state = 'ended', ended_at = greatest($4, made_at), ended_because = $5"
            f" WHERE id = $1 AND kind = $2 AND ($3::uuid IS NULL OR {column} = $3) AND ended_at IS NULL"
            " RETURNING id, kind, agent_id, principal_id",
            *(binding_id, kind, citizen_id, now, cause),
        )
        if row is not None:
            await _tell_and_forget(row, cause, now)
            return
    if not await fetch_one(
        f"SELECT 1 FROM agent_bindings WHERE id = $1 AND kind = $2 AND ($3::uuid IS NULL OR {column} = $3)",
        *(binding_id, kind, citizen_id),
    ):
        raise NotFound


async def end_guardians(child_id: UUID, now: datetime) -> None:
    """End every guardian's binding of a child, inside the transaction of its cause: he is not who they were confirmed for."""
    rows = await fetch_all(
        "UPDATE agent_bindings SET state = 'ended', ended_at = greatest($2, made_at), ended_because = 'principal'"
        " WHERE principal_id = $1 AND kind = 'guardian' AND ended_at IS NULL"
        " RETURNING id, kind, agent_id, principal_id",
        *(child_id, now),
    )
    for row in rows:
        await _tell_and_forget(row, BindingEnd.PRINCIPAL, now)


async def end_all(citizen_id: UUID, now: datetime) -> None:
    """End what somebody has with others, in the caller's transaction: his account goes. The others are told."""
    rows = await fetch_all(
        "UPDATE agent_bindings SET state = 'ended', ended_at = greatest($2, made_at),"
        " ended_because = CASE WHEN agent_id = $1 THEN 'agent' ELSE 'principal' END"
        " WHERE (agent_id = $1 OR principal_id = $1) AND ended_at IS NULL"
        " RETURNING id, kind, agent_id, principal_id, ended_because",
        *(citizen_id, now),
    )
    for row in rows:
        await _tell_and_forget(row, BindingEnd(row["ended_because"]), now)


async def end_due(at: datetime) -> int:
    """The background process's part: the 14th birthday has come, or nobody confirmed in time; how many ended."""
    async with transaction():
        rows = await fetch_all(
            "UPDATE agent_bindings SET state = 'ended', ended_at = greatest(ends_at, made_at),"
            " ended_because = CASE WHEN state = 'waiting' THEN 'expired' ELSE 'of_age' END"
            " WHERE id IN (SELECT id FROM agent_bindings WHERE ended_at IS NULL AND ends_at <= $1"
            "  ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
            " RETURNING id, kind, agent_id, principal_id, ended_because",
            *(at, AT_ONCE),
        )
        for row in rows:
            await _tell_and_forget(row, BindingEnd(row["ended_because"]), at)
    return len(rows)


async def of_agent(kind: AgentKind, agent_id: UUID, keys: PersonalDataKeys) -> Sequence[Binding]:
    """Those whom somebody acts for, or will once they confirm; never more than his places."""
    return await _bindings("agent_id", "principal_id", kind, agent_id, keys)


async def of_principal(kind: AgentKind, principal_id: UUID, keys: PersonalDataKeys) -> Sequence[Binding]:
    """Those who act for a citizen, or want to."""
    return await _bindings("principal_id", "agent_id", kind, principal_id, keys)


async def _bindings(
    own: str, other: str, kind: AgentKind, citizen_id: UUID, keys: PersonalDataKeys
) -> Sequence[Binding]:
    rows = await fetch_all(
        f"SELECT b.id, b.kind, b.state, b.{other} AS citizen_id, b.made_at, b.active_at, b.ends_at, p.name_encrypted"
        f" FROM agent_bindings b LEFT JOIN natural_persons p ON p.citizen_id = b.{other}"
        f" WHERE b.{own} = $1 AND b.kind = $2 AND b.ended_at IS NULL ORDER BY b.id",
        *(citizen_id, kind),
    )
    return [_binding(row, keys) for row in rows]


def _binding(row: Row, keys: PersonalDataKeys) -> Binding:
    sealed = row["name_encrypted"]
    name = masked_name(keys.decrypt(sealed, "natural_persons.name")) if sealed else ""
    kept = {name: row[name] for name in ("id", "citizen_id", "made_at", "active_at", "ends_at")}
    return Binding(kind=AgentKind(row["kind"]), state=BindingState(row["state"]), masked_name=name, **kept)


async def _tell_and_forget(row: Row, cause: BindingEnd, now: datetime) -> None:
    """Both are told; the proof of a guardianship goes with it."""
    kind = f"{row['kind']}_of_age" if cause is BindingEnd.OF_AGE else f"{row['kind']}_ended"
    for citizen_id in sorted((row["agent_id"], row["principal_id"])):
        await notice_log.tell("citizen", citizen_id, kind, f"binding_ended:{row['id']}", {}, now)
    await execute(
        "UPDATE stored_files SET deleted_at = $3, name = '' WHERE purpose = $2 AND deleted_at IS NULL AND owner_id IN"
        " (SELECT id FROM guardianship_requests WHERE guardian_id = $4 AND binding_id = $1)",
        *(row["id"], FilePurpose.GUARDIAN_EVIDENCE, now, row["agent_id"]),
    )
