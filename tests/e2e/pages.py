"""A citizen's open coupon page: the server-sent events, as a phone reads them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.service import CitizenClient


@dataclass(frozen=True)
class Event:
    """One server-sent event and when it came (monotonic seconds)."""

    name: str
    data: dict[str, Any]
    at: float


@asynccontextmanager
async def listening(citizen: CitizenClient, coupon_id: str) -> AsyncIterator["asyncio.Queue[Event]"]:
    """The open coupon page: its events as they come; a heartbeat is an event without data."""
    events: asyncio.Queue[Event] = asyncio.Queue()

    async def read(lines: AsyncIterator[str]) -> None:
        name = ""
        async for line in lines:
            if line.startswith(":"):
                events.put_nowait(Event("heartbeat", {}, time.monotonic()))
            elif line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.put_nowait(Event(name, json.loads(line.removeprefix("data: ")), time.monotonic()))

    async with citizen.http.stream("GET", f"/coupons/{coupon_id}/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        reading = asyncio.create_task(read(answer.aiter_lines()))
        try:
            yield events
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def next_event(events: "asyncio.Queue[Event]", within_s: float = 1.0) -> Event:
    """The next one that is no heartbeat.

    Raises:
        TimeoutError: there was none in time.
    """
    async with asyncio.timeout(within_s):
        while (event := await events.get()).name == "heartbeat":
            continue
        return event
