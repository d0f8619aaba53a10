"""核销尝试: refused scans are kept with their reason; codes that never reached a coupon are counted in batches."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from common.actors import StaffActor
from common.clock import local_day
from common.database import execute
from common.ids import new_id
from common.metrics import Counter as Metric

REFUSED_SCANS = Metric("xinyi_refused_scans", "Refused scans by reason", ["code"])

_counted: Counter[tuple[UUID, str]] = Counter()


def count(member_id: UUID, code: str) -> None:
    """Count a malformed or forged code; `flush` writes the counts."""
    REFUSED_SCANS.labels(code).inc()
    _counted[member_id, code] += 1


async def flush(now: datetime) -> None:
    """Add what was counted since the last flush to the day's rows; keeps it for the next time if that fails."""
    batch = dict(_counted)
    if not batch:
        return
    _counted.clear()
    # In the order of the key, so that two processes never wait for each other crosswise.
    ordered = sorted(batch.items())
    try:
        await execute(
            "INSERT INTO refused_scan_counts (day, member_id, code, scans)"
            " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[])"
            " ON CONFLICT (day, member_id, code) DO UPDATE"
            " SET scans = refused_scan_counts.scans + excluded.scans",
            local_day(now),
            [member_id for (member_id, _), _ in ordered],
            [code for (_, code), _ in ordered],
            [scans for _, scans in ordered],
        )
    except BaseException:
        _counted.update(batch)
        raise


async def record(
    actor: StaffActor, store_id: UUID, coupon_id: UUID | None, code: str, now: datetime, *, is_preview: bool
) -> None:
    """Keep one refused scan. Called after whatever refused it is over, so that it is never rolled back with it."""
    REFUSED_SCANS.labels(code).inc()
    await execute(
        "INSERT INTO attempts (id, attempted_at, staff_id, member_id, store_id, coupon_id, code, is_preview)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(new_id(), now, actor.id, actor.member_id, store_id, coupon_id, code, is_preview),
    )
