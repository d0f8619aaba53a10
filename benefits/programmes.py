"""信易+ 产品: what offers are grouped by."""

from collections.abc import Sequence

from common.database import Row, fetch_all
from models.enums import Category


async def listed(category: Category | None, after: str, limit: int) -> Sequence[Row]:
    """Programmes in the order of their codes; `after` is the last code of the page before."""
    return await fetch_all(
        "SELECT code, name, category, summary FROM programmes WHERE code > $1 AND category = ANY ($2)"
        " ORDER BY code LIMIT $3",
        *(after, [category] if category else [*Category], limit),
    )
