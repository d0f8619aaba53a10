"""What applicants, members and admins see of checks, suspensions and promises: the same everywhere."""

from datetime import date
from json import loads
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from common.database import Row
from models.enums import CheckFinding, PromiseCause, PromiseOutcome, SuspensionCause
from server.schemas import Moment, Out

Uscc = Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", description="统一社会信用代码 / GB 32100")]
SearchText = Annotated[
    str,
    Field(
        max_length=64,
        description="名称的一部分，或完整的统一社会信用代码 / a part of the name, or the whole USCC",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class CheckOut(Out):
    """One dated answer of the credit platform about an organisation."""

    id: UUID
    source: str
    checked_at: Moment
    finding: CheckFinding
    grade: int | None = Field(description="1–5，5 为优秀 / 5 is the best; null: none or no answer")
    min_grade: int
    is_dishonest: bool | None
    is_white_listed: bool
    data_date: date | None
    is_disputed: bool = Field(default=False, description="有异议正在处理 / an objection to it is open")


class SuspensionOut(Out):
    """One cause for which the member is or was suspended."""

    id: UUID
    cause: SuspensionCause
    facts: dict[str, Any]
    suspended_at: Moment
    lifted_at: Moment | None
    is_disputed: bool = Field(default=False, description="有异议正在处理 / an objection to it is open")


class PromiseOut(Out):
    """A promise that was kept or broken, and what showed it."""

    id: UUID
    commitment_id: UUID | None
    outcome: PromiseOutcome
    cause: PromiseCause
    cause_id: str
    note: str
    recorded_at: Moment


class DocumentOut(Out):
    """A document of an application."""

    id: UUID
    name: str
    media_type: str
    size: int = Field(description="字节 / bytes")
    stored_at: Moment


def check_out(row: Row, disputed: frozenset[UUID] = frozenset()) -> CheckOut:
    """A check as it is shown; one that is contested says so (rule 8)."""
    return CheckOut.model_validate({**dict(row), "is_disputed": row["id"] in disputed})


def suspension_out(row: Row, disputed: frozenset[UUID] = frozenset()) -> SuspensionOut:
    """A suspension as it is shown; one that is contested says so (rule 8)."""
    facts = {"facts": loads(row["facts"]), "is_disputed": row["id"] in disputed}
    return SuspensionOut.model_validate({**dict(row), **facts})


def promise_out(row: Row) -> PromiseOut:
    """A promise as it is shown."""
    return PromiseOut.model_validate(dict(row))


def document_out(row: Row) -> DocumentOut:
    """A document as it is shown."""
    return DocumentOut.model_validate(dict(row))
