"""撤销核销: undoing is another record, once per redemption and within its window."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from benefits import coupon_events
from benefits.refusals import (
    AlreadyReversed,
    Busy,
    IdempotencyKeyReused,
    PersonRequired,
    ReversalMonthClosed,
    ReversalWindowClosed,
)
from common.actors import MemberActor, StaffActor
from common.clock import local_day, start_of
from common.database import Row, constraint_of, fetch_one
from common.errors import NotFound
from common.ids import new_id
from common.request_keys import RequestKey
from merchants.staff import StaffRevoked
from models.enums import StaffRole, StaffStatus

CASHIER_WINDOW = timedelta(minutes=15)
MOST_TRIES = 3

READ = """
SELECT s.status AS staff_status, s.role, r.id, r.redeemed_at, r.coupon_id, r.uses,
       v.id IS NOT NULL AS is_reversed,
       stored.id AS stored_id, stored.redemption_id AS stored_redemption_id,
       stored.request_hash AS stored_hash, stored.reversed_at AS stored_reversed_at, why.reason AS stored_reason
FROM staff s
LEFT JOIN redemptions r ON r.id = $2 AND r.member_id = s.member_id
      AND (s.role IN ('owner', 'manager') OR EXISTS (
           SELECT FROM staff_stores l WHERE l.staff_id = s.id AND l.store_id = r.store_id))
LEFT JOIN reversals v ON v.redemption_id = r.id
LEFT JOIN reversals stored ON stored.staff_id = s.id AND stored.request_key = $3
LEFT JOIN reversal_reasons why ON why.reversal_id = stored.id
WHERE s.id = $1
"""

# The record is written first: the unique constraint on the redemption lets one undo through, and only
# that one gives the uses back.
REVERSE = """
WITH undone AS (
    INSERT INTO reversals (id, redemption_id, staff_id, reversed_at, request_key, request_hash)
    SELECT $1, $2, s.id, $5, $6, $7 FROM staff s WHERE s.id = $3 AND s.status = 'active'
    RETURNING id, redemption_id
), why AS (
    INSERT INTO reversal_reasons (reversal_id, reason) SELECT undone.id, $4 FROM undone
)
UPDATE coupons c
   SET uses_done = c.uses_done - r.uses,
       status = CASE WHEN c.status = 'redeemed' THEN 'claimed' ELSE c.status END,
       uses_today = CASE WHEN c.uses_day = $8 THEN greatest(0, c.uses_today - r.uses) ELSE c.uses_today END
  FROM undone JOIN redemptions r ON r.id = undone.redemption_id
 WHERE c.id = r.coupon_id
RETURNING c.id
"""


@dataclass(frozen=True, slots=True)
class Reversed:
    """The record of one undoing."""

    id: UUID
    redemption_id: UUID
    reversed_at: datetime
    is_replayed: bool = False


def window_end(role: StaffRole, redeemed_at: datetime) -> datetime:
    """Until when (exclusive) somebody of this role may undo a redemption.

    15 minutes for a cashier; for managers and owners until the statement's cut-off, which is the end of
    the redemption's month in Asia/Shanghai, and never less than a cashier has.
    """
    if role not in (StaffRole.MANAGER, StaffRole.OWNER):
        return redeemed_at + CASHIER_WINDOW
    first = local_day(redeemed_at).replace(day=1)
    month_end = start_of((first + timedelta(days=32)).replace(day=1))
    return max(month_end, redeemed_at + CASHIER_WINDOW)


async def reverse(
    actor: StaffActor, redemption_id: UUID, reason: str, request: RequestKey, now: datetime
) -> Reversed:
    """Undo a redemption; the coupon can be used again, with a fresh code.

    Args:
        request: hashed without the reason, which is compared as long as it is kept.

    Raises:
        NotFound: no redemption of this person's member (for a cashier: of his stores).
        PersonRequired: a device asked.
        AlreadyReversed, ReversalWindowClosed, IdempotencyKeyReused.
    """
    for _ in range(MOST_TRIES):
        row = await fetch_one(READ, actor.id, redemption_id, request.key)
        if row is None:
            raise StaffRevoked
        if row["stored_id"] is not None:
            return stored_answer(row, reason, request)
        _judge(row, now)
        done = await write(actor, row, reason, request, now)
        if done is not None:
            coupon_events.reversed_(row["coupon_id"], redemption_id, now)
            return done
    raise Busy


def stored_answer(row: Row, reason: str, request: RequestKey) -> Reversed:
    """The first answer again. The hash, which is kept for good, leaves out the reason, which can be erased."""
    is_same = row["stored_hash"] == request.body_hash and row["stored_reason"] in (None, reason)
    if not is_same:
        raise IdempotencyKeyReused
    return Reversed(
        row["stored_id"], row["stored_redemption_id"], row["stored_reversed_at"], is_replayed=True
    )


def _judge(row: Row, now: datetime) -> None:
    if row["staff_status"] != StaffStatus.ACTIVE:
        raise StaffRevoked
    if row["id"] is None:
        raise NotFound
    if row["role"] == StaffRole.DEVICE:
        raise PersonRequired
    if row["is_reversed"]:
        raise AlreadyReversed
    month_ends = window_end(StaffRole.MANAGER, row["redeemed_at"])
    if now >= month_ends:
        raise ReversalMonthClosed(until=month_ends)
    until = window_end(StaffRole(row["role"]), row["redeemed_at"])
    if now >= until:
        raise ReversalWindowClosed(until=until)


async def write(
    actor: StaffActor | MemberActor, row: Row, reason: str, request: RequestKey, now: datetime
) -> Reversed | None:
    """Run the guarded statement; nothing when it has to be judged anew."""
    reversal_id = new_id()
    try:
        done = await fetch_one(
            REVERSE,
            *(reversal_id, row["id"], actor.id, reason, now, request.key, request.body_hash),
            local_day(row["redeemed_at"]),
        )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) in ("reversals_redemption_once", "reversals_request_key_once"):
            return None
        raise
    return Reversed(reversal_id, row["id"], now) if done is not None else None
