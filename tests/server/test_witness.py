"""The hook for witnesses, against a real little server that misbehaves; sealing never waits for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from json import loads

import pytest

from benefits.ledger import LEDGER
from common.database import fetch_all
from models import seals
from server import witness, worker
from server.witness import NotTaken, post
from tests.factories.ledgers import SIGNER, sealed_ledger, some_redemptions
from tests.factories.members import a_shop
from tests.factories.moments import NOON

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Witness:
    """Takes posts; what it does with each is said in advance, and it ends well behaved."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.heads, self.bodies = list(answers), [b""] * 0, [b""] * 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split()[0])
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(length))
            await (self.answers.pop(0) if self.answers else says(b"HTTP/1.1 204 No Content\r\n\r\n"))(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def says(text: bytes) -> Answer:
    """Answer with these bytes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    """Close the connection without a word."""
    writer.transport.abort()


async def hangs(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(30)


async def dribbles(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, so that each wait is short and all of them are endless."""
    while not writer.is_closing():
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def witnessing(*answers: Answer) -> AsyncIterator[Witness]:
    """A server on loopback."""
    taker = Witness(*answers)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(taker.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    taker.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/roots?from=hz"
    try:
        yield taker
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def telling(url: str) -> AsyncIterator[None]:
    """The hook, running."""
    task = asyncio.create_task(witness.tell_for_ever(url))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a test's length."""
    monkeypatch.setattr(witness, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(witness, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(witness, "ANSWER_WITHIN_S", 0.3)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_each_new_root_is_posted_once_as_it_is_published(database: str, fast: None) -> None:
    shop = await a_shop()
    async with witnessing() as taker, telling(taker.url):
        await asyncio.sleep(0.1)
        assert taker.bodies == []  # nothing is sealed yet
        for number in (1, 2):
            await some_redemptions(shop, 1)
            await seals.seal_new(LEDGER, SIGNER, NOON)
            await until(lambda number=number: len(taker.bodies) == number)  # type: ignore[misc]
            head = await seals.newest(LEDGER)
            assert head and loads(taker.bodies[-1]) == head.published
        await asyncio.sleep(0.1)
        assert len(taker.bodies) == 2
    assert taker.heads[0].startswith(b"POST /roots?from=hz HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize(
    "bad",
    [
        says(b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
        says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"),
        says(b"220 mail.example ESMTP\r\n"),
        says(b"\xff" * 100_000),
        says(b""),
        hangs_up,
        hangs,
        dribbles,
    ],
)
async def test_a_server_that_misbehaves_is_asked_again_until_it_takes_the_root(
    database: str, fast: None, bad: Answer
) -> None:
    await sealed_ledger(await a_shop())
    async with witnessing(bad, bad) as taker, telling(taker.url):
        await until(lambda: len(taker.bodies) == 3)
        await asyncio.sleep(0.1)
    assert len(taker.bodies) == 3 and len(set(taker.bodies)) == 1


async def test_an_overtaken_root_is_left_out_for_the_newest(database: str, fast: None) -> None:
    shop = await a_shop()
    await sealed_ledger(shop)
    async with witnessing(hangs) as taker, telling(taker.url):
        await until(lambda: len(taker.bodies) == 1)
        await some_redemptions(shop, 1)
        await seals.seal_new(LEDGER, SIGNER, NOON)
        await until(lambda: len(taker.bodies) == 2)
    assert [loads(body)["number"] for body in taker.bodies] == [2, 3]


async def test_nobody_there_is_told_apart_from_an_answer() -> None:
    with pytest.raises(OSError):
        await post("http://127.0.0.1:1/", b"{}")
    async with witnessing(says(b"HTTP/1.1 404 Not Found\r\n\r\n")) as taker:
        with pytest.raises(NotTaken, match="404"):
            await post(taker.url, b"{}")


@pytest.mark.alone
async def test_sealing_does_not_wait_for_a_witness_that_hangs(database: str, fast: None) -> None:
    shop = await a_shop()
    await sealed_ledger(shop)
    async with witnessing(*[hangs] * 50) as taker, telling(taker.url):
        await until(lambda: len(taker.bodies) == 1)
        await some_redemptions(shop, 1)
        assert await asyncio.wait_for(worker.seal(LEDGER, SIGNER), 0.25)
    assert len(await fetch_all("SELECT number FROM seals")) == 3
