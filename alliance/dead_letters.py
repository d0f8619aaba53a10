"""Jobs that failed as often as they are tried: what admins of the province see, and trying them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from json import loads

import asyncpg

from alliance.permissions import ProvinceAlone
from common.actors import AdminActor
from common.database import constraint_of, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.jobs import BEGUN, put_back
from models import audit_log

LARGEST = (1 << 63) - 1


class JobWaitsAlready(Refused):
    """The same work was asked for anew in the meantime and waits or runs."""

    code = "job_waits_already"
    zh = "同样的任务已经在排队或执行，不需要重试。请稍后再看结果。"
    en = "The same job waits or runs already; there is nothing to retry. Look again later."


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One job that failed for good; `error` is the kind of its last error, or says that its process was killed."""

    id: str
    kind: str
    payload: str
    tries: int
    failed_at: datetime
    error: str | None


async def listed(actor: AdminActor, before: int | None, limit: int) -> Sequence[DeadLetter]:
    """The newest ones; `before` is the last id of the page before.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
    """
    _must_be_of_province(actor)
    rows = await fetch_all(
        f"SELECT j.id, j.entrypoint, j.payload, {BEGUN} AS tries, j.updated,"
        " (SELECT l.traceback FROM pgqueuer_log l WHERE l.job_id = j.id AND l.status = 'failed'"
        "   ORDER BY l.created DESC LIMIT 1) AS traceback"
        " FROM pgqueuer j WHERE j.status = 'failed' AND j.id < $1 ORDER BY j.id DESC LIMIT $2",
        *(before or LARGEST, limit),
    )
    return [
        DeadLetter(
            str(row["id"]),
            row["entrypoint"],
            (row["payload"] or b"").decode(errors="replace"),
            row["tries"],
            row["updated"],
            loads(row["traceback"]).get("exception_message") if row["traceback"] else None,
        )
        for row in rows
    ]


async def counted() -> dict[str, int]:
    """How many there are of each kind that has any."""
    rows = await fetch_all(
        "SELECT entrypoint, count(*) AS jobs FROM pgqueuer WHERE status = 'failed' GROUP BY entrypoint"
    )
    return {row["entrypoint"]: row["jobs"] for row in rows}


async def retry(actor: AdminActor, job_id: str, now: datetime) -> None:
    """Put a failed job back into the queue.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
        NotFound: no such job failed.
        JobWaitsAlready: another one with the same key waits or runs.
    """
    _must_be_of_province(actor)
    number = int(job_id) if job_id.isascii() and job_id.isdigit() and len(job_id) < 19 else 0
    try:
        async with transaction():
            if not await fetch_one(
                "SELECT 1 FROM pgqueuer WHERE id = $1 AND status = 'failed' FOR UPDATE", number
            ):
                raise NotFound
            await put_back(number)
            await audit_log.record(audit_log.who(actor), "job.retry", ("job", number), now)
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "pgqueuer_unique_dedupe_key":
            raise JobWaitsAlready from None
        raise


def _must_be_of_province(actor: AdminActor) -> None:
    if not actor.region.endswith("0000"):
        raise ProvinceAlone
