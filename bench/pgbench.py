"""The yardstick: pgbench running one statement, prepared, with as many connections."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.stack import Stack


@dataclass(frozen=True)
class Yardstick:
    """What pgbench measured."""

    per_second: float
    p50_ms: float
    p99_ms: float


def statement(sql: str, values: list[str]) -> str:
    """A statement of ours with its `$n` replaced by expressions over pgbench's variables."""
    return re.sub(r"\$(\d+)", lambda match: f"({values[int(match[1]) - 1]})", sql)


def run(stack: Stack, script: str, connections: int, seconds: int, first: int) -> Yardstick:
    """Run a script whose `:n` counts up, from `first`, without two clients ever having the same.

    Raises:
        SystemExit: pgbench met an error, or its transactions failed.
    """
    text = f"\\set i :i + 1\n\\set n {first} + :i * {connections} + :client_id\n{script.strip()};\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)  # pgbench may run as another user, and writes its log there
        file = folder / "script.sql"
        file.write_text(text)
        file.chmod(0o644)
        said = stack.postgres.run(
            "pgbench",
            *("-n", "-M", "prepared", "-c", str(connections), "-j", "2", "-T", str(seconds), "-D", "i=0"),
            *("-f", str(file), "-l", "--log-prefix", str(folder / "log"), "xinyi"),
        )
        latencies = sorted(
            int(line.split()[2]) / 1000
            for log in folder.glob("log*")
            for line in log.read_text().splitlines()
        )
    tps = re.search(r"tps = ([\d.]+)", said)
    if tps is None or not latencies:
        raise SystemExit(f"pgbench did not finish:\n{said}")
    return Yardstick(float(tps[1]), latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)])
