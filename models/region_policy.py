"""What a region asks of its members, as data: never in code."""

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model


class RegionPolicy(Model):
    """The policy of a region; one without a row follows its parent, and the province has one.

    `min_grade` is the lowest organisation grade that may join and stay (the ladder of `TierLevel`). `review_levels`
    is 2 where the county and then the city review an application, 1 where one of them does. `complaint_answer_days`
    is how many working days a member has to answer; `complaint_limit` upheld complaints within `complaint_window_days` suspend it.
    """

    region_id = fields.CharField(max_length=6, primary_key=True)
    min_grade = fields.SmallIntField()
    review_levels = fields.SmallIntField()
    complaint_answer_days = fields.SmallIntField()
    complaint_limit = fields.SmallIntField()
    complaint_window_days = fields.SmallIntField()

    class Meta:
        table = "region_policies"
        constraints = (
            CheckConstraint(check="min_grade BETWEEN 1 AND 5", name="region_policies_grade_known"),
            CheckConstraint(
                check="review_levels BETWEEN 1 AND 2", name="region_policies_review_levels_known"
            ),
            CheckConstraint(
                check="complaint_answer_days BETWEEN 1 AND 60 AND complaint_limit BETWEEN 1 AND 100"
                " AND complaint_window_days BETWEEN 1 AND 3660",
                name="region_policies_complaints_sane",
            ),
        )
