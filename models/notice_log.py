"""Telling members and citizens something, once for each cause; reading what they were told.

A citizen's notice takes its messages (`models.message`) with it: one for each of his channel identities where he agreed
to messages and still accepts one of this kind, written by the statement that writes the notice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import dumps
from typing import Literal
from uuid import UUID

from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from common.ids import AFTER_ALL, id_at, new_id
from models.notice_texts import TEMPLATES, text_of

Reader = Literal["member", "citizen"]

KEEP_READ, KEEP_ALL = timedelta(days=90), timedelta(days=365)
# As many as a busy day makes are gone within a day.
FORGOTTEN_AT_ONCE, MOST_BATCHES = 5_000, 20

# In the order of the key, so that two processes never wait for each other crosswise.
TELL_CITIZENS = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
               AS asked (id, citizen_id, kind, facts, once_key)
), told AS (
    INSERT INTO citizen_notices (id, citizen_id, kind, facts, once_key, noticed_at)
    SELECT id, citizen_id, kind, facts, once_key, $6 FROM asked ORDER BY citizen_id, once_key
    ON CONFLICT (citizen_id, once_key) DO NOTHING
    RETURNING id, citizen_id, kind
), written AS (
    INSERT INTO messages (notice_id, citizen_id, identity_id, channel, template, made_at, next_try_at)
    SELECT told.id, told.citizen_id, i.id, i.channel, t.template, $6, $6
      FROM told
      JOIN unnest($7::text[], $8::text[]) AS t (kind, template) ON t.kind = told.kind
     CROSS JOIN LATERAL (
        SELECT FROM consents WHERE citizen_id = told.citizen_id AND purpose = 'notices' AND withdrawn_at IS NULL
         LIMIT 1) agreed
     CROSS JOIN LATERAL (
        SELECT id, channel FROM channel_identities
         WHERE citizen_id = told.citizen_id AND subject_encrypted IS NOT NULL ORDER BY id LIMIT 10) i
     CROSS JOIN LATERAL (
        SELECT FROM message_quotas q WHERE q.citizen_id = told.citizen_id AND q.channel = i.channel
            AND q.template = t.template AND q.accepted > 0 LIMIT 1) accepted
)
SELECT count(*) AS told FROM told
"""


@dataclass(frozen=True, slots=True)
class News:
    """What one citizen is told; `kind`, `once_key` and `facts` as `tell` takes them."""

    citizen_id: UUID
    kind: str
    once_key: str
    facts: Mapping[str, object]


async def tell(
    reader: Reader, reader_id: UUID, kind: str, once_key: str, facts: Mapping[str, object], now: datetime
) -> bool:
    """Write a notice into the transaction of its cause; False when the cause was told before.

    Args:
        kind: one of `models.notice_texts`.
        once_key: names the cause, such as `coupon_revoked:<id>`.
        facts: what the kind's sentence needs.
    """
    if reader == "citizen":
        return await tell_citizens([News(reader_id, kind, once_key, facts)], now) == 1
    return bool(
        await execute(
            "INSERT INTO member_notices (id, member_id, kind, facts, once_key, noticed_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (member_id, once_key) DO NOTHING",
            *(new_id(), reader_id, kind, _text(kind, facts), once_key, now),
        )
    )


async def tell_citizens(news: Sequence[News], now: datetime) -> int:
    """Write notices and their messages into the transaction of their causes; how many were not told before."""
    row = await fetch_one(
        TELL_CITIZENS,
        [new_id() for _ in news],
        [each.citizen_id for each in news],
        [each.kind for each in news],
        [_text(each.kind, each.facts) for each in news],
        [each.once_key for each in news],
        *(now, list(TEMPLATES), list(TEMPLATES.values())),
    )
    assert row is not None
    told: int = row["told"]
    return told


def _text(kind: str, facts: Mapping[str, object]) -> str:
    text_of(kind, dict(facts), "zh")  # a fact that is missing shows here and not when somebody reads
    return dumps(facts, ensure_ascii=False, default=str)


async def newest(
    reader: Reader, reader_id: UUID, before: UUID | None, limit: int, kind: str | None = None
) -> Sequence[Row]:
    """A reader's notices, newest first; `before` is the last id of the page before, `kind` the only one wanted."""
    return await fetch_all(
        f"SELECT id, kind, facts, noticed_at, read_at FROM {reader}_notices"
        f" WHERE {reader}_id = $1 AND id < $2 AND ($4::text IS NULL OR kind = $4) ORDER BY id DESC LIMIT $3",
        *(reader_id, before or AFTER_ALL, limit, kind),
    )


async def one(citizen_id: UUID, notice_id: UUID) -> Row:
    """One notice of a citizen.

    Raises:
        NotFound: no such notice of his.
    """
    row = await fetch_one(
        "SELECT id, kind, facts, noticed_at, read_at FROM citizen_notices WHERE id = $1 AND citizen_id = $2",
        *(notice_id, citizen_id),
    )
    if row is None:
        raise NotFound
    return row


async def unread(citizen_id: UUID) -> int:
    """How many of a citizen's notices he has not read."""
    row = await fetch_one(
        "SELECT count(*) AS unread FROM citizen_notices WHERE citizen_id = $1 AND read_at IS NULL", citizen_id
    )
    assert row is not None
    count: int = row["unread"]
    return count


async def mark_all_read(citizen_id: UUID, up_to: UUID, now: datetime) -> int:
    """Remember that a citizen read everything up to a notice, which he saw; how many that were."""
    return await execute(
        "UPDATE citizen_notices SET read_at = $3 WHERE citizen_id = $1 AND id <= $2 AND read_at IS NULL",
        *(citizen_id, up_to, now),
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


async def overdue(now: datetime) -> int:
    """How many notices `forget_old` would delete, called until it finds none."""
    row = await fetch_one(
        "SELECT (SELECT count(*) FROM citizen_notices WHERE read_at < $1 AND read_at > '2000-01-01 00:00:00+00')"
        " + (SELECT count(*) FROM citizen_notices WHERE id < $2 AND (read_at IS NULL OR read_at >= $1)) AS rows",
        *(now - KEEP_READ, id_at(now - KEEP_ALL)),
    )
    assert row is not None
    return int(row["rows"])


async def forget_old(now: datetime) -> int:
    """Delete citizens' notices that were read three months ago, and all that are a year old, with their messages.

    Their causes are long over: none of them comes again. The background process calls it.
    """
    forgotten = 0
    for _ in range(MOST_BATCHES):
        read = await _forget(
            "SELECT id FROM citizen_notices WHERE read_at < $1 AND read_at > '2000-01-01 00:00:00+00'"
            " ORDER BY read_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            now - KEEP_READ,
        )
        old = await _forget(
            "SELECT id FROM citizen_notices WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
            id_at(now - KEEP_ALL),
        )
        forgotten += read + old
        if max(read, old) < FORGOTTEN_AT_ONCE:
            break
    return forgotten


async def _forget(which: str, before: datetime | UUID) -> int:
    async with transaction():
        ids = [row["id"] for row in await fetch_all(which, before, FORGOTTEN_AT_ONCE)]
        await execute("DELETE FROM messages WHERE notice_id = ANY ($1)", ids)
        return await execute("DELETE FROM citizen_notices WHERE id = ANY ($1)", ids)
