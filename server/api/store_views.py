"""How a store's hours and closures are told, the same for every audience."""

from datetime import date
from typing import Annotated

from pydantic import Field

from merchants.opening_hours import DAY, Span
from models.enums import ClosureReason
from server.schemas import In, Out

Minute = Annotated[int, Field(ge=0, le=DAY)]


class HoursOut(Out):
    """Open on a weekday (1 Monday to 7) from a minute of the day until another (exclusive), Asia/Shanghai."""

    weekday: int
    open_minute: int
    close_minute: int


class HoursIn(In):
    """One span of a weekday (1 Monday to 7), half-open, in minutes of the day; split a night at midnight."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    open_minute: Minute
    close_minute: Minute

    def as_span(self) -> Span:
        """The plain value."""
        return Span(self.weekday, self.open_minute, self.close_minute)


class ClosureOut(Out):
    """Days, both included, on which the store is closed, and why."""

    first_day: date
    last_day: date
    reason: ClosureReason
