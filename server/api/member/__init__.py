"""What a member's owners and managers call; everything is bounded by their member."""

from sanic import Blueprint

from server.api.member import complaints, notices

routes = Blueprint.group(notices.routes, complaints.routes, url_prefix="/member")
