"""Writing and reading the audit (rule 14); writing goes into the same transaction as what it tells of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common import replica
from common.database import Row, execute
from common.ids import AFTER_ALL, new_id
from models.enums import ActorKind, AuditOutcome


async def record(
    actor: tuple[ActorKind, UUID | None],
    action: str,
    thing: tuple[str, object],
    now: datetime,
    outcome: AuditOutcome = AuditOutcome.DONE,
) -> None:
    """Write one action.

    Args:
        actor: kind and id of who did it.
        action: verb and noun, such as `staff.revoke`.
        thing: kind and id of what it was done to.
    """
    kind, actor_id = actor
    object_kind, object_id = thing
    await execute(
        "INSERT INTO audit_records (id, recorded_at, actor_kind, actor_id, action, object_kind, object_id, outcome)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(new_id(), now, kind, actor_id, action, object_kind, str(object_id), outcome),
    )


async def newest(before: UUID | None, limit: int) -> Sequence[Row]:
    """Records, newest first, some seconds old at most; `before` is the last id of the page before."""
    return await replica.read(
        lambda fetch_all: fetch_all(
            "SELECT * FROM audit_records WHERE id < $1 ORDER BY id DESC LIMIT $2", before or AFTER_ALL, limit
        )
    )
