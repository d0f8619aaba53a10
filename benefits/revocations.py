"""Revoking all that is claimed of an offer, batch by batch; a process that is killed in between only has less to do."""

from datetime import datetime
from uuid import UUID

from common.database import fetch_all, fetch_one, transaction
from models import audit_log, notice_log
from models.enums import ActorKind

BATCH = 100
BEFORE_ALL = UUID(int=0)


async def count(offer_id: UUID, now: datetime) -> int:
    """How many coupons of an offer can still be used."""
    row = await fetch_one(
        "SELECT count(*) AS coupons FROM coupons WHERE offer_id::text = $1 AND status = 'claimed' AND valid_until > $2",
        *(str(offer_id), now),
    )
    assert row is not None
    return int(row["coupons"])


async def revoke_all(
    decided_by: UUID, offer_id: UUID, reason: str, claimed_until: datetime, now: datetime
) -> int:
    """End every coupon of an offer that was claimed until a moment and can still be used; how many it were.

    Each citizen is told the reason in the transaction that ends his coupon. Doing it again ends nothing more.
    """
    done, after = 0, BEFORE_ALL
    while True:
        batch = await _revoke_some(decided_by, offer_id, reason, (after, claimed_until), now)
        if not batch and after == BEFORE_ALL:
            return done
        # A batch whose coupons were all used up in the same moment is no end: the last pass finds none from the start.
        done, after = done + len(batch), max(batch, default=BEFORE_ALL)


async def _revoke_some(
    decided_by: UUID, offer_id: UUID, reason: str, which: tuple[UUID, datetime], now: datetime
) -> list[UUID]:
    async with transaction():
        rows = await fetch_all(
            "UPDATE coupons SET status = 'revoked', ended_at = $4, ended_reason = $5 WHERE status = 'claimed' AND id IN ("
            " SELECT id FROM coupons WHERE offer_id::text = $1 AND id > $2 AND status = 'claimed' AND claimed_at <= $3"
            "  AND valid_until > $4 ORDER BY id LIMIT $6 FOR NO KEY UPDATE)"
            " RETURNING id, citizen_id, (SELECT o.region_id FROM offers o WHERE o.id = coupons.offer_id) AS region_id",
            *(str(offer_id), *which, now, reason, BATCH),
        )
        for row in rows:
            facts = {"coupon_id": row["id"], "reason": reason}
            once = f"coupon_revoked:{row['id']}"
            await notice_log.tell("citizen", row["citizen_id"], "coupon_revoked", once, facts, now)
            who, thing = (ActorKind.ADMIN, decided_by), ("coupon", row["id"])
            await audit_log.record(who, "coupon.revoke", thing, now, region=row["region_id"])
    return [row["id"] for row in rows]
