"""No source is configured: offers that ask for a tier say so, everything else works."""

from uuid import UUID

from citizens.credit_sources.contract import CreditSourceUnavailable, NoRecord, Rating, Subject
from models.enums import ConsentPurpose


class NoSource:
    """Never invents a tier."""

    name = "none"

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`."""
        raise CreditSourceUnavailable
