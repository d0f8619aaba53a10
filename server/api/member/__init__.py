"""What a member's owners and managers call; everything is bounded by their member."""

from sanic import Blueprint

from server.api.member import devices, notices, staff, stores, webhooks

routes = Blueprint.group(
    devices.routes, notices.routes, staff.routes, stores.routes, webhooks.routes, url_prefix="/member"
)
