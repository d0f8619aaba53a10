"""Plain HTTP/1.1 over kept connections: requests that leave together, and replies that are cut on the way."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.service import API, Service
from tests.stopping import stopped

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, the body as its bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def what(self) -> int | str:
        """The status of a success, the permanent code of a problem."""
        return self.status if self.status < 400 else str(self.json()["code"])

    @property
    def is_replayed(self) -> bool:
        """Whether a stored answer was given again."""
        return self.headers.get("idempotency-replayed") == "true"


@dataclass(frozen=True, slots=True)
class Call:
    """A request, ready to be sent as often as one likes."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None

    def raw(self) -> bytes:
        """Its bytes."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: test"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


def call_as(
    client: httpx.AsyncClient | str, method: str, path: str, body: object = None, key: str | None = None
) -> Call:
    """A call of the API by a signed-in client (or with his access token)."""
    token = client if isinstance(client, str) else client.headers["Authorization"].removeprefix("Bearer ")
    headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
    return Call(method, API + path, headers, body)


class Line:
    """One kept connection, for one call at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> "Line":
        """Connect to `http://host:port`."""
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    def send(self, call: Call) -> None:
        """Let a request go; `receive` its answer next."""
        self._writer.write(call.raw())

    async def receive(self) -> Answer:
        """The answer.

        Raises:
            EOFError: the connection ended before the answer was whole.
            TimeoutError: nothing came within the patience.
        """
        async with asyncio.timeout(PATIENCE_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split(" ")[1]), headers, body)

    async def ask(self, call: Call) -> Answer:
        """Send and receive."""
        self.send(call)
        return await self.receive()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@asynccontextmanager
async def lines_to(*services: Service, count: int) -> AsyncIterator[list[Line]]:
    """`count` warmed connections in all, spread evenly over every web process of every service."""
    places = [(service, pid) for service in services for pid in service.web_pids()]
    lines: list[Line] = []
    try:
        for number, (service, pid) in enumerate(places):
            share = len(range(number, count, len(places)))
            # Only who is awake can take a connection.
            with stopped(*(other for other in service.web_pids() if other != pid)):
                fresh = [await Line.open(service.url) for _ in range(share)]
                lines += fresh
                await asyncio.gather(*(line.ask(Call("GET", "/healthz")) for line in fresh))
        yield lines
    finally:
        for line in lines:
            line.close()


async def volley(lines: Sequence[Line], calls: Sequence[Call]) -> list[Answer]:
    """Send every call on a connection of its own before the first answer is read."""
    for line, call in zip(lines, calls, strict=True):
        line.send(call)
    return await asyncio.gather(*(line.receive() for line in lines))


async def spread(lines: Sequence[Line], calls: Sequence[Call]) -> list[Answer]:
    """Ask many calls over fewer connections, each taking the next one when it is free."""
    answers: dict[int, Answer] = {}
    waiting = iter(enumerate(calls))

    async def work(line: Line) -> None:
        for number, call in waiting:
            answers[number] = await line.ask(call)

    await asyncio.gather(*(work(line) for line in lines))
    return [answers[number] for number in range(len(calls))]


def counted(answers: Iterable[Answer]) -> dict[int | str, int]:
    """How often each status or code came."""
    return dict(Counter(answer.what for answer in answers))


class ReplyCutter:
    """A proxy that lets requests through whole and hangs up after `passed` bytes of each reply."""

    def __init__(self, url: str, passed: int) -> None:
        self._to = urlsplit(url)
        self._passed = passed
        self._server: asyncio.Server | None = None
        self.cut = 0

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection(self._to.hostname, self._to.port)
        forwarding = asyncio.create_task(self._forward(reader, ahead))
        try:
            reply = await behind.readuntil(b"\r\n\r\n")
            writer.write(reply[: self._passed])
            await writer.drain()
            self.cut += 1
        finally:
            forwarding.cancel()
            writer.close()
            ahead.close()

    @staticmethod
    async def _forward(reader: asyncio.StreamReader, ahead: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            ahead.write(data)
            await ahead.drain()
