"""The background process: what nobody waits for. Killed at any moment it loses nothing."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from alliance import (
    application_reviews,
    approvals,
    complaint_answers,
    credit_batches,
    exports,
    ledger_numbers,
    objection_answers,
    rechecks,
    sliced_numbers,
    statement_closing,
)
from benefits import budgets, coupon_notices, coupon_reminders, offer_lives
from benefits.ledger import LEDGER
from citizens import agents, consents, messages
from common import database
from common.clock import now
from common.files import FileStore
from common.signing import Signer
from common.tasks import end_tasks
from merchants import applications
from models import monthly_logs, notice_log, retention, seals, stored_files
from models.audit_book import AUDIT
from server import batches, jobs, message_lanes, webhooks, witness
from server.config import Settings
from server.migrate import WrongInstallation, must_be_installation

log = structlog.get_logger()

CLEAR_EVERY_S = 300.0
# A record is promised to be sealed within a minute: a run may fail or have to wait once (`seals.PATIENCE_S`).
SEAL_EVERY_S = 20.0
# What is redeemed is in the numbers within ten seconds.
COUNT_EVERY_S = 3.0
BATCHES_EVERY_S = 60.0
# A citizen is told within five seconds.
TELL_EVERY_S = 2.0
RETRY_S = 5.0
# A look-up whose process was killed has no outcome and never gets one.
LOOKUP_GIVEN_UP = timedelta(minutes=10)


async def run(settings: Settings) -> None:
    """Clear away, seal ledger and audit, count the numbers and run jobs, each at once the first time, until SIGTERM.

    Raises:
        WrongInstallation: the database is the other kind of installation's.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await database.connect(settings.database_url, pool_size=4)
    works: list[Awaitable[Any]] = [
        stop.wait(),
        _every(CLEAR_EVERY_S, settings, partial(clear_away, settings)),
        _every(COUNT_EVERY_S, settings, count_numbers),
        _every(TELL_EVERY_S, settings, tell_citizens),
        jobs.work_for_ever(settings),
        webhooks.tell_for_ever(settings),
        message_lanes.send_for_ever(settings),
    ]
    if settings.ledger_signing_key is not None:
        signer = Signer.of(settings.ledger_signing_key)
        # Each by itself: a transaction that holds one up does not hold up the other.
        works += [_every(SEAL_EVERY_S, settings, partial(seal, book, signer)) for book in (LEDGER, AUDIT)]
    if settings.credit.batch_folder is not None:
        works.append(_every(BATCHES_EVERY_S, settings, partial(take_in_batches, settings)))
    if settings.ledger_witness_url:
        works.append(witness.tell_for_ever(settings.ledger_witness_url))
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # only one that found the wrong database ends by itself
    finally:
        await end_tasks(tasks, again_after_s=jobs.GRACE_S + 1)
        await database.disconnect()


async def _every(pause_s: float, settings: Settings, work: Callable[[], Awaitable[bool]]) -> None:
    while True:
        await _refuse_foreign_database(settings)
        await asyncio.sleep(pause_s if await work() else RETRY_S)


async def seal(book: seals.Book, signer: Signer) -> bool:
    """Seal what is new; whether that was possible. What could not be sealed now is sealed with the next."""
    try:
        sealed = await seals.seal_new(book, signer, now())
        if sealed:
            log.info(f"{book.name}_sealed", records=sealed)
    except seals.SealingWaits as wait:
        log.warning(f"{book.name}_sealing_waits", pids=wait.pids)
        return False
    except Exception:
        log.warning(f"{book.name}_not_sealed", exc_info=True)
        return False
    return True


async def count_numbers() -> bool:
    """Bring the kept sums up to date; whether that was possible. What could not be counted now is counted next."""
    is_well = True
    for count in (ledger_numbers.count_ledger, sliced_numbers.count_sliced):
        try:
            await count(now())
        except seals.SealingWaits as wait:
            is_well = False
            log.warning("counting_waits", pids=wait.pids)
        except Exception:
            is_well = False
            log.warning("numbers_not_counted", task=count.__name__, exc_info=True)
    return is_well


async def take_in_batches(settings: Settings) -> bool:
    """Import the credit batches that were delivered; one that was killed in the middle goes on."""
    folder = settings.credit.batch_folder
    assert folder is not None
    try:
        await credit_batches.import_new(
            batches.desk_of(settings), folder, now(), lambda text: log.info("credit_batch", said=text)
        )
    except Exception:
        log.warning("credit_batches_not_taken_in", exc_info=True)
        return False
    return True


async def tell_citizens() -> bool:
    """Tell what happened to coupons and what ends soon; whether that was possible. What was not told now is told next."""
    is_well = True
    for tell in (coupon_notices.tell_claims, coupon_notices.tell_ledger, coupon_reminders.remind):
        try:
            await tell(now())
        except seals.SealingWaits as wait:
            is_well = False
            log.warning("telling_waits", pids=wait.pids)
        except Exception:
            is_well = False
            log.warning("citizens_not_told", task=tell.__name__, exc_info=True)
    return is_well


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


async def clear_away(settings: Settings) -> bool:
    """Run each; one that fails does not keep the others from running."""
    is_well = True
    tasks: tuple[Callable[[datetime], Awaitable[int]], ...] = (
        *map(retention.duty, retention.RULES),
        close_abandoned_lookups,
        approvals.expire,
        complaint_answers.mark_overdue,
        objection_answers.mark_overdue_objections,
        application_reviews.ask_again,
        applications.withdraw_abandoned,
        rechecks.enqueue_due,
        offer_lives.end_outlived,
        budgets.settle,
        coupon_notices.sweep_claims,
        notice_log.forget_old,
        messages.close_lost,
        messages.give_up_old,
        sliced_numbers.sweep,
        sliced_numbers.forget_slices,
        monthly_logs.keeper(settings.kept_months),
        statement_closing.close_due,
        exports.deleter(FileStore(settings.files_folder)),
        consents.end_outdated_consents,
        agents.end_due,
        stored_files.forgetter(FileStore(settings.files_folder)),
        forgetter(FileStore(settings.files_folder)),
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


def forgetter(files: FileStore) -> Callable[[datetime], Awaitable[int]]:
    """The duty that deletes what killed processes left half written in the folder of files."""

    async def forget_abandoned_files(at: datetime) -> int:
        """Nothing arrives for a day; how many files."""
        return await files.forget_abandoned(at - timedelta(days=1))

    return forget_abandoned_files


async def close_abandoned_lookups(at: datetime) -> int:
    """Say of look-ups whose process died that they had no answer."""
    return await database.execute(
        "UPDATE credit_lookups SET outcome = 'unavailable' WHERE outcome = 'pending' AND looked_up_at < $1",
        at - LOOKUP_GIVEN_UP,
    )
