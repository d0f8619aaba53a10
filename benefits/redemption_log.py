"""Reading the ledger as a member's staff may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from benefits.discounts import Discount
from benefits.redemptions import Redeemed
from benefits.terms import terms_by_id
from common import replica
from common.actors import StaffActor
from common.database import Row, fetch_all
from common.errors import NotFound
from common.ids import AFTER_ALL

# Cashiers and devices see the stores where they may redeem, managers and owners all of the member's.
VISIBLE = """
SELECT st.id FROM staff s JOIN stores st ON st.member_id = s.member_id
 WHERE s.id = $1 AND s.status = 'active' AND ($2::uuid IS NULL OR st.id = $2)
   AND (s.role IN ('owner', 'manager') OR EXISTS (
        SELECT FROM staff_stores l WHERE l.staff_id = s.id AND l.store_id = st.id))
"""
# One index scan per store, newest first, and only as many rows as the page has.
READ = """
SELECT r.*, v.id AS reversal_id, v.reversed_at, why.reason
FROM unnest($1::uuid[]) AS visible (id) CROSS JOIN LATERAL (
    SELECT * FROM redemptions r
     WHERE r.store_id = visible.id AND r.redeemed_at >= $2 AND (r.redeemed_at, r.id) < ($3, $4::uuid)
     ORDER BY r.redeemed_at DESC, r.id DESC LIMIT $5) r
LEFT JOIN reversals v ON v.redemption_id = r.id
LEFT JOIN reversal_reasons why ON why.reversal_id = v.id
ORDER BY r.redeemed_at DESC, r.id DESC LIMIT $5
"""


EARLIEST, LATEST = datetime(1902, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
FIRST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Undone:
    """The reversal of a redemption; `reason` is empty once it was erased."""

    id: UUID
    reversed_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A redemption, and its reversal."""

    redeemed: Redeemed
    reversal: Undone | None


async def lines_of(
    actor: StaffActor,
    store_id: UUID | None,
    span: tuple[datetime | None, datetime | None],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Line]:
    """Redemptions that the actor may see, newest first, some seconds old at most; his rights are of this moment.

    Args:
        span: from when (included) until when (not included).
        before: time and id of the last line of the page before.
    """
    begin, end = span
    # Before `end` is before the first id that a redemption of that moment could have.
    ends_at = (end, FIRST_ID) if end else (LATEST, AFTER_ALL)
    position = min(before, ends_at) if before else ends_at
    visible = [row["id"] for row in await fetch_all(VISIBLE, actor.id, store_id)]
    rows = await replica.read(lambda fetch: fetch(READ, visible, begin or EARLIEST, *position, limit))
    return [await _line(row) for row in rows]


async def line_of(actor: StaffActor, redemption_id: UUID) -> Line:
    """One redemption.

    Raises:
        NotFound: there is none, or it is none of the actor's business.
    """
    rows = await fetch_all(
        "SELECT r.*, v.id AS reversal_id, v.reversed_at, why.reason FROM redemptions r"
        " JOIN staff s ON s.id = $1 AND s.member_id = r.member_id AND s.status = 'active'"
        " LEFT JOIN reversals v ON v.redemption_id = r.id"
        " LEFT JOIN reversal_reasons why ON why.reversal_id = v.id"
        " WHERE r.id = $2 AND (s.role IN ('owner', 'manager') OR EXISTS ("
        "  SELECT FROM staff_stores l WHERE l.staff_id = s.id AND l.store_id = r.store_id))",
        *(actor.id, redemption_id),
    )
    if not rows:
        raise NotFound
    return await _line(rows[0])


async def _line(row: Row) -> Line:
    redeemed = Redeemed(
        id=row["id"],
        terms=await terms_by_id(row["terms_id"]),
        store_id=row["store_id"],
        order_amount_fen=row["order_amount_fen"],
        discount=Discount(row["discount_fen"], row["payable_fen"]),
        redeemed_at=row["redeemed_at"],
        uses=row["uses"],
        uses_left=row["uses_left"],
    )
    if row["reversal_id"] is None:
        return Line(redeemed, None)
    return Line(redeemed, Undone(row["reversal_id"], row["reversed_at"], row["reason"]))
