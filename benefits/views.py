"""浏览: how often an offer's page was read, counted in the process and written in batches.

Views are no books: what a process that is killed had not written yet (some seconds' worth) is lost, and a program
that hides what it is counts as a person. Nobody is remembered: a view is an offer and a day.
"""

import re
from collections import Counter
from datetime import date, datetime
from uuid import UUID

from common.clock import local_day
from common.database import execute

# More offers than are read in one batch are not counted before the next: memory stays bounded whatever happens.
MOST_COUNTED = 20_000
# Search engines, watchers and programs that say so; browsers and mini-programs name none of these.
BOTS = re.compile(
    r"bot|spider|crawl|slurp|preview|monitor|curl|wget|python|java/|httpclient|headless", re.IGNORECASE
)

# In the order of the key, so that two processes never wait for each other crosswise.
ADD = """
INSERT INTO flow_days AS f (day, offer_id, member_id, region_id, views)
SELECT seen.day, o.id, o.member_id, o.region_id, seen.views
  FROM unnest($1::date[], $2::uuid[], $3::bigint[]) AS seen (day, offer_id, views)
  JOIN offers o ON o.id = seen.offer_id
 ORDER BY seen.day, o.id
ON CONFLICT (day, offer_id) WHERE store_id IS NULL DO UPDATE SET views = f.views + excluded.views
"""

_counted: Counter[tuple[date, UUID]] = Counter()


def count(offer_id: UUID, user_agent: str, now: datetime) -> None:
    """Count one view of an offer that is there; a program's is left out."""
    seen = local_day(now), offer_id
    if BOTS.search(user_agent) or (len(_counted) >= MOST_COUNTED and seen not in _counted):
        return
    _counted[seen] += 1


async def flush() -> None:
    """Add what was counted since the last flush to the days' rows; keeps it for the next time if that fails."""
    batch = dict(_counted)
    if not batch:
        return
    _counted.clear()
    ordered = sorted(batch.items())
    try:
        await execute(
            ADD,
            [day for (day, _), _ in ordered],
            [offer_id for (_, offer_id), _ in ordered],
            [views for _, views in ordered],
        )
    except BaseException:
        _counted.update(batch)
        raise
