"""使用记录: what a citizen used, where and when, and what it saved him, as his coupons have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from benefits.redemption_log import LATEST
from benefits.terms import Terms, terms_by_id
from common.database import Row, fetch_all
from common.ids import AFTER_ALL

# Through the coupons, for the ledger's copy of the subject id stays as it was when two accounts were joined.
READ = """
WITH mine AS MATERIALIZED (
    SELECT r.id, r.coupon_id, r.terms_id, r.store_id, r.redeemed_at, r.uses, r.discount_fen, v.reversed_at
      FROM coupons c JOIN redemptions r ON r.coupon_id = c.id LEFT JOIN reversals v ON v.redemption_id = r.id
     WHERE c.citizen_id = $1)
SELECT total.redemptions, total.saved_fen, page.*
FROM (SELECT count(*) AS redemptions, coalesce(sum(discount_fen), 0)::bigint AS saved_fen
        FROM mine WHERE reversed_at IS NULL) total
LEFT JOIN (SELECT mine.*, st.name AS store_name FROM mine JOIN stores st ON st.id = mine.store_id
            WHERE (redeemed_at, mine.id) < ($2, $3::uuid)
            ORDER BY redeemed_at DESC, mine.id DESC LIMIT $4) page ON true
ORDER BY page.redeemed_at DESC, page.id DESC
"""


@dataclass(frozen=True, slots=True)
class OwnRedemption:
    """A redemption as the citizen sees it; `reversed_at` once the shop undid it."""

    id: UUID
    coupon_id: UUID
    terms: Terms
    store_id: UUID
    store: str
    redeemed_at: datetime
    uses: int
    discount_fen: int
    reversed_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnTotal:
    """All that counts, whatever page is read: how many redemptions, and what they saved (fen)."""

    redemptions: int
    saved_fen: int


async def redemptions_of(
    citizen_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> tuple[Sequence[OwnRedemption], OwnTotal]:
    """The citizen's redemptions, newest first, those that were undone among them, and the total without these.

    Args:
        before: time and id of the last one of the page before.
    """
    rows = await fetch_all(READ, citizen_id, *(before or (LATEST, AFTER_ALL)), limit)
    total = OwnTotal(rows[0]["redemptions"], rows[0]["saved_fen"])
    return [await _redemption(row) for row in rows if row["id"] is not None], total


async def _redemption(row: Row) -> OwnRedemption:
    return OwnRedemption(
        id=row["id"],
        coupon_id=row["coupon_id"],
        terms=await terms_by_id(row["terms_id"]),
        store_id=row["store_id"],
        store=row["store_name"],
        redeemed_at=row["redeemed_at"],
        uses=row["uses"],
        discount_fen=row["discount_fen"],
        reversed_at=row["reversed_at"],
    )
