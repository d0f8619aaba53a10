"""A notice as its reader sees it."""

from collections.abc import Sequence
from json import loads
from uuid import UUID

from common.database import Row
from models.notice_texts import text_of
from server.schemas import Moment, Out, Page, page_of


class NoticeOut(Out):
    """What was told, in both languages; `read_at` is null until it was marked as read."""

    id: UUID
    kind: str
    text_zh: str
    text_en: str
    facts: dict[str, str | int | bool | None]
    noticed_at: Moment
    read_at: Moment | None


def notice_page(rows: Sequence[Row], limit: int) -> Page[NoticeOut]:
    """A page of notices."""
    return page_of(Page[NoticeOut], rows, limit, _shown, lambda row: (row["id"],))


def _shown(row: Row) -> NoticeOut:
    facts = loads(row["facts"])
    return NoticeOut(
        id=row["id"],
        kind=row["kind"],
        text_zh=text_of(row["kind"], facts, "zh"),
        text_en=text_of(row["kind"], facts, "en"),
        facts=facts,
        noticed_at=row["noticed_at"],
        read_at=row["read_at"],
    )
