"""A line between two parts of a town that a test can slow down, slice, cut, freeze or refuse."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# A unix socket, or host and port.
Address = Path | tuple[str, int]


class Proxy:
    """Listens at a port of loopback and forwards to `upstream`; every attribute may be changed at any moment.

    Attributes:
        upstream: where new connections go: changing it is what a virtual address does at a failover.
        latency_s: seconds that each piece waits, in either direction.
        piece: the most bytes that are handed on at once.
        cut_requests_after, cut_replies_after: bytes after which a connection is cut, counted for each one.
        cuts: connections that were cut.
    """

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.latency_s = 0.0
        self.piece = 65536
        self.cut_requests_after: int | None = None
        self.cut_replies_after: int | None = None
        self.cuts = 0
        self.port = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._listener: socket.socket | None = None
        self._lines: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.refuse()
        self.cut()
        self.thaw()
        await asyncio.sleep(0)  # a task that is cancelled before it has begun closes nothing
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # the sockets close in the next round

    async def listen(self) -> None:
        """Take connections (again, at the same port)."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        # Not asyncio's server: one that is closed loses, without closing, what it has just taken.
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def refuse(self) -> None:
        """Take no more connections; those that are there go on."""
        if self._listener:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """Cut every connection now, as a reset does."""
        for near, far in list(self._lines):
            self._cut(near, far)

    def freeze(self) -> None:
        """Take connections and everything that is sent, and hand on nothing."""
        self._flows.clear()

    def thaw(self) -> None:
        """Hand on what has come in the meantime."""
        self._flows.set()

    def _cut(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.cuts += 1
        for writer in (near, far):
            writer.transport.abort()

    def _accept(self, listener: socket.socket) -> None:
        try:
            taken, _ = listener.accept()
        except OSError:
            return  # gone again before it was taken
        task = asyncio.create_task(self._serve(taken))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, taken: socket.socket) -> None:
        taken.setblocking(False)
        reader, near = await asyncio.open_connection(sock=taken)
        try:
            behind, far = await self._connected()
        except OSError:
            near.transport.abort()
            return
        except asyncio.CancelledError:
            near.close()
            raise
        line = near, far
        self._lines.add(line)
        try:
            with suppress(OSError):
                await self._forward_both(reader, behind, line)
        finally:
            self._lines.discard(line)
            for writer in line:
                writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await self._flows.wait()
        if isinstance(self.upstream, Path):
            return await asyncio.open_unix_connection(str(self.upstream))
        return await asyncio.open_connection(*self.upstream)

    async def _forward_both(
        self,
        reader: asyncio.StreamReader,
        behind: asyncio.StreamReader,
        line: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        near, far = line
        ways = [
            asyncio.create_task(self._forward(reader, far, line, lambda: self.cut_requests_after)),
            asyncio.create_task(self._forward(behind, near, line, lambda: self.cut_replies_after)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _forward(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        line: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        limit: Callable[[], int | None],
    ) -> None:
        passed = 0
        while data := await source.read(self.piece):
            await self._flows.wait()
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            allowed = limit()
            if allowed is not None and passed + len(data) > allowed:
                sink.write(data[: max(0, allowed - passed)])
                await asyncio.sleep(0)  # what was let through leaves before the line is cut
                self._cut(*line)
                return
            passed += len(data)
            sink.write(data)
            await sink.drain()
