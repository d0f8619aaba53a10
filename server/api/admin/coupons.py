"""Revoking a coupon, with a reason, by two admins."""

from uuid import UUID

from sanic import Blueprint

from alliance import coupon_revocations
from alliance.approvals import AlreadyAsked
from benefits.offer_changes import CouponNotRevocable
from common.actors import AdminActor
from common.clock import now
from server.api.admin.approvals import AskedOut
from server.endpoints import endpoint
from server.schemas import In, Reason

routes = Blueprint("admin_coupons", url_prefix="/coupons")


class RevocationIn(In):
    """Why; the citizen reads it."""

    reason: Reason


@endpoint(
    routes,
    "POST",
    "/<coupon_id>/revocation",
    summary="提请作废优惠券 / Ask for a coupon to be revoked",
    answers={202: AskedOut},
    refusals=(CouponNotRevocable, AlreadyAsked),
    may="coupon.revoke",
)
async def revoke(actor: AdminActor, coupon_id: UUID, body: RevocationIn) -> AskedOut:
    """The only thing that ends a claimed coupon against its citizen's will; done when a second admin agrees."""
    approval_id = await coupon_revocations.ask(actor, coupon_id, body.reason, now())
    return AskedOut(approval_id=approval_id)
