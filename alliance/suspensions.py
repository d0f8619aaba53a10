"""Suspending a member: what was claimed stays usable (rule 13), nothing new is claimed."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from common.database import fetch_one
from models import audit_log, notice_log
from models.enums import SuspensionCause


async def suspend(
    member_id: UUID,
    cause: SuspensionCause,
    facts: Mapping[str, object],
    by: audit_log.Who,
    now: datetime,
) -> bool:
    """Suspend an active member, inside the transaction of the cause; False when it was not active."""
    row = await fetch_one(
        "UPDATE members SET status = 'suspended' WHERE id = $1 AND status = 'active' RETURNING region_id",
        member_id,
    )
    if row is None:
        return False
    await audit_log.record(
        by,
        "member.suspend",
        ("member", member_id),
        now,
        region=row["region_id"],
        before={"status": "active"},
        after={"status": "suspended", "cause": cause, **facts},
    )
    once = f"member_suspended:{cause}:{now.isoformat()}"
    await notice_log.tell("member", member_id, "member_suspended", once, {"cause": cause}, now)
    return True
