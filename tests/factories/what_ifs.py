"""What-if runs, carried out at once instead of in the background."""

from collections.abc import Mapping
from datetime import datetime

from alliance import tier_what_ifs
from common.database import fetch_all
from tests.factories.moments import NOON


class Scores:
    """Counts people by score as a test says."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self.counts = counts

    async def histogram(self, scheme_code: str) -> Mapping[int, int]:
        """See `ScoreHistogram.histogram`."""
        return self.counts


async def count_waiting(at: datetime = NOON, scores: Scores | None = None) -> None:
    """Carry out every run that waits."""
    for row in await fetch_all("SELECT id FROM tier_what_ifs WHERE state = 'waiting'"):
        await tier_what_ifs.run(row["id"], scores, at)
