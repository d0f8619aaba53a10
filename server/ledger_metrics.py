"""Whether the ledger is sealed in time, read from the database when somebody looks: any process can tell."""

import asyncio
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from benefits import seals

PATIENCE_S = 1.0


async def exposition(now: datetime) -> bytes:
    """Two gauges in Prometheus' text format; none while the database does not answer."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            head, since = await seals.newest(), await seals.unsealed_since()
    except Exception:  # noqa: BLE001 - that it does not answer is told by others
        return b""
    registry = CollectorRegistry()
    age = Gauge("xinyi_ledger_unsealed_seconds", "Age of the oldest record without a seal", registry=registry)
    age.set(max(0.0, (now - since).total_seconds()) if since else 0.0)
    number = Gauge("xinyi_ledger_seal_number", "Number of the newest seal", registry=registry)
    number.set(head.number if head else 0)
    return generate_latest(registry)
