"""Taking a clerk's rights away."""

from uuid import UUID

from sanic import Blueprint

from common.actors import AdminActor
from common.clock import now
from merchants import staff
from models.enums import AdminRole
from server.api.admin.roles import must_be
from server.endpoints import endpoint

routes = Blueprint("admin_staff", url_prefix="/staff")


@endpoint(routes, "POST", "/<staff_id>/revocation", summary="停用店员 / Revoke a clerk", answers={204: None})
async def revoke(actor: AdminActor, staff_id: UUID) -> None:
    """Bites at once: his next redemption is refused, and every session of his ends."""
    await must_be(actor, AdminRole.OPERATOR, "staff.revoke", ("staff", staff_id))
    await staff.revoke(actor, staff_id, now())
