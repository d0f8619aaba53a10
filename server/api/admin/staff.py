"""Taking a clerk's rights away."""

from uuid import UUID

from sanic import Blueprint

from common.actors import AdminActor
from common.clock import now
from merchants import staff
from server.endpoints import endpoint

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
