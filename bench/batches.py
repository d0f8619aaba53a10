"""`python -m bench import [--rows N]`: a source's signed daily batch of N people (ten million by default), taken in.

The file is made here; what is measured is the operator's own command in a process of its own, against a PostgreSQL that
keeps every commit: rows a second from its start to the batch in force, and its highest memory.
"""

import argparse
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from alliance.batch_manifest import COLUMNS
from bench import machine, program
from bench.load import LoadFailed
from bench.program import say
from bench.stack import Stack, started
from common.clock import local_day, now
from common.database import fetch_all
from common.signing import Signer
from models.office_enums import BatchKind

ROWS, AT_ONCE = 10_000_000, 100_000
SOURCE, SCHEME = "bench", "zj-demo"
KEY = Signer.of(b"the bench's key for its batches.")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
DAYS_OF_BIRTH = [f"{1940 + n // 336:04}{n // 28 % 12 + 1:02}{n % 28 + 1:02}" for n in range(336 * 60)]


def id_number(serial: int) -> str:
    """A number with a good check digit, another one for each serial (up to 20 million in a county)."""
    county, rest = divmod(serial, len(DAYS_OF_BIRTH) * 1000)
    body = f"{330101 + county}{DAYS_OF_BIRTH[rest // 1000]}{rest % 1000:03}"
    return body + "10X98765432"[sum(int(digit) * w for digit, w in zip(body, WEIGHTS, strict=True)) % 11]


def write(folder: Path, rows: int) -> int:
    """Make the batch; how many bytes its file has."""
    folder.mkdir()
    digest, size = sha256(), 0
    day = local_day(now()) - timedelta(days=1)
    with (folder / "tiers.csv").open("wb") as file:
        for first in range(-AT_ONCE, rows, AT_ONCE):
            text = "".join(
                f"{id_number(n)},{300 + n * 7919 % 700},{SCHEME},{day},T{n:010}\n"
                for n in range(max(first, 0), min(first + AT_ONCE, rows))
            )
            lines = (text or ",".join(COLUMNS[BatchKind.TIERS]) + "\n").encode()
            digest.update(lines)
            size += file.write(lines)
    listed = {
        **{"kind": "tiers", "name": "tiers.csv", "rows": rows, "sha256": digest.hexdigest()},
        "columns": COLUMNS[BatchKind.TIERS],
    }
    manifest = {
        **{"format": 1, "source": SOURCE, "batch_id": f"bench-{rows}", "data_date": day.isoformat()},
        **{"made_at": now().isoformat(), "files": [listed]},
    }
    raw = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(raw)
    (folder / "manifest.sig").write_bytes(base64.b64encode(KEY.sign(raw)))
    return size


def measure(stack: Stack, folder: Path, rows: int) -> dict[str, Any]:
    """Take it in by the command; rows a second and the command's highest memory in MB."""
    environ = {
        **os.environ,
        **{
            "SANDBOX": "1",
            "DATABASE_URL": stack.settings.database_url,
            "REDIS_URL": stack.settings.redis_url,
        },
        **{"CREDIT_BATCH_SOURCE": SOURCE, "CREDIT_BATCH_DIR": str(folder.parent)},
        "CREDIT_BATCH_PUBLIC_KEY": base64.b64encode(KEY.public_key).decode(),
    }
    began = time.monotonic()
    command = [sys.executable, "-m", "server", "import-credit", str(folder)]
    ran = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise LoadFailed(ran.stderr.strip().rpartition("\n")[2])
    took = time.monotonic() - began
    found = stack.sql(lambda: fetch_all("SELECT count(*) AS rows FROM credit_ratings"))
    if found[0]["rows"] != rows:
        raise LoadFailed(f"{found[0]['rows']:,} rows are in force instead of {rows:,}")
    return {
        "rows": rows,
        "took_s": took,
        "rows_per_second": rows / took,
        "memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def main(arguments: list[str] | None = None) -> int:
    """Make, take in, say."""
    parser = argparse.ArgumentParser(prog="python -m bench import", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="people in the file (default: %(default)s)")
    rows = parser.parse_args(arguments).rows
    with tempfile.TemporaryDirectory(prefix="xy-bench-") as name, started() as stack:
        folder = Path(name) / "batch"
        say(f"import: writing {rows:,} rows …")
        size = write(folder, rows)
        say(f"  {size / 1_048_576:,.0f} MB; taking it in …")
        facts = machine.facts(stack.postgres.run("postgres", "--version").split()[-1])
        found = {"machine": facts, "file_mb": size / 1_048_576, **measure(stack, folder, rows)}
    say(
        f"  {found['rows_per_second']:,.0f} rows a second ({found['took_s']:.1f} s), at most {found['memory_mb']:.0f} MB;"
        f" kept in {program.keep('import', found).name}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
