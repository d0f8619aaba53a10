"""What a member's owners and managers call; everything is bounded by their member."""

from sanic import Blueprint

from server.api.member import (
    complaints,
    devices,
    late_reversals,
    membership,
    notices,
    numbers,
    objections,
    offers,
    share_consents,
    staff,
    statements,
    stores,
    webhooks,
)

routes = Blueprint.group(
    membership.routes,
    notices.routes,
    complaints.routes,
    objections.routes,
    staff.routes,
    stores.routes,
    devices.routes,
    webhooks.routes,
    numbers.routes,
    offers.routes,
    offers.evidence,
    share_consents.routes,
    statements.routes,
    late_reversals.routes,
    url_prefix="/member",
)
