"""A sick credit source costs a citizen a moment and nobody a tier: time limit, breaker, recovery; over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from citizens.credit_sources import CreditSourceUnavailable, NoRecord, Rating, Subject
from citizens.credit_sources.guarded import FAILURES_TO_OPEN, TIME_LIMIT_S, GuardedSource
from tests.factories.citizens import PURPOSE
from tests.factories.sources import NO_RECORD, Source, TcpSource, rating

LIMIT_S = 0.15


@asynccontextmanager
async def peer(answer: bytes | None) -> AsyncIterator[int]:
    """Accepts connections and sends this to each; nothing at all for None. Gives the port."""
    held: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        if answer is not None:
            writer.write(answer)
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in held:
            writer.close()
        server.close()
        await server.wait_closed()


async def ask(guarded: GuardedSource) -> Rating | NoRecord:
    return await guarded.look_up(Subject("330106198003120010"), PURPOSE, uuid4())


async def fail(guarded: GuardedSource, times: int) -> list[CreditSourceUnavailable]:
    """Ask so many times; every one has to fail in the one way there is."""
    failures = []
    for _ in range(times):
        with pytest.raises(CreditSourceUnavailable) as refused:
            await ask(guarded)
        failures.append(refused.value)
    return failures


@pytest.mark.parametrize("says", [rating(880), NO_RECORD])
async def test_a_good_answer_passes_as_it_is(says: Rating | NoRecord) -> None:
    assert await ask(GuardedSource(Source(says))) == says


@pytest.mark.alone
async def test_a_source_that_accepts_and_never_answers_is_unavailable_within_the_limit() -> None:
    async with peer(None) as port:
        guarded = GuardedSource(TcpSource(port), time_limit_s=LIMIT_S)
        began = time.monotonic()
        (failure,) = await fail(guarded, 1)
        assert LIMIT_S <= time.monotonic() - began < LIMIT_S + 1
        assert failure.retry_after_s == 2


def test_the_limit_is_two_seconds() -> None:
    assert TIME_LIMIT_S == 2.0 and FAILURES_TO_OPEN == 5


async def test_a_source_that_is_not_there_cuts_off_or_babbles_is_unavailable() -> None:
    async with peer(b"") as cutting, peer(b"\xff\xfe nonsense\n") as babbling:
        ports = [cutting, babbling]
        for port in ports:
            await fail(GuardedSource(TcpSource(port)), 1)
    await fail(GuardedSource(TcpSource(ports[0])), 1)


@pytest.mark.parametrize(
    "error",
    [
        OSError("down"),
        TimeoutError(),
        ValueError("broken"),
        CreditSourceUnavailable(),
        KeyError("score"),
        TypeError("no number"),
        RuntimeError("anything"),
    ],
)
async def test_whatever_goes_wrong_is_unavailable(error: Exception) -> None:
    await fail(GuardedSource(Source(error)), 1)


async def test_after_five_failures_the_source_is_left_alone() -> None:
    source = Source(OSError("down"))
    guarded = GuardedSource(source)
    await fail(guarded, 5)
    later = await fail(guarded, 20)
    assert len(source.asked) == 5
    assert {failure.retry_after_s for failure in later} == {10}


async def test_an_answer_in_between_begins_the_count_anew() -> None:
    source = Source(OSError("down"))
    guarded = GuardedSource(source)
    for _ in range(3):
        await fail(guarded, 4)
        source.says = rating(880)
        await ask(guarded)
        source.says = OSError("down")
    assert len(source.asked) == 15


async def test_an_open_breaker_tries_again_and_recovers_by_itself() -> None:
    source = Source(OSError("down"))
    guarded = GuardedSource(source, open_for_s=0.1)
    await fail(guarded, 6)
    await asyncio.sleep(0.15)
    source.says = rating(880)
    assert await ask(guarded) == rating(880)
    source.says = OSError("down")
    await fail(guarded, 4)
    assert len(source.asked) == 10


async def test_a_source_that_is_still_sick_is_left_alone_at_once() -> None:
    source = Source(OSError("down"))
    guarded = GuardedSource(source, open_for_s=0.1)
    await fail(guarded, 5)
    await asyncio.sleep(0.15)
    await fail(guarded, 3)
    assert len(source.asked) == 6


@pytest.mark.alone
async def test_sources_that_hang_for_many_at_once_open_the_breaker_too() -> None:
    async with peer(None) as port:
        guarded = GuardedSource(TcpSource(port), time_limit_s=LIMIT_S)
        await asyncio.gather(*(fail(guarded, 1) for _ in range(8)))
        began = time.monotonic()
        await fail(guarded, 10)
        assert time.monotonic() - began < LIMIT_S


async def test_citizens_who_hang_up_are_no_failures_of_the_source() -> None:
    async with peer(None) as port:
        source = TcpSource(port)
        guarded = GuardedSource(source, time_limit_s=30)
        asking = [asyncio.create_task(ask(guarded)) for _ in range(8)]
        await asyncio.sleep(0.1)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    async with peer(b"880\n") as port:
        source.port = port
        assert await ask(guarded) == rating(880)


async def test_a_citizen_who_hangs_up_is_no_answer_of_the_source_either() -> None:
    """Four failures, one who did not wait, one failure more: nobody has had an answer."""
    source = Source(OSError("down"))
    guarded = GuardedSource(source)
    await fail(guarded, 4)
    source.meanwhile = asyncio.Event().wait
    asking = asyncio.create_task(ask(guarded))
    await asyncio.sleep(0.05)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    source.meanwhile = None
    await fail(guarded, 4)
    assert len(source.asked) == 6
