"""What a citizen's mini-program calls."""

from sanic import Blueprint

from server.api.citizen import (
    acting,
    channels,
    children,
    complaints,
    consents,
    coupons,
    credit,
    declarations,
    disclosures,
    events,
    helping,
    me,
    notices,
    objections,
    offers,
    redemptions,
    rights,
    sign_in,
    subscriptions,
)

routes = Blueprint.group(
    sign_in.routes,
    me.routes,
    channels.routes,
    consents.routes,
    credit.routes,
    offers.routes,
    coupons.routes,
    redemptions.routes,
    events.routes,
    notices.routes,
    complaints.routes,
    subscriptions.routes,
    objections.routes,
    declarations.routes,
    rights.routes,
    acting.routes,
    children.routes,
    helping.routes,
    disclosures.routes,
)
