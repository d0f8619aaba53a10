"""What is said beside a time limit of working days that runs into a year whose calendar is not published yet."""

from typing import Annotated

from pydantic import Field

ESTIMATED = "该年度的放假安排还没有公布，按周一至周五估算。 / Estimated as Monday to Friday: that year's holidays are not announced yet."
DueNote = Annotated[
    str | None, Field(description="期限是估算的时候说明原因 / says so where the date is an estimate")
]


def due_note(*, is_certain: bool) -> str | None:
    """Nothing where the date is certain."""
    return None if is_certain else ESTIMATED
