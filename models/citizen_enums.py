"""The closed lists of citizens' rights, messages and who acts for them; the others are in `models.enums`, and the same holds for both."""

from enum import IntEnum, StrEnum


class RealNameLevel(IntEnum):
    """实名等级: nothing known, a mobile number that a channel verified, a natural person that one verified."""

    NONE = 0
    PHONE = 1
    REAL_NAME = 2


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
