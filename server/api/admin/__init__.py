"""What an alliance office calls; everything is bounded by the admin's roles and region."""

from sanic import Blueprint

from server.api.admin import (
    account,
    admins,
    applications,
    approvals,
    audit,
    complaints,
    coupons,
    enrolment,
    imports,
    jobs,
    members,
    numbers,
    offer_reviews,
    offers,
    policies,
    sign_in,
    staff,
    tier_schemes,
    white_list,
)

routes = Blueprint.group(
    sign_in.routes,
    enrolment.routes,
    Blueprint.group(
        account.routes,
        admins.routes,
        staff.routes,
        offers.routes,
        offer_reviews.routes,
        offer_reviews.queue,
        coupons.routes,
        approvals.routes,
        imports.routes,
        jobs.routes,
        numbers.routes,
        audit.routes,
        complaints.routes,
        tier_schemes.routes,
        applications.routes,
        members.routes,
        white_list.routes,
        policies.routes,
        url_prefix="/admin",
    ),
)
