"""A credit source at a port of loopback, and the adapter that asks it: healthy, hanging, lying or down."""

import asyncio
import json
from collections import Counter
from datetime import date, timedelta
from uuid import UUID

from citizens.credit_sources import NoRecord, Rating, Subject
from common.clock import local_day, now
from models.enums import ConsentPurpose

SCHEME = "zj-demo"


class LineSource:
    """Asks with a line of JSON and believes the line that comes back, as far as it can be read."""

    name = "line"

    def __init__(self, port: int) -> None:
        self._port = port

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            asked = {"id_number": subject.id_number, "purpose": purpose, "proof": str(consent_proof)}
            writer.write(json.dumps(asked).encode() + b"\n")
            answer = json.loads(await reader.readuntil(b"\n"))
        finally:
            writer.close()
        if answer["subject"] != subject.id_number:
            raise ValueError("an answer about somebody else")
        as_of = date.fromisoformat(answer["as_of"])
        if answer["score"] is None:
            return NoRecord(answer["scheme"], as_of)
        return Rating(answer["scheme"], int(answer["score"]), as_of, str(answer["record"]))


class SickSource:
    """What answers at the port.

    `mood` is what it does with the next question: "healthy", "hanging", "garbage", "nothing", "endless",
    "off the scale", "unknown scheme", or "other" (an answer about somebody else).
    """

    def __init__(self) -> None:
        self.mood = "healthy"
        self.score: int | None = 880
        self.asked: Counter[str] = Counter()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._held: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "SickSource":
        await self.come_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.go_down()

    async def come_up(self) -> None:
        """Listen, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def go_down(self) -> None:
        """Refuse connections, and drop those that hang."""
        assert self._server is not None
        self._server.close()
        while self._held:
            self._held.pop().transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = json.loads(await reader.readline())
        self.asked[self.mood] += 1
        if self.mood == "hanging":
            self._held.append(writer)
            return
        writer.write(self._answer(question["id_number"]))
        writer.close()

    def _answer(self, subject: str) -> bytes:
        good = {
            "subject": subject,
            "scheme": SCHEME,
            "score": self.score,
            "as_of": str(local_day(now()) - timedelta(days=1)),
            "record": "r-1",
        }
        lies = {
            "off the scale": {**good, "score": 1_000_000},
            "unknown scheme": {**good, "scheme": "nobody-published-it"},
            "other": {**good, "subject": "330106198003120010"},
        }
        match self.mood:
            case "garbage":
                return b"\xff\xfe{]\n"
            case "nothing":
                return b""
            case "endless":
                return b'"' + b"9" * 4_000_000
            case _:
                return json.dumps(lies.get(self.mood, good)).encode() + b"\n"
