"""An objection as whoever filed it and an office see it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from alliance.objection_files import ObjectionFile
from alliance.objections import Filed
from common.database import Row
from models.citizen_enums import ObjectionAbout, ObjectionEvent, ObjectionKind, ObjectionStatus
from models.enums import ActorKind
from server.api.due_notes import DueNote, due_note
from server.endpoints import Answer
from server.schemas import In, Moment, Out, Page, page_of

Plea = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


class FiledOut(Out):
    """The objection; it is answered before `due_at` (exclusive), five working days later."""

    id: UUID
    status: ObjectionStatus
    filed_at: Moment
    due_at: Moment
    due_note: DueNote


class ObjectionOut(Out):
    """What it is about and how far it has come; texts are null where they were erased.

    `recorded_at` and `data_date` are of the record: when it was looked up, and as of when. While `closed_at` is null the
    record is marked as disputed.
    """

    id: UUID
    kind: ObjectionKind
    about: ObjectionAbout
    record_id: UUID
    region: str
    source: str | None
    source_record_id: str | None
    data_date: date | None
    recorded_at: Moment
    status: ObjectionStatus
    text: str | None
    filed_at: Moment
    due_at: Moment
    due_note: DueNote
    forwarded_at: Moment | None
    extended_at: Moment | None
    overdue_at: Moment | None
    answer: str | None
    answered_at: Moment | None
    closed_at: Moment | None


class StepOut(Out):
    """One thing that happened to it; `due_at` is the time limit since."""

    event: ObjectionEvent
    status: ObjectionStatus
    actor_kind: ActorKind
    happened_at: Moment
    due_at: Moment


class EvidenceOut(Out):
    """A file that bears it out."""

    id: UUID
    name: str
    media_type: str
    size: int = Field(description="字节 / bytes")
    stored_at: Moment


class ObjectionDetailOut(ObjectionOut):
    """The same with everything that happened, in order, and the evidence."""

    steps: list[StepOut]
    evidence: list[EvidenceOut]


class ReasonIn(In):
    """Why; whoever filed it reads it. No names or numbers of persons belong here."""

    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


def filed_answer(filed: Filed) -> Answer:
    """What filing is answered with."""
    note = due_note(is_certain=filed.is_due_certain)
    out = FiledOut(
        id=filed.id, status=filed.status, filed_at=filed.filed_at, due_at=filed.due_at, due_note=note
    )
    return Answer(201, out, replayed=filed.is_replayed)


def facts_of(file: ObjectionFile) -> Mapping[str, Any]:
    """The fields of an objection as it is shown."""
    return {**asdict(file), "due_note": due_note(is_certain=file.is_due_certain)}


def objection_page(files: Sequence[ObjectionFile], limit: int) -> Page[ObjectionOut]:
    """A page of one's own."""
    return page_of(
        Page[ObjectionOut],
        files,
        limit,
        lambda file: ObjectionOut.model_validate(facts_of(file)),
        lambda file: (file.id,),
    )


def detail_of(file: ObjectionFile, steps: Sequence[Row], evidence: Sequence[Row]) -> ObjectionDetailOut:
    """One of one's own."""
    return ObjectionDetailOut.model_validate(
        {
            **facts_of(file),
            "steps": [dict(step) for step in steps],
            "evidence": [dict(each) for each in evidence],
        }
    )
