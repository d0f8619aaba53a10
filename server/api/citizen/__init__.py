"""What a citizen's mini-program calls."""

from sanic import Blueprint

from server.api.citizen import (
    complaints,
    consents,
    coupons,
    credit,
    events,
    me,
    notices,
    offers,
    rights,
    sign_in,
)

routes = Blueprint.group(
    sign_in.routes,
    me.routes,
    consents.routes,
    credit.routes,
    offers.routes,
    coupons.routes,
    events.routes,
    notices.routes,
    complaints.routes,
    rights.routes,
)
