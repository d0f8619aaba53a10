"""Which columns hold sealed personal data, and sealing them anew when the keys have changed, while others read and write.

A value is replaced only as long as it is what was read: whoever changes it meanwhile wins, and his value is looked at
in the next pass. Killed at any moment, nothing is half done; started again, it goes on with what is left.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog

from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all

log = structlog.get_logger()

AT_ONCE = 500
MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One column; `context` is what its values are bound to (`common.crypto`), `key` its table's primary key."""

    table: str
    key: str
    column: str
    context: str


SEALED = (
    SealedColumn("natural_persons", "citizen_id", "name_encrypted", "natural_persons.name"),
    SealedColumn("natural_persons", "citizen_id", "id_number_encrypted", "natural_persons.id_number"),
    SealedColumn("citizen_phones", "citizen_id", "phone_encrypted", "citizen_phones.phone"),
    SealedColumn("channel_identities", "id", "subject_encrypted", "channel_identities.subject"),
    SealedColumn("member_applications", "id", "contact_name", "member_applications.contact_name"),
    SealedColumn("member_applications", "id", "contact_phone", "member_applications.contact_phone"),
    SealedColumn("commitments", "id", "signer", "commitments.signer"),
    SealedColumn("admins", "id", "totp_encrypted", "admins.totp"),
    SealedColumn("complaint_texts", "complaint_id", "text_encrypted", "complaint_texts.text"),
    SealedColumn("complaint_texts", "complaint_id", "answer_encrypted", "complaint_texts.answer"),
    SealedColumn("complaint_texts", "complaint_id", "decision_encrypted", "complaint_texts.decision"),
    SealedColumn("objection_texts", "objection_id", "text_encrypted", "objection_texts.text"),
    SealedColumn("objection_texts", "objection_id", "answer_encrypted", "objection_texts.answer"),
    SealedColumn("declaration_texts", "declaration_id", "text_encrypted", "declaration_texts.text"),
    SealedColumn("declaration_texts", "declaration_id", "refusal_encrypted", "declaration_texts.refusal"),
    SealedColumn("guardianship_requests", "id", "name_encrypted", "guardianship_requests.name"),
    SealedColumn("guardianship_requests", "id", "id_number_encrypted", "guardianship_requests.id_number"),
    SealedColumn("webhooks", "id", "secret_encrypted", "webhooks.secret_encrypted"),
)


@dataclass(slots=True)
class Tally:
    """What one pass over a column has found so far; values are counted by the id of the key that they name."""

    values: int = 0
    sealed: int = 0
    unreadable: int = 0
    by_key: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Count another column's as well."""
        self.values += other.values
        self.sealed += other.sealed
        self.unreadable += other.unreadable
        self.by_key += other.by_key


async def seal_anew(
    where: SealedColumn, keys: PersonalDataKeys, *, is_dry_run: bool = False
) -> AsyncIterator[Tally]:
    """Seal a column's values with today's suite and first key; the tally after each batch, the same object every time.

    Args:
        is_dry_run: only count what would be.
    """
    tally, after = Tally(), None
    while rows := await _batch(where, after):
        after = rows[-1]["key"]
        fresh = [new for row in rows if (new := _fresh(row, where, keys, tally)) is not None]
        if fresh and not is_dry_run:
            tally.sealed += await _replace(where, fresh)
        else:
            tally.sealed += len(fresh)
        yield tally
    yield tally


async def _batch(where: SealedColumn, after: UUID | int | None) -> Sequence[Row]:
    beyond = f"WHERE {where.key} > $2 " if after is not None else ""
    return await fetch_all(
        f"SELECT {where.key} AS key, {where.column} AS stored FROM {where.table}"
        f" {beyond}ORDER BY {where.key} LIMIT $1",
        *((AT_ONCE, after) if after is not None else (AT_ONCE,)),
    )


def _fresh(
    row: Row, where: SealedColumn, keys: PersonalDataKeys, tally: Tally
) -> tuple[UUID | int, bytes, bytes] | None:
    """What a value becomes, or nothing where it stays."""
    stored: bytes | None = row["stored"]
    if stored is None:
        return None
    tally.values += 1
    tally.by_key[keys.key_id_of(stored)] += 1
    if keys.is_current(stored):
        return None
    try:
        text = keys.decrypt(stored, where.context)
    except ValueError:
        tally.unreadable += 1
        log.warning("sealed_value_unreadable", table=where.table, column=where.column, key=str(row["key"]))
        return None
    return row["key"], stored, keys.encrypt(text, where.context)


async def _replace(where: SealedColumn, fresh: list[tuple[UUID | int, bytes, bytes]]) -> int:
    kind = "uuid" if isinstance(fresh[0][0], UUID) else "bigint"
    for attempt in range(MOST_TRIES):
        try:
            return await execute(
                f"UPDATE {where.table} t SET {where.column} = fresh.new"
                f" FROM unnest($1::{kind}[], $2::bytea[], $3::bytea[]) AS fresh (key, old, new)"
                f" WHERE t.{where.key} = fresh.key AND t.{where.column} = fresh.old",
                *map(list, zip(*fresh, strict=True)),
            )
        except asyncpg.DeadlockDetectedError:  # somebody changes two of them in another order
            if attempt == MOST_TRIES - 1:
                raise
    raise AssertionError("unreachable: the last try returns or raises")
