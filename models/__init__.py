"""The tables, one file per aggregate. Constraints stand beside the columns they guard."""

from models.admin import Admin
from models.attempt import Attempt, RefusedScanCount
from models.audit import AuditRecord
from models.citizen import ChannelIdentity, Citizen, NaturalPerson
from models.consent import Consent, ConsentText
from models.coupon import Coupon
from models.credit import CreditLookup, TierBand, TierScheme, TierSnapshot
from models.installation import Installation
from models.member import Member, Store
from models.offer import CatalogueVersion, Offer, OfferDay, OfferStock, OfferTerms
from models.programme import Programme
from models.redemption import Redemption, Reversal, ReversalReason
from models.region import Region
from models.seal import Seal
from models.session import LoginFailure, Session
from models.staff import Staff, StaffStore

__all__ = [
    "Admin",
    "Attempt",
    "AuditRecord",
    "CatalogueVersion",
    "ChannelIdentity",
    "Citizen",
    "Consent",
    "ConsentText",
    "Coupon",
    "CreditLookup",
    "Installation",
    "LoginFailure",
    "Member",
    "NaturalPerson",
    "Offer",
    "OfferDay",
    "OfferStock",
    "OfferTerms",
    "Programme",
    "Redemption",
    "RefusedScanCount",
    "Region",
    "Reversal",
    "ReversalReason",
    "Seal",
    "Session",
    "Staff",
    "StaffStore",
    "Store",
    "TierBand",
    "TierScheme",
    "TierSnapshot",
]
