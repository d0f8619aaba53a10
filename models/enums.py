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


class RealNameLevel(IntEnum):
    """实名等级: nothing known, a mobile number that a channel verified, a natural person that one verified."""

    NONE = 0
    PHONE = 1
    REAL_NAME = 2


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


class NoticeSource(StrEnum):
    """What citizens' notices are derived from; `SWEEP` is when claims were last looked through again."""

    LEDGER = "ledger"
    CLAIMS = "claims"
    SWEEP = "sweep"


class MessageTemplate(StrEnum):
    """What a channel's message can be about; the channel's own ids of these are in the settings."""

    COUPON_CLAIMED = "coupon_claimed"
    COUPON_REDEEMED = "coupon_redeemed"
    COUPON_REVERSED = "coupon_reversed"
    COUPON_EXPIRING = "coupon_expiring"
    ANSWERED = "answered"


class MessageState(StrEnum):
    """How far a message has come. Of `UNKNOWN` nobody can say whether it arrived: it is never sent again."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    NO_TEMPLATE = "no_template"
    GIVEN_UP = "given_up"
    UNKNOWN = "unknown"


class StopReason(StrEnum):
    """Why a channel's template is not sent for now."""

    NO_TEMPLATE = "no_template"
    DAILY_LIMIT = "daily_limit"


class ObjectionKind(StrEnum):
    """What is asked for: 异议 (the record is wrong) or 信用修复 (it was right, and is mended)."""

    OBJECTION = "objection"
    REPAIR = "repair"


class ObjectionAbout(StrEnum):
    """What a citizen (the first three) or a member contests or mends."""

    TIER = "tier"
    LOOKUP = "lookup"
    DECLARATION = "declaration"
    ORGANISATION_CHECK = "organisation_check"
    SUSPENSION = "suspension"


class ObjectionStatus(StrEnum):
    """How far an objection has come (`alliance.objection_states`); all but the first two are final."""

    OPEN = "open"
    FORWARDED = "forwarded"
    UPHELD = "upheld"
    CORRECTED = "corrected"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class ObjectionEvent(StrEnum):
    """What happens to an objection."""

    FILE = "file"
    ADD_EVIDENCE = "add_evidence"
    FORWARD = "forward"
    EXTEND = "extend"
    BECOME_OVERDUE = "become_overdue"
    UPHOLD = "uphold"
    CORRECT = "correct"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"


class DeclarationKind(StrEnum):
    """What a citizen may declare of himself: 志愿服务, 荣誉表彰. Nothing that tells of health (rule 11)."""

    VOLUNTEER_HOURS = "volunteer_hours"
    HONOUR = "honour"


class DeclarationStatus(StrEnum):
    """How far a self-declared record has come (`alliance.declarations`); one that is deleted is gone."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class DataCopyFormat(StrEnum):
    """How a citizen takes a copy of his data: for programs, or to read."""

    JSON = "json"
    HTML = "html"


class ConsentEnd(StrEnum):
    """Why a consent ended: the citizen took it back, agreed to a newer text, or a text that goes further took its place."""

    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    OUTDATED = "outdated"


class AgentKind(StrEnum):
    """Who may act for a citizen: a child's guardian (监护人), or a relative who helps (亲友代办)."""

    GUARDIAN = "guardian"
    HELPER = "helper"


class BindingState(StrEnum):
    """How far a binding of somebody to who acts for him has come; only an active one lets anybody act."""

    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"


class BindingEnd(StrEnum):
    """Why a binding ended: one of the two, the office, the 14th birthday, or nobody confirmed it in time."""

    AGENT = "agent"
    PRINCIPAL = "principal"
    OFFICE = "office"
    OF_AGE = "of_age"
    EXPIRED = "expired"


class GuardianshipState(StrEnum):
    """How far a guardian's request has come; all but `REQUESTED` are final."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
