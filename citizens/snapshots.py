"""The end of snapshots before their time: what they were made of does not count any more (rule 9)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from common.database import execute, fetch_all, transaction

# No look-up that is older still waits for its answer (the source has two seconds).
ANSWERED_WITHIN = timedelta(minutes=10)


async def end_of_persons(person_hashes: Sequence[bytes], now: datetime) -> None:
    """End the snapshots of these persons and throw away answers that are on their way; the next look is a fresh one.

    The source must answer anew already: whoever asks from now on may get no old answer. A look-up that was asked
    before either has its snapshot, which ends here, or finds its line closed and makes none.
    """
    rows = await fetch_all(
        "SELECT citizen_id FROM natural_persons WHERE person_hash = ANY ($1::bytea[])", person_hashes
    )
    citizens = [row["citizen_id"] for row in rows]
    async with transaction():
        await execute(
            "UPDATE credit_lookups SET outcome = 'discarded' WHERE citizen_id = ANY ($1::uuid[])"
            " AND outcome = 'pending' AND looked_up_at > $2",
            *(citizens, now - ANSWERED_WITHIN),
        )
        await execute(
            "UPDATE tier_snapshots SET valid_until = greatest($2, taken_at + interval '1 millisecond')"
            " WHERE citizen_id = ANY ($1::uuid[]) AND valid_until > $2",
            *(citizens, now),
        )
