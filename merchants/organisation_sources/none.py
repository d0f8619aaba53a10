"""No organisation source is configured: applications wait, members stay what they are."""

from merchants.organisation_sources.contract import OrganisationRecord, OrganisationSourceUnavailable


class NoOrganisationSource:
    """Never invents a grade."""

    name = "none"

    async def look_up(self, uscc: str) -> OrganisationRecord:
        """See `OrganisationSource.look_up`."""
        raise OrganisationSourceUnavailable
