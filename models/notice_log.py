"""Telling members and citizens something, once for each cause; reading what they were told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from json import dumps
from typing import Literal
from uuid import UUID

from common.database import Row, execute, fetch_all
from common.errors import NotFound
from common.ids import AFTER_ALL, new_id
from models.notice_texts import text_of

Reader = Literal["member", "citizen"]


async def tell(
    reader: Reader, reader_id: UUID, kind: str, once_key: str, facts: Mapping[str, object], now: datetime
) -> bool:
    """Write a notice into the transaction of its cause; False when the cause was told before.

    Args:
        kind: one of `models.notice_texts`.
        once_key: names the cause, such as `coupon_revoked:<id>`.
        facts: what the kind's sentence needs.
    """
    text_of(kind, dict(facts), "zh")  # a fact that is missing shows here and not when somebody reads
    return bool(
        await execute(
            f"INSERT INTO {reader}_notices (id, {reader}_id, kind, facts, once_key, noticed_at)"
            f" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ({reader}_id, once_key) DO NOTHING",
            *(new_id(), reader_id, kind, dumps(facts, ensure_ascii=False, default=str), once_key, now),
        )
    )


async def newest(reader: Reader, reader_id: UUID, before: UUID | None, limit: int) -> Sequence[Row]:
    """A reader's notices, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        f"SELECT id, kind, facts, noticed_at, read_at FROM {reader}_notices"
        f" WHERE {reader}_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        *(reader_id, before or AFTER_ALL, limit),
    )


async def mark_read(reader: Reader, reader_id: UUID, notice_id: UUID, now: datetime) -> None:
    """Remember that it was read; reading twice is reading once.

    Raises:
        NotFound: no such notice of this reader.
    """
    if not await execute(
        f"UPDATE {reader}_notices SET read_at = coalesce(read_at, $3) WHERE id = $1 AND {reader}_id = $2",
        *(notice_id, reader_id, now),
    ):
        raise NotFound
