"""The ledger as files: for a verifier, and for a witness."""

from collections.abc import AsyncIterator
from json import dumps
from pathlib import Path

from benefits import ledger_export, seals
from common import database


async def export(database_url: str, folder: Path) -> str:
    """Write what `docs/verify_ledger.py` reads; a sentence that says where it is.

    Raises:
        OSError: the folder can't be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    roots, ledger = folder / "roots.jsonl", folder / "ledger.txt"
    await database.connect(database_url, pool_size=1)
    try:
        # The roots first: a seal that is made meanwhile is in the export and not missed there.
        await _write(roots, ledger_export.root_lines())
        await _write(ledger, ledger_export.export_lines())
    finally:
        await database.disconnect()
    return f"written: {roots} and {ledger}"


async def witness(database_url: str) -> str:
    """The newest seal as one line of JSON, or nothing as long as there is none."""
    await database.connect(database_url, pool_size=1)
    try:
        head = await seals.newest()
    finally:
        await database.disconnect()
    return dumps(head.published) if head else ""


async def _write(path: Path, lines: AsyncIterator[str]) -> None:
    with path.open("w", encoding="ascii") as file:
        async for line in lines:
            file.write(line + "\n")
