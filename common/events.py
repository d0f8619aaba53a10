"""Hints between processes over Redis pub/sub. Losing one costs a look at the database, never a wrong answer."""

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from common.tasks import end_tasks

log = structlog.get_logger()

TIMEOUT_S = 0.5
RECONNECT_S = 0.5
SEND_AFTER_S = 0.005
# A peer that is frozen keeps its connection: it is asked every second, and given up after two that it misses.
PING_EVERY_S = 1.0
SILENT_S = 2.5
# Beyond this the oldest hints that wait are dropped: a stuck Redis must not eat a worker's memory.
MAX_WAITING = 1000
ALWAYS = "always"
# One command and one answer for all that waits: reading an answer to each would cost more than sending them.
PUBLISH_ALL = "for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end"

Inbox = asyncio.Queue[dict[str, Any] | None]
# Put into every inbox when the connection breaks and when it is back: look for yourself.
MISSED: dict[str, Any] = {}

_AWAY = (RedisError, OSError, TimeoutError)

_client: aioredis.Redis | None = None
_hub: "_Hub | None" = None
_outbox: "_Outbox | None" = None


def redis_client(url: str) -> aioredis.Redis:
    """A client with short limits of its own: the library's would hold a request for many seconds."""
    return aioredis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None, health_check_interval=0
    )


async def connect(url: str) -> None:
    """Start publishing and listening in this process; Redis may be down and come later."""
    global _client, _hub, _outbox
    _client = redis_client(url)
    _hub = _Hub(url)
    _outbox = _Outbox(_client)


async def disconnect() -> None:
    """Stop listening and let go of the connections."""
    global _client, _hub, _outbox
    if _outbox is not None:
        await _outbox.close()
    if _hub is not None:
        await _hub.close()
    if _client is not None:
        await _client.aclose()
    _client = _hub = _outbox = None


def client() -> aioredis.Redis | None:
    """The process's client for short calls, or nothing where none was configured."""
    return _client


def publish(channel: str, message: dict[str, Any]) -> None:
    """Send a hint without waiting for it; nothing is raised when Redis does not take it."""
    if _outbox is not None:
        _outbox.put(channel, json.dumps(message))


class _Outbox:
    """Sends what waits in one go, so that a busy worker pays for few round trips."""

    def __init__(self, client: aioredis.Redis) -> None:
        self._client = client
        self._waiting: deque[tuple[str, str]] = deque(maxlen=MAX_WAITING)
        self._filled = asyncio.Event()
        self._sender = asyncio.create_task(self._send_for_ever())

    def put(self, channel: str, text: str) -> None:
        self._waiting.append((channel, text))
        self._filled.set()

    async def _send_for_ever(self) -> None:
        while True:
            await self._filled.wait()
            # Nobody sees five milliseconds, and a busy worker sends a tenth as often.
            await asyncio.sleep(SEND_AFTER_S)
            self._filled.clear()
            batch = list(self._waiting)
            self._waiting.clear()
            try:
                await self._client.eval(PUBLISH_ALL, 0, *(part for pair in batch for part in pair))
            except _AWAY:
                continue
            except Exception:
                log.exception("events_not_sent", events=len(batch))

    async def close(self) -> None:
        await end_tasks([self._sender])


def is_listening() -> bool:
    """Whether messages of other processes arrive now."""
    return _hub is not None and _hub.is_connected


def end_subscriptions() -> None:
    """Tell every subscriber, also one that comes later, that no more will come: the process is about to stop."""
    if _hub is not None:
        _hub.is_over = True
        _hub.tell_all(None)


@asynccontextmanager
async def subscription(channel: str) -> AsyncIterator[Inbox]:
    """A queue that gets every message of a channel from now on, for as long as the block lasts.

    None in place of a message says that the process stops, `MISSED` that some may have been missed.
    """
    assert _hub is not None, "events.connect comes first"
    queue: Inbox = asyncio.Queue(maxsize=100)
    try:
        await _hub.add(channel, queue)
        if _hub.is_over:
            queue.put_nowait(None)
        yield queue
    finally:
        await _hub.remove(channel, queue)


class _Hub:
    """One Redis connection per process for all its listeners; comes back by itself after a fault.

    One task reads, and only it connects; subscribing only writes, one at a time. A listener waits until
    Redis has confirmed, so that nothing that is published afterwards can pass him by.
    """

    def __init__(self, url: str) -> None:
        # The limit is for commands and the handshake; waiting for messages may take for ever (`get_message`).
        self._client = redis_client(url)
        self._queues: defaultdict[str, set[Inbox]] = defaultdict(set)
        self._confirmed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._pubsub: aioredis.client.PubSub | None = None
        self._writing = asyncio.Lock()
        self.is_over = False
        self._reader = asyncio.create_task(self._read_for_ever())

    @property
    def is_connected(self) -> bool:
        return self._pubsub is not None

    async def add(self, channel: str, queue: Inbox) -> None:
        self._queues[channel].add(queue)
        # Without Redis nobody confirms: the listener is told (`MISSED`) when the reader is back.
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                async with self._writing:
                    if self._pubsub is not None and not self._confirmed[channel].is_set():
                        with suppress(*_AWAY):
                            await self._pubsub.subscribe(channel)
                await self._confirmed[channel].wait()
                while not queue.empty():  # nobody has listened yet, so nobody has missed anything
                    queue.get_nowait()

    async def remove(self, channel: str, queue: Inbox) -> None:
        self._queues[channel].discard(queue)
        async with self._writing:
            if self._queues[channel]:
                return
            del self._queues[channel]
            self._confirmed.pop(channel, None)
            if self._pubsub is not None:
                with suppress(*_AWAY):
                    await self._pubsub.unsubscribe(channel)

    def tell_all(self, what: dict[str, Any] | None) -> None:
        self._tell({queue for queues in self._queues.values() for queue in queues}, what)

    def _tell(self, queues: set[Inbox], what: dict[str, Any] | None) -> None:
        """Something that a listener must hear, even one whose inbox is full."""
        for queue in queues:
            while queue.full():
                queue.get_nowait()
            queue.put_nowait(what)

    async def close(self) -> None:
        await end_tasks([self._reader])
        with suppress(*_AWAY):
            await self._client.aclose()

    async def _read_for_ever(self) -> None:
        while True:
            pubsub = self._client.pubsub()
            try:
                await self._read(pubsub)
            except _AWAY as error:
                log.warning("events_interrupted", error=type(error).__name__)
            except Exception:
                log.exception("events_interrupted")
            finally:
                if self._pubsub is not None:
                    self._pubsub = None
                    self.tell_all(MISSED)
                self._confirmed.clear()
                with suppress(*_AWAY):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(RECONNECT_S)

    async def _read(self, pubsub: "aioredis.client.PubSub") -> None:
        async with self._writing:
            # A channel of its own keeps the connection in the state in which it can be read.
            waiting = set(self._queues)
            await pubsub.subscribe(ALWAYS, *waiting)
            self._pubsub = pubsub
            # Who came meanwhile found no connection to subscribe on.
            if late := set(self._queues) - waiting:
                await pubsub.subscribe(*late)
                waiting |= late
        heard_at = time.monotonic()
        while True:
            message = await pubsub.get_message(timeout=PING_EVERY_S)
            if message is None:
                if time.monotonic() - heard_at > SILENT_S:
                    raise TimeoutError
                async with self._writing:
                    await pubsub.ping()
                continue
            heard_at = time.monotonic()
            if message["type"] == "pong":
                continue
            channel = message["channel"].decode()
            if message["type"] == "subscribe" and channel in self._queues:
                self._confirmed[channel].set()
                if channel in waiting:
                    waiting.remove(channel)
                    self._tell(self._queues[channel], MISSED)
            elif message["type"] == "message":
                self._deliver(channel, message["data"])

    def _deliver(self, channel: str, text: bytes) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return  # not one of ours
        for queue in self._queues.get(channel, ()) if isinstance(message, dict) else ():
            with suppress(asyncio.QueueFull):
                queue.put_nowait(dict(message))
