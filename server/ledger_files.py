"""The ledger and the audit as files: for a verifier, and for a witness."""

from collections.abc import AsyncIterator
from json import dumps
from pathlib import Path

from benefits.ledger import LEDGER
from common import database
from models import seal_export, seals
from models.audit_book import AUDIT

# By book, the published roots and the records.
NAMES = {LEDGER: ("roots.jsonl", "ledger.txt"), AUDIT: ("audit-roots.jsonl", "audit.txt")}


async def export(database_url: str, folder: Path) -> str:
    """Write what `docs/verify_ledger.py` reads, for both books; a sentence that says where it is.

    Raises:
        OSError: the folder can't be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    await database.connect(database_url, pool_size=1)
    try:
        for book, (roots, records) in NAMES.items():
            # The roots first: a seal that is made meanwhile is in the export and not missed there.
            await _write(folder / roots, seal_export.root_lines(book))
            await _write(folder / records, seal_export.export_lines(book))
    finally:
        await database.disconnect()
    return "written: " + ", ".join(str(folder / name) for names in NAMES.values() for name in names)


async def witness(database_url: str) -> str:
    """The newest seal of each book as a line of JSON; nothing as long as there is none."""
    await database.connect(database_url, pool_size=1)
    try:
        heads = [await seals.newest(book) for book in NAMES]
    finally:
        await database.disconnect()
    return "\n".join(dumps(head.published) for head in heads if head)


async def _write(path: Path, lines: AsyncIterator[str]) -> None:
    with path.open("w", encoding="ascii") as file:
        async for line in lines:
            file.write(line + "\n")
