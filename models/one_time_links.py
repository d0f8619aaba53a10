"""Making and using links and codes that are good once; only their hash is kept."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from common.database import execute, fetch_one
from common.errors import Unauthenticated
from common.ids import new_id
from models.office_enums import LinkPurpose

SECRET_BYTES = 32


class LinkInvalid(Unauthenticated):
    """Never made, used before, or too old: the three are not told apart."""

    code = "link_invalid"
    zh = "这个链接或配对码无效、已用过或已过期。请向发给您的人重新要一个。"
    en = "This link or code is not valid, was used before, or is too old. Ask whoever gave it to you for a new one."


def new_secret() -> str:
    """What nobody guesses, URL-safe."""
    return secrets.token_urlsafe(SECRET_BYTES)


async def make(
    purpose: LinkPurpose, subject_id: UUID, good_for: timedelta, now: datetime, secret: str | None = None
) -> str:
    """A fresh secret that opens `subject_id` once; those made before for the same purpose are good no more.

    Args:
        secret: one that was made elsewhere, for instance a code that people type; hardly guessable.

    Returns:
        the secret, URL-safe by default, shown once.
    """
    secret = secret or new_secret()
    await execute(
        "UPDATE one_time_links SET used_at = $3 WHERE subject_id = $1 AND purpose = $2 AND used_at IS NULL",
        *(subject_id, purpose, now),
    )
    await execute(
        "INSERT INTO one_time_links (id, purpose, subject_id, secret_hash, made_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *(new_id(), purpose, subject_id, _hash(secret), now, now + good_for),
    )
    return secret


async def subject_of(purpose: LinkPurpose, secret: str, now: datetime) -> UUID:
    """What a link would open; nothing is burnt.

    Raises:
        LinkInvalid: it is not good (any more).
    """
    row = await fetch_one(
        "SELECT subject_id FROM one_time_links WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL"
        " AND expires_at > $3",
        *(_hash(secret), purpose, now),
    )
    if row is None:
        raise LinkInvalid
    subject_id: UUID = row["subject_id"]
    return subject_id


async def use(purpose: LinkPurpose, secret: str, now: datetime) -> UUID:
    """Burn a link, in the transaction of what it allows; whose it is.

    Raises:
        LinkInvalid: it is not good (any more).
    """
    row = await fetch_one(
        "UPDATE one_time_links SET used_at = $3 WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL"
        " AND expires_at > $3 RETURNING subject_id",
        *(_hash(secret), purpose, now),
    )
    if row is None:
        raise LinkInvalid
    subject_id: UUID = row["subject_id"]
    return subject_id


async def whose(purpose: LinkPurpose, secret: str, now: datetime) -> UUID:
    """Whom a link would open now; it is not burnt by the question.

    Raises:
        LinkInvalid: nobody.
    """
    row = await fetch_one(
        "SELECT subject_id FROM one_time_links WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL"
        " AND expires_at > $3",
        *(_hash(secret), purpose, now),
    )
    if row is None:
        raise LinkInvalid
    subject_id: UUID = row["subject_id"]
    return subject_id


async def forget(subject_id: UUID, now: datetime) -> None:
    """End every link of a subject, for instance of somebody whose rights were taken away."""
    await execute(
        "UPDATE one_time_links SET used_at = $2 WHERE subject_id = $1 AND used_at IS NULL", subject_id, now
    )


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
