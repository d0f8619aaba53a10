"""What an alliance office calls; everything is bounded by the admin's roles and region."""

from sanic import Blueprint

from server.api.admin import approvals, audit, coupons, exports, jobs, offers, sign_in, staff, statements

routes = Blueprint.group(
    sign_in.routes,
    Blueprint.group(
        staff.routes,
        offers.routes,
        coupons.routes,
        approvals.routes,
        statements.routes,
        exports.routes,
        jobs.routes,
        audit.routes,
        url_prefix="/admin",
    ),
)
