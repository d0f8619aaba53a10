"""A load client that costs little: raw HTTP/1.1 over kept connections, requests made before the run.

It shares the machine with what it measures, so whatever it burns is taken from the service. Nothing is
built, parsed or allocated during a run beyond what is needed to know that an answer is whole.

Two ways: `drive` is a closed loop (each connection sends its next request when the answer is there: the
most that the service can do), `drive_at` an open one (requests are due at given moments whatever the
service does, and their latency counts from the moment they were due: nothing is omitted when it stalls).
"""

import ctypes
import os
import random
import resource
import select
import socket
import struct
import time
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from common.processes import LIBC

PATIENCE_S = 30.0
_BUFFER_BYTES = 1 << 20
_CLOCK_MONOTONIC, _ABSOLUTE, _NONBLOCK = 1, 1, os.O_NONBLOCK


class LoadFailed(Exception):
    """What was measured can't be trusted; the sentence says why."""


@dataclass
class Figures:
    """What one run measured; times in seconds.

    Attributes:
        cpu_s: what the load client itself used.
        used: how many of the numbers that pgbench was given it may have used up.
    """

    seconds: float = 0.0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    cpu_s: float = 0.0
    used: int = 0

    @property
    def count(self) -> int:
        """Answers in all."""
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.count / self.seconds if self.seconds else 0.0

    def quantile_ms(self, share: float) -> float:
        """A quantile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0

    def must_be(self, *statuses: int) -> None:
        """Only such answers came.

        Raises:
            LoadFailed: others came, or none at all.
        """
        wrong = {status: count for status, count in self.statuses.items() if status not in statuses}
        if wrong or not self.count:
            raise LoadFailed(f"answers with status {wrong or 'none'} where {statuses} was expected")


class _Connection:
    """One kept connection; `since` is when its request was sent, or due."""

    __slots__ = ("_part", "_socket", "fd", "send", "since")

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # With a timeout Python would ask the kernel before each call whether it can be made.
        self._socket.setblocking(False)
        self.fd = self._socket.fileno()
        self.send = self._socket.sendall
        self.since = 0.0
        self._part = b""

    def receive(self, buffer: bytearray) -> int:
        """The status of the answer, or 0 when it is not whole yet."""
        size = self._socket.recv_into(buffer)
        if not size:
            raise LoadFailed("the service closed a connection")
        if self._part:
            whole = self._part + buffer[:size]
            size = len(whole)
            buffer[:size] = whole
        head = buffer.find(b"\r\n\r\n", 0, size)
        at = buffer.find(b"content-length: ", 0, head) + 16
        if head < 0 or at < 16 or size < head + 4 + int(buffer[at : buffer.find(b"\r", at)]):
            self._part = bytes(buffer[:size])
            return 0
        self._part = b""
        return buffer[9] * 100 + buffer[10] * 10 + buffer[11] - 48 * 111

    def close(self) -> None:
        self._socket.close()


@contextmanager
def _connected(address: tuple[str, int], count: int) -> Iterator[dict[int, _Connection]]:
    made = [_Connection(address) for _ in range(count)]
    try:
        yield {connection.fd: connection for connection in made}
    finally:
        for connection in made:
            connection.close()


@contextmanager
def _measured(figures: Figures) -> Iterator[float]:
    """Counts the seconds and the client's own CPU around a run; gives the moment of its begin."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    yield began
    figures.seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    figures.cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def drive(address: tuple[str, int], connections: int, seconds: float, requests: Collection[bytes]) -> Figures:
    """Send the requests in order, each connection its next one when the answer is there.

    Ends after `seconds`, or when all requests are answered.

    Raises:
        LoadFailed: a connection was closed, or no answer came for half a minute.
    """
    figures, waiting, buffer = Figures(), iter(requests), bytearray(_BUFFER_BYTES)
    clock, note, statuses = time.perf_counter, figures.latencies.append, figures.statuses
    with _connected(address, connections) as by_fd, select.epoll() as epoll, _measured(figures) as began:
        ends_at, busy = began + seconds, 0
        for connection, request in zip(by_fd.values(), waiting, strict=False):
            epoll.register(connection.fd, select.EPOLLIN)
            connection.since = clock()
            connection.send(request)
            busy += 1
        while busy:
            for fd, _ in _events(epoll):
                connection = by_fd[fd]
                status = connection.receive(buffer)
                if not status:
                    continue
                now = clock()
                note(now - connection.since)
                statuses[status] += 1
                following = next(waiting, None) if now < ends_at else None
                if following is None:
                    busy -= 1
                    continue
                connection.since = now
                connection.send(following)
    return figures


def drive_at(
    address: tuple[str, int], connections: int, per_second: float, requests: Sequence[bytes]
) -> Figures:
    """Send the requests at random moments (a Poisson process, as pgbench's `--rate`), whatever comes back.

    A request that is due waits for a free connection; its latency counts from when it was due.

    Raises:
        LoadFailed: a connection was closed, or no answer came for half a minute.
    """
    figures, buffer, clock = Figures(), bytearray(_BUFFER_BYTES), time.perf_counter
    with (
        _connected(address, connections) as by_fd,
        select.epoll() as epoll,
        _alarm(epoll) as alarm,
        _measured(figures) as began,
    ):
        due, at = _moments(began, per_second, len(requests)), 0
        idle = list(by_fd.values())
        for connection in idle:
            epoll.register(connection.fd, select.EPOLLIN)
        while at < len(due) or len(idle) < connections:
            now = clock()
            while at < len(due) and due[at] <= now and idle:
                connection = idle.pop()
                connection.since = due[at]
                connection.send(requests[at])
                at += 1
            if at < len(due) and idle:
                alarm.ring_at(due[at])
            for fd, _ in _events(epoll):
                if fd != alarm.fd and (status := by_fd[fd].receive(buffer)):
                    figures.latencies.append(clock() - by_fd[fd].since)
                    figures.statuses[status] += 1
                    idle.append(by_fd[fd])
    return figures


def _moments(began: float, per_second: float, count: int) -> "array[float]":
    """Moments with exponential gaps, the same ones each time."""
    chance, at = random.Random(1), began
    moments = array("d")
    for _ in range(count):
        at += chance.expovariate(per_second)
        moments.append(at)
    return moments


def _events(epoll: select.epoll) -> list[tuple[int, int]]:
    events = epoll.poll(PATIENCE_S)
    if not events:
        raise LoadFailed(f"nothing came from the service for {PATIENCE_S:.0f} s")
    return events


class _Alarm:
    """A timerfd (Python has its own only from 3.13 on): wakes to the microsecond, where epoll counts in ms."""

    def __init__(self) -> None:
        self.fd: int = LIBC.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK)
        if self.fd < 0:
            raise LoadFailed(f"timerfd_create: {os.strerror(ctypes.get_errno())}")
        self._rings_at = 0.0

    def ring_at(self, moment: float) -> None:
        if moment != self._rings_at:
            self._rings_at = moment
            whole = int(moment)
            LIBC.timerfd_settime(
                self.fd,
                _ABSOLUTE,
                struct.pack("qqqq", 0, 0, whole, max(1, int((moment - whole) * 1e9))),
                None,
            )


@contextmanager
def _alarm(epoll: select.epoll) -> Iterator[_Alarm]:
    alarm = _Alarm()
    # Told once for each ring: nothing has to be read.
    epoll.register(alarm.fd, select.EPOLLIN | select.EPOLLET)
    try:
        yield alarm
    finally:
        os.close(alarm.fd)
