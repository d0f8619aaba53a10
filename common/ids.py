"""Ids: random where they must not be guessed or tell a time, ordered by time where a table grows."""

import secrets
from datetime import datetime
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

# Sorts after every id: where a list begins that goes backwards.
AFTER_ALL = UUID(int=(1 << 128) - 1)


def new_id() -> UUID:
    """An id that sorts by the time of its making (UUID v7, RFC 9562): new rows stay together on disk."""
    return uuid7()


def id_at(moment: datetime) -> UUID:
    """Sorts before every id of `new_id` from this moment on, and after all that were made earlier."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def ms_of(id_: UUID) -> int:
    """When an id of `new_id` was made, by its maker's clock: milliseconds since 1970."""
    return id_.int >> 80


def new_subject_id() -> UUID:
    """A citizen's id: random through and through (UUID v4), so that it tells nothing, not even since when."""
    return uuid4()


def new_coupon_number() -> int:
    """What a coupon's codes carry in place of its id: cell 0 (two bytes), then six random bytes."""
    return secrets.randbits(48)
