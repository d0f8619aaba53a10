"""The batch source: looks into the copy that a credit source delivers every day, by a keyed hash, one person at a time.

Nothing else reads a person's row of `credit_ratings`: without a consent there is no line in the log, and without a line
nobody asks here (rule 1). Counting scores names nobody.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from citizens.accounts import ID_NUMBER
from citizens.credit_sources.contract import CreditSourceUnavailable, NoRecord, Rating, Subject
from common.clock import local_day, now
from common.crypto import PersonalDataKeys
from common.database import fetch_all, fetch_one
from models.enums import ConsentPurpose

# A source that has delivered nothing for so long does not answer.
OLDEST = timedelta(days=7)
# Of 256 first bytes of a hash, how many are counted in one statement.
SLICE = 8


class BatchSource:
    """The copy in force of the source of this name."""

    def __init__(self, name: str, keys: PersonalDataKeys) -> None:
        self.name = name
        self._keys = keys

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`."""
        row = await fetch_one(
            "SELECT c.scheme_code AS copy_scheme, c.data_date AS copy_date, r.score, r.scheme_code, r.data_date,"
            " r.record_id FROM credit_copies c LEFT JOIN credit_ratings r"
            " ON r.batch_number = c.batch_number AND r.person_hash = $2 WHERE c.source = $1 AND c.kind = 'tiers'",
            *(self.name, self._keys.keyed_hash(subject.id_number, ID_NUMBER)),
        )
        if row is None or row["copy_scheme"] is None or row["copy_date"] < local_day(now()) - OLDEST:
            raise CreditSourceUnavailable
        if row["score"] is None:
            return NoRecord(row["copy_scheme"], row["copy_date"])
        return Rating(row["scheme_code"], row["score"], row["data_date"], row["record_id"])

    async def histogram(self, scheme_code: str) -> Mapping[int, int]:
        """See `ScoreHistogram.histogram`: the copy in force, a slice of the hashes at a time.

        Ten million rows in one statement would take longer than a statement may.
        """
        people: Counter[int] = Counter()
        for first in range(0, 256, SLICE):
            rows = await fetch_all(
                "SELECT r.score, count(*)::bigint AS people FROM credit_copies c"
                " JOIN credit_ratings r ON r.batch_number = c.batch_number"
                " WHERE c.source = $1 AND c.kind = 'tiers' AND r.scheme_code = $2"
                " AND r.person_hash >= $3 AND r.person_hash < $4 GROUP BY r.score",
                *(self.name, scheme_code, bytes([first]), _bytes_after(first + SLICE - 1)),
            )
            people.update({row["score"]: row["people"] for row in rows})
        return people


def _bytes_after(first: int) -> bytes:
    """What is greater than every hash that begins with this byte, and than none that begins with a greater one."""
    return bytes([first]) + b"\xff" * 32
