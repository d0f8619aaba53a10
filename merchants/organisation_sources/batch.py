"""The batch source: grades and the list of the seriously dishonest as a credit source delivered them last."""

from datetime import timedelta

from common.clock import local_day, now
from common.database import fetch_one
from merchants.organisation_sources.contract import OrganisationRecord, OrganisationSourceUnavailable
from models.enums import TierLevel

# A source that has delivered nothing for so long does not answer.
OLDEST = timedelta(days=7)


class BatchOrganisationSource:
    """The copies in force of the source of this name; one of both kinds is needed, else nobody can be cleared."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def look_up(self, uscc: str) -> OrganisationRecord:
        """See `OrganisationSource.look_up`."""
        row = await fetch_one(
            "SELECT least(g.data_date, l.data_date) AS data_date, g.batch_number, o.grade, o.record_id,"
            " (SELECT min(d.record_id) FROM dishonest_organisations d"
            "   WHERE d.batch_number = l.batch_number AND d.uscc = $2) AS listed_as"
            " FROM credit_copies g JOIN credit_copies l ON l.source = g.source AND l.kind = 'dishonest_list'"
            " LEFT JOIN organisation_grades o ON o.batch_number = g.batch_number AND o.uscc = $2"
            " WHERE g.source = $1 AND g.kind = 'organisation_grades'",
            *(self.name, uscc),
        )
        if row is None or row["data_date"] < local_day(now()) - OLDEST:
            raise OrganisationSourceUnavailable
        grade = TierLevel(row["grade"]) if row["grade"] is not None else None
        record_id = row["listed_as"] or row["record_id"] or f"batch-{row['batch_number']}"
        return OrganisationRecord(grade, row["listed_as"] is not None, row["data_date"], record_id)
