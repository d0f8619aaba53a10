"""封存: every new record of the ledger goes under a signed Merkle root, and each root names the one before.

Why no record is missed and none is sealed twice:

1. Records are taken by `entry`, which the database draws, and never by a clock or an id that a clock made.
2. Numbers are drawn before they are committed, so a smaller one may still come. A run reads the last number drawn,
   waits until every transaction that held a writer's lock on the ledger at that moment is over, and seals up to
   that number (`settled_entry`).
3. A seal begins behind the one before. Two sealers at once write the same number; the primary key lets one through.
4. A seal is one INSERT: a sealer that is killed leaves all of it or nothing.

A record that turns up below the sealed mark all the same was written by hand: the verifier names it.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from json import dumps

import asyncpg

from benefits.ledger import Record, records_between
from common.clock import rfc3339
from common.database import Row, constraint_of, execute, fetch_all, fetch_one
from common.merkle import leaf_hash, tree_root
from common.signing import Signer

FORMAT = "xinyi-seal/1"
# A proof reads all leaves of its seal: a thousand take about two milliseconds.
RECORDS_PER_SEAL = 1_000
BEFORE_ALL = bytes(32)
# No transaction of the service lives longer: five seconds for a statement, ten idle inside one.
PATIENCE_S = 15.0
POLL_S = 0.01

HEADER = "number, first_entry, last_entry, records, root, previous, sealed_at, public_key, signature"

# Who may still commit a number that was drawn: whoever writes to a table holds this lock from before the first
# number until after the commit, also one that only was prepared (2PC). Readers and backups don't.
WRITERS = """
SELECT virtualtransaction, pid FROM pg_locks
 WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND relation IN ('redemptions'::regclass, 'reversals'::regclass)
"""

UNSEALED_SINCE = """
SELECT min(at) AS at FROM (
    (SELECT redeemed_at AS at FROM redemptions WHERE entry > $1 ORDER BY entry LIMIT 1)
    UNION ALL
    (SELECT reversed_at FROM reversals WHERE entry > $1 ORDER BY entry LIMIT 1)) AS first
"""


class SealingWaits(Exception):
    """Somebody holds a transaction open in which he wrote to the ledger; sealing goes on when it has ended."""

    def __init__(self, pids: Sequence[int]) -> None:
        super().__init__(f"open transactions that wrote to the ledger, by process id: {list(pids)}")
        self.pids = pids


@dataclass(frozen=True, slots=True)
class Seal:
    """What is published of one seal."""

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
            "format": FORMAT,
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


async def seal_new(signer: Signer, at: datetime) -> int:
    """Seal every record that is there; how many it were.

    Raises:
        SealingWaits: an open transaction keeps the ledger from being sealed; nothing is lost.
    """
    until, sealed = await settled_entry(), 0
    while True:
        head = await newest()
        records = await records_between(head.last_entry if head else 0, until, RECORDS_PER_SEAL)
        if not records:
            return sealed
        last = records[-1].entry if len(records) == RECORDS_PER_SEAL else until
        if not await _write(_next(head, records, last, signer, at), records):
            return sealed  # another sealer was faster
        sealed += len(records)


async def newest() -> Seal | None:
    """The last seal."""
    row = await fetch_one(f"SELECT {HEADER} FROM seals ORDER BY number DESC LIMIT 1")
    return seal_of(row) if row else None


async def seals_after(number: int, limit: int) -> Sequence[Seal]:
    """Seals in their order, behind the one of that number; 0 begins with the first."""
    rows = await fetch_all(
        f"SELECT {HEADER} FROM seals WHERE number > $1 ORDER BY number LIMIT $2", number, limit
    )
    return [seal_of(row) for row in rows]


async def unsealed_since() -> datetime | None:
    """The business time of the oldest record that no seal covers."""
    head = await newest()
    row = await fetch_one(UNSEALED_SINCE, head.last_entry if head else 0)
    return row["at"] if row else None


def seal_of(row: Row) -> Seal:
    """A row of `HEADER`."""
    return Seal(*(row[name] for name in HEADER.split(", ")))


async def drawn_entry() -> int:
    """The last number of the ledger that was drawn; its record may still be on its way."""
    row = await fetch_one(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS entry FROM ledger_entries"
    )
    assert row is not None
    drawn: int = row["entry"]
    return drawn


async def settled_entry() -> int:
    """A number below which nothing new can appear: the last one drawn, once its transaction is over.

    Raises:
        SealingWaits: somebody holds a transaction open in which he wrote to the ledger.
    """
    drawn = await drawn_entry()
    # After the number, never before: a writer who draws in between would be overlooked.
    waited_for, until = await _writers(), time.monotonic() + PATIENCE_S
    while waited_for:
        if time.monotonic() > until:
            raise SealingWaits(sorted(set(waited_for.values())))
        await asyncio.sleep(POLL_S)
        running = await _writers()
        waited_for = {who: pid for who, pid in waited_for.items() if who in running}
    return drawn


async def _writers() -> dict[str, int]:
    return {row["virtualtransaction"]: row["pid"] for row in await fetch_all(WRITERS)}


def _next(head: Seal | None, records: Sequence[Record], last: int, signer: Signer, at: datetime) -> Seal:
    unsigned = Seal(
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


async def _write(seal: Seal, records: Sequence[Record]) -> bool:
    try:
        await execute(
            f"INSERT INTO seals ({HEADER}, leaves) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            *(seal.number, seal.first_entry, seal.last_entry, seal.records, seal.root, seal.previous),
            *(seal.sealed_at, seal.public_key, seal.signature, b"".join(record.leaf for record in records)),
        )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) in ("seals_pkey", "seals_last_entry_once"):
            return False
        raise
    return True
