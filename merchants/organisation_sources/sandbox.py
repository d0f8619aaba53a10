"""The sandbox source: what it says of an organisation is written in its code. Never loaded in production.

The ninth to eleventh characters of the code decide: `BAD` is on the list of the seriously dishonest, `LQW` has grade
poor, `NNN` has no grade, `DWN` gets no answer; everybody else, all demo members among them, is good.
"""

from datetime import timedelta

from common.clock import local_day, now
from merchants.organisation_sources.contract import OrganisationRecord, OrganisationSourceUnavailable
from models.enums import TierLevel

DISHONEST, POOR, UNGRADED, DOWN = "BAD", "LQW", "NNN", "DWN"


class SandboxOrganisationSource:
    """Dated yesterday, as a daily batch would be."""

    name = "sandbox"

    async def look_up(self, uscc: str) -> OrganisationRecord:
        """See `OrganisationSource.look_up`."""
        mark = uscc[8:11]
        if mark == DOWN:
            raise OrganisationSourceUnavailable
        grade = {POOR: TierLevel.POOR, UNGRADED: None}.get(mark, TierLevel.GOOD)
        yesterday = local_day(now()) - timedelta(days=1)
        return OrganisationRecord(grade, mark == DISHONEST, yesterday, f"sandbox-{uscc[-6:]}")
