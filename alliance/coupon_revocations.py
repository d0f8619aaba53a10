"""Asking for a coupon to be revoked; `alliance.decisions` carries it out when a second admin agrees."""

from datetime import datetime
from uuid import UUID

from alliance import approvals
from benefits.offer_changes import CouponNotRevocable
from common.actors import AdminActor
from common.database import fetch_one
from common.errors import NotFound
from models.enums import ApprovalKind, CouponStatus
from models.region import subtree_prefix


async def ask(actor: AdminActor, coupon_id: UUID, reason: str, now: datetime) -> UUID:
    """Ask for a coupon to be ended with a reason that its citizen reads; the request's id.

    Raises:
        NotFound: no such coupon of an offer in the admin's region.
        CouponNotRevocable: there is nothing left to revoke.
        AlreadyAsked: it waits for a second admin already.
    """
    row = await fetch_one(
        "SELECT c.status, o.region_id FROM coupons c JOIN offers o ON o.id = c.offer_id"
        " WHERE c.id = $1 AND o.region_id LIKE $2 || '%'",
        *(coupon_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    if row["status"] != CouponStatus.CLAIMED:
        raise CouponNotRevocable
    return await approvals.ask(
        actor,
        ApprovalKind.COUPON_REVOCATION,
        ("coupon", coupon_id),
        row["region_id"],
        {"coupon_id": coupon_id},
        reason,
        now,
    )
