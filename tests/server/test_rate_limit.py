"""Limits: per minute and over all processes through a real Valkey; stricter, never looser, while it is away."""

from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from common import events
from server import rate_limit
from server.errors import TooManyRequests
from server.rate_limit import WINDOW_S, RateLimiter, network_of

SECRET = b"a secret for pseudonyms, 32 bytes"
MINUTE = 4_102_444_800.0  # far from the minute that other processes count in
assert MINUTE % 60 == 0


class Clock:
    """The wall clock that the limiter looks at, so that no test crosses a minute by chance."""

    def __init__(self) -> None:
        self.at = MINUTE + 5

    def time(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(rate_limit, "time", SimpleNamespace(time=made.time))
    yield made


@pytest.fixture
async def redis(servers: Any) -> AsyncIterator[None]:
    """This process is connected to the Valkey that all processes share."""
    await events.connect(servers.redis_url)
    yield
    await events.disconnect()


@pytest.fixture
async def redis_away() -> AsyncIterator[None]:
    """A Redis is configured, and nobody answers there."""
    await events.connect("redis://127.0.0.1:1/0")
    yield
    await events.disconnect()


def limiter(processes: int = 1) -> RateLimiter:
    return RateLimiter(processes, SECRET)


def hits(one: RateLimiter, times: int, who: str, limit: int, bucket: str = "citizen") -> int:
    """How many of so many requests are let through."""
    passed = 0
    for _ in range(times):
        try:
            one.hit(bucket, who, limit)
        except TooManyRequests:
            continue
        passed += 1
    return passed


def test_a_minute_has_as_many_requests_as_the_limit(clock: Clock) -> None:
    assert hits(limiter(), 25, "a", limit=10) == 10


def test_the_next_minute_begins_anew(clock: Clock) -> None:
    one = limiter()
    assert hits(one, 25, "a", limit=10) == 10
    clock.at = MINUTE + WINDOW_S - 0.001
    assert hits(one, 5, "a", limit=10) == 0
    clock.at = MINUTE + WINDOW_S
    assert hits(one, 25, "a", limit=10) == 10


@pytest.mark.parametrize(("offset", "wait_s"), [(0, 60), (5, 55), (59.9, 1)])
def test_a_refusal_says_when_the_next_minute_begins(clock: Clock, offset: float, wait_s: int) -> None:
    one, clock.at = limiter(), MINUTE + offset
    one.hit("citizen", "a", 1)
    with pytest.raises(TooManyRequests) as refused:
        one.hit("citizen", "a", 1)
    assert refused.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("[2001:db8:1:2::5]", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no:address", "no:address"),
        ("unknown", "unknown"),
    ],
)
def test_one_customer_has_one_limit_however_many_addresses_he_has(address: str, network: str) -> None:
    assert network_of(address) == network


def test_people_and_buckets_are_counted_apart(clock: Clock) -> None:
    one = limiter()
    assert hits(one, 9, "a", limit=3) == hits(one, 9, "b", limit=3) == 3
    assert hits(one, 9, "a", limit=3, bucket="staff") == 3


async def test_processes_share_what_they_counted(clock: Clock, redis: None) -> None:
    first, second, who = limiter(2), limiter(2), uuid4().hex
    passed = 0
    for _ in range(20):
        for one in (first, second):
            passed += hits(one, 2, who, limit=30)
            await one.share()
    assert 30 <= passed <= 32  # what one counts between two exchanges the other does not know yet


async def test_one_process_may_use_the_whole_limit_when_the_others_are_idle(
    clock: Clock, redis: None
) -> None:
    one, who = limiter(4), uuid4().hex
    hits(one, 1, who, limit=40)
    await one.share()
    assert hits(one, 60, who, limit=40) == 39


async def test_what_was_counted_is_not_counted_twice(clock: Clock, redis: None) -> None:
    one, who = limiter(), uuid4().hex
    hits(one, 5, who, limit=100)
    for _ in range(5):
        await one.share()
    assert hits(one, 200, who, limit=100) == 95


async def test_a_process_that_starts_later_learns_what_the_others_counted(clock: Clock, redis: None) -> None:
    first, who = limiter(2), uuid4().hex
    hits(first, 10, who, limit=10)
    await first.share()
    late = limiter(2)
    hits(late, 1, who, limit=10)
    await late.share()
    assert hits(late, 5, who, limit=10) == 0


async def test_redis_holds_no_address_and_no_id(clock: Clock, redis: None) -> None:
    one, who = limiter(), f"10.1.2.3-{uuid4().hex}"
    client = events.client()
    assert client is not None
    before = set(await client.keys(f"limit:{int(clock.at) // WINDOW_S}:*"))
    hits(one, 3, who, limit=10, bucket="address")
    await one.share()
    # Every count of this made-up minute that no test before has left.
    (name,) = set(await client.keys(f"limit:{int(clock.at) // WINDOW_S}:*")) - before
    assert who.encode() not in name and b"address" not in name and b"10.1.2.3" not in name
    assert await client.get(name) == b"3"
    assert 0 < await client.ttl(name) <= 2 * WINDOW_S
    other = RateLimiter(1, b"another secret for pseudonyms....")
    hits(other, 1, who, limit=10, bucket="address")
    await other.share()
    assert await client.get(name) == b"3"


@pytest.mark.parametrize("processes", [2, 4])
async def test_with_redis_away_each_process_keeps_to_its_share(
    clock: Clock, redis_away: None, processes: int
) -> None:
    passed = 0
    for _ in range(processes):
        one = limiter(processes)
        await one.share()
        hits(one, 1, "a", limit=40)
        await one.share()
        passed += 1 + hits(one, 100, "a", limit=40)
    assert passed == 40


async def test_limits_get_stricter_when_redis_goes_and_wider_when_it_comes(
    clock: Clock, servers: Any
) -> None:
    one, who = limiter(2), uuid4().hex
    await events.connect(servers.redis_url)
    hits(one, 10, who, limit=20)
    await one.share()
    await events.disconnect()
    await events.connect("redis://127.0.0.1:1/0")
    assert hits(one, 1, who, limit=20) == 1
    await one.share()
    assert hits(one, 1, who, limit=20) == 0  # ten of twenty are this process's share
    await events.disconnect()
    await events.connect(servers.redis_url)
    await one.share()
    assert hits(one, 20, who, limit=20) == 8
    await events.disconnect()


async def test_without_redis_configured_nothing_breaks(clock: Clock) -> None:
    one = limiter(2)
    hits(one, 1, "a", limit=10)
    await one.share()
    assert hits(one, 20, "a", limit=10) == 4


@pytest.mark.parametrize("is_redis_there", [True, False])
async def test_a_flood_of_addresses_does_not_eat_the_memory(
    clock: Clock, servers: Any, monkeypatch: pytest.MonkeyPatch, is_redis_there: bool
) -> None:
    monkeypatch.setattr(rate_limit, "MAX_KEYS", 200)
    one = limiter()
    await events.connect(servers.redis_url if is_redis_there else "redis://127.0.0.1:1/0")
    try:
        for number in range(1200):
            one.hit("address", f"2001:db8::{number:x}", 5)
            if number % 100 == 0:
                await one.share()
    finally:
        await events.disconnect()
    assert len(one._unshared) <= 400 and len(one._counted) <= 400
