"""What a member's owners and managers call; everything is bounded by their member."""

from sanic import Blueprint

from server.api.member import notices, numbers

routes = Blueprint.group(notices.routes, numbers.routes, url_prefix="/member")
