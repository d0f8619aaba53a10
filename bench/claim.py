"""`python -m bench.claim`: everybody claims from one offer at once, against claims spread over a thousand offers.

Everything on: access token, limits, JSON, the read with offer, consent and tier, the rules, the guarded
statement. Every offer asks for a tier and has a stock, so that the only difference is whether all want
the same row. Afterwards each offer's counter must be the number of its coupons. pgbench, running the
guarded statement for a single row on the one offer, is there to compare.
"""

import itertools
import sys
from typing import Any
from uuid import UUID, uuid4

from bench import pgbench, program
from bench.load import Figures, drive
from bench.machine import watched
from bench.program import Options, say
from bench.requests import claim
from bench.rows import Numbers, check_stock, citizen_tokens, make_citizens, make_offers, settle
from bench.sides import Side
from bench.stack import Server, Stack
from bench.yardstick import claim_script
from common import database
from common.clock import now

CITIZENS = 5000
PIECES = 1_000_000
HOT, SPREAD, OFFERS = 1, 1001, 1000
ROUNDS = 3


class Rush:
    """Citizens in turn who claim from offers in turn."""

    def __init__(self, server: Server, tokens: list[str], offers: range) -> None:
        self.server = server
        self._citizens = itertools.cycle(tokens)
        self._paths = itertools.cycle([f"/api/v1/offers/{UUID(int=number)}/coupons" for number in offers])
        self._keys = (f"{uuid4().hex[:8]}-{number}" for number in itertools.count())
        self.per_second = 1000.0
        self.side = Side()

    def made(self, count: int) -> list[bytes]:
        """So many claims."""
        return [claim(next(self._paths), next(self._citizens), next(self._keys)) for _ in range(count)]

    def run(self, connections: int, seconds: float, expected: int = 201) -> Figures:
        """As many as can be."""
        made = self.made(int(self.per_second * seconds * 2) + 2 * connections)
        figures = drive(self.server.address, connections, seconds, made)
        figures.must_be(expected)
        self.per_second = max(self.per_second, figures.per_second)
        return figures


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """For each number of connections and workers: one offer, a thousand, one, a thousand … and pgbench."""
    citizens = options.scaled(CITIZENS)
    say(f"  making {citizens:,} citizens and {OFFERS + 1:,} offers …")
    stack.sql(lambda: make_citizens(citizens))
    stack.sql(lambda: make_offers(HOT, 1, PIECES))
    stack.sql(lambda: make_offers(SPREAD, OFFERS, PIECES))
    stack.sql(settle)
    tokens = citizen_tokens(stack, citizens, now())
    numbers = Numbers(1, 1 << 40)
    rows = []
    for workers, connections in itertools.product(options.workers, options.connections):
        say(f"  {connections} connections, {workers} worker(s) …")
        rows.append(_compare(stack, tokens, numbers, (connections, workers), options))
    say("  counting …")
    stock = stack.sql(lambda: check_stock(HOT, 1)), stack.sql(lambda: check_stock(SPREAD, OFFERS))
    return {"rows": rows, "pieces": PIECES, "offers": OFFERS, "stock": {"one": stock[0], "spread": stock[1]}}


def _compare(
    stack: Stack, tokens: list[str], numbers: Numbers, shape: tuple[int, int], options: Options
) -> dict[str, Any]:
    connections, workers = shape
    pg, seconds = Side(), options.seconds / 2
    with stack.service(workers) as server:
        one, spread = (
            Rush(server, tokens, range(HOT, HOT + 1)),
            Rush(server, tokens, range(SPREAD, SPREAD + OFFERS)),
        )
        groups = {"service": server.pid, "postgres": stack.postgres.pid}
        for rush in (one, spread):
            rush.run(connections, min(1.0, seconds))
        for _ in range(ROUNDS):
            for rush in (spread, one):
                with watched(groups) as usage:
                    figures = rush.run(connections, seconds)
                rush.side.add(figures, usage)
        taken = numbers.take(pgbench.needed(seconds))
        offer = stack.sql(_hot)
        script = claim_script(offer, len(tokens), now(), "(:n)::bigint")
        with watched({"postgres": stack.postgres.pid}) as usage:
            figures = pgbench.run(stack, script, connections, seconds, taken.start)
        pg.add(figures, usage)
    return {
        "connections": connections,
        "workers": workers,
        "one": one.side.as_json(),
        "spread": spread.side.as_json(),
        "pgbench": pg.as_json(),
        "ratio": one.side.figures.per_second / spread.side.figures.per_second,
    }


async def _hot() -> Any:
    return await database.fetch_one(
        "SELECT id, terms_id, min_tier_level FROM offers WHERE id = $1", UUID(int=HOT)
    )


if __name__ == "__main__":
    sys.exit(program.run("claim", __doc__, measure, "about 2 minutes"))
