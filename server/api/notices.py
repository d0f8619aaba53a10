"""A notice as its reader sees it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from json import loads
from uuid import UUID

from common.database import Row
from models.notice_texts import text_of
from server.schemas import Moment, Out, Page, page_of


class Thing(StrEnum):
    """What a notice can be about."""

    COMPLAINT = "complaint"
    OBJECTION = "objection"
    COUPON = "coupon"
    OFFER = "offer"
    WEBHOOK = "webhook"


class AboutOut(Out):
    """What to open when the notice is touched."""

    kind: Thing
    id: UUID


class NoticeOut(Out):
    """What was told, in both languages; `read_at` is null until it was marked as read.

    `about` is null where there is nothing to open.
    """

    id: UUID
    kind: str
    text_zh: str
    text_en: str
    facts: dict[str, str | int | bool | None]
    about: AboutOut | None
    noticed_at: Moment
    read_at: Moment | None


def notice_page(rows: Sequence[Row], limit: int) -> Page[NoticeOut]:
    """A page of notices."""
    return page_of(Page[NoticeOut], rows, limit, notice, lambda row: (row["id"],))


def notice(row: Row) -> NoticeOut:
    """One notice."""
    facts = loads(row["facts"])
    return NoticeOut(
        id=row["id"],
        kind=row["kind"],
        text_zh=text_of(row["kind"], facts, "zh"),
        text_en=text_of(row["kind"], facts, "en"),
        facts=facts,
        about=_about(facts),
        noticed_at=row["noticed_at"],
        read_at=row["read_at"],
    )


def _about(facts: Mapping[str, str]) -> AboutOut | None:
    """The first of the things that its facts name."""
    return next(
        (AboutOut(kind=each, id=UUID(facts[f"{each}_id"])) for each in Thing if f"{each}_id" in facts), None
    )
