"""补撤销: an owner or a manager undoes a redemption after its month, as a counter-entry on the next statement."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from benefits import coupon_events, reversals
from benefits.refusals import AlreadyReversed, Busy, LateReversalNeedsBudget, LateReversalWindowClosed
from benefits.reversals import MOST_TRIES, Reversed
from common.actors import MemberActor
from common.database import Row, constraint_of, execute, fetch_one, transaction
from common.errors import NotFound
from common.request_keys import RequestKey
from merchants.staff import StaffRevoked
from models import audit_log
from models.enums import StaffRole, StaffStatus

LATE_WINDOW = timedelta(days=90)

# What the coupon did not cost went back to the budget at the end of its month. Usable again it needs all of it, else
# nothing; either way it is settled anew (`benefits.budgets`).
RESERVE_AGAIN = """
WITH again AS (
    UPDATE coupons c
       SET settled_at = NULL,
           reserved_fen = CASE WHEN c.status = 'claimed' AND c.valid_until > $2
                               THEN greatest(c.reserved_fen, t.most_cost_fen) ELSE c.reserved_fen END
      FROM coupons before JOIN offer_terms t ON t.id = before.terms_id
     WHERE before.id = $1 AND c.id = before.id AND c.settled_at IS NOT NULL
    RETURNING c.offer_id, c.reserved_fen - before.reserved_fen AS fen
)
UPDATE offer_stock s SET reserved_fen = s.reserved_fen + again.fen FROM again
 WHERE s.offer_id = again.offer_id AND again.fen > 0
"""


async def reverse_late(
    actor: MemberActor, redemption_id: UUID, reason: str, request: RequestKey, now: datetime
) -> Reversed:
    """Undo a redemption up to 90 days after it; the record is the same as a clerk's, and so is what it gives back.

    Args:
        request: hashed without the reason, which is compared as long as it is kept.

    Raises:
        NotFound: no redemption of this person's member.
        AlreadyReversed, LateReversalWindowClosed, LateReversalNeedsBudget, IdempotencyKeyReused, StaffRevoked.
    """
    for _ in range(MOST_TRIES):
        row = await fetch_one(reversals.READ, actor.id, redemption_id, request.key)
        if row is None:
            raise StaffRevoked
        if row["stored_id"] is not None:
            return reversals.stored_answer(row, reason, request)
        _judge(row, now)
        done = await _write(actor, row, reason, request, now)
        if done is not None:
            coupon_events.reversed_(row["coupon_id"], redemption_id, now)
            return done
    raise Busy


def _judge(row: Row, now: datetime) -> None:
    # A manager whose role was taken away since he signed in is a cashier, who has the staff API.
    if row["staff_status"] != StaffStatus.ACTIVE or row["role"] == StaffRole.CASHIER:
        raise StaffRevoked
    if row["id"] is None:
        raise NotFound
    if row["is_reversed"]:
        raise AlreadyReversed
    until = row["redeemed_at"] + LATE_WINDOW
    if now >= until:
        raise LateReversalWindowClosed(until=until)


async def _write(
    actor: MemberActor, row: Row, reason: str, request: RequestKey, now: datetime
) -> Reversed | None:
    """The record and its audit; nothing at all when somebody else was faster."""
    async with transaction():
        done = await reversals.write(actor, row, reason, request, now)
        if done is None:
            # The constraint that refused it has ended the transaction: leaving the block undoes it.
            return None
        try:
            await execute(RESERVE_AGAIN, row["coupon_id"], now)
        except asyncpg.CheckViolationError as error:
            if constraint_of(error) == "offer_stock_within_budget":
                raise LateReversalNeedsBudget from None
            raise
        member = await fetch_one("SELECT region_id FROM members WHERE id = $1", actor.member_id)
        await audit_log.record(
            audit_log.who(actor),
            "redemption.reverse_late",
            ("redemption", row["id"]),
            now,
            region=member["region_id"] if member else None,
            after={"reversal_id": done.id, "redeemed_at": row["redeemed_at"]},
        )
    return done
