"""The background process: what nobody waits for. Killed at any moment it loses nothing."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from common import database
from common.clock import now
from server.config import Settings
from server.migrate import WrongInstallation, must_be_installation

log = structlog.get_logger()

EVERY_S = 300.0
RETRY_S = 5.0
BATCH = 5_000
# Who signed in when can be asked for half a year afterwards (rule 14); a look-up whose process was killed
# has no outcome and never gets one.
KEEP_SESSIONS = timedelta(days=180)
LOOKUP_GIVEN_UP = timedelta(minutes=10)


async def run(settings: Settings) -> None:
    """Do every task at once and then every five minutes, until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await database.connect(settings.database_url, pool_size=2)
    try:
        while not stop.is_set():
            await _refuse_foreign_database(settings)
            pause = EVERY_S if await _all_tasks() else RETRY_S
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue
    finally:
        await database.disconnect()


async def _refuse_foreign_database(settings: Settings) -> None:
    """Nothing is cleared away in the other kind of installation's database.

    Raises:
        WrongInstallation: it is.
    """
    try:
        await must_be_installation(settings.sandbox)
    except WrongInstallation:
        raise
    except Exception:
        log.warning("database_not_reached", exc_info=True)


async def _all_tasks() -> bool:
    """Run each; one that fails does not keep the others from running."""
    is_well = True
    tasks: tuple[Callable[[datetime], Awaitable[int]], ...] = (
        forget_old_sessions,
        forget_login_failures,
        close_abandoned_lookups,
    )
    for task in tasks:
        try:
            done = await task(now())
            if done:
                log.info("housekeeping", task=task.__name__, rows=done)
        except Exception:
            is_well = False
            log.warning("housekeeping_failed", task=task.__name__, exc_info=True)
    return is_well


async def forget_old_sessions(at: datetime) -> int:
    """Delete sessions that would have ended more than half a year ago, a batch at a time."""
    return await database.execute(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2)",
        *(at - KEEP_SESSIONS, BATCH),
    )


async def forget_login_failures(at: datetime) -> int:
    """Delete failures whose window is over."""
    return await database.execute(
        "DELETE FROM login_failures WHERE id IN (SELECT id FROM login_failures WHERE window_ends_at < $1 LIMIT $2)",
        *(at, BATCH),
    )


async def close_abandoned_lookups(at: datetime) -> int:
    """Say of look-ups whose process died that they had no answer."""
    return await database.execute(
        "UPDATE credit_lookups SET outcome = 'unavailable' WHERE outcome = 'pending' AND looked_up_at < $1",
        at - LOOKUP_GIVEN_UP,
    )
