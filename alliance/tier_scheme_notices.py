"""Telling citizens that the scheme they are rated under changes: each once, before it takes effect (rule 4)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common.clock import local_day
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.ids import AFTER_ALL
from common.jobs import enqueue
from models import notice_log

TELL_JOB = "tier_scheme.tell"
AT_ONCE = 500
NOBODY_YET = UUID(int=0)

# The next citizens by id that have a snapshot at all; of them those are told who are rated under the scheme and agree
# to be. An index in the order of the ids, so that a batch is a batch however few of them are.
NEXT = """
SELECT DISTINCT citizen_id FROM (
    SELECT citizen_id FROM tier_snapshots WHERE citizen_id > $1 ORDER BY citizen_id LIMIT $2) AS next
"""
CONCERNED = """
SELECT asked.citizen_id FROM unnest($1::uuid[]) AS asked (citizen_id)
 CROSS JOIN LATERAL (SELECT FROM consents c WHERE c.citizen_id = asked.citizen_id AND c.purpose = 'credit_check'
                        AND c.withdrawn_at IS NULL LIMIT 1) AS agrees
  JOIN LATERAL (SELECT scheme_id, valid_until FROM tier_snapshots s WHERE s.citizen_id = asked.citizen_id
                 ORDER BY taken_at DESC LIMIT 1) AS newest
    ON newest.valid_until > $3 AND newest.scheme_id = ANY ($2::bigint[])
 ORDER BY asked.citizen_id
"""


async def begin_telling(code: str, version: int) -> None:
    """Have those told who are rated under an earlier version, in the transaction that announces this one."""
    if version > 1:
        await enqueue(TELL_JOB, {"code": code, "version": version}, once=f"{TELL_JOB}:{code}:{version}")


async def tell(code: str, version: int, now: datetime) -> int:
    """Tell everybody concerned, batch by batch; how many were told now.

    A run that is killed goes on where the last batch ended; two at once tell nobody twice. Nothing is told once the
    version counts.
    """
    told = 0
    while True:
        scheme = await fetch_one(
            "SELECT id, name, effective_from, told_up_to FROM tier_schemes WHERE code = $1 AND version = $2",
            *(code, version),
        )
        if scheme is None or scheme["told_up_to"] == AFTER_ALL or now >= scheme["effective_from"]:
            return told
        before = [
            row["id"]
            for row in await fetch_all(
                "SELECT id FROM tier_schemes WHERE code = $1 AND version < $2", code, version
            )
        ]
        told += await _tell_next(scheme, before, now)


async def _tell_next(scheme: Row, before: Sequence[int], now: datetime) -> int:
    """One batch, and how far it came, in one transaction."""
    since = scheme["told_up_to"] or NOBODY_YET
    seen = sorted(row["citizen_id"] for row in await fetch_all(NEXT, since, AT_ONCE))
    facts = {"scheme": scheme["name"], "day": local_day(scheme["effective_from"]).isoformat()}
    told = 0
    async with transaction():
        moved = await execute(
            "UPDATE tier_schemes SET told_up_to = $2 WHERE id = $1 AND told_up_to IS NOT DISTINCT FROM $3",
            *(scheme["id"], seen[-1] if seen else AFTER_ALL, scheme["told_up_to"]),
        )
        if not moved:
            return 0  # another process did this batch
        for row in await fetch_all(CONCERNED, seen, before, now):
            once = f"tier_scheme_changes:{scheme['id']}"
            told += await notice_log.tell(
                "citizen", row["citizen_id"], "tier_scheme_changes", once, facts, now
            )
    return told
