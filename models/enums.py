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


class ApplicationState(StrEnum):
    """How far an application for membership has come; the last three are final (`merchants.applications`)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    COUNTY_REVIEW = "county_review"
    CITY_REVIEW = "city_review"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ApplicationAction(StrEnum):
    """What moves an application from one state to the next."""

    SUBMIT = "submit"
    TO_COUNTY = "to_county"
    TO_CITY = "to_city"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


class MemberAction(StrEnum):
    """What moves a member from one status to the next; `LIFT` is one cause of several, `REINSTATE` the last."""

    SUSPEND = "suspend"
    LIFT = "lift"
    REINSTATE = "reinstate"
    LEAVE = "leave"
    REJOIN = "rejoin"


class SuspensionCause(StrEnum):
    """Why a member is suspended; several can hold at once, and each is lifted by itself."""

    GRADE = "grade"
    DISHONEST_LIST = "dishonest_list"
    COMPLAINTS = "complaints"
    OFFICE = "office"


class CheckFinding(StrEnum):
    """What a check of an organisation found, the worst first; `UNAVAILABLE` says nothing about it."""

    DISHONEST = "dishonest"
    GRADE_TOO_LOW = "grade_too_low"
    NO_GRADE = "no_grade"
    PASSED = "passed"
    UNAVAILABLE = "unavailable"


class PromiseOutcome(StrEnum):
    """践诺 / 失诺."""

    KEPT = "kept"
    BROKEN = "broken"


class PromiseCause(StrEnum):
    """What showed that a promise was kept or broken."""

    COMPLAINT = "complaint"
    CREDIT_CHECK = "credit_check"
    INSPECTION = "inspection"
    OFFICE = "office"


class StaffRole(StrEnum):
    """What a person may do for a member: a cashier redeems at his stores, a manager and an owner undo at all of them.

    A `DEVICE` (扫码终端) is no person: it redeems at its one store, and undoes nothing.
    """

    OWNER = "owner"
    MANAGER = "manager"
    CASHIER = "cashier"
    DEVICE = "device"


class ClosureReason(StrEnum):
    """Why a store is closed for some days: 节假日, 装修, 盘点, 突发情况, 其他."""

    HOLIDAY = "holiday"
    RENOVATION = "renovation"
    STOCKTAKING = "stocktaking"
    EMERGENCY = "emergency"
    OTHER = "other"


class WebhookEvent(StrEnum):
    """What a member's own till system is told."""

    REDEMPTION_CREATED = "redemption.created"
    REDEMPTION_REVERSED = "redemption.reversed"
    PING = "ping"


class DeliveryStatus(StrEnum):
    """How far a webhook's delivery has come; `FAILED` was tried for a day."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class StaffStatus(StrEnum):
    """Of staff: a revoked person is refused at the next request."""

    ACTIVE = "active"
    REVOKED = "revoked"


class AdminStatus(StrEnum):
    """Of admins: `INVITED` has a link, or a password whose first one-time code was not confirmed yet."""

    INVITED = "invited"
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


class Channel(StrEnum):
    """Where a citizen comes from. `sandbox` exists outside production only."""

    WECHAT = "wechat"
    ALIPAY = "alipay"
    ZHELIBAN = "zheliban"
    SANDBOX = "sandbox"


class ConsentPurpose(StrEnum):
    """What a citizen's data may be used for; one consent each (PIPL 14)."""

    CREDIT_CHECK = "credit_check"
    MEMBER_SHARING = "member_sharing"
    NOTICES = "notices"
    GUARDIANSHIP = "guardianship"


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
    RECOGNITION = "recognition"


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
    """Only a published offer can be claimed; ending or withdrawing it never voids what was claimed.

    `benefits.offer_lives` says how one becomes the other. Ended: its time is over, or somebody ended it. Withdrawn: its
    member took it back, published or not.
    """

    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    ENDED = "ended"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class OfferVersionState(StrEnum):
    """How far a proposal of an offer's terms has come; one of them is in force, one at most is still open."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"


class ShareConsentState(StrEnum):
    """What a public unit says to bearing a share of an offer's discounts."""

    WAITING = "waiting"
    AGREED = "agreed"
    REFUSED = "refused"


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
    """Who acts; an applicant is known by his application's key and never signs in."""

    CITIZEN = "citizen"
    STAFF = "staff"
    ADMIN = "admin"
    SYSTEM = "system"
    APPLICANT = "applicant"


class AuditOutcome(StrEnum):
    """How an audited action ended."""

    DONE = "done"
    REFUSED = "refused"
