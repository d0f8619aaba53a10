"""`python -m server rotate-keys`: all that is sealed, sealed anew with the first of DATA_KEYS, in lines for an operator."""

import time
from collections.abc import Callable

from common import database
from common.clock import now
from models import audit_log
from models.sealed_columns import SEALED, SealedColumn, Tally, seal_anew
from server.config import Settings
from server.migrate import must_be_installation

# A process that still runs with the keys of before goes on sealing with them: what it wrote meanwhile is found by the
# next pass.
MOST_PASSES = 3
PROGRESS_EVERY_S = 5.0


async def rotate(settings: Settings, say: Callable[[str], None], *, is_dry_run: bool = False) -> bool:
    """Go through every sealed column while the service runs; whether nothing is left to be done.

    Args:
        say: is told a line for each column, and what may be done with the old keys.
        is_dry_run: only count.

    Raises:
        WrongInstallation: the database is the other kind of installation's.
    """
    await database.connect(settings.database_url, pool_size=1)
    try:
        await must_be_installation(settings.sandbox)
        for number in range(MOST_PASSES):
            found = await _one_pass(settings, say, is_dry_run)
            if is_dry_run or not found.sealed:
                break
            await audit_log.record(
                *(audit_log.SYSTEM, "keys.rotate", ("data_keys", settings.data_keys.key_id), now()),
                after={"values": found.sealed, "pass": number + 1},
            )
        return _conclude(found, settings, say, is_dry_run)
    finally:
        await database.disconnect()


async def _one_pass(settings: Settings, say: Callable[[str], None], is_dry_run: bool) -> Tally:
    found, said_at = Tally(), time.monotonic()
    for where in SEALED:
        tally = Tally()
        async for tally in seal_anew(where, settings.data_keys, is_dry_run=is_dry_run):
            if time.monotonic() - said_at >= PROGRESS_EVERY_S:
                said_at = time.monotonic()
                say("… " + _line(where, tally, is_dry_run))
        found.add(tally)
        if tally.sealed or tally.unreadable or is_dry_run:
            say(_line(where, tally, is_dry_run))
    return found


def _line(where: SealedColumn, tally: Tally, is_dry_run: bool) -> str:
    done = "to seal anew" if is_dry_run else "sealed anew"
    unreadable = f", {tally.unreadable} UNREADABLE and left" if tally.unreadable else ""
    return f"{where.table}.{where.column}: {tally.values} values, {tally.sealed} {done}{unreadable}"


def _conclude(found: Tally, settings: Settings, say: Callable[[str], None], is_dry_run: bool) -> bool:
    if found.unreadable:
        say(
            f"{found.unreadable} values can't be read: their key is not in DATA_KEYS, or they were changed."
            " Put the key back (the log names the rows) and run this again."
        )
    if is_dry_run:
        say(f"{found.sealed} of {found.values} values would be sealed anew; nothing was changed")
    elif found.sealed:
        say(
            "Some process still seals with other keys: restart all with the new DATA_KEYS and run this again."
        )
        return False
    else:
        for key_id in settings.data_keys.keys:
            say(_of_key(key_id, found.by_key[key_id], is_first=key_id == settings.data_keys.key_id))
    return not found.unreadable


def _of_key(key_id: str, values: int, *, is_first: bool) -> str:
    if is_first:
        return f"key {key_id}: seals what is new, and {values} values"
    if values:
        return f"key {key_id}: still needed by {values} values"
    return f"key {key_id}: seals nothing; keep it as long as backups from before now may be needed"
