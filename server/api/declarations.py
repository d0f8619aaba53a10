"""A self-declared record as its citizen and an office see it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from models.citizen_enums import DeclarationKind, DeclarationStatus
from server.schemas import Moment, Out

Hours = Annotated[int, Field(ge=1, le=8784, description="志愿服务小时数 / hours of voluntary service")]


class DeclarationOut(Out):
    """What was declared and how far it has come; valid until the end of `valid_until`, once it is accepted.

    It gives no tier and denies nothing. `is_disputed`: an objection to its refusal is open.
    """

    id: UUID
    kind: DeclarationKind
    region: str
    status: DeclarationStatus
    happened_on: date
    hours: int | None
    text: str | None
    may_forward: bool
    begun_at: Moment
    submitted_at: Moment | None
    decided_at: Moment | None
    refusal: str | None
    valid_until: date | None
    is_valid: bool
    is_disputed: bool
    forwarded_at: Moment | None
