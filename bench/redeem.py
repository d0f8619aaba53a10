"""`python -m bench.redeem`: redemptions a second with everything on, against pgbench running the guarded statement.

Everything on: access token, limits, JSON, code check, the read with the frozen terms, the rules, the
record, the event, metrics. PostgreSQL, the service and this load share the machine. Then the same at 70 %
of what the service did just now, at given moments: how long one redemption takes when there is some air.
"""

import sys
from collections.abc import Mapping
from copy import copy
from typing import Any
from uuid import UUID

from bench import pgbench, program
from bench.load import Figures, drive, drive_at
from bench.machine import tree_cpu_s, watched
from bench.program import Options, say
from bench.requests import CLERKS, LONGEST_RUN_S, Clerk, redeems, sign_in
from bench.rows import Numbers, make_citizens, make_coupons
from bench.sides import Side
from bench.stack import Server, Stack
from bench.yardstick import CLERK, redeem_script
from common import database
from common.clock import now
from common.processes import children_of
from sandbox.demo_data.rows import demo_id

CITIZENS = 1000
COUPONS = 1_500_000
AIR = 0.7
ROUNDS = 2


class Till:
    """Redeems at one running service, over and over; knows how fast it goes."""

    def __init__(self, stack: Stack, server: Server, numbers: Numbers) -> None:
        self._stack, self._server, self._numbers = stack, server, numbers
        self._clerks: list[Clerk] = [sign_in(server.address, login) for login in CLERKS]
        self.per_second = 1000.0
        self.side = Side()

    def warm_up(self, connections: int, seconds: float) -> None:
        """Until it goes as fast as it can; says how fast that is."""
        for share in (0.3, 0.7):
            self.per_second = self._closed(connections, max(0.3, seconds * share)).per_second

    def closed(self, connections: int, seconds: float) -> Figures:
        """As many as can be."""
        with watched(self.groups()) as usage:
            figures = self._closed(connections, seconds)
        self.per_second = max(self.per_second, figures.per_second)
        return self.side.add(figures, usage)

    def at(self, per_second: float, connections: int, seconds: float, side: Side) -> Figures:
        """At random moments, so many a second."""
        taken = self._numbers.take(int(per_second * seconds))
        made = redeems(self._stack.settings.code_master_keys, self._clerks, taken, seconds / 2)
        with watched(self.groups()) as usage:
            figures = drive_at(self._server.address, connections, per_second, made)
        figures.must_be(201)
        return side.add(figures, usage)

    def beside(self) -> "Till":
        """The same clerks at the same service, counted apart."""
        other = copy(self)
        other.side = Side()
        return other

    def groups(self) -> Mapping[str, int]:
        """Whose CPU counts."""
        return {"service": self._server.pid, "postgres": self._stack.postgres.pid}

    def _closed(self, connections: int, seconds: float) -> Figures:
        assert seconds <= LONGEST_RUN_S
        taken = self._numbers.take(int(self.per_second * seconds * 2) + 2 * connections)
        made = redeems(self._stack.settings.code_master_keys, self._clerks, taken, seconds / 2)
        figures = drive(self._server.address, connections, seconds, made)
        figures.must_be(201)
        self._numbers.give_back(len(taken) - figures.count)
        return figures


class WorkerShares:
    """How the work of a service is spread over its processes: kept connections may be spread unevenly."""

    def __init__(self, server: Server) -> None:
        self._before = {pid: tree_cpu_s(pid) for pid in children_of(server.pid)}

    def now(self) -> list[float]:
        """Each worker's share of the CPU since the beginning, the largest first."""
        spent = [tree_cpu_s(pid) - before for pid, before in self._before.items()]
        return sorted((one / (sum(spent) or 1.0) for one in spent), reverse=True)


class Yardstick:
    """pgbench redeeming coupons by the guarded statement for a single row, in the database of that name."""

    def __init__(self, stack: Stack, numbers: Numbers, name: str = "xinyi") -> None:
        self._stack, self._numbers, self._name = stack, numbers, name
        row = stack.sql(_first_store)
        self._place: tuple[UUID, UUID] = row["store_id"], row["member_id"]

    def run(self, side: Side, connections: int, seconds: float, rate: float | None = None) -> None:
        """As many as can be, or so many a second."""
        taken = self._numbers.take(pgbench.needed(seconds, rate))
        script = redeem_script(*self._place, now(), "(:n)::bigint")
        with watched({"postgres": self._stack.postgres.pid}) as usage:
            figures = pgbench.run(self._stack, script, connections, seconds, taken.start, rate, self._name)
        self._numbers.give_back(max(0, len(taken) - figures.used))
        side.add(figures, usage)


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """For each number of connections: pgbench and the services in turn, then each at 70 %."""
    coupons = options.scaled(COUPONS, 100_000)
    say(f"  making {coupons:,} coupons …")
    stack.sql(lambda: make_citizens(CITIZENS))
    stack.sql(lambda: make_coupons(1, coupons, CITIZENS))
    numbers = Numbers(1, coupons)
    yardstick = Yardstick(stack, numbers)
    rows = [
        row
        for connections in options.connections
        for row in _compare(stack, yardstick, numbers, connections, options)
    ]
    return {"rows": rows, "air": AIR}


def _compare(
    stack: Stack, yardstick: Yardstick, numbers: Numbers, connections: int, options: Options
) -> list[dict[str, Any]]:
    pg, found = Side(), []
    pg_seconds = max(1.0, options.seconds / 2)
    for workers in options.workers:
        say(f"  {connections} connections, {workers} worker(s) …")
        with stack.service(workers) as server:
            till, shares = Till(stack, server, numbers), WorkerShares(server)
            till.warm_up(connections, 2 if not options.is_quick else 0.6)
            for _ in range(ROUNDS):
                yardstick.run(pg, connections, pg_seconds)
                till.closed(connections, options.seconds)
            rate = AIR * till.side.figures.per_second
            pg_at, service_at = Side(), Side()
            for _ in range(ROUNDS):
                yardstick.run(pg_at, connections, pg_seconds, rate)
                till.at(rate, connections, options.seconds, service_at)
            found.append((workers, till.side, rate, service_at, pg_at, shares.now()))
    return [
        {
            "connections": connections,
            "workers": workers,
            "service": service.as_json(),
            "pgbench": pg.as_json(),
            "ratio": service.figures.per_second / pg.figures.per_second,
            "rate": rate,
            "service_at": service_at.as_json(),
            "pgbench_at": pg_at.as_json(),
            "worker_shares": shares_then,
            "p99_ratio": service_at.figures.quantile_ms(0.99) / pg_at.figures.quantile_ms(0.99),
        }
        for workers, service, rate, service_at, pg_at, shares_then in found
    ]


async def _first_store() -> Any:
    return await database.fetch_one(
        "SELECT store_id, member_id FROM staff_stores WHERE staff_id = $1", demo_id("staff", CLERK)
    )


if __name__ == "__main__":
    sys.exit(program.run("redeem", __doc__, measure, "about 4 minutes"))
