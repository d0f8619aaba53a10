"""What the benches share: numbers that nobody used yet, and the lines they print."""

import argparse

from bench.load import Figures
from bench.pgbench import Yardstick


def read_options(program: str, description: str | None) -> argparse.Namespace:
    """What every bench can be told: `seconds`, `connections`, `workers`."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument(
        "--seconds", type=int, default=10, help="length of each measurement (default: %(default)s)"
    )
    parser.add_argument("--connections", type=int, nargs="*", default=[16, 64], help="(default: 16 64)")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="web processes (default: 1 2)")
    return parser.parse_args()


class Numbers:
    """Hands out whole numbers from 1 on, each once."""

    def __init__(self, last: int) -> None:
        self._next, self._last = 1, last

    def take(self, count: int) -> int:
        """Take so many in a row; the first of them.

        Raises:
            SystemExit: there are not so many left.
        """
        first, self._next = self._next, self._next + count
        if self._next > self._last:
            raise SystemExit("all prepared rows are used up: measure for fewer seconds or fewer connections")
        return first


def report(title: str, figures: Figures, before: Yardstick, after: Yardstick) -> None:
    """One line each for the service and its yardstick, and the ratio."""
    yardstick = (before.per_second + after.per_second) / 2
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(figures.statuses.items()))
    print(
        f"{title}\n"
        f"  service  {figures.per_second:8.0f}/s  p50 {figures.quantile_ms(0.5):6.2f} ms"
        f"  p99 {figures.quantile_ms(0.99):6.2f} ms  ({statuses})\n"
        f"  pgbench  {yardstick:8.0f}/s  p50 {(before.p50_ms + after.p50_ms) / 2:6.2f} ms"
        f"  p99 {(before.p99_ms + after.p99_ms) / 2:6.2f} ms  (before {before.per_second:.0f}, after {after.per_second:.0f})\n"
        f"  ratio    {figures.per_second / yardstick:8.2f}",
        flush=True,
    )
