"""Seals in time, jobs given up, statements overdue, notices and messages that wait: read from the database when somebody looks, by any process."""

import asyncio
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from alliance import dead_letters, objections, statement_closing
from benefits import coupon_notices
from benefits.ledger import LEDGER
from citizens import messages
from models import seals
from models.audit_book import AUDIT

PATIENCE_S = 1.0
MESSAGES_LATE_BY = timedelta(minutes=15)


async def exposition(now: datetime) -> bytes:
    """The gauges in Prometheus' text format; none while the database does not answer."""
    registry = CollectorRegistry()
    try:
        async with asyncio.timeout(PATIENCE_S):
            for book in (LEDGER, AUDIT):
                await _look_at(book, registry, now)
            await _count_what_waits(registry, now)
            await _count_untold(registry, now)
    except Exception:  # noqa: BLE001 - that it does not answer is told by others
        return b""
    return generate_latest(registry)


async def _look_at(book: seals.Book, registry: CollectorRegistry, now: datetime) -> None:
    head, since = await seals.newest(book), await seals.unsealed_since(book)
    of = f"xinyi_{book.name}"
    age = Gauge(f"{of}_unsealed_seconds", "Age of the oldest record without a seal", registry=registry)
    age.set(max(0.0, (now - since).total_seconds()) if since else 0.0)
    number = Gauge(f"{of}_seal_number", "Number of the newest seal", registry=registry)
    number.set(head.number if head else 0)


async def _count_what_waits(registry: CollectorRegistry, now: datetime) -> None:
    failed = Gauge("xinyi_dead_letters", "Jobs that failed for good, by kind", ["kind"], registry=registry)
    for kind, jobs in (await dead_letters.counted()).items():
        failed.labels(kind).set(jobs)
    late = Gauge(
        "xinyi_statements_overdue", "Statements still open a day after they are due", registry=registry
    )
    late.set(await statement_closing.overdue(now))
    unanswered = Gauge("xinyi_objections_overdue", "Objections without an answer in time", registry=registry)
    unanswered.set(await objections.overdue(now))


async def _count_untold(registry: CollectorRegistry, now: datetime) -> None:
    since = await coupon_notices.untold_since()
    age = Gauge(
        "xinyi_notices_untold_seconds", "Age of the oldest record nobody was told of", registry=registry
    )
    age.set(max(0.0, (now - since).total_seconds()) if since else 0.0)
    late = Gauge("xinyi_messages_late", "Messages due for 15 minutes, up to 1,000", registry=registry)
    late.set(await messages.late(now, MESSAGES_LATE_BY))
    stops = Gauge(
        *("xinyi_messages_stopped", "Templates that are not sent for now", ["channel", "template", "reason"]),
        registry=registry,
    )
    for channel, template, reason in await messages.stopped(now):
        stops.labels(channel, template, reason).set(1)
