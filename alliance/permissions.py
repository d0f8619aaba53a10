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
    "export.ask": frozenset({OPERATOR, AUDITOR, HEAD}),
    "export.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "job.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "job.retry": frozenset({OPERATOR, HEAD}),
    "offer.set_status": frozenset({OPERATOR}),
    "offer.set_stock": frozenset({OPERATOR}),
    # One's own sessions, whoever one is.
    "session.own": ANY_ADMIN,
    "staff.revoke": frozenset({OPERATOR}),
    "statement.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "statement.resolve": frozenset({OPERATOR, HEAD}),
    "statement.settle": frozenset({OPERATOR, HEAD}),
}

# Cashiers and devices have the staff API; a member's business is its owners' and managers'.
MEMBER_MAY: dict[str, frozenset[StaffRole]] = {
    "day_close.read": frozenset({OWNER, MANAGER}),
    "notice.read": frozenset({OWNER, MANAGER}),
    "redemption.reverse_late": frozenset({OWNER, MANAGER}),
    "statement.answer": frozenset({OWNER, MANAGER}),
    "statement.export": frozenset({OWNER, MANAGER}),
    "statement.owed": frozenset({OWNER, MANAGER}),
    "statement.read": frozenset({OWNER, MANAGER}),
}


def admin_may(roles: tuple[str, ...], action: str) -> bool:
    """Whether one of an admin's roles allows the action; an unknown action is allowed to nobody."""
    return not ADMIN_MAY.get(action, frozenset()).isdisjoint(roles)


def member_may(role: str, action: str) -> bool:
    """Whether somebody of this role may do that for his member."""
    return role in MEMBER_MAY.get(action, frozenset())
