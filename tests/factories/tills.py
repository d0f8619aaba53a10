"""A member's till system: a real little server on loopback that behaves as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
GOOD = b"HTTP/1.1 204 No Content\r\n\r\n"


class Till:
    """Takes posts: each is answered by the next of `answers`, and when they are used up with 204."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.written = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/xinyi"

    def header(self, name: str, which: int = -1) -> str:
        """A header of a request."""
        for line in self.heads[which].decode().splitlines():
            if line.lower().startswith(name.lower() + ":"):
                return line.partition(":")[2].strip()
        return ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split()[0])
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(length))
            await (self.answers.pop(0) if self.answers else says(GOOD))(writer)
        writer.close()


def says(text: bytes) -> Answer:
    """Answer with these bytes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


def status(number: int) -> Answer:
    """Answer with a status and nothing more."""
    return says(f"HTTP/1.1 {number} X\r\nContent-Length: 0\r\n\r\n".encode())


def redirects_to(url: str) -> Answer:
    """Send the caller somewhere else."""
    return says(f"HTTP/1.1 307 X\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode())


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    """Close the connection without a word."""
    writer.transport.abort()


async def hangs(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(30)


@asynccontextmanager
async def running(till: Till, tls: ssl.SSLContext | None = None) -> AsyncIterator[Till]:
    """The till at a free port of loopback."""
    server = await asyncio.start_server(till.serve, "127.0.0.1", 0, ssl=tls)
    till.port = server.sockets[0].getsockname()[1]
    try:
        yield till
    finally:
        server.close()


def floods(till: Till) -> Answer:
    """Answer 200 with a body that does not end as long as somebody reads; `till.written` is how much went out."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while till.written < 50_000_000:
            writer.write(b"x" * 65_536)
            await writer.drain()
            till.written += 65_536

    return answer
