"""A complaint as its three readers see it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import Field

from alliance.complaint_files import ComplaintFile
from common.clock import local_day
from common.working_days import is_published
from models.office_enums import ComplaintKind, ComplaintStatus
from server.api.due_notes import DueNote, due_note
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, decode_cursor, page_of

Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class ComplaintOut(Out):
    """What it is about, how far it has come, and what was written; texts are null where they were erased.

    The member has until `answer_due_at` (exclusive), the working days of its region's policy. Who complained is not in it.
    """

    id: UUID
    store_id: UUID
    store_name: str | None
    offer_id: UUID | None
    redemption_id: UUID | None
    attempt_id: UUID | None
    kind: ComplaintKind
    status: ComplaintStatus
    text: str | None
    complained_at: Moment
    answer_due_at: Moment
    due_note: DueNote
    answer: str | None
    answered_at: Moment | None
    overdue_at: Moment | None
    decision_reason: str | None
    decided_at: Moment | None
    withdrawn_at: Moment | None


class OfficeComplaintOut(ComplaintOut):
    """The same with the member and the region, for an alliance office."""

    member_id: UUID
    member_name: str | None
    region: str


class ComplaintQuery(PageQuery):
    """Which ones; all without a status."""

    status: ComplaintStatus | None = None


class ReasonIn(In):
    """Why; citizen and member read it. No names or numbers of persons belong here."""

    reason: Reason


OutT = TypeVar("OutT", bound=ComplaintOut)


def place_of(query: PageQuery) -> UUID | None:
    """The last id of the page before."""
    found: UUID | None = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return found


def answer_due_note(due_at: datetime) -> str | None:
    """Says so as long as the calendar that the time to answer runs into is not published; the date given stands."""
    return due_note(is_certain=is_published(local_day(due_at - timedelta(microseconds=1))))


def complaint_out(out: type[OutT], file: ComplaintFile) -> OutT:
    """One complaint, as its reader sees it."""
    return out.model_validate({**asdict(file), "due_note": answer_due_note(file.answer_due_at)})


def complaint_page(out: type[OutT], files: Sequence[ComplaintFile], limit: int) -> Page[OutT]:
    """A page of complaints."""
    return page_of(
        Page[out],  # type: ignore[valid-type]
        files,
        limit,
        lambda file: complaint_out(out, file),
        lambda file: (file.id,),
    )
