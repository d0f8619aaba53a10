"""What a region asks of its members; a region without a policy of its own follows its parent."""

from dataclasses import dataclass

from common.database import fetch_one


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy that holds in a region; see `models.region_policy`."""

    min_grade: int
    review_levels: int
    complaint_answer_days: int
    complaint_limit: int
    complaint_window_days: int


DEFAULT = Policy(
    min_grade=3, review_levels=2, complaint_answer_days=5, complaint_limit=3, complaint_window_days=180
)


async def policy_of(region_id: str) -> Policy:
    """The policy of the nearest region upwards that has one, `DEFAULT` where none has."""
    row = await fetch_one(
        "SELECT min_grade, review_levels, complaint_answer_days, complaint_limit, complaint_window_days"
        " FROM region_policies WHERE region_id = ANY ($1) ORDER BY region_id DESC LIMIT 1",
        [region_id, f"{region_id[:4]}00", f"{region_id[:2]}0000"],
    )
    return DEFAULT if row is None else Policy(**row)
