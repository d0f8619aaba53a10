"""Every closed list of values, once. Migrations import them: names here never move or vanish."""

from enum import IntEnum, StrEnum


class RegionLevel(StrEnum):
    """省 / 市 / 县 (GB/T 2260)."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


class MemberKind(StrEnum):
    """诚信商家 / 公共企事业单位."""

    MERCHANT = "merchant"
    PUBLIC_UNIT = "public_unit"


class MemberStatus(StrEnum):
    """Where a member stands in the alliance."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


class StaffRole(StrEnum):
    """What a person may do for a member: a cashier redeems at his stores, a manager and an owner undo at all of them."""

    OWNER = "owner"
    MANAGER = "manager"
    CASHIER = "cashier"


class StaffStatus(StrEnum):
    """Of staff and admins: a revoked person is refused at the next request."""

    ACTIVE = "active"
    REVOKED = "revoked"


class AdminRole(StrEnum):
    """What an alliance admin may do inside his region (`alliance.permissions`).

    审核员, 运营员, 审计员 and 负责人. `SUPERVISOR` is what a head was called; it can't be granted any more.
    """

    REVIEWER = "reviewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    HEAD = "head"
    SUPERVISOR = "supervisor"


class ApprovalKind(StrEnum):
    """What a second admin has to agree to before it is carried out (四眼)."""

    TIER_SCHEME = "tier_scheme"
    WHITE_LIST = "white_list"
    USCC_OVERRIDE = "uscc_override"
    COUPON_REVOCATION = "coupon_revocation"
    BUDGET_RAISE = "budget_raise"
    EXPORT = "export"


class ApprovalStatus(StrEnum):
    """How far a request for a second admin has come; all but `OPEN` are final."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class LinkPurpose(StrEnum):
    """What a one-time link or code is good for."""

    STAFF_INVITATION = "staff_invitation"
    STAFF_RESET = "staff_reset"
    DEVICE_PAIRING = "device_pairing"
    ADMIN_INVITATION = "admin_invitation"
    ADMIN_RESET = "admin_reset"


class FilePurpose(StrEnum):
    """Why a file was sent in or made; it decides who may read it and how large it may be."""

    MEMBER_DOCUMENT = "member_document"
    PRICE_EVIDENCE = "price_evidence"
    IMPORT = "import"
    IMPORT_ERRORS = "import_errors"
    EXPORT = "export"


class Channel(StrEnum):
    """Where a citizen comes from. `sandbox` exists outside production only."""

    WECHAT = "wechat"
    ALIPAY = "alipay"
    ZHELIBAN = "zheliban"
    SANDBOX = "sandbox"


class ConsentPurpose(StrEnum):
    """What a citizen's data may be used for; one consent each (PIPL 14)."""

    CREDIT_CHECK = "credit_check"


class TierLevel(IntEnum):
    """The common ladder that every tier scheme's bands map to: 差 较差 中等 良好 优秀 (Zhejiang's five grades)."""

    BAD = 1
    POOR = 2
    FAIR = 3
    GOOD = 4
    EXCELLENT = 5


class LookupOutcome(StrEnum):
    """How a look-up at a credit source ended."""

    PENDING = "pending"
    RATED = "rated"
    UNRATED = "unrated"
    UNAVAILABLE = "unavailable"
    DISCARDED = "discarded"


class LookupReason(StrEnum):
    """What the citizen was doing when his tier was looked up."""

    MY_CREDIT = "my_credit"
    ELIGIBLE_OFFERS = "eligible_offers"
    CLAIM = "claim"


class Category(StrEnum):
    """The consumption fields of the provincial document, and what goes beyond them."""

    EDUCATION = "education"
    TOURISM_SHOPPING = "tourism_shopping"
    HOME_SERVICES = "home_services"
    ELDER_CHILD_CARE = "elder_child_care"
    TRANSPORT = "transport"
    CULTURE = "culture"
    HEALTH = "health"
    HOUSING = "housing"


class OfferStatus(StrEnum):
    """Only a published offer can be claimed; ending it never voids what was claimed."""

    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    ENDED = "ended"


class DiscountKind(StrEnum):
    """How an offer gives; `benefits.discounts` works each of them out."""

    PERCENT_OFF = "percent_off"
    AMOUNT_OFF = "amount_off"
    THRESHOLD_OFF = "threshold_off"
    FIXED_PRICE = "fixed_price"
    FREE = "free"
    DEPOSIT_WAIVED = "deposit_waived"
    PRIORITY_LANE = "priority_lane"
    PAY_LATER = "pay_later"
    HIGHER_LIMIT = "higher_limit"


class LimitPeriod(StrEnum):
    """The span in which a citizen's limit counts, by the calendar of Asia/Shanghai."""

    EVER = "ever"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class CouponStatus(StrEnum):
    """What the database stores; "expired" follows from `valid_until` and is never stored."""

    CLAIMED = "claimed"
    REDEEMED = "redeemed"
    GIVEN_BACK = "given_back"
    REVOKED = "revoked"


class ActorKind(StrEnum):
    """Who acts."""

    CITIZEN = "citizen"
    STAFF = "staff"
    ADMIN = "admin"
    SYSTEM = "system"


class AuditOutcome(StrEnum):
    """How an audited action ended."""

    DONE = "done"
    REFUSED = "refused"


class StatementState(StrEnum):
    """How far a member's month has come (`alliance.statement_states`)."""

    OPEN = "open"
    CLOSED = "closed"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    SETTLED = "settled"


class StatementLineKind(StrEnum):
    """What a line of a statement stands for: a record of the ledger, or what an accepted dispute gave."""

    REDEMPTION = "redemption"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"


class AdjustmentReason(StrEnum):
    """Why an admin adjusted a statement after a dispute."""

    AMOUNT_WRONG = "amount_wrong"
    SHARE_WRONG = "share_wrong"
    NOT_GIVEN = "not_given"
    MISSING = "missing"
    OTHER = "other"


class ExportFormat(StrEnum):
    """What kind of table a file is."""

    CSV = "csv"
    XLSX = "xlsx"


class ExportState(StrEnum):
    """How far an export has come; its file is deleted a week after it was made."""

    WAITING = "waiting"
    READY = "ready"
    DELETED = "deleted"
