"""What each role may do: two tables, and nothing that is not in them is allowed.

Every route of the admin and member API names its action; one that names none can't be made, and one whose action is
not here neither. Where (which region, which member) is decided by the statement that reads the thing.
"""

from models.enums import AdminRole, StaffRole

REVIEWER, OPERATOR, AUDITOR, HEAD = (
    AdminRole.REVIEWER,
    AdminRole.OPERATOR,
    AdminRole.AUDITOR,
    AdminRole.HEAD,
)
ANY_ADMIN = frozenset(AdminRole)
OWNER, MANAGER = StaffRole.OWNER, StaffRole.MANAGER

# An auditor reads and exports, and changes nothing.
ADMIN_MAY: dict[str, frozenset[AdminRole]] = {
    "approval.read": ANY_ADMIN,
    "approval.decide": frozenset({HEAD}),
    "approval.withdraw": frozenset({REVIEWER, OPERATOR, AUDITOR, HEAD}),
    "audit.read": frozenset({AUDITOR}),
    "coupon.revoke": frozenset({HEAD, AdminRole.SUPERVISOR}),
    "job.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "job.retry": frozenset({OPERATOR, HEAD}),
    "offer.publish": frozenset({OPERATOR}),
    "offer.read": ANY_ADMIN,
    "offer.review": frozenset({REVIEWER}),
    "offer.revoke_coupons": frozenset({HEAD, AdminRole.SUPERVISOR}),
    "offer.set_budget": frozenset({OPERATOR}),
    "offer.set_status": frozenset({OPERATOR}),
    "offer.set_stock": frozenset({OPERATOR}),
    # One's own sessions, whoever one is.
    "session.own": ANY_ADMIN,
    "staff.revoke": frozenset({OPERATOR}),
}

# Cashiers and devices have the staff API; a member's business is its owners' and managers'.
MEMBER_MAY: dict[str, frozenset[StaffRole]] = {
    "notice.read": frozenset({OWNER, MANAGER}),
    "offer.read": frozenset({OWNER, MANAGER}),
    "offer.stop": frozenset({OWNER, MANAGER}),
    "offer.write": frozenset({OWNER, MANAGER}),
}


def admin_may(roles: tuple[str, ...], action: str) -> bool:
    """Whether one of an admin's roles allows the action; an unknown action is allowed to nobody."""
    return not ADMIN_MAY.get(action, frozenset()).isdisjoint(roles)


def member_may(role: str, action: str) -> bool:
    """Whether somebody of this role may do that for his member."""
    return role in MEMBER_MAY.get(action, frozenset())
