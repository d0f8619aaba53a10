"""封存: every new record of a book goes under a signed Merkle root, and each root names the one before.

The books are the ledger (`benefits.ledger`) and the audit (`models.audit_book`). Each has a chain of its own, and the
signed text names the book's format, so that no seal of one can stand for one of the other.

Why no record is missed and none is sealed twice:

1. Records are taken by `entry`, which the database draws, and never by a clock or an id that a clock made.
2. Numbers are drawn before they are committed, so a smaller one may still come. A run reads the last number drawn,
   waits until every transaction that held a writer's lock on the book at that moment is over, and seals up to
   that number (`settled_entry`).
3. A seal begins behind the one before. Two sealers at once write the same number; the primary key lets one through.
4. A seal is one INSERT: a sealer that is killed leaves all of it or nothing.

A record that turns up below the sealed mark all the same was written by hand: the verifier names it.
"""

import asyncio
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import NamedTuple
from uuid import UUID

import asyncpg

from common.clock import rfc3339
from common.database import Row, constraint_of, execute, fetch_all, fetch_one
from common.merkle import leaf_hash, tree_root
from common.signing import Signer

# A proof reads all leaves of its seal: a thousand take about two milliseconds.
RECORDS_PER_SEAL = 1_000
BEFORE_ALL = bytes(32)
# No transaction of the service lives longer: five seconds for a statement, ten idle inside one.
PATIENCE_S = 15.0
POLL_S = 0.01

LEAF = struct.Struct(">cQ16s32s")
LARGEST = (1 << 63) - 1
HEADER = "number, first_entry, last_entry, records, root, previous, sealed_at, public_key, signature"

# Who may still commit a number that was drawn: whoever writes to a table holds this lock from before the first
# number until after the commit, also one that only was prepared (2PC). Readers and backups don't.
WRITERS = """
SELECT virtualtransaction, pid FROM pg_locks
 WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND relation IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS name)
"""


class Record(NamedTuple):
    """One record of a book: what a leaf says of it, and its line of JSON (ASCII only)."""

    kind: str
    entry: int
    id: UUID
    line: str

    @property
    def leaf(self) -> bytes:
        """What is sealed of it."""
        digest = sha256(self.line.encode()).digest()
        return LEAF.pack(self.kind.encode(), self.entry, self.id.bytes, digest)


@dataclass(frozen=True, slots=True)
class Book:
    """What is sealed: where its records are, and where its seals go.

    `format` begins the signed text. `tables` hold the records, which draw their `entry` from `sequence`; `seals` is the
    table of the seals. `read` gives the records with an entry above $1 and up to $2, at most $3, in order; `oldest` the
    time (`at`) of the first one above $1.
    """

    name: str
    format: str
    tables: tuple[str, ...]
    sequence: str
    seals: str
    read: str
    record_of: Callable[[Row], Record]
    oldest: str

    async def records_between(self, after: int, until: int, limit: int) -> Sequence[Record]:
        """Records with an entry above `after` and up to `until`, in order."""
        return [self.record_of(row) for row in await fetch_all(self.read, after, until, limit)]


class SealingWaits(Exception):
    """Somebody holds a transaction open in which he wrote to the book; sealing goes on when it has ended."""

    def __init__(self, pids: Sequence[int]) -> None:
        super().__init__(f"open transactions that wrote to it, by process id: {list(pids)}")
        self.pids = pids


@dataclass(frozen=True, slots=True)
class Seal:
    """What is published of one seal; `format` says of which book."""

    format: str
    number: int
    first_entry: int
    last_entry: int
    records: int
    root: bytes
    previous: bytes
    sealed_at: datetime
    public_key: bytes
    signature: bytes = b""

    @property
    def header(self) -> dict[str, str | int]:
        """What is signed, by name, in this order; hashes and keys in hexadecimal."""
        return {
            "format": self.format,
            "number": self.number,
            "first_entry": self.first_entry,
            "last_entry": self.last_entry,
            "records": self.records,
            "root": self.root.hex(),
            "previous": self.previous.hex(),
            "sealed_at": rfc3339(self.sealed_at),
            "public_key": self.public_key.hex(),
        }

    @property
    def signed_text(self) -> bytes:
        """The header as one line of JSON without blanks."""
        return dumps(self.header, separators=(",", ":")).encode()

    @property
    def hash(self) -> bytes:
        """What the next seal names as the one before it."""
        return sha256(self.signed_text).digest()

    @property
    def published(self) -> dict[str, str | int]:
        """The header and the signature over it."""
        return {**self.header, "signature": self.signature.hex()}


async def seal_new(book: Book, signer: Signer, at: datetime) -> int:
    """Seal every record that is there; how many it were.

    Raises:
        SealingWaits: an open transaction keeps the book from being sealed; nothing is lost.
    """
    until, sealed = await settled_entry(book), 0
    while True:
        head = await newest(book)
        records = await book.records_between(head.last_entry if head else 0, until, RECORDS_PER_SEAL)
        if not records:
            return sealed
        last = records[-1].entry if len(records) == RECORDS_PER_SEAL else until
        if not await _write(book, _next(book, head, records, last, signer, at), records):
            return sealed  # another sealer was faster
        sealed += len(records)


async def newest(book: Book) -> Seal | None:
    """The last seal."""
    row = await fetch_one(f"SELECT {HEADER} FROM {book.seals} ORDER BY number DESC LIMIT 1")
    return seal_of(book, row) if row else None


async def seals_after(book: Book, number: int, limit: int) -> Sequence[Seal]:
    """Seals in their order, behind the one of that number; 0 begins with the first."""
    rows = await fetch_all(
        f"SELECT {HEADER} FROM {book.seals} WHERE number > $1 ORDER BY number LIMIT $2", number, limit
    )
    return [seal_of(book, row) for row in rows]


async def unsealed_since(book: Book) -> datetime | None:
    """The business time of the oldest record that no seal covers."""
    head = await newest(book)
    row = await fetch_one(book.oldest, head.last_entry if head else 0)
    return row["at"] if row else None


def seal_of(book: Book, row: Row) -> Seal:
    """A row of `HEADER`."""
    return Seal(book.format, *(row[name] for name in HEADER.split(", ")))


async def drawn_entry(book: Book) -> int:
    """The last number that the database drew; it and smaller ones may not be committed yet."""
    row = await fetch_one(
        f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS entry FROM {book.sequence}"
    )
    assert row is not None
    drawn: int = row["entry"]
    return drawn


async def settled_entry(book: Book) -> int:
    """A number below which nothing new can appear: the last one drawn, once its transaction is over.

    Raises:
        SealingWaits: an open transaction may still write one.
    """
    drawn = await drawn_entry(book)
    # After the number, never before: a writer who draws in between would be overlooked.
    waited_for, until = await _writers(book), time.monotonic() + PATIENCE_S
    while waited_for:
        if time.monotonic() > until:
            raise SealingWaits(sorted(set(waited_for.values())))
        await asyncio.sleep(POLL_S)
        running = await _writers(book)
        waited_for = {who: pid for who, pid in waited_for.items() if who in running}
    return drawn


async def _writers(book: Book) -> dict[str, int]:
    return {row["virtualtransaction"]: row["pid"] for row in await fetch_all(WRITERS, [*book.tables])}


def _next(
    book: Book, head: Seal | None, records: Sequence[Record], last: int, signer: Signer, at: datetime
) -> Seal:
    unsigned = Seal(
        format=book.format,
        number=head.number + 1 if head else 1,
        first_entry=head.last_entry + 1 if head else 1,
        last_entry=last,
        records=len(records),
        root=tree_root([leaf_hash(record.leaf) for record in records]),
        previous=head.hash if head else BEFORE_ALL,
        # As it is published: milliseconds.
        sealed_at=at.replace(microsecond=at.microsecond // 1000 * 1000),
        public_key=signer.public_key,
    )
    return replace(unsigned, signature=signer.sign(unsigned.signed_text))


async def _write(book: Book, seal: Seal, records: Sequence[Record]) -> bool:
    try:
        await execute(
            f"INSERT INTO {book.seals} ({HEADER}, leaves) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            *(seal.number, seal.first_entry, seal.last_entry, seal.records, seal.root, seal.previous),
            *(seal.sealed_at, seal.public_key, seal.signature, b"".join(record.leaf for record in records)),
        )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) in (f"{book.seals}_pkey", f"{book.seals}_last_entry_once"):
            return False
        raise
    return True
