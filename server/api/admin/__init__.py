"""What an alliance office calls; everything is bounded by the admin's roles and region."""

from sanic import Blueprint

from server.api.admin import approvals, audit, coupons, imports, jobs, numbers, offers, sign_in, staff

routes = Blueprint.group(
    sign_in.routes,
    Blueprint.group(
        staff.routes,
        offers.routes,
        coupons.routes,
        approvals.routes,
        imports.routes,
        jobs.routes,
        numbers.routes,
        audit.routes,
        url_prefix="/admin",
    ),
)
