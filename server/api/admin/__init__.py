"""What an alliance office calls; everything is bounded by the admin's roles and region."""

from sanic import Blueprint

from server.api.admin import (
    account,
    admins,
    approvals,
    audit,
    complaints,
    coupons,
    enrolment,
    jobs,
    offers,
    sign_in,
    staff,
    tier_schemes,
)

routes = Blueprint.group(
    sign_in.routes,
    enrolment.routes,
    Blueprint.group(
        account.routes,
        admins.routes,
        staff.routes,
        offers.routes,
        coupons.routes,
        approvals.routes,
        jobs.routes,
        audit.routes,
        complaints.routes,
        tier_schemes.routes,
        url_prefix="/admin",
    ),
)
