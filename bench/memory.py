"""`python -m bench.memory`: the memory of a web process over a million requests, without a restart in between.

Of ten requests four redeem, two list what the caller may claim, three claim, one is told that an offer is
sold out. One worker; measured are its resident pages, those that it shares counted by share, and those
that nobody else has.
"""

import itertools
import sys
import time
from typing import Any

from bench import program
from bench.claim import Rush
from bench.load import LoadFailed, drive
from bench.machine import memory_of
from bench.offers import PATH
from bench.program import Options, say
from bench.requests import CLERKS, LONGEST_RUN_S, get, redeems, sign_in
from bench.rows import citizen_tokens, make_citizens, make_coupons, make_offers, settle
from bench.stack import Server, Stack
from common.clock import now
from common.processes import children_of

REQUESTS, FIRST, EVERY = 1_000_000, 10_000, 50_000
# Short enough for the codes of a batch to stay good while it is sent.
BATCH = 5_000
CITIZENS = 5000
CONNECTIONS = 16
OPEN, SOLD_OUT = 1, 2
FIRST_COUPON = 10


class Mixture:
    """Requests of four kinds, batch after batch."""

    def __init__(self, stack: Stack, server: Server, citizens: int) -> None:
        self._keys = stack.settings.code_master_keys
        tokens = citizen_tokens(stack, citizens, now())
        self._clerks = [sign_in(server.address, login) for login in CLERKS]
        self._lists = itertools.cycle([get(PATH, token) for token in tokens])
        self._claims = Rush(server, tokens, range(OPEN, OPEN + 1))
        self._sold_out = Rush(server, tokens, range(SOLD_OUT, SOLD_OUT + 1))
        self._coupon = FIRST_COUPON

    def batch(self, count: int) -> list[bytes]:
        """So many, in tens."""
        tens = count // 10
        numbers = range(self._coupon, self._coupon + 4 * tens)
        self._coupon = numbers.stop
        redemptions = iter(redeems(self._keys, self._clerks, numbers, LONGEST_RUN_S / 2 - 1))
        return [
            request
            for _ in range(tens)
            for request in (
                *itertools.islice(redemptions, 4),
                *itertools.islice(self._lists, 2),
                *self._claims.made(3),
                *self._sold_out.made(1),
            )
        ]


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """Send them in batches and look at the process after each fifty thousand."""
    total, first, every = (options.scaled(count) for count in (REQUESTS, FIRST, EVERY))
    citizens = options.scaled(CITIZENS)
    say(f"  making {citizens:,} citizens and {int(total * 0.4) + 100:,} coupons …")
    stack.sql(lambda: make_citizens(citizens))
    stack.sql(lambda: make_offers(OPEN, 1, 2 * total))
    stack.sql(lambda: make_offers(SOLD_OUT, 1, 0))
    stack.sql(lambda: make_coupons(FIRST_COUPON, int(total * 0.4) + 100, citizens))
    stack.sql(settle)
    with stack.service(1) as server:
        (worker,) = children_of(server.pid)
        mixture, points = Mixture(stack, server, citizens), [{"requests": 0, **memory_of(worker)}]
        stops = sorted({first, *range(every, total + 1, every), total})
        began, sent = time.monotonic(), 0
        for stop in stops:
            while sent < stop:
                sent += _send(server, mixture.batch(min(BATCH, stop - sent)))
            if children_of(server.pid) != [worker]:
                raise LoadFailed("the worker was restarted on the way")
            points.append({"requests": sent, **memory_of(worker)})
            if stop == first or stop % (2 * every) == 0:
                say(f"  {sent:,} requests, {points[-1]['rss']:.0f} MB, {time.monotonic() - began:.0f} s …")
    at_first = next(point for point in points if point["requests"] >= first)
    return {
        "points": points,
        "ratio": points[-1]["rss"] / at_first["rss"],
        "uss_ratio": points[-1]["uss"] / at_first["uss"],
        "first": at_first["requests"],
        "per_second": sent / (time.monotonic() - began),
    }


def _send(server: Server, batch: list[bytes]) -> int:
    figures = drive(server.address, CONNECTIONS, LONGEST_RUN_S, batch)
    figures.must_be(200, 201, 409)
    if figures.count != len(batch):
        raise LoadFailed(f"only {figures.count} of {len(batch)} were answered in {LONGEST_RUN_S} s")
    return figures.count


if __name__ == "__main__":
    sys.exit(program.run("memory", __doc__, measure, "about 6 minutes"))
