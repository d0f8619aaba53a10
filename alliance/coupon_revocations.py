"""Asking for a coupon, or for all that is claimed of an offer, to be revoked.

`alliance.decisions` carries it out when a second admin agrees; all coupons of an offer are a background job.
"""

from collections.abc import Mapping
from datetime import datetime
from json import loads
from typing import Any
from uuid import UUID

from alliance import approvals
from benefits import revocations
from benefits.offer_changes import CouponNotRevocable
from common import jobs
from common.actors import AdminActor
from common.database import Row, fetch_one
from common.errors import NotFound, Refused
from models.enums import CouponStatus
from models.office_enums import ApprovalKind
from models.region import subtree_prefix

REVOKE_ALL = "coupons.revoke_all"


class NothingToRevoke(Refused):
    """Nobody holds a coupon of the offer that can still be used."""

    code = "nothing_to_revoke"
    zh = "这个优惠没有还能使用的已领优惠券，不用作废。"
    en = "Nobody holds a coupon of this offer that can still be used; there is nothing to revoke."


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


async def ask_all(actor: AdminActor, offer_id: UUID, reason: str, now: datetime) -> tuple[UUID, int]:
    """Ask for all claimed coupons of an offer to be ended; the request's id, and how many it would be now.

    Raises:
        NotFound: no such offer in the admin's region.
        NothingToRevoke: there are none.
        AlreadyAsked: it waits for a second admin already.
    """
    row = await fetch_one(
        "SELECT region_id FROM offers WHERE id = $1 AND region_id LIKE $2 || '%'",
        *(offer_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    coupons = await revocations.count(offer_id, now)
    if not coupons:
        raise NothingToRevoke
    approval_id = await approvals.ask(
        actor,
        ApprovalKind.COUPON_REVOCATION,
        ("offer", offer_id),
        row["region_id"],
        {"offer_id": offer_id, "coupons": coupons},
        reason,
        now,
    )
    return approval_id, coupons


async def begin_all(asked: Row) -> None:
    """Have the background process end them, from the decision's transaction on."""
    await jobs.enqueue(REVOKE_ALL, {"approval_id": asked["id"]}, once=f"{REVOKE_ALL}:{asked['id']}")


async def carry_out_all(payload: Mapping[str, Any], now: datetime) -> int:
    """End what was claimed until the decision; how many were left to end. Doing it again ends nothing more."""
    asked = await fetch_one(
        "SELECT payload, reason, decided_by, decided_at FROM approvals WHERE id = $1 AND status = 'approved'",
        UUID(payload["approval_id"]),
    )
    if asked is None:
        return 0
    offer_id = UUID(loads(asked["payload"])["offer_id"])
    return await revocations.revoke_all(
        asked["decided_by"], offer_id, asked["reason"], asked["decided_at"], now
    )
