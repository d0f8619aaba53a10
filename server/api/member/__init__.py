"""What a member's owners and managers call; everything is bounded by their member."""

from sanic import Blueprint

from server.api.member import complaints, membership, notices

routes = Blueprint.group(membership.routes, notices.routes, complaints.routes, url_prefix="/member")
