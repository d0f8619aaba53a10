"""Whether ledger and audit are sealed in time, read from the database when somebody looks: any process can tell."""

import asyncio
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from benefits.ledger import LEDGER
from models import seals
from models.audit_book import AUDIT

PATIENCE_S = 1.0


async def exposition(now: datetime) -> bytes:
    """Two gauges for each book in Prometheus' text format; none while the database does not answer."""
    registry = CollectorRegistry()
    try:
        async with asyncio.timeout(PATIENCE_S):
            for book in (LEDGER, AUDIT):
                await _look_at(book, registry, now)
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
