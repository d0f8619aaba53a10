"""Hints between processes: they arrive, they never break anything, and they come back after a fault; real Valkey."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import asyncio as aioredis

from common import events
from sandbox.embedded import Valkey

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
async def connected(servers: Any) -> AsyncIterator[None]:
    """This process publishes and listens."""
    await events.connect(servers.redis_url)
    try:
        yield
    finally:
        await events.disconnect()


def a_channel() -> str:
    """A channel that no other test uses."""
    return f"test:{uuid4()}"


async def next_of(queue: events.Inbox, within_s: float = 3) -> Any:
    return await asyncio.wait_for(queue.get(), within_s)


async def test_a_hint_arrives_at_everybody_who_listens_to_its_channel(connected: None) -> None:
    one, other = a_channel(), a_channel()
    async with (
        events.subscription(one) as first,
        events.subscription(one) as second,
        events.subscription(other) as third,
    ):
        events.publish(one, {"event": "redeemed", "n": 1})
        assert await next_of(first) == await next_of(second) == {"event": "redeemed", "n": 1}
        assert third.empty()


async def test_every_listener_has_a_message_of_his_own(connected: None) -> None:
    channel = a_channel()
    async with events.subscription(channel) as first, events.subscription(channel) as second:
        events.publish(channel, {"event": "redeemed", "n": 1})
        (await next_of(first)).clear()
        assert await next_of(second) == {"event": "redeemed", "n": 1}


async def test_hints_keep_their_order(connected: None) -> None:
    channel = a_channel()
    async with events.subscription(channel) as queue:
        for number in range(50):
            events.publish(channel, {"n": number})
        assert [(await next_of(queue))["n"] for _ in range(50)] == list(range(50))


async def test_who_stopped_listening_gets_nothing_and_others_go_on(connected: None) -> None:
    channel = a_channel()
    async with events.subscription(channel) as stays:
        async with events.subscription(channel) as leaves:
            pass
        events.publish(channel, {"n": 1})
        assert await next_of(stays) == {"n": 1} and leaves.empty()


async def test_a_full_inbox_holds_up_nobody(connected: None) -> None:
    channel = a_channel()
    async with events.subscription(channel) as lazy, events.subscription(channel) as eager:
        for number in range(150):
            events.publish(channel, {"n": number})
            assert (await next_of(eager))["n"] == number
        assert lazy.full() and lazy.get_nowait() == {"n": 0}


async def test_everybody_is_told_when_the_process_stops_even_with_a_full_inbox(connected: None) -> None:
    channel = a_channel()
    async with events.subscription(channel) as idle, events.subscription(channel) as full:
        while not full.full():
            full.put_nowait({})
        events.end_subscriptions()
        assert await next_of(idle) is None
        rest = [full.get_nowait() for _ in range(full.qsize())]
        assert rest[-1] is None


async def test_without_a_connection_nothing_is_sent_and_nothing_breaks() -> None:
    assert events.client() is None
    events.publish("nobody", {"n": 1})
    events.end_subscriptions()


async def test_with_redis_away_publishing_and_listening_break_nothing() -> None:
    await events.connect(NOBODY)
    try:
        async with events.subscription(a_channel()) as queue:
            for number in range(events.MAX_WAITING + 10):
                events.publish("nobody", {"n": number})
            await asyncio.sleep(0.2)
            assert queue.empty()
    finally:
        await events.disconnect()


@pytest.mark.parametrize("away_s", [0.0, 1.2])
async def test_listeners_hear_again_after_redis_was_away(tmp_path: Path, away_s: float) -> None:
    """1.2 s is longer than one attempt to come back."""
    folder, channel = tmp_path / "valkey", a_channel()
    valkey = Valkey.start(folder)
    await events.connect(valkey.url)
    try:
        async with events.subscription(channel) as queue:
            events.publish(channel, {"n": "before"})
            assert await next_of(queue) == {"n": "before"}
            valkey.kill()
            await asyncio.sleep(away_s)
            valkey = Valkey.start(folder)
            # What was said meanwhile is lost: look for yourself, when it breaks and when it is mended.
            assert await next_of(queue) is events.MISSED
            assert await next_of(queue) is events.MISSED
            assert events.is_listening()
            events.publish(channel, {"n": "after"})
            assert await next_of(queue) == {"n": "after"}
    finally:
        await events.disconnect()
        valkey.stop()


async def test_who_listens_before_redis_is_there_hears_when_it_comes(tmp_path: Path) -> None:
    folder, channel = tmp_path / "valkey", a_channel()
    valkey = Valkey.start(folder)
    valkey.kill()
    await events.connect(valkey.url)
    try:
        async with events.subscription(channel) as queue:
            valkey = Valkey.start(folder)
            assert await next_of(queue) is events.MISSED
            events.publish(channel, {"n": 1})
            assert await next_of(queue) == {"n": 1}
    finally:
        await events.disconnect()
        valkey.stop()


async def test_what_is_not_one_of_ours_stops_nobody(connected: None) -> None:
    channel, client = a_channel(), events.client()
    assert client is not None
    async with events.subscription(channel) as queue:
        for text in ("no json", "[1]", "null"):
            await client.publish(channel, text)
        events.publish(channel, {"n": 1})
        assert await next_of(queue) == {"n": 1}
        assert queue.empty()


async def test_who_gives_up_while_subscribing_leaves_nothing_behind() -> None:
    await events.connect(NOBODY)

    async def listen() -> None:
        async with events.subscription(a_channel()):
            raise AssertionError("nobody confirms that fast")

    try:
        given_up = [asyncio.create_task(listen()) for _ in range(20)]
        await asyncio.sleep(0.05)
        for task in given_up:
            task.cancel()
        assert {str(each) for each in await asyncio.gather(*given_up, return_exceptions=True)} == {""}
        assert events._hub is not None and not events._hub._queues
    finally:
        await events.disconnect()


async def test_a_frozen_redis_is_noticed_though_its_connection_stays(tmp_path: Path) -> None:
    valkey = Valkey.start(tmp_path / "valkey")
    await events.connect(valkey.url)
    try:
        async with events.subscription(a_channel()) as queue:
            assert events.is_listening()
            os.kill(valkey.pid, signal.SIGSTOP)
            assert await next_of(queue, events.SILENT_S + 2 * events.PING_EVERY_S) is events.MISSED
            assert not events.is_listening()
            os.kill(valkey.pid, signal.SIGCONT)
            assert await next_of(queue, 5) is events.MISSED
            assert events.is_listening()
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
        await events.disconnect()
        valkey.stop()


async def test_a_quiet_connection_is_kept(connected: None) -> None:
    async with events.subscription(a_channel()) as queue:
        await asyncio.sleep(events.SILENT_S + events.PING_EVERY_S)
        assert queue.empty() and events.is_listening()


async def test_who_subscribes_while_the_process_stops_is_told_too(connected: None) -> None:
    events.end_subscriptions()
    async with events.subscription(a_channel()) as queue:
        assert queue.get_nowait() is None


async def test_who_comes_while_the_connection_is_being_made_is_subscribed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He finds the pen taken, gives up waiting, and must not stay deaf."""
    valkey = Valkey.start(tmp_path / "valkey")
    await events.connect(valkey.url)
    subscribe, is_slow, channel = aioredis.client.PubSub.subscribe, asyncio.Event(), a_channel()

    async def slowly(self: Any, *channels: str) -> Any:
        is_slow.set()
        await asyncio.sleep(events.TIMEOUT_S + 0.3)
        return await subscribe(self, *channels)

    try:
        assert await until(events.is_listening)
        monkeypatch.setattr(aioredis.client.PubSub, "subscribe", slowly)
        valkey.kill()
        assert await until(lambda: not events.is_listening())
        is_slow.clear()
        valkey = Valkey.start(tmp_path / "valkey")
        await asyncio.wait_for(is_slow.wait(), 5)
        async with events.subscription(channel) as queue:
            monkeypatch.setattr(aioredis.client.PubSub, "subscribe", subscribe)
            assert not events.is_listening()
            assert await next_of(queue) is events.MISSED
            events.publish(channel, {"n": 1})
            assert await next_of(queue) == {"n": 1}
    finally:
        await events.disconnect()
        valkey.stop()


async def until(is_so: Callable[[], bool]) -> bool:
    """Wait a little for something to become true."""
    for _ in range(100):
        if is_so():
            return True
        await asyncio.sleep(0.05)
    return False
