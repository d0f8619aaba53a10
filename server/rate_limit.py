"""Limits per actor and address, counted in the process and shared through Redis in the background.

Nothing waits for Redis: a request is judged by what all processes were last known to have counted plus
what this one has counted since. While Redis is away each process keeps to its own share of the limit,
which is stricter, never looser.
"""

import asyncio
import hashlib
import time
from collections import Counter
from ipaddress import IPv6Address, IPv6Network

from redis.exceptions import RedisError

from common import events
from server.errors import TooManyRequests

WINDOW_S = 60
SHARE_EVERY_S = 0.25
MAX_KEYS = 200_000

# One command for all counts: an answer to each was an eighth of what a busy process did.
COUNT_ALL = """
local totals = {}
for i, name in ipairs(KEYS) do
    totals[i] = redis.call('INCRBY', name, ARGV[i + 1])
    redis.call('EXPIRE', name, ARGV[1])
end
return totals
"""

Key = tuple[str, str]


def network_of(address: str) -> str:
    """Whose address it is: one customer of a provider has a whole /64 of IPv6 (RFC 6177), or one IPv4 address.

    Args:
        address: as a socket or a proxy's `Forwarded` says it: `[2001:db8::1]` and `::ffff:1.2.3.4` too.
    """
    bare = address.removeprefix("[").partition("]")[0]
    if ":" not in bare:
        return bare
    try:
        found = IPv6Address(bare.partition("%")[0])
    except ValueError:
        return bare
    return str(found.ipv4_mapped or IPv6Network((found, 64), strict=False))


class RateLimiter:
    """Counts of the running minute."""

    def __init__(self, processes: int, secret: bytes) -> None:
        self._processes = processes
        self._secret = secret[:32]
        self._window = 0
        self._unshared: Counter[Key] = Counter()
        self._counted: dict[Key, int] = {}
        self._is_shared = False

    def hit(self, bucket: str, who: str, limit: int) -> None:
        """Count one request.

        Args:
            bucket: what is limited: citizen, staff, admin, address, a sign-in.
            limit: requests a minute, over all processes.

        Raises:
            TooManyRequests: with the seconds to the next minute.
        """
        at = time.time()
        self._turn(int(at) // WINDOW_S)
        key = (bucket, who)
        self._unshared[key] += 1
        known = self._counted.get(key, 0) + self._unshared[key]
        if known > (limit if self._is_shared else max(1, limit // self._processes)):
            raise TooManyRequests(retry_after_s=WINDOW_S - int(at) % WINDOW_S)

    def _turn(self, window: int) -> None:
        # A flood of addresses must not eat the memory: forgetting them all only forgives one minute.
        if window != self._window or len(self._counted) + len(self._unshared) > MAX_KEYS:
            self._window = window
            self._unshared.clear()
            self._counted.clear()

    def _pseudonym(self, bucket: str, who: str) -> str:
        """Redis never holds an address or an id."""
        return hashlib.blake2s(f"{bucket}:{who}".encode(), key=self._secret, digest_size=16).hexdigest()

    async def share_for_ever(self) -> None:
        """Exchange counts with the other processes, for as long as the process lives."""
        while True:
            await asyncio.sleep(SHARE_EVERY_S)
            await self.share()

    async def share(self) -> None:
        """Add what is not shared yet to Redis, and learn what all have counted."""
        client = events.client()
        if client is None:
            return
        window, batch = self._window, dict(self._unshared)
        names = [f"limit:{window}:{self._pseudonym(*key)}" for key in batch]
        try:
            # Also when nothing is to be said: whether Redis is there must be known before the next rush.
            totals = await client.eval(COUNT_ALL, len(names), *names, 2 * WINDOW_S, *batch.values())
        except (RedisError, OSError, TimeoutError):
            self._is_shared = False
            return
        self._is_shared = True
        if window == self._window:
            for (key, count), total in zip(batch.items(), totals, strict=True):
                self._counted[key] = int(total)
                remaining = self._unshared[key] - count
                if remaining > 0:
                    self._unshared[key] = remaining
                else:  # also when a flood made this process forget in the meantime
                    del self._unshared[key]
