"""Stopping, resuming and refilling an offer, and revoking a coupon: by an admin of its region, audited."""

from datetime import datetime
from uuid import UUID

import asyncpg

from common.actors import AdminActor
from common.database import constraint_of, fetch_one, transaction, wait_for_older_statements
from common.errors import Invalid, NotFound, Refused
from models import audit_log, notice_log
from models.enums import OfferStatus
from models.region import subtree_prefix


class OfferHasNoTerms(Refused):
    """A draft without terms can't be published."""

    code = "offer_has_no_terms"
    zh = "优惠还没有设置内容，不能发布。请先填写优惠内容。"
    en = "The offer has no terms yet; fill them in before publishing."


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


async def set_status(actor: AdminActor, offer_id: UUID, status: OfferStatus, now: datetime) -> None:
    """Publish, pause or end an offer; what was claimed stays usable (rule 13).

    Raises:
        NotFound: no such offer in the admin's region.
        OfferHasNoTerms: it can't be published.
    """
    try:
        async with transaction():
            region = await _must_reach(actor, offer_id)
            await fetch_one("UPDATE offers SET status = $2 WHERE id = $1 RETURNING id", offer_id, status)
            thing = ("offer", offer_id)
            await audit_log.record(audit_log.who(actor), f"offer.{status}", thing, now, region=region)
        # A claim that had begun before may still be written; once this is answered, none is.
        await wait_for_older_statements()
    except asyncpg.CheckViolationError as error:
        if constraint_of(error) == "offers_published_with_terms":
            raise OfferHasNoTerms from None
        raise


async def set_stock(actor: AdminActor, offer_id: UUID, total: int, now: datetime) -> None:
    """Set how many pieces there are in all.

    Raises:
        NotFound: no such offer with a stock in the admin's region.
        StockBelowIssued: the total is below what is claimed.
    """
    try:
        async with transaction():
            region = await _must_reach(actor, offer_id)
            row = await fetch_one(
                "UPDATE offer_stock SET total = $2 WHERE offer_id = $1 RETURNING offer_id", offer_id, total
            )
            if row is None:
                raise NotFound
            thing = ("offer", offer_id)
            await audit_log.record(audit_log.who(actor), "offer.set_stock", thing, now, region=region)
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
        region = await _must_reach(actor, row["offer_id"])
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
        thing = ("coupon", coupon_id)
        await audit_log.record(audit_log.who(actor), "coupon.revoke", thing, now, region=region)


async def _must_reach(actor: AdminActor, offer_id: UUID) -> str:
    row = await fetch_one("SELECT region_id FROM offers WHERE id = $1", offer_id)
    if row is None or not row["region_id"].startswith(subtree_prefix(actor.region)):
        raise NotFound
    return str(row["region_id"])
