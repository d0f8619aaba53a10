"""What an alliance office calls; everything is bounded by the admin's roles and region."""

from sanic import Blueprint

from server.api.admin import approvals, audit, coupons, jobs, offer_reviews, offers, sign_in, staff

routes = Blueprint.group(
    sign_in.routes,
    Blueprint.group(
        staff.routes,
        offers.routes,
        offer_reviews.routes,
        offer_reviews.queue,
        coupons.routes,
        approvals.routes,
        jobs.routes,
        audit.routes,
        url_prefix="/admin",
    ),
)
