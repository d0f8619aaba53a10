"""`python -m server recount-numbers`: the kept sums against the ledger, in lines for an operator."""

from collections.abc import Sequence
from datetime import date, timedelta

from alliance.recounts import Difference, differences
from common import database
from common.clock import local_day, now

MONTH = timedelta(days=31)


async def recount(database_url: str, first: date | None, last: date | None) -> Sequence[str]:
    """One line for each sum that is not what counting it anew gives; by default of the last month."""
    last = last or local_day(now())
    await database.connect(database_url, pool_size=1, statement_timeout="0")
    try:
        return [_line(each) for each in await differences(first or last - MONTH, last)]
    finally:
        await database.disconnect()


def _line(found: Difference) -> str:
    where = " ".join(str(part) for part in (found.subject_id, found.store_id, found.code) if part)
    return f"{found.day} {where}: {found.what} kept {found.kept}, counted {found.counted}"
