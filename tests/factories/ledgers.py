"""Ledgers: filled with redemptions, sealed, exported, tampered with as the database's owner, and verified."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from benefits.ledger import LEDGER
from common.signing import Signer
from models import seal_export, seals
from models.seals import Book
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import claimed, redeemed, undone
from tests.server.commands import connect

VERIFIER = Path(__file__).parent.parent.parent / "docs" / "verify_ledger.py"
SIGNER = Signer.of(b"a test's signing key, 32 bytes!!")
OTHER_SIGNER = Signer.of(b"another signing key of 32 bytes!")


@dataclass(frozen=True)
class Verdict:
    """What the stand-alone verifier said."""

    code: int
    text: str

    @property
    def faults(self) -> list[str]:
        """One line for each fault."""
        return self.text.splitlines()[:-1]


async def some_redemptions(shop: Shop, count: int, at: datetime = NOON) -> list[UUID]:
    """So many redemptions of one pass, a minute apart."""
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=count), at)
    return [(await redeemed(shop, coupon.id, at + timedelta(minutes=n))).id for n in range(count)]


async def sealed_ledger(shop: Shop, count: int = 6) -> list[UUID]:
    """So many redemptions, the second one undone, under two seals; their ids."""
    first = await some_redemptions(shop, count // 2)
    await undone(shop.clerk, first[1])
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == count // 2 + 1
    second = await some_redemptions(shop, count - count // 2)
    assert await seals.seal_new(LEDGER, SIGNER, NOON + timedelta(minutes=1)) == count - count // 2
    return first + second


async def entry_of(record_id: UUID, table: str = "redemptions") -> int:
    """The place of a record."""
    from common.database import fetch_one

    row = await fetch_one(f"SELECT entry FROM {table} WHERE id = $1", record_id)
    assert row is not None
    entry: int = row["entry"]
    return entry


@asynccontextmanager
async def as_owner(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that no trigger and no foreign key stops."""
    connection = await connect(url)
    await connection.execute("SET session_replication_role = replica")
    try:
        yield connection
    finally:
        await connection.close()


async def written(folder: Path, book: Book = LEDGER) -> tuple[Path, Path]:
    """The roots and the export of a book in the connected database."""
    roots, records = folder / f"{book.name}-roots.jsonl", folder / f"{book.name}.txt"
    roots.write_text("".join([line + "\n" async for line in seal_export.root_lines(book)]))
    records.write_text("".join([line + "\n" async for line in seal_export.export_lines(book)]))
    return roots, records


async def verified(*witnesses: Path, roots: Path | None = None, book: Book = LEDGER) -> Verdict:
    """Export the connected database and run the verifier over it, in a process of its own as anybody would.

    Args:
        roots: those that were published earlier; by default those of now.
    """
    with tempfile.TemporaryDirectory(prefix="xy-ledger-") as name:
        roots_now, ledger = await written(Path(name), book)
        options = [option for file in witnesses for option in ("--witness", str(file))]
        return await run_verifier(str(roots or roots_now), str(ledger), "--book", book.name, *options)


async def run_verifier(*arguments: str) -> Verdict:
    """Run `docs/verify_ledger.py`, which knows nothing of the service."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(VERIFIER), *arguments),
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Verdict(process.returncode or 0, (out + err).decode())
