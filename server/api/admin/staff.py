"""Taking a clerk's rights away."""

from uuid import UUID

from sanic import Blueprint

from common.actors import AdminActor
from common.clock import now
from merchants import staff, staff_accounts
from server.api.member.staff import LinkOut
from server.endpoints import Answer, endpoint

routes = Blueprint("admin_staff", url_prefix="/staff")


@endpoint(
    routes,
    "POST",
    "/<staff_id>/revocation",
    summary="停用店员 / Revoke a clerk",
    answers={204: None},
    may="staff.revoke",
)
async def revoke(actor: AdminActor, staff_id: UUID) -> None:
    """Bites at once: his next redemption is refused, and every session of his ends."""
    await staff.revoke(actor, staff_id, now())


@endpoint(
    routes,
    "POST",
    "/<staff_id>/password-reset",
    summary="负责人忘记密码 / An owner's forgotten password",
    answers={201: LinkOut},
    may="staff.reset_password",
)
async def make_reset(actor: AdminActor, staff_id: UUID) -> Answer:
    """For an owner alone, after making sure who asks; his staff are let in again by himself. Good for 24 hours."""
    link = await staff_accounts.make_link_for_owner(actor, staff_id, now())
    body = LinkOut(staff_id=link.staff_id, secret=link.secret, expires_at=link.expires_at)
    return Answer(201, body, {"Cache-Control": "no-store"})
