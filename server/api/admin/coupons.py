"""Revoking a coupon, with a reason."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from benefits import offer_changes
from benefits.offer_changes import CouponNotRevocable
from common.actors import AdminActor
from common.clock import now
from models.enums import AdminRole
from server.api.admin.roles import must_be
from server.endpoints import endpoint
from server.schemas import In

routes = Blueprint("admin_coupons", url_prefix="/coupons")


class RevocationIn(In):
    """Why; the citizen reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


@endpoint(
    routes,
    "POST",
    "/<coupon_id>/revocation",
    summary="作废优惠券 / Revoke a coupon",
    answers={204: None},
    refusals=(CouponNotRevocable,),
)
async def revoke(actor: AdminActor, coupon_id: UUID, body: RevocationIn) -> None:
    """The only thing that ends a claimed coupon against its citizen's will."""
    await must_be(actor, AdminRole.SUPERVISOR, "coupon.revoke", ("coupon", coupon_id))
    await offer_changes.revoke_coupon(actor, coupon_id, body.reason, now())
