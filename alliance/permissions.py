"""What each role may do: two tables, and nothing that is not in them is allowed.

Every route of the admin and member API names its action; one that names none can't be made, and one whose action is
not here neither. Where (which region, which member) is decided by the statement that reads the thing.
"""

from common.errors import Forbidden
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
    # One's own password and recovery codes, whoever one is.
    "account.own": ANY_ADMIN,
    "admin.confirm": frozenset({HEAD}),
    "admin.invite": frozenset({HEAD}),
    "admin.read": frozenset({AUDITOR, HEAD}),
    "admin.reset": frozenset({HEAD}),
    "admin.revoke": frozenset({HEAD}),
    "admin.set_roles": frozenset({HEAD}),
    "application.ask_override": frozenset({REVIEWER, OPERATOR}),
    "application.read": ANY_ADMIN,
    "application.review": frozenset({REVIEWER}),
    "approval.read": ANY_ADMIN,
    "approval.decide": frozenset({HEAD}),
    "approval.withdraw": frozenset({REVIEWER, OPERATOR, AUDITOR, HEAD}),
    "audit.export": frozenset({AUDITOR}),
    "audit.read": frozenset({AUDITOR}),
    "complaint.decide": frozenset({OPERATOR, HEAD}),
    "complaint.read": frozenset({REVIEWER, OPERATOR, HEAD}),
    "complaint.reopen": frozenset({HEAD}),
    "declaration.forward": frozenset({OPERATOR, HEAD}),
    "declaration.read": frozenset({REVIEWER, OPERATOR, HEAD}),
    "declaration.review": frozenset({REVIEWER}),
    "coupon.revoke": frozenset({HEAD, AdminRole.SUPERVISOR}),
    "credit_batch.close_error": frozenset({OPERATOR, HEAD}),
    "credit_batch.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    # A proof of guardianship is read by whoever reviews it, and by nobody else.
    "guardianship.end": frozenset({REVIEWER, HEAD}),
    "guardianship.read": frozenset({REVIEWER, HEAD}),
    "guardianship.review": frozenset({REVIEWER}),
    "import.apply": frozenset({OPERATOR, HEAD}),
    "import.discard": frozenset({OPERATOR, HEAD}),
    "import.invite": frozenset({OPERATOR, HEAD}),
    "import.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "import.upload": frozenset({OPERATOR, HEAD}),
    "export.ask": frozenset({OPERATOR, AUDITOR, HEAD}),
    "export.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "job.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "job.retry": frozenset({OPERATOR, HEAD}),
    "member.lift": frozenset({OPERATOR, HEAD}),
    "member.read": ANY_ADMIN,
    "member.recheck": frozenset({REVIEWER, OPERATOR}),
    "member.suspend": frozenset({OPERATOR, HEAD}),
    "numbers.read": frozenset({REVIEWER, OPERATOR, AUDITOR, HEAD}),
    "objection.answer": frozenset({OPERATOR, HEAD}),
    "objection.extend": frozenset({OPERATOR, HEAD}),
    "objection.forward": frozenset({OPERATOR, HEAD}),
    "objection.read": frozenset({REVIEWER, OPERATOR, HEAD}),
    "offer.publish": frozenset({OPERATOR}),
    "offer.read": ANY_ADMIN,
    "offer.review": frozenset({REVIEWER}),
    "offer.revoke_coupons": frozenset({HEAD, AdminRole.SUPERVISOR}),
    "offer.set_budget": frozenset({OPERATOR}),
    "offer.set_status": frozenset({OPERATOR}),
    "offer.set_stock": frozenset({OPERATOR}),
    "policy.read": ANY_ADMIN,
    "policy.set": frozenset({HEAD}),
    "promise.record": frozenset({REVIEWER, OPERATOR}),
    # One's own sessions, whoever one is.
    "session.own": ANY_ADMIN,
    "staff.reset_password": frozenset({OPERATOR}),
    "staff.revoke": frozenset({OPERATOR}),
    "tier_mapping.ask": frozenset({OPERATOR, HEAD}),
    "tier_mapping.read": ANY_ADMIN,
    "tier_scheme.ask": frozenset({OPERATOR, HEAD}),
    "tier_scheme.read": ANY_ADMIN,
    "white_list.ask": frozenset({REVIEWER, OPERATOR}),
    "white_list.end": frozenset({HEAD}),
    "white_list.read": ANY_ADMIN,
    "statement.read": frozenset({OPERATOR, AUDITOR, HEAD}),
    "statement.resolve": frozenset({OPERATOR, HEAD}),
    "statement.settle": frozenset({OPERATOR, HEAD}),
}

# Cashiers and devices have the staff API; a member's business is its owners' and managers'.
MEMBER_MAY: dict[str, frozenset[StaffRole]] = {
    "complaint.answer": frozenset({OWNER, MANAGER}),
    "complaint.read": frozenset({OWNER, MANAGER}),
    "membership.leave": frozenset({OWNER}),
    "membership.read": frozenset({OWNER, MANAGER}),
    "device.create": frozenset({OWNER, MANAGER}),
    "device.read": frozenset({OWNER, MANAGER}),
    "device.revoke": frozenset({OWNER, MANAGER}),
    "day_close.read": frozenset({OWNER, MANAGER}),
    "notice.read": frozenset({OWNER, MANAGER}),
    "objection.file": frozenset({OWNER}),
    "objection.read": frozenset({OWNER, MANAGER}),
    "staff.change": frozenset({OWNER, MANAGER}),
    "staff.invite": frozenset({OWNER, MANAGER}),
    "staff.read": frozenset({OWNER, MANAGER}),
    "staff.reset_password": frozenset({OWNER, MANAGER}),
    "staff.revoke": frozenset({OWNER, MANAGER}),
    "store.change": frozenset({OWNER}),
    "store.close": frozenset({OWNER}),
    "store.create": frozenset({OWNER}),
    "store.read": frozenset({OWNER, MANAGER}),
    "store.set_closures": frozenset({OWNER, MANAGER}),
    "webhook.manage": frozenset({OWNER}),
    "webhook.read": frozenset({OWNER}),
    "numbers.read": frozenset({OWNER, MANAGER}),
    "offer.read": frozenset({OWNER, MANAGER}),
    "offer.stop": frozenset({OWNER, MANAGER}),
    "offer.write": frozenset({OWNER, MANAGER}),
    "redemption.reverse_late": frozenset({OWNER, MANAGER}),
    "share_consent.decide": frozenset({OWNER, MANAGER}),
    "share_consent.read": frozenset({OWNER, MANAGER}),
    "statement.answer": frozenset({OWNER, MANAGER}),
    "statement.export": frozenset({OWNER, MANAGER}),
    "statement.owed": frozenset({OWNER, MANAGER}),
    "statement.read": frozenset({OWNER, MANAGER}),
}


class ProvinceAlone(Forbidden):
    """What belongs to no region, or counts everywhere, is for the province's admins."""

    code = "province_alone"
    zh = "这件事不分地区，全省通用，只有省级管理员可以查看和处理。请联系省级管理员。"
    en = "This concerns the whole province; only its admins may see and handle it. Ask one of them."


def admin_may(roles: tuple[str, ...], action: str) -> bool:
    """Whether one of an admin's roles allows the action; an unknown action is allowed to nobody."""
    return not ADMIN_MAY.get(action, frozenset()).isdisjoint(roles)


def member_may(role: str, action: str) -> bool:
    """Whether somebody of this role may do that for his member."""
    return role in MEMBER_MAY.get(action, frozenset())
