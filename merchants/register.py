"""公示: who is in the alliance and who was taken out of it, for everybody; organisations only, no person's data."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common.database import Row, fetch_all
from common.ids import AFTER_ALL
from models.enums import Category, MemberKind
from models.region import subtree_prefix

# What somebody types to find an organisation: a part of its name, or the whole USCC, small letters or capitals. '' finds all.
FOUND_BY = "(strpos(lower(name), lower({0})) > 0 OR uscc = upper({0}))"


async def members(
    region: str | None,
    kind: MemberKind | None,
    sector: Category | None,
    name: str,
    before: UUID | None,
    limit: int,
) -> Sequence[Row]:
    """Active members, the last id first; `before` is the last id of the page before.

    Args:
        region: with everything below it.
        name: a part of the member's name.
    """
    return await fetch_all(
        "SELECT id, name, kind, sector, region_id, joined_at FROM members"
        " WHERE status = 'active' AND id < $1 AND region_id LIKE $2 || '%' AND kind = ANY ($3)"
        " AND coalesce(sector, '') = ANY ($4) AND strpos(lower(name), lower($5)) > 0 ORDER BY id DESC LIMIT $6",
        *(before or AFTER_ALL, subtree_prefix(region) if region else "", [kind] if kind else [*MemberKind]),
        *([sector] if sector else [*Category, ""], name, limit),
    )


async def removals(before: tuple[datetime, UUID] | None, limit: int, now: datetime) -> Sequence[Row]:
    """Who is suspended or has left, the newest first, with the causes that hold; what was lifted is not told on."""
    at, member_id = before or (now, AFTER_ALL)
    return await fetch_all(
        "SELECT m.id, m.name, m.kind, m.region_id, m.status, m.status_since,"
        " ARRAY(SELECT s.cause FROM suspensions s WHERE s.member_id = m.id AND s.lifted_at IS NULL ORDER BY s.id) AS causes"
        " FROM members m WHERE m.status <> 'active' AND (m.status_since, m.id) < ($1, $2)"
        " ORDER BY m.status_since DESC, m.id DESC LIMIT $3",
        *(at, member_id, limit),
    )
