"""Stopping, resuming and refilling an offer, and revoking a coupon: by an admin of its region, audited."""

from datetime import datetime
from uuid import UUID

import asyncpg

from benefits import offer_lives, offer_versions, share_consents
from benefits.offer_lives import OfferEvent
from common.actors import AdminActor
from common.database import Row, constraint_of, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from models import audit_log, notice_log
from models.enums import CouponStatus, OfferStatus
from models.region import subtree_prefix


class StockBelowIssued(Invalid):
    """More coupons are claimed than the new total."""

    code = "stock_below_issued"
    zh = "总份数不能少于已领的份数。想停止发放，请把优惠改为“暂停”。"
    en = "The total can't be less than what is claimed already. To stop claiming, pause the offer."
    pointer = "/stock_total"


class CouponNotRevocable(Refused):
    """Only a coupon that can still be used can be revoked."""

    code = "coupon_not_revocable"
    zh = "这张优惠券已用完、已退回或已作废，不用再作废。"
    en = "The coupon is used up, given back or revoked already."


async def set_status(
    actor: AdminActor, offer_id: UUID, status: OfferStatus, now: datetime, reason: str | None = None
) -> None:
    """Publish what is approved, resume, pause or end an offer; what was claimed stays usable (rule 13).

    An offer that is so already stays so, and nothing is audited; one that was paused for its member's suspension alone
    stays paused when that is lifted. Its member is told when the office pauses, resumes or ends it.

    Args:
        reason: why; the member reads it. Without one he is told whom to ask.

    Raises:
        NotFound: no such offer in the admin's region.
        OfferStateForbids: it does not follow on the offer's state (`benefits.offer_lives`).
        OfferHasNoTerms, BudgetNeedsMostCost: it can't be published.
    """
    before = await _status_of(actor, offer_id)
    if before == status:
        if status is OfferStatus.PAUSED:
            await _keep_paused(actor, offer_id, now, reason)
        return
    if status is OfferStatus.PUBLISHED and before != OfferStatus.PAUSED:
        await offer_versions.publish(actor, offer_id, now)
    else:
        await offer_lives.stop(actor, offer_id, EVENTS[status], now, reason)


EVENTS = {
    OfferStatus.PUBLISHED: OfferEvent.RESUMED,
    OfferStatus.PAUSED: OfferEvent.PAUSED,
    OfferStatus.ENDED: OfferEvent.ENDED,
}


async def _status_of(actor: AdminActor, offer_id: UUID) -> OfferStatus:
    row = await fetch_one(
        "SELECT status FROM offers WHERE id = $1 AND region_id LIKE $2 || '%'",
        *(offer_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return OfferStatus(row["status"])


async def _keep_paused(actor: AdminActor, offer_id: UUID, now: datetime, reason: str | None) -> None:
    async with transaction():
        row = await fetch_one(
            "UPDATE offers SET paused_for_suspension = false"
            " WHERE id = $1 AND status = 'paused' AND paused_for_suspension RETURNING id, member_id, region_id",
            offer_id,
        )
        if row is not None:
            await offer_lives.told_by_office(row, OfferEvent.PAUSED, reason, now)
            await audit_log.record(
                audit_log.who(actor),
                "offer.paused",
                ("offer", offer_id),
                now,
                region=row["region_id"],
                before={"status": "paused", "paused_for_suspension": True},
                after={"status": "paused", "paused_for_suspension": False},
            )


async def set_stock(actor: AdminActor, offer_id: UUID, total: int, now: datetime) -> None:
    """Set how many pieces there are in all.

    Raises:
        NotFound: no such offer with a stock in the admin's region.
        StockBelowIssued: the total is below what is claimed.
        RaiseNotAgreed: a public unit agreed to pay its share of less.
    """
    try:
        async with transaction():
            offer = await offer_lives.hold(actor, offer_id)
            await share_consents.must_be_agreed(offer_id, "stock_total", total)
            row = await fetch_one(
                "UPDATE offer_stock s SET total = $2 FROM"
                " (SELECT offer_id, total FROM offer_stock WHERE offer_id = $1 FOR NO KEY UPDATE) old"
                " WHERE s.offer_id = old.offer_id RETURNING old.total",
                *(offer_id, total),
            )
            if row is None:
                raise NotFound
            await audit_log.record(
                audit_log.who(actor),
                "offer.set_stock",
                ("offer", offer_id),
                now,
                region=offer["region_id"],
                before={"stock_total": row["total"]},
                after={"stock_total": total},
            )
    except asyncpg.CheckViolationError as error:
        if constraint_of(error) == "offer_stock_not_oversold":
            raise StockBelowIssued from None
        raise


async def revoke_coupon(actor: AdminActor, coupon_id: UUID, reason: str, now: datetime) -> None:
    """End a coupon with a reason that its citizen reads.

    Raises:
        NotFound: no such coupon of an offer in the admin's region.
        CouponNotRevocable: there is nothing left to revoke.
    """
    async with transaction():
        row = await fetch_one("SELECT c.offer_id FROM coupons c WHERE c.id = $1 FOR NO KEY UPDATE", coupon_id)
        if row is None:
            raise NotFound
        offer = await _must_reach(actor, row["offer_id"])
        done = await fetch_one(
            "UPDATE coupons SET status = 'revoked', ended_at = $2, ended_reason = $3"
            " WHERE id = $1 AND status = 'claimed' RETURNING citizen_id",
            *(coupon_id, now, reason),
        )
        if done is None:
            raise CouponNotRevocable
        facts = {"coupon_id": coupon_id, "reason": reason}
        once = f"coupon_revoked:{coupon_id}"
        await notice_log.tell("citizen", done["citizen_id"], "coupon_revoked", once, facts, now)
        await audit_log.record(
            audit_log.who(actor),
            "coupon.revoke",
            ("coupon", coupon_id),
            now,
            region=offer["region_id"],
            before={"status": CouponStatus.CLAIMED},
            after={"status": CouponStatus.REVOKED},
        )


async def _must_reach(actor: AdminActor, offer_id: UUID) -> Row:
    row = await fetch_one("SELECT region_id FROM offers WHERE id = $1", offer_id)
    if row is None or not row["region_id"].startswith(subtree_prefix(actor.region)):
        raise NotFound
    return row
