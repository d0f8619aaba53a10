"""What a member's owners and managers call; everything is bounded by their member."""

from sanic import Blueprint

from server.api.member import late_reversals, notices, statements

routes = Blueprint.group(notices.routes, statements.routes, late_reversals.routes, url_prefix="/member")
