"""The end of snapshots before their time: what they were made of does not count any more (rule 9)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from common.database import execute, transaction

# No look-up that is older still waits for its answer (the source has two seconds).
ANSWERED_WITHIN = timedelta(minutes=10)


async def end_of_persons(person_hashes: Sequence[bytes], now: datetime) -> None:
    """End the snapshots of these persons and throw away answers that are on their way; the next look is a fresh one.

    The source must answer anew already: whoever asks from now on may get no old answer. A look-up that was asked
    before either has its snapshot, which ends here, or finds its line closed and makes none.
    """
    async with transaction():
        await execute(
            "UPDATE credit_lookups l SET outcome = 'discarded' FROM natural_persons p"
            " WHERE p.person_hash = ANY ($1::bytea[]) AND l.citizen_id = p.citizen_id AND l.outcome = 'pending'"
            " AND l.looked_up_at > $2",
            *(person_hashes, now - ANSWERED_WITHIN),
        )
        await execute(
            "UPDATE tier_snapshots s SET valid_until = greatest($2, s.taken_at + interval '1 millisecond')"
            " FROM natural_persons p WHERE p.person_hash = ANY ($1::bytea[]) AND s.citizen_id = p.citizen_id"
            " AND s.valid_until > $2",
            *(person_hashes, now),
        )
