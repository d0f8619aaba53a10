"""四眼: what is sensitive is asked for by one admin and carried out when another one agrees.

Nobody decides what he asked for: a CHECK holds it, whatever the code does. Nor does an account count as a second
person whose link another admin has had, until a head confirmed who uses it. Agreeing and carrying out are one
transaction, guarded by the request's status: it is carried out once or not at all.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from json import dumps
from typing import Any
from uuid import UUID

import asyncpg

from alliance.admin_rights import UNCONFIRMED, NotConfirmed
from common.actors import AdminActor
from common.database import Row, constraint_of, fetch_all, fetch_one, transaction
from common.errors import Forbidden, NotFound, Refused
from common.ids import AFTER_ALL, new_id
from models import audit_log
from models.office_enums import ApprovalKind, ApprovalStatus
from models.region import subtree_prefix

GOOD_FOR = timedelta(days=14)

COLUMNS = (
    "id, kind, region_id, object_id, payload, reason, status, asked_by, asked_at, expires_at, decided_by, decided_at,"
    " decision_reason"
)


class AlreadyAsked(Refused):
    """The same thing waits for a second admin already."""

    code = "already_asked"
    zh = "这件事已经有人提请，正在等另一位管理员审批。请先处理那一件。"
    en = "Somebody asked for this already and it waits for a second admin. Decide that request first."


class OwnRequest(Forbidden):
    """Whoever asked is not the second pair of eyes."""

    code = "own_request"
    zh = "这件事是您自己提请的，需要另一位负责人审批。"
    en = "You asked for this yourself; another head has to decide."


class NotOpen(Refused):
    """It was decided, withdrawn or has expired."""

    code = "approval_not_open"
    zh = "这件事已经处理过或已过期，不能再审批。如仍需要，请重新提请。"
    en = "This was decided or has expired. Ask again if it is still needed."


async def ask(
    actor: AdminActor,
    kind: ApprovalKind,
    thing: tuple[str, object],
    region: str,
    payload: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> UUID:
    """Ask for something that another admin has to agree to; the request's id.

    Args:
        thing: kind and id of what it is about; one request for it is open at a time.
        region: whose heads (and those above) decide.
        payload: plain values, without personal data: what is carried out.

    Raises:
        AlreadyAsked: it waits already.
    """
    object_kind, object_id = thing
    approval_id = new_id()
    try:
        async with transaction():
            await fetch_one(
                f"INSERT INTO approvals ({COLUMNS.partition(', decided_by')[0]})"
                " VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9)",
                *(approval_id, kind, region, str(object_id), dumps(payload, default=str), reason, actor.id),
                *(now, now + GOOD_FOR),
            )
            await audit_log.record(
                audit_log.who(actor),
                f"{kind}.ask",
                (object_kind, object_id),
                now,
                region=region,
                after={"approval_id": approval_id},
            )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "approvals_open_once":
            raise AlreadyAsked from None
        raise
    return approval_id


async def decide(
    actor: AdminActor, approval_id: UUID, decision: ApprovalStatus, reason: str, now: datetime
) -> Row:
    """Close an open request, inside the transaction of what follows from it; the request.

    Raises:
        NotFound: no such request in the admin's region.
        OwnRequest, NotConfirmed, NotOpen: he may not decide it (yet), or nobody may any more.
    """
    row = await fetch_one(
        "UPDATE approvals SET status = $2, decided_by = $3, decided_at = $4, decision_reason = $5"
        " WHERE id = $1 AND status = 'open' AND expires_at > $4 AND asked_by <> $3 AND region_id LIKE $6 || '%'"
        f" AND ($2 = 'refused' OR NOT EXISTS"
        f" (SELECT 1 FROM admins WHERE id IN (asked_by, $3) AND {UNCONFIRMED}))"
        f" RETURNING {COLUMNS}",
        *(approval_id, decision, actor.id, now, reason or None, subtree_prefix(actor.region)),
    )
    if row is None:
        raise await _why_not(actor, approval_id, now)
    await _record(audit_log.who(actor), row, decision, now)
    return row


async def withdraw(actor: AdminActor, approval_id: UUID, now: datetime) -> None:
    """Take back what one asked for.

    Raises:
        NotFound: no such request of this admin's.
        NotOpen: it was decided or has expired.
    """
    async with transaction():
        row = await fetch_one(
            "UPDATE approvals SET status = 'withdrawn', decided_at = $3 WHERE id = $1 AND asked_by = $2"
            f" AND status = 'open' RETURNING {COLUMNS}",
            *(approval_id, actor.id, now),
        )
        if row is None:
            found = await fetch_one("SELECT asked_by FROM approvals WHERE id = $1", approval_id)
            raise NotOpen if found is not None and found["asked_by"] == actor.id else NotFound
        await _record(audit_log.who(actor), row, ApprovalStatus.WITHDRAWN, now)


async def expire(now: datetime) -> int:
    """Close what nobody decided in time; how many it were. The background process calls it."""
    async with transaction():
        rows = await fetch_all(
            "UPDATE approvals SET status = 'expired', decided_at = $1 WHERE id IN (SELECT id FROM approvals"
            " WHERE status = 'open' AND expires_at <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)"
            f" RETURNING {COLUMNS}",
            now,
        )
        for row in rows:
            await _record(audit_log.SYSTEM, row, ApprovalStatus.EXPIRED, now)
    return len(rows)


async def listed(
    actor: AdminActor, status: ApprovalStatus | None, before: UUID | None, limit: int
) -> Sequence[Row]:
    """Requests in the admin's region, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        f"SELECT {COLUMNS} FROM approvals WHERE region_id LIKE $1 || '%' AND id < $2"
        " AND status = ANY ($3) ORDER BY id DESC LIMIT $4",
        *(
            subtree_prefix(actor.region),
            before or AFTER_ALL,
            [status] if status else [*ApprovalStatus],
            limit,
        ),
    )


async def _why_not(
    actor: AdminActor, approval_id: UUID, now: datetime
) -> NotFound | OwnRequest | NotConfirmed | NotOpen:
    row = await fetch_one(
        "SELECT region_id, asked_by, status = 'open' AND expires_at > $3 AS is_open, EXISTS"
        f" (SELECT 1 FROM admins WHERE id IN (asked_by, $2) AND {UNCONFIRMED}) AS is_unconfirmed"
        " FROM approvals WHERE id = $1",
        *(approval_id, actor.id, now),
    )
    if row is None or not row["region_id"].startswith(subtree_prefix(actor.region)):
        return NotFound()
    if not row["is_open"]:
        return NotOpen()
    if row["asked_by"] == actor.id:
        return OwnRequest()
    return NotConfirmed() if row["is_unconfirmed"] else NotOpen()


async def _record(who: audit_log.Who, row: Row, decision: ApprovalStatus, now: datetime) -> None:
    await audit_log.record(
        who,
        f"{row['kind']}.{decision}",
        ("approval", row["id"]),
        now,
        region=row["region_id"],
        before={"status": "open"},
        after={"status": decision, "object_id": row["object_id"]},
    )
