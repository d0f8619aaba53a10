"""Bringing a restored backup up to date with the erasures that came after it."""

from pathlib import Path

from alliance.erasures import JOURNAL, JournalBroken, erase_again
from common import database
from common.clock import now
from server.config import Settings
from server.migrate import must_be_installation

__all__ = ["JournalBroken", "reapply"]


async def reapply(settings: Settings, folder: Path) -> str:
    """Erase whom the journal in a folder names and the database still knows; a sentence for the operator.

    Raises:
        JournalBroken: it can't be read; nobody was erased.
        WrongInstallation: the database is the other kind of installation's.
    """
    if not (folder / JOURNAL).exists():
        return f"There is no {JOURNAL} in {folder}: right if nobody was ever erased; else name its folder (--journal)."
    await database.connect(settings.database_url, pool_size=2)
    try:
        await must_be_installation(settings.sandbox)
        done, named = await erase_again(folder, settings.data_keys, now())
    finally:
        await database.disconnect()
    return f"{done} erased again, of {named} named in the journal; nothing of the others was there any more"
