"""What a member's owners and managers call; everything is bounded by their member."""

from sanic import Blueprint

from server.api.member import notices, offers

routes = Blueprint.group(notices.routes, offers.routes, offers.evidence, url_prefix="/member")
