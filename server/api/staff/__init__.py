"""What a clerk's screen calls."""

from sanic import Blueprint

from server.api.staff import (
    account,
    day_closes,
    legal_person,
    links,
    redemptions,
    reversals,
    self_binding,
    sign_in,
)

routes = Blueprint.group(
    sign_in.routes,
    legal_person.routes,
    links.routes,
    redemptions.routes,
    reversals.routes,
    day_closes.routes,
    self_binding.routes,
    account.routes,
)
