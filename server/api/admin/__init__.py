"""What an alliance office calls; everything is bounded by the admin's roles and region."""

from sanic import Blueprint

from server.api.admin import (
    applications,
    approvals,
    audit,
    coupons,
    jobs,
    members,
    offers,
    policies,
    sign_in,
    staff,
    white_list,
)

routes = Blueprint.group(
    sign_in.routes,
    Blueprint.group(
        staff.routes,
        offers.routes,
        coupons.routes,
        approvals.routes,
        jobs.routes,
        audit.routes,
        applications.routes,
        members.routes,
        white_list.routes,
        policies.routes,
        url_prefix="/admin",
    ),
)
