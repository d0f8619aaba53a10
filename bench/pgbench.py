"""pgbench running one statement, prepared, as a side of a comparison."""

import re
import resource
import tempfile
from collections import Counter
from pathlib import Path

from bench.load import Figures, LoadFailed
from bench.stack import Stack

# More than pgbench can do here: what it is given must suffice.
MOST_PER_SECOND = 20_000


def needed(seconds: float, rate: float | None = None) -> int:
    """How many numbers a run may use up."""
    return int(seconds * (rate * 1.5 if rate else MOST_PER_SECOND)) + 1000


def run(
    stack: Stack,
    script: str,
    connections: int,
    seconds: float,
    first: int,
    rate: float | None = None,
    database: str = "xinyi",
) -> Figures:
    """Run a script whose `:n` counts up, from `first`, without two clients ever having the same.

    Args:
        rate: transactions a second at random moments instead of as many as can be; latencies then count
            from the moment that a transaction was due, as `load.drive_at` counts them.

    Raises:
        LoadFailed: pgbench said nothing that can be used.
    """
    whole = max(1, round(seconds))
    text = f"\\set i :i + 1\n\\set n {first} + :i * {connections} + :client_id\n{script.strip()};\n"
    limits = ["--rate", f"{rate:.1f}"] if rate else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)  # pgbench may run as another user, and writes its log there
        file = folder / "script.sql"
        file.write_text(text)
        file.chmod(0o644)
        said = stack.postgres.run(
            "pgbench",
            *("-n", "-M", "prepared", "-c", str(connections), "-j", str(min(2, connections))),
            *("-T", str(whole), "-D", "i=0", *limits),
            *("-f", str(file), "-l", "--log-prefix", str(folder / "log"), database),
        )
        figures = _read(folder, said)
        figures.used *= connections
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures.cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return figures


def _read(folder: Path, said: str) -> Figures:
    """Each line of the log: the client, the number of its transaction, the µs it took (with `--rate` from when it was due)."""
    figures = Figures()
    for log in folder.glob("log*"):
        with log.open() as lines:
            for line in lines:
                _, number, taken_us, _ = line.split(None, 3)
                figures.latencies.append(int(taken_us) / 1e6)
                figures.used = max(figures.used, int(number))
    figures.used += 2  # the numbers begin with 1, and the last transaction may not have been logged
    tps = re.search(r"tps = ([\d.]+)", said)
    if tps is None or not figures.count:
        raise LoadFailed(f"pgbench did not finish: {said.strip()[-500:]}")
    figures.statuses = Counter({0: figures.count})
    figures.seconds = figures.count / float(tps[1])
    return figures
