"""What a citizen's mini-program calls."""

from sanic import Blueprint

from server.api.citizen import (
    acting,
    children,
    complaints,
    consents,
    coupons,
    credit,
    disclosures,
    events,
    helping,
    me,
    notices,
    offers,
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
    acting.routes,
    children.routes,
    helping.routes,
    disclosures.routes,
)
