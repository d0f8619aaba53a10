"""Claims and redemptions as fast as they are answered, each asked again with the same key until it is.

A raw client in a thread of its own: whoever breaks things sits in the main thread, where servers are started.
"""

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

from tests.faults.proxy import Proxy
from tests.faults.traffic import Traffic

HANGS_AFTER_S = 8.0
PAUSE_S = 0.05
# One answer in so many is kept as it is, to be compared with what the same key is answered afterwards.
KEPT_ONE_IN = 100


@dataclass(eq=False)
class Job:
    """One write: its key and its bytes, the same ones however often they have to be sent."""

    kind: str
    key: str
    data: bytes
    again: Callable[[], "Job"]
    sent_at: float = 0.0

    def raw(self) -> bytes:
        """Its bytes, as `Line.ask` wants them."""
        return self.data


@dataclass
class Book:
    """What was sent and what was acknowledged, by kind and key; how it felt."""

    sent: dict[str, set[str]] = field(default_factory=lambda: {"claim": set(), "redeem": set()})
    acknowledged: dict[str, dict[str, str]] = field(default_factory=lambda: {"claim": {}, "redeem": {}})
    kept: dict[str, tuple[Job, bytes]] = field(default_factory=dict)
    statuses: Counter[int | str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    watched_from: float = 0.0
    recovered_at: float = 0.0

    @property
    def writes(self) -> int:
        """Acknowledged ones."""
        return len(self.acknowledged["claim"]) + len(self.acknowledged["redeem"])

    def watch(self) -> None:
        """From now on wait for the first success that was asked for from now on."""
        self.recovered_at, self.watched_from = 0.0, time.monotonic()

    def note(self, job: Job, body: bytes) -> None:
        """An acknowledged write."""
        at = body.find(b'"id":"') + 6
        self.acknowledged[job.kind][job.key] = body[at : at + 36].decode()
        if self.writes % KEPT_ONE_IN == 0:
            self.kept[job.key] = job, body
        if not self.recovered_at and job.sent_at > self.watched_from:
            self.recovered_at = time.monotonic()


class _Line(asyncio.Protocol):
    """One connection after the other, one job after the other."""

    def __init__(self, rush: "Rush", address: tuple[str, int]) -> None:
        self._rush, self._address = rush, address
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._pause: asyncio.TimerHandle | None = None
        self.job: Job | None = None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._transport is not None

    async def begin(self) -> None:
        """Take jobs until the rush is over."""
        while not self._rush.is_over:
            try:
                await asyncio.get_running_loop().create_connection(lambda: self, *self._address)
                return
            except OSError:
                self._rush.book.statuses["refused connection"] += 1
                await asyncio.sleep(PAUSE_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do the same job without being of the same class.
        self._transport, self._buffer = cast(asyncio.Transport, transport), b""
        self.send()

    def send(self) -> None:
        """The job that has no answer yet, or the next one."""
        if self._transport is None or self._transport.is_closing():
            return
        if self.job is None:
            if self._rush.is_over:
                self._transport.close()
                return
            self.job = self._rush.next_job()
            self._rush.book.sent[self.job.kind].add(self.job.key)
        self.job.sent_at = time.monotonic()
        self._transport.write(self.job.data)

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
        self._answered(int(buffer[9:12]), buffer[:head], buffer[head + 4 :])

    def _answered(self, status: int, head: bytes, body: bytes) -> None:
        job, book = self.job, self._rush.book
        assert job is not None
        book.statuses[status] += 1
        if status == 201:
            book.note(job, body)
            self.job = None
            self.send()
        elif status == 503 and b"retry-after: " in head.lower():
            self._pause = asyncio.get_running_loop().call_later(PAUSE_S, self.send)
        elif status == 410 and b'"code_expired"' in body:
            # It was not written while its code was good: another code, and so another key.
            self.job = job.again()
            book.sent[self.job.kind].add(self.job.key)
            self.send()
        else:
            book.wrong.append(f"{job.kind} {job.key}: {status} {body[:300]!r}")
            self.job = None
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._pause:
            self._pause.cancel()  # else the next connection would carry the same question twice
        if self.job is not None:
            self._rush.book.statuses["cut line"] += 1
        if not self._rush.is_over or self.job is not None:
            self._rush.begin(self)

    def give_up_if_it_hangs(self) -> None:
        """A write without an answer for so long hangs."""
        if self.job and self._transport and time.monotonic() - self.job.sent_at > HANGS_AFTER_S:
            self._rush.book.wrong.append(f"{self.job.kind} {self.job.key}: no answer in {HANGS_AFTER_S} s")
            self._transport.abort()


class Rush:
    """Lines that take jobs, some of them by a proxy, and a few people who do all that people do."""

    def __init__(self, address: tuple[str, int], next_job: Callable[[], Job], traffic: Traffic) -> None:
        self.book = Book()
        self.is_over = False
        self._has_begun = False
        self.next_job = next_job
        self._address, self._traffic = address, traffic
        self._loop: asyncio.AbstractEventLoop | None = None
        self._proxy: Proxy | None = None
        self._going: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self, lines: int, behind_proxy: int, people: int) -> None:
        """Begin, in another thread; returns when everybody is at it."""
        self._shape = lines, behind_proxy, people
        self._thread.start()
        while not self._has_begun and self._thread.is_alive():
            time.sleep(0.02)

    def stop(self) -> None:
        """Everybody finishes what he has begun.

        Raises:
            whatever ended the thread.
        """
        self.is_over = True
        self._thread.join(60)
        if self._failure:
            raise self._failure
        assert not self._thread.is_alive(), "somebody never gets his answer"

    def cut(self) -> None:
        """Cut every line that goes by the proxy."""
        assert self._loop and self._proxy
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def begin(self, line: _Line) -> None:
        """(Re)open a line."""
        task = asyncio.get_running_loop().create_task(line.begin())
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    def _run(self) -> None:
        try:
            uvloop.run(self._drive())
        except BaseException as failure:
            self._failure, self.is_over = failure, True

    async def _drive(self) -> None:
        self._loop = asyncio.get_running_loop()
        count, behind_proxy, people = self._shape
        async with Proxy(self._address) as self._proxy, self._traffic.flowing(people):
            ways = itertools.chain(
                itertools.repeat(("127.0.0.1", self._proxy.port), behind_proxy),
                itertools.repeat(self._address, count - behind_proxy),
            )
            lines = [_Line(self, way) for way in ways]
            for line in lines:
                self.begin(line)
            self._has_begun = True
            await self._until_all_have_finished(lines)

    async def _until_all_have_finished(self, lines: Sequence[_Line]) -> None:
        while not self.is_over or any(line.job for line in lines):
            await asyncio.sleep(0.2)
            for line in lines:
                line.give_up_if_it_hangs()
            if self.is_over:
                # A line that was cut after the end still owes an answer.
                for line in lines:
                    if line.job and not line.is_connected and not self._going:
                        self.begin(line)
