"""行政区划: the regions that the alliance serves, as everybody chooses from them."""

from collections.abc import Sequence

from common.database import Row, fetch_all
from common.errors import Invalid
from models.enums import RegionLevel


class RegionUnknown(Invalid):
    """No such region, or not of a level that can be chosen there."""

    code = "region_unknown"
    pointer = "/region"
    zh = "没有这个地区，或者这里不能选这一级。请选择所在的县（市、区）；入盟申请也可以选设区市。"
    en = "There is no such region, or not of this level. Choose the county; an application may name a city too."


async def listed(level: RegionLevel | None, parent: str | None, after: str, limit: int) -> Sequence[Row]:
    """Regions in the order of their codes; `after` is the last code of the page before.

    Args:
        parent: only those directly below it.
    """
    return await fetch_all(
        "SELECT code, name, level, parent_id FROM regions"
        " WHERE code > $1 AND level = ANY ($2) AND ($3 = '' OR parent_id = $3) ORDER BY code LIMIT $4",
        *(after, [level] if level else [*RegionLevel], parent or "", limit),
    )
