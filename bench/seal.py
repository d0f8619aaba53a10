"""`python -m bench.seal`: what sealing costs redeem.

pgbench runs the guarded statement of a redemption in three ways, in turns, so that a noisy machine is noisy for all
of them: on tables without the column that sealing needs (a copy of the database), on the tables as they are, and on
those with a sealer beside it that seals every second instead of every 20. PostgreSQL, pgbench and the sealer share
the machine. Ratios are of the same turn; the median of all turns counts.
"""

import argparse
import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import pgbench
from bench.figures import Numbers
from bench.redeem import COUPONS, make_coupons, redeem_script
from bench.stack import Stack, started
from benefits import seals
from common import database
from common.clock import now
from common.signing import Signer

PLAIN = "xinyi_without_entries"
SEAL_EVERY_S = 1.0
SIGNER = Signer.of(bytes(32))
# More than any machine does in a second.
MOST_PER_SECOND = 16_000


@dataclass
class Cost:
    """What was measured: redemptions a second by turn, and the sealer's own work."""

    plain: list[float] = field(default_factory=list)
    entries: list[float] = field(default_factory=list)
    sealed: list[float] = field(default_factory=list)
    records: int = 0
    cpu_s: float = 0.0
    # PostgreSQL's CPU per redemption in microseconds, by turn: steadier than rates on a machine that others use.
    plain_us: list[float] = field(default_factory=list)
    entries_us: list[float] = field(default_factory=list)

    @property
    def of_entries(self) -> float:
        """Part of the rate that is left with the column, its numbers and its index."""
        return median(b / a for a, b in zip(self.plain, self.entries, strict=True))

    @property
    def of_sealing(self) -> float:
        """Part of the rate that is left with a sealer beside it, of the rate without one."""
        return median(b / a for a, b in zip(self.entries, self.sealed, strict=True))

    @property
    def of_both(self) -> float:
        """Part of the rate that is left with everything."""
        return median(b / a for a, b in zip(self.plain, self.sealed, strict=True))

    @property
    def cpu_ms_per_thousand(self) -> float:
        """The sealer's CPU time; PostgreSQL's for it is not in it."""
        return self.cpu_s * 1000 / max(1, self.records) * 1000


def main() -> None:
    """Run and print a line that can be quoted."""
    parser = argparse.ArgumentParser(prog="python -m bench.seal", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=4, help="length of each measurement (default: %(default)s)"
    )
    parser.add_argument("--turns", type=int, default=4, help="(default: %(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="(default: %(default)s)")
    options = parser.parse_args()
    cost = measure(options.seconds, options.turns, options.connections)
    print(
        f"sealing, {options.connections} connections, {options.turns} turns of {options.seconds} s:"
        f" with entries {cost.of_entries:.3f}, with a sealer {cost.of_sealing:.3f},"
        f" both {cost.of_both:.3f} of the rate without ({median(cost.plain):.0f}/s);"
        f" PostgreSQL {median(cost.plain_us):.0f} µs of CPU per redemption without entries,"
        f" {median(cost.entries_us):.0f} with; sealer {cost.cpu_ms_per_thousand:.1f} ms of CPU per 1,000 records ({cost.records:,} sealed)"
    )


def measure(seconds: int, turns: int, connections: int) -> Cost:
    """Run all turns on a stack of their own."""
    cost = Cost()
    with started() as stack:
        print(f"making {COUPONS:,} coupons …", flush=True)
        stack.sql(make_coupons)
        _copy_without_entries(stack)
        script, plain, real = redeem_script(stack), Numbers(COUPONS), Numbers(COUPONS)

        def rate(numbers: Numbers, name: str, cpu_us: list[float] | None = None) -> float:
            first, before = numbers.take(MOST_PER_SECOND * seconds), _backends_cpu_s(stack)
            found = pgbench.run(stack, script, connections, seconds, first, name).per_second
            if cpu_us is not None:
                cpu_us.append((_backends_cpu_s(stack) - before) / (found * seconds) * 1e6)
            return found

        for turn in range(turns):
            cost.plain.append(rate(plain, PLAIN, cost.plain_us))
            cost.entries.append(rate(real, "xinyi", cost.entries_us))
            stack.sql(_seal_all)
            with _sealer(stack, cost):
                cost.sealed.append(rate(real, "xinyi"))
            stack.sql(_seal_all)
            print(
                f"turn {turn + 1}: {cost.plain[-1]:.0f}/s without entries, {cost.entries[-1]:.0f}/s with,"
                f" {cost.sealed[-1]:.0f}/s with a sealer",
                flush=True,
            )
    return cost


def _backends_cpu_s(stack: Stack) -> float:
    """CPU of all sessions that have ended, as the postmaster has collected it."""
    fields = Path(f"/proc/{stack.postgres.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _copy_without_entries(stack: Stack) -> None:
    stack.postgres.run("psql", "-qc", f"CREATE DATABASE {PLAIN} TEMPLATE xinyi", "postgres")
    for table in ("redemptions", "reversals"):
        stack.postgres.run("psql", "-qc", f"ALTER TABLE {table} DROP COLUMN entry", PLAIN)


async def _seal_all() -> int:
    return await seals.seal_new(SIGNER, now())


@contextmanager
def _sealer(stack: Stack, cost: Cost) -> Iterator[None]:
    """Seals every second, in a thread of its own, until the block ends."""
    ended = threading.Event()

    async def seal() -> None:
        await database.connect(stack.settings.database_url, pool_size=1)
        begun = time.thread_time()
        while not ended.is_set():
            cost.records += await _seal_all()
            await asyncio.sleep(SEAL_EVERY_S)
        cost.cpu_s += time.thread_time() - begun
        await database.disconnect()

    def work() -> None:
        asyncio.run(seal())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    main()
