"""Rows that become members, taken over from an alliance that is there already: active from the day they joined on."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alliance.import_cells import Cells, Row, RowError
from common.clock import start_of
from common.database import execute, fetch_all
from models.enums import MemberKind

COLUMNS = ("kind", "name", "uscc", "region", "joined_on")
EXAMPLE = ("merchant", "杭州示例百货有限公司", "91330106XY0000017X", "330106", "2025-03-10")
KNOWN = "SELECT uscc FROM members WHERE uscc = ANY ($1)"
REGIONS = "SELECT code, code LIKE $2 || '%' AS is_ours FROM regions WHERE code = ANY ($1)"
# Nobody checked them: that is done at once, and every night from then on.
WRITE = """
WITH made AS (
    INSERT INTO members (id, kind, name, uscc, region_id, status, joined_at)
    SELECT r.id, r.kind, r.name, r.uscc, r.region, 'active', coalesce(r.joined_at::timestamptz, $6)
      FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $7::text[])
           AS r (id, kind, name, uscc, region, joined_at)
    RETURNING id
)
INSERT INTO member_rechecks (member_id, due_at) SELECT id, $6 FROM made
"""


def read(cells: Cells) -> dict[str, object]:
    """The values of a row."""
    joined_on = cells.day("joined_on")
    return {
        "kind": cells.choice("kind", MemberKind),
        "name": cells.text("name", 128),
        "uscc": cells.code_of_member("uscc"),
        "region": cells.text("region", 6),
        "joined_at": start_of(joined_on).isoformat() if joined_on else None,
    }


def key(content: dict[str, object]) -> tuple[str, object]:
    """What no two rows of a file may share, and its column."""
    return "uscc", content["uscc"]


async def check(rows: Sequence[Row], prefix: str) -> list[RowError]:
    """What the database says against the rows.

    Args:
        prefix: the digits of the region that the import is bounded by.
    """
    known = {row["uscc"] for row in await fetch_all(KNOWN, [row.content["uscc"] for row in rows])}
    return [
        *(RowError(row.number, "uscc", "member_exists") for row in rows if row.content["uscc"] in known),
        *await region_errors(rows, prefix),
    ]


async def region_errors(rows: Sequence[Row], prefix: str) -> list[RowError]:
    """Regions that are not there, or not below the import's."""
    found = await fetch_all(REGIONS, [*{row.content["region"] for row in rows}], prefix)
    ours = {row["code"]: row["is_ours"] for row in found}
    return [
        RowError(row.number, "region", "region_not_yours" if region in ours else "region_unknown")
        for row in rows
        for region in (row.content["region"],)
        if not ours.get(region)
    ]


async def write(rows: Sequence[Row], ids: Sequence[UUID], now: datetime) -> None:
    """Make the members, inside the import's transaction."""
    column = {
        name: [row.content[name] for row in rows] for name in ("kind", "name", "uscc", "region", "joined_at")
    }
    await execute(
        WRITE,
        *(ids, column["kind"], column["name"], column["uscc"], column["region"], now, column["joined_at"]),
    )
