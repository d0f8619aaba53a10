"""What a region asks of its members: its own policy, or that of the nearest region above that has one."""

from dataclasses import asdict, dataclass
from datetime import datetime

from common.actors import AdminActor
from common.database import execute, fetch_one, transaction
from common.errors import NotFound
from models import audit_log
from models.region import lineage, subtree_prefix

COLUMNS = "min_grade, review_levels, complaint_answer_days, complaint_limit, complaint_window_days"


@dataclass(frozen=True, slots=True)
class Policy:
    """The lowest grade (ladder of `TierLevel`), how many levels review, and how complaints count (working days, days)."""

    min_grade: int
    review_levels: int
    complaint_answer_days: int
    complaint_limit: int
    complaint_window_days: int


# Where neither the region nor one above has said anything: 中等 and better, county and city review.
DEFAULT = Policy(
    min_grade=3, review_levels=2, complaint_answer_days=5, complaint_limit=3, complaint_window_days=180
)


async def of_region(region: str) -> tuple[Policy, str | None]:
    """The policy that holds in a region, and whose it is (None: the default)."""
    row = await fetch_one(
        f"SELECT region_id, {COLUMNS} FROM region_policies WHERE region_id = ANY ($1::text[])"
        " ORDER BY array_position($1::text[], region_id::text) LIMIT 1",
        list(lineage(region)),
    )
    if row is None:
        return DEFAULT, None
    return Policy(*list(row)[1:]), row["region_id"]


async def read(actor: AdminActor, region: str) -> tuple[Policy, str | None]:
    """The same, for an admin.

    Raises:
        NotFound: no such region, or not his.
    """
    await _must_reach(actor, region)
    return await of_region(region)


async def put(actor: AdminActor, region: str, policy: Policy, now: datetime) -> None:
    """Give a region a policy of its own; members are measured by it at their next check.

    Raises:
        NotFound: no such region, or not his.
    """
    await _must_reach(actor, region)
    async with transaction():
        # Two who change it at once: the audit says what each found.
        await execute("SELECT 1 FROM region_policies WHERE region_id = $1 FOR UPDATE", region)
        before, _ = await of_region(region)
        await execute(
            f"INSERT INTO region_policies (region_id, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT (region_id) DO UPDATE SET min_grade = $2, review_levels = $3,"
            " complaint_answer_days = $4, complaint_limit = $5, complaint_window_days = $6",
            *(region, *asdict(policy).values()),
        )
        await audit_log.record(
            audit_log.who(actor),
            "policy.set",
            ("region", region),
            now,
            region=region,
            before=asdict(before),
            after=asdict(policy),
        )


async def _must_reach(actor: AdminActor, region: str) -> None:
    row = await fetch_one("SELECT 1 FROM regions WHERE code = $1", region)
    if row is None or not region.startswith(subtree_prefix(actor.region)):
        raise NotFound
