"""A load client that costs little: raw HTTP/1.1 over kept connections, the next request when the answer is there."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import uvloop

NextRequest = Callable[[], bytes]


@dataclass
class Figures:
    """What one run measured; times in seconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """A quantile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class _Connection(asyncio.Protocol):
    """One connection in a closed loop."""

    def __init__(
        self, next_request: NextRequest, figures: Figures, ends_at: float, done: asyncio.Future[None]
    ):
        self._next, self._figures, self._ends_at, self._done = next_request, figures, ends_at, done
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do the same job without being of the same class.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        request = self._next()
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = buffer.find(b"content-length: ", 0, head)
        length = int(buffer[at + 16 : buffer.find(b"\r", at)]) if at >= 0 else 0
        if len(buffer) < head + 4 + length:
            return
        self._buffer = b""
        now = time.perf_counter()
        self._figures.latencies.append(now - self._sent_at)
        self._figures.statuses[int(buffer[9:12])] += 1
        if now < self._ends_at:
            self._send()
        elif self._transport is not None:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


async def _drive(
    address: tuple[str, int], connections: int, seconds: float, next_request: NextRequest
) -> Figures:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    figures = Figures(seconds)
    finished = [loop.create_future() for _ in range(connections)]
    for done in finished:
        await loop.create_connection(
            lambda done=done: _Connection(next_request, figures, began + seconds, done),  # type: ignore[misc]
            *address,
        )
    await asyncio.gather(*finished)
    figures.seconds = time.perf_counter() - began
    return figures


def drive(address: tuple[str, int], connections: int, seconds: float, next_request: NextRequest) -> Figures:
    """Load a server for some seconds.

    Args:
        next_request: gives the bytes of each request.
    """
    return uvloop.run(_drive(address, connections, seconds, next_request))


def post(path: str, token: str, key: str, body: bytes) -> bytes:
    """The bytes of a POST with a JSON body, an access token and an idempotency key."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
