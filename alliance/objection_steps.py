"""What happens to an objection is written twice: for the dossier, and for the audit. Both hold ids alone (rule 7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from common.database import Row, execute, fetch_all
from common.ids import new_id
from models import audit_log
from models.citizen_enums import ObjectionEvent, ObjectionStatus


async def record(
    objection: Row | Mapping[str, Any],
    event: ObjectionEvent,
    status: ObjectionStatus,
    who: audit_log.Who,
    now: datetime,
) -> None:
    """Write a step, in the transaction of its cause.

    Args:
        objection: `id`, `region_id` and `due_at` as they are afterwards, `status` as it was before (None: not there).
    """
    kind, actor_id = who
    await execute(
        "INSERT INTO objection_steps (id, objection_id, event, status, actor_kind, actor_id, due_at, happened_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(new_id(), objection["id"], event, status, kind, actor_id, objection["due_at"], now),
    )
    before = None if objection["status"] is None else {"status": objection["status"]}
    await audit_log.record(
        who,
        f"objection.{event}",
        ("objection", objection["id"]),
        now,
        region=objection["region_id"],
        before=before,
        after={"status": status, "due_at": objection["due_at"]},
    )


async def of(objection_id: UUID) -> Sequence[Row]:
    """The steps of one objection, the first one first."""
    return await fetch_all(
        "SELECT event, status, actor_kind, actor_id, due_at, happened_at FROM objection_steps"
        " WHERE objection_id = $1 ORDER BY id",
        objection_id,
    )
