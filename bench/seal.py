"""`python -m bench.seal`: what sealing costs redeem.

pgbench running the guarded statement, and the service with everything on, redeem in three ways, in turns: in
a copy of the database without the column that sealing needs, in the database as it is, and in that with the
background process beside it, which seals twice a second instead of every 20 seconds. All of them share the machine, so
the sealer's own work is in the rates. Ratios are of the same turn; the median of all turns counts.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench import program
from bench.load import LoadFailed
from bench.machine import tree_cpu_s
from bench.program import Options, say
from bench.redeem import CITIZENS, Till, Yardstick
from bench.rows import Numbers, make_citizens, make_coupons
from bench.sides import Side
from bench.stack import Stack
from benefits.ledger import LEDGER
from common import database
from common.processes import end, spawn
from models import seals

COUPONS = 500_000
TURNS = 4
PLAIN = "xinyi_without_entries"
# So often that nearly all that a run writes is sealed while it runs.
SEAL_EVERY_S = 0.5
# `python -m server worker`, but for its pause.
WORKER = (
    "import sys; from server import __main__, worker;"
    f" worker.SEAL_EVERY_S = {SEAL_EVERY_S}; sys.exit(__main__.main(['worker']))"
)
CATCHES_UP_IN_S = 60.0


@dataclass
class Way:
    """One of the three ways to redeem: the statement's runs and the service's."""

    yardstick: Yardstick
    till: Till
    pgbench: Side = field(default_factory=Side)

    def run(self, options: Options) -> None:
        """One turn."""
        connections = options.connections[0]
        self.yardstick.run(self.pgbench, connections, max(1.0, options.seconds / 3))
        self.till.closed(connections, options.seconds / 2)


class Sealer:
    """The background process, and what it used for the records that were written beside it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.records, self.cpu_s = 0, 0.0

    @contextmanager
    def beside(self) -> Iterator[None]:
        """It runs inside, has sealed all that was there before, and seals all that is written inside.

        Raises:
            LoadFailed: it did not.
        """
        # Whoever keeps the seals of a real ledger is not told of these.
        environment = {**self._stack.environment, "LEDGER_WITNESS_URL": ""}
        with (self._stack.folder / "worker.log").open("ab") as log:
            process = spawn([sys.executable, "-c", WORKER], env=environment, output=log)
        try:
            self._catch_up(process)
            records, cpu_s = self._stack.sql(_sealed), tree_cpu_s(process.pid)
            yield
            self._catch_up(process)
            self.records += self._stack.sql(_sealed) - records
            self.cpu_s += tree_cpu_s(process.pid) - cpu_s
        finally:
            if not end(process, signal.SIGTERM, 30):
                end(process, signal.SIGKILL, 10)

    def _catch_up(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + CATCHES_UP_IN_S
        while self._stack.sql(lambda: seals.unsealed_since(LEDGER)) is not None:
            if process.poll() is not None or time.monotonic() > until:
                said = (self._stack.folder / "worker.log").read_text(errors="replace").splitlines()[-3:]
                raise LoadFailed("the ledger is not sealed; the worker's log ends: " + " / ".join(said))
            time.sleep(0.05)


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """Redeem in all three ways, in turns."""
    coupons = options.scaled(COUPONS, 100_000)
    say(f"  making {coupons:,} coupons, twice …")
    stack.sql(lambda: make_citizens(CITIZENS))
    stack.sql(lambda: make_coupons(1, coupons, CITIZENS))
    plain = _without_entries(stack)
    sealer = Sealer(stack)
    with ExitStack() as servers:
        without = _way(servers, plain, PLAIN, coupons, options)
        entries = _way(servers, stack, "xinyi", coupons, options)
        sealed = replace(entries, till=entries.till.beside(), pgbench=Side())
        for turn in range(1 if options.is_quick else TURNS):
            say(f"  turn {turn + 1} …")
            _turn(without, entries, sealed, sealer, options, is_plain_first=turn % 2 == 0)
    return {
        "connections": options.connections[0],
        "workers": options.workers[0],
        "every_s": SEAL_EVERY_S,
        "pgbench": _compared(*(way.pgbench for way in (without, entries, sealed))),
        "service": _compared(*(way.till.side for way in (without, entries, sealed))),
        "records": sealer.records,
        "cpu_ms_per_thousand": round(sealer.cpu_s * 1e6 / max(1, sealer.records), 2),
    }


def _turn(
    without: Way, entries: Way, sealed: Way, sealer: Sealer, options: Options, *, is_plain_first: bool
) -> None:
    """Each once. What was redeemed without the sealer is there for it to begin with: so it is seen to run."""
    if is_plain_first:
        without.run(options)
    entries.run(options)
    with sealer.beside():
        sealed.run(options)
    if not is_plain_first:
        without.run(options)


def _way(servers: ExitStack, stack: Stack, name: str, coupons: int, options: Options) -> Way:
    """A service of its own, warm."""
    numbers = Numbers(1, coupons)
    till = Till(stack, servers.enter_context(stack.service(options.workers[0])), numbers)
    till.warm_up(options.connections[0], 0.6 if options.is_quick else 3)
    return Way(Yardstick(stack, numbers, name), till)


def _without_entries(stack: Stack) -> Stack:
    """The same servers with a copy of the database as it was before there were seals."""
    stack.postgres.run("psql", "-qc", f"CREATE DATABASE {PLAIN} TEMPLATE xinyi", "postgres")
    for table in ("redemptions", "reversals"):
        stack.postgres.run("psql", "-qc", f"ALTER TABLE {table} DROP COLUMN entry", PLAIN)
    url = urlsplit(stack.settings.database_url)._replace(path=f"/{PLAIN}").geturl()
    return replace(
        stack,
        settings=replace(stack.settings, database_url=url),
        environment={**stack.environment, "DATABASE_URL": url},
    )


def _compared(plain: Side, entries: Side, sealed: Side) -> dict[str, Any]:
    """The three sides, and what is left of the rate: with the column, of that with a sealer, and of all."""

    def left(before: Side, after: Side) -> dict[str, float]:
        ratios = [b / a for a, b in zip(before.rates, after.rates, strict=True)]
        return {"median": median(ratios), "least": min(ratios), "most": max(ratios)}

    return {
        "plain": plain.as_json(),
        "entries": entries.as_json(),
        "sealed": sealed.as_json(),
        "of_entries": left(plain, entries),
        "of_sealing": left(entries, sealed),
        "of_both": left(plain, sealed),
    }


async def _sealed() -> int:
    row = await database.fetch_one("SELECT coalesce(sum(records), 0)::bigint AS records FROM seals")
    assert row is not None
    return int(row["records"])


if __name__ == "__main__":
    sys.exit(program.run("seal", __doc__, measure, "about a minute and a half"))
