"""What a clerk's screen calls."""

from sanic import Blueprint

from server.api.staff import account, links, redemptions, reversals, self_binding, sign_in

routes = Blueprint.group(
    *(sign_in.routes, links.routes, redemptions.routes, reversals.routes, self_binding.routes, account.routes)
)
