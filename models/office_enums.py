"""The closed lists of the office's own work; `models.enums` and `models.citizen_enums` have the others, and the same holds for all."""

from enum import StrEnum


class ApprovalKind(StrEnum):
    """What a second admin has to agree to before it is carried out (四眼)."""

    TIER_SCHEME = "tier_scheme"
    WHITE_LIST = "white_list"
    USCC_OVERRIDE = "uscc_override"
    COUPON_REVOCATION = "coupon_revocation"
    BUDGET_RAISE = "budget_raise"
    EXPORT = "export"
    OBJECTION_EXTENSION = "objection_extension"
    TIER_MAPPING = "tier_mapping"


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
    ELDER_BINDING = "elder_binding"
    ACCOUNT_JOIN = "account_join"


class FilePurpose(StrEnum):
    """Why a file was sent in or made; it decides who may read it and how large it may be."""

    MEMBER_DOCUMENT = "member_document"
    PRICE_EVIDENCE = "price_evidence"
    IMPORT = "import"
    IMPORT_ERRORS = "import_errors"
    EXPORT = "export"
    OBJECTION_EVIDENCE = "objection_evidence"
    DECLARATION_EVIDENCE = "declaration_evidence"
    GUARDIAN_EVIDENCE = "guardian_evidence"
    CREDIT_BATCH_ERRORS = "credit_batch_errors"


class NumberSource(StrEnum):
    """What the numbers are counted from, each with a mark of its own."""

    LEDGER = "ledger"
    CLAIMS = "claims"
    GIVEN_BACK = "given_back"
    ATTEMPTS = "attempts"


class ImportKind(StrEnum):
    """What the rows of an imported file are."""

    MEMBERS = "members"
    STORES = "stores"
    STAFF = "staff"
    OFFERS = "offers"


class ImportStatus(StrEnum):
    """How far an import has come (`alliance.imports.TRANSITIONS`); the last three are final."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    DISCARDED = "discarded"


class ComplaintKind(StrEnum):
    """What a citizen complains of: 拒绝兑现, 优惠金额不对, 先涨价后打折, 宣传不实, 服务态度, 其他."""

    REFUSED = "refused"
    WRONG_AMOUNT = "wrong_amount"
    PRICE_RAISED = "price_raised"
    MISLEADING = "misleading"
    SERVICE = "service"
    OTHER = "other"


class ComplaintStatus(StrEnum):
    """How far a complaint has come (`alliance.complaint_states`); only `WITHDRAWN` is final for good."""

    OPEN = "open"
    ANSWERED = "answered"
    OVERDUE = "overdue"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"


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


class BatchKind(StrEnum):
    """What a file of a source's daily batch holds."""

    TIERS = "tiers"
    ORGANISATION_GRADES = "organisation_grades"
    DISHONEST_LIST = "dishonest_list"
    REPAIRS = "repairs"


class BatchStatus(StrEnum):
    """How far a batch has come; one that is refused can be begun anew, as when its copy was not complete."""

    LOADING = "loading"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


class BatchErrorState(StrEnum):
    """What became of a bad row: a later batch delivered it rightly, or an admin closed it for a reason."""

    OPEN = "open"
    MENDED = "mended"
    CLOSED = "closed"


class WhatIfState(StrEnum):
    """How far a what-if of a tier scheme has come; `GIVEN_UP` found no end and can be asked for again."""

    WAITING = "waiting"
    DONE = "done"
    GIVEN_UP = "given_up"
