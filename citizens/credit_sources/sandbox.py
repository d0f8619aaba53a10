"""The sandbox source: knows the demo people, answers at once. Never loaded in production."""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

from citizens import sandbox_people
from citizens.credit_sources.contract import NoRecord, Rating, Subject
from common.clock import local_day, now
from models.enums import ConsentPurpose


class SandboxSource:
    """Scores on the demo scheme, dated yesterday as a daily batch would be."""

    name = "sandbox"
    scheme_code = "zj-demo"

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`."""
        score = sandbox_people.score_of(subject.id_number)
        if score is None:
            return NoRecord(self.scheme_code, self._yesterday())
        record_id = hashlib.sha256(consent_proof.bytes).hexdigest()[:16]
        return Rating(self.scheme_code, score, self._yesterday(), record_id)

    async def look_up_under(
        self, scheme_code: str, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `SourceOfOthers.look_up_under`: whoever has no record here has one elsewhere, and nobody else."""
        if sandbox_people.score_of(subject.id_number) is not None:
            return NoRecord(scheme_code, self._yesterday())
        return Rating(scheme_code, sandbox_people.SCORE_ELSEWHERE, self._yesterday(), "elsewhere")

    async def histogram(self, scheme_code: str) -> Mapping[int, int]:
        """See `ScoreHistogram.histogram`: a made-up city, for the one scheme that it knows."""
        return sandbox_people.scores_of_a_city() if scheme_code == self.scheme_code else {}

    @staticmethod
    def _yesterday() -> date:
        return local_day(now()) - timedelta(days=1)
