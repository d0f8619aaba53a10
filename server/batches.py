"""A credit source's batches as an installation is set up for them, and the command that takes one in."""

import sys
from pathlib import Path

from alliance import credit_batches
from alliance.batch_failures import FAILURES
from alliance.credit_batches import BatchDesk
from common.clock import now
from common.files import FileStore
from server.checks import Said
from server.config import ConfigError, Settings
from server.credit_settings import BATCH

DONE = {
    "in_force": "The batch is in force.",
    "known": "The batch was taken in before; nothing was done.",
    "checked": "The batch can be taken in (rows that repeat are found only then). Nothing was written.",
}


def desk_of(settings: Settings) -> BatchDesk:
    """The desk of the source that is configured.

    Raises:
        ConfigError: none is.
    """
    credit = settings.credit
    if not credit.batch_source:
        raise ConfigError(f"CREDIT_BATCH_SOURCE: is not set; {', '.join(BATCH)} make batches possible")
    return BatchDesk(
        *(settings.database_url, credit.batch_source, credit.batch_public_key, settings.data_keys),
        *(FileStore(settings.files_folder), credit.due_hour),
    )


async def import_credit(settings: Settings, folder: Path, *, is_dry_run: bool) -> Said:
    """Take in one folder, telling how far it is; what came of it, in a sentence.

    Raises:
        ConfigError: no source of batches is configured.
    """
    work = credit_batches.check_folder if is_dry_run else credit_batches.import_folder
    outcome = await work(desk_of(settings), folder, now(), _say)
    if outcome.is_good:
        return Said(True, DONE[outcome.code])
    return Said(False, f"{outcome.code} ({outcome.file or folder}): {FAILURES[outcome.code][1]}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
