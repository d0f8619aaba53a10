"""The tables, one file per aggregate, named in the singular. Constraints stand beside the columns they guard.

Files of functions beside them (plurals such as `one_time_links`, `stored_files` and `seals`, and the logs `audit_log`,
`notice_log`, `monthly_logs`) work on tables that several packages above share, and decide nothing of their business.
"""

from models import _comments  # noqa: F401
from models.admin import Admin, AdminRecoveryCode
from models.agent import AgentBinding, GuardianshipRequest
from models.application import (
    ApplicationEvent,
    Commitment,
    CommitmentText,
    MemberApplication,
    OrganisationCheck,
)
from models.approval import Approval
from models.attempt import Attempt, RefusedScanCount
from models.audit import AuditRecord
from models.citizen import ChannelIdentity, Citizen, CitizenJoin, CitizenPhone, NaturalPerson
from models.complaint import Complaint, ComplaintText
from models.consent import Consent, ConsentRefusal, ConsentText, Disclosure
from models.coupon import Coupon
from models.credit import (
    CreditLookup,
    TierBand,
    TierMapping,
    TierMappingBand,
    TierScheme,
    TierSnapshot,
    TierWhatIf,
)
from models.credit_batch import (
    CreditBatch,
    CreditBatchError,
    CreditBatchFile,
    CreditCopy,
    CreditRating,
    CreditRepair,
    DishonestOrganisation,
    OrganisationGrade,
)
from models.data_copy import DataCopy
from models.declaration import Declaration, DeclarationText
from models.device import Device
from models.export import Export
from models.imports import Import, ImportRow
from models.installation import Installation
from models.member import Member, Store, StoreClosure
from models.message import CouponReminder, Message, MessageQuota, MessageStop, NoticeMark
from models.notice import CitizenNotice, MemberNotice
from models.numbers import FlowDay, MemberCustomer, NumberMark, NumberSlice, RefusalDay
from models.objection import Objection, ObjectionStep, ObjectionText
from models.offer import (
    CatalogueVersion,
    Offer,
    OfferDay,
    OfferStock,
    OfferTerms,
    OfferVersion,
    ShareConsent,
)
from models.one_time_link import OneTimeLink
from models.programme import Programme
from models.redemption import Redemption, Reversal, ReversalReason
from models.region import Region
from models.region_policy import RegionPolicy
from models.seal import AuditSeal, Seal
from models.session import LoginFailure, Session
from models.staff import Staff, StaffStore
from models.standing import MemberRecheck, PromiseRecord, Suspension, WhiteListEntry
from models.statement import DayClose, Statement, StatementCursor, StatementLine, StatementSum
from models.stored_file import StoredFile
from models.webhook import Webhook, WebhookDelivery

__all__ = [
    "Admin",
    "AdminRecoveryCode",
    "AgentBinding",
    "ApplicationEvent",
    "Approval",
    "Attempt",
    "AuditRecord",
    "AuditSeal",
    "CatalogueVersion",
    "ChannelIdentity",
    "Citizen",
    "CitizenJoin",
    "CitizenNotice",
    "CitizenPhone",
    "Commitment",
    "CommitmentText",
    "Complaint",
    "ComplaintText",
    "Consent",
    "ConsentRefusal",
    "ConsentText",
    "Coupon",
    "CouponReminder",
    "CreditBatch",
    "CreditBatchError",
    "CreditBatchFile",
    "CreditCopy",
    "CreditLookup",
    "CreditRating",
    "CreditRepair",
    "DataCopy",
    "DayClose",
    "Declaration",
    "DeclarationText",
    "Device",
    "Disclosure",
    "DishonestOrganisation",
    "Export",
    "FlowDay",
    "GuardianshipRequest",
    "Import",
    "ImportRow",
    "Installation",
    "LoginFailure",
    "Member",
    "MemberApplication",
    "MemberCustomer",
    "MemberNotice",
    "MemberRecheck",
    "Message",
    "MessageQuota",
    "MessageStop",
    "NaturalPerson",
    "NoticeMark",
    "NumberMark",
    "NumberSlice",
    "Objection",
    "ObjectionStep",
    "ObjectionText",
    "Offer",
    "OfferDay",
    "OfferStock",
    "OfferTerms",
    "OfferVersion",
    "OneTimeLink",
    "OrganisationCheck",
    "OrganisationGrade",
    "Programme",
    "PromiseRecord",
    "Redemption",
    "RefusalDay",
    "RefusedScanCount",
    "Region",
    "RegionPolicy",
    "Reversal",
    "ReversalReason",
    "Seal",
    "Session",
    "ShareConsent",
    "Staff",
    "StaffStore",
    "Statement",
    "StatementCursor",
    "StatementLine",
    "StatementSum",
    "Store",
    "StoreClosure",
    "StoredFile",
    "Suspension",
    "TierBand",
    "TierMapping",
    "TierMappingBand",
    "TierScheme",
    "TierSnapshot",
    "TierWhatIf",
    "Webhook",
    "WebhookDelivery",
    "WhiteListEntry",
]
