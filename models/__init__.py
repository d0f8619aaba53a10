"""The tables, one file per aggregate. Constraints stand beside the columns they guard."""

from models.admin import Admin
from models.approval import Approval
from models.attempt import Attempt, RefusedScanCount
from models.audit import AuditRecord
from models.citizen import ChannelIdentity, Citizen, NaturalPerson
from models.consent import Consent, ConsentText
from models.coupon import Coupon
from models.credit import CreditLookup, TierBand, TierScheme, TierSnapshot
from models.export import Export
from models.installation import Installation
from models.member import Member, Store
from models.notice import CitizenNotice, MemberNotice
from models.offer import CatalogueVersion, Offer, OfferDay, OfferStock, OfferTerms
from models.one_time_link import OneTimeLink
from models.programme import Programme
from models.redemption import Redemption, Reversal, ReversalReason
from models.region import Region
from models.region_policy import RegionPolicy
from models.seal import Seal
from models.session import LoginFailure, Session
from models.staff import Staff, StaffStore
from models.statement import DayClose, Statement, StatementCursor, StatementLine, StatementSum
from models.stored_file import StoredFile

__all__ = [
    "Admin",
    "Approval",
    "Attempt",
    "AuditRecord",
    "CatalogueVersion",
    "ChannelIdentity",
    "Citizen",
    "CitizenNotice",
    "Consent",
    "ConsentText",
    "Coupon",
    "CreditLookup",
    "DayClose",
    "Export",
    "Installation",
    "LoginFailure",
    "Member",
    "MemberNotice",
    "NaturalPerson",
    "Offer",
    "OfferDay",
    "OfferStock",
    "OfferTerms",
    "OneTimeLink",
    "Programme",
    "Redemption",
    "RefusedScanCount",
    "Region",
    "RegionPolicy",
    "Reversal",
    "ReversalReason",
    "Seal",
    "Session",
    "Staff",
    "StaffStore",
    "Statement",
    "StatementCursor",
    "StatementLine",
    "StatementSum",
    "Store",
    "StoredFile",
    "TierBand",
    "TierScheme",
    "TierSnapshot",
]
