"""Slow, sliced, cut and silent lines between any two parts: clean answers, no hang, and all is well when they are."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from tests.faults.afterwards import check_all
from tests.faults.conftest import Town, only_in_the_long_form
from tests.faults.proxy import Proxy
from tests.faults.traffic import Tally, Traffic, until_served

RECOVERED_WITHIN_S = 8.0
# A statement's limit of six seconds, and one connection more that has to be opened.
LONGEST_ANSWER_S = 7.5
CUTS = {"cut kept line", "cut fresh line", "cut answer", "refused connection"}
Fault = Callable[[Proxy, Tally], Awaitable[None]]


async def slow(line: Proxy, tally: Tally) -> None:
    """Twenty milliseconds each way, as far from the next machine room as it gets."""
    line.latency_s = 0.02
    await asyncio.sleep(0.6)
    line.latency_s = 0.0


async def sliced(line: Proxy, tally: Tally) -> None:
    """Everything arrives in pieces of a few bytes, which no reader may take for whole messages."""
    for line.piece in (1, 3, 17):
        await asyncio.sleep(0.3)
    line.piece = 65536


async def cut(line: Proxy, tally: Tally) -> None:
    """Again and again, wherever what is said has come to."""
    for _ in range(4):
        await asyncio.sleep(0.15)
        line.cut()


async def cut_in_the_middle(line: Proxy, tally: Tally) -> None:
    """After ever more bytes of the questions, then of the answers."""
    for passed in (40, 400, 900):
        line.cut_requests_after = passed
        line.cut()
        await asyncio.sleep(0.2)
    line.cut_requests_after = None
    for passed in (1, 200, 700):
        line.cut_replies_after = passed
        line.cut()
        await asyncio.sleep(0.2)
    line.cut_replies_after = None
    line.cut()


async def refused(line: Proxy, tally: Tally) -> None:
    """Nobody listens."""
    line.refuse()
    line.cut()
    await asyncio.sleep(0.4)
    await line.listen()


async def silent(line: Proxy, tally: Tally) -> None:
    """Connections hold, and nothing comes."""
    line.freeze()
    await asyncio.sleep(0.8)
    line.thaw()


async def served_again(traffic: Traffic, tally: Tally) -> None:
    begun = time.monotonic()
    await until_served(traffic.service, RECOVERED_WITHIN_S)
    while tally.answered_at < begun:
        assert time.monotonic() - begun < RECOVERED_WITHIN_S, "the line is well, and nobody is served"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def spoilt(traffic: Traffic, line: Proxy, *faults: Fault) -> AsyncIterator[Tally]:
    """Traffic that meets one fault of the line after the other, and is well again after each."""
    async with traffic.flowing(6) as tally:
        await asyncio.sleep(0.5)
        for fault in faults:
            await fault(line, tally)
            await served_again(traffic, tally)
        yield tally
    assert not tally.wrong, tally.wrong[:3]
    assert max(tally.seconds) < LONGEST_ANSWER_S


async def test_lines_between_phones_and_web(town: Town) -> None:
    service = town.serve()
    port = int(service.url.rpartition(":")[2])
    async with Proxy(("127.0.0.1", port)) as line:
        traffic = Traffic(replace(service, url=f"http://127.0.0.1:{line.port}"))
        async with spoilt(traffic, line, slow, sliced, cut, cut_in_the_middle, refused, silent) as tally:
            pass
        assert line.cuts > 20
        assert set(tally.statuses) <= {200, 201, 204} | CUTS, tally.statuses
        # What arrives by halves is nobody's fault: the service says nothing about it at all.
        assert "cut answer" in tally.statuses and "refused connection" in tally.statuses
        await check_all(town, traffic)


async def test_lines_between_web_and_postgresql(town: Town) -> None:
    async with Proxy(town.postgres_socket) as line:
        traffic = Traffic(await town.serve_through(to_postgres=line))
        async with spoilt(traffic, line, slow, sliced, cut, cut_in_the_middle, refused, silent) as tally:
            pass
        assert line.cuts > 20
        assert tally.statuses[503] > 0
        assert set(tally.statuses) <= {200, 201, 204, 503}, tally.statuses
        await check_all(town, traffic)


@only_in_the_long_form
async def test_lines_between_web_and_redis_touch_nobody(town: Town) -> None:
    async with Proxy(town.valkey.socket) as line:
        traffic = Traffic(await town.serve_through(to_valkey=line))
        async with spoilt(traffic, line, slow, sliced, cut, cut_in_the_middle, refused, silent) as tally:
            pass
        assert line.cuts > 4
        assert set(tally.statuses) <= {200, 201, 204}, tally.statuses
        assert tally.p(0.99) < 1.0, tally.p(0.99)
        await check_all(town, traffic)
