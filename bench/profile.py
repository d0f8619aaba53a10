"""`python -m bench.profile`: where the time of a request goes, route by route, one worker, 16 connections.

First the CPU of every process per request, and (where `py-spy` is installed: `pip install py-spy`, in any
environment on the PATH) what the web process is doing, sampled 200 times a second. Then, in a second run
that counts for nothing else, PostgreSQL writes down every statement with its time: how many a request
needs and how long they take, as pg_stat_statements would say, without an extension.

For a flame graph: `py-spy record --pid <web process> --output flame.svg` during any of the benches.
"""

import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from bench import program
from bench.claim import Rush
from bench.load import drive
from bench.machine import watched
from bench.offers import PATH
from bench.program import Options, say
from bench.requests import CLERKS, LONGEST_RUN_S, get, redeems, sign_in
from bench.rows import Numbers, citizen_tokens, make_citizens, make_coupons, make_offers, settle
from bench.sides import Side
from bench.stack import Server, Stack
from common import database
from common.clock import now
from common.processes import children_of

CITIZENS = 2000
COUPONS = 400_000
COUNTED = 2000
CONNECTIONS = 16
OPEN, SOLD_OUT, FIRST_COUPON = 1, 2, 10
SHOWN = 10
OURS = ("server", "alliance", "benefits", "merchants", "citizens", "models", "common")
_DURATION = re.compile(r"duration: ([\d.]+) ms  (parse|bind|execute|statement)[^:]*: (.*)")

Make = Callable[[int], list[bytes]]


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """Each route twice: as it is, and with every statement written down."""
    citizens, coupons = options.scaled(CITIZENS), options.scaled(COUPONS, 30_000)
    say(f"  making {citizens:,} citizens and {coupons:,} coupons …")
    stack.sql(lambda: make_citizens(citizens))
    stack.sql(lambda: make_offers(OPEN, 1, 10_000_000))
    stack.sql(lambda: make_offers(SOLD_OUT, 1, 0))
    stack.sql(lambda: make_coupons(FIRST_COUPON, coupons, citizens))
    stack.sql(settle)
    # The first ones are only shown.
    numbers = Numbers(FIRST_COUPON + citizens, FIRST_COUPON + coupons - 1)
    rows: dict[str, dict[str, Any]] = {}
    with stack.service(1) as server:
        for name, (make, status) in _routes(stack, server, numbers, citizens).items():
            say(f"  {name} …")
            rows[name] = _cost(stack, server, make, status, options)
    stack.sql(lambda: database.execute("ALTER DATABASE xinyi SET log_min_duration_statement = 0"))
    with stack.service(1) as server:
        for name, (make, status) in _routes(stack, server, numbers, citizens).items():
            say(f"  {name}, statements …")
            rows[name] |= _statements(stack, server, make(options.scaled(COUNTED)), status)
    return {"rows": [{"route": name, **row} for name, row in rows.items()]}


def _routes(stack: Stack, server: Server, numbers: Numbers, citizens: int) -> dict[str, tuple[Make, int]]:
    """What makes so many requests, and the status that they are answered with."""
    tokens, keys = citizen_tokens(stack, citizens, now()), stack.settings.code_master_keys
    clerks = [sign_in(server.address, login) for login in CLERKS]
    claims = Rush(server, tokens, range(OPEN, OPEN + 1))
    sold_out = Rush(server, tokens, range(SOLD_OUT, SOLD_OUT + 1))

    def repeated(requests: list[bytes]) -> Make:
        turns = itertools.cycle(requests)
        return lambda count: list(itertools.islice(turns, count))

    coupons = range(FIRST_COUPON, FIRST_COUPON + citizens)
    codes = [get(f"/api/v1/coupons/{UUID(int=n)}/code", tokens[n % citizens]) for n in coupons]
    return {
        "code": (repeated(codes), 200),
        "redeem": (lambda count: redeems(keys, clerks, numbers.take(count), LONGEST_RUN_S / 2 - 1), 201),
        "claim": (claims.made, 201),
        "claim, sold out": (sold_out.made, 409),
        "list, what I may claim": (repeated([get(PATH, token) for token in tokens]), 200),
        "list, signed out": (repeated([get("/api/v1/offers")]), 200),
        "my coupons": (repeated([get("/api/v1/me/coupons", token) for token in tokens]), 200),
    }


def _cost(stack: Stack, server: Server, make: Make, status: int, options: Options) -> dict[str, Any]:
    warm = drive(server.address, CONNECTIONS, min(1.0, options.seconds), make(2000))
    warm.must_be(status)
    seconds, side = options.seconds / 2, Side()
    made = make(int(warm.per_second * 2 * seconds) + 100)
    with watched({"service": server.pid, "postgres": stack.postgres.pid}) as usage:
        figures = drive(server.address, CONNECTIONS, seconds, made)
    side.add(figures, usage)
    tool, samples = shutil.which("py-spy"), {}
    if tool is not None:
        made = make(int(warm.per_second * 2 * seconds) + 500)
        with _sampled(tool, children_of(server.pid)[0], max(1, int(seconds))) as samples:
            drive(server.address, CONNECTIONS, seconds + 1, made)
    return {**side.as_json(), "samples": samples}


@contextmanager
def _sampled(tool: str, pid: int, seconds: int) -> Iterator[dict[str, Any]]:
    """What a Python process does; empty where py-spy may not look."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stacks"
        asked = ["--pid", str(pid), "--duration", str(seconds), "--rate", "200"]
        spy = subprocess.Popen(
            [tool, "record", *asked, "--format", "raw", "--output", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield found
            spy.wait(seconds + 30)
            if file.exists():
                found |= shares(file.read_text())
        finally:
            spy.kill()
            spy.wait()


def shares(stacks: str) -> dict[str, Any]:
    """From collapsed stacks: the share of each package where a sample ended, and of our functions with all below."""
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        parts = [part for part in frames.split(";") if " (" in part]
        if not parts or "concurrent/futures/thread.py" in parts[-1]:
            continue  # a thread that waits for work
        own[_package(parts[-1])] += int(count)
        ours = {_function(part) for part in parts if _package(part) in OURS and "<module>" not in part}
        ours -= {_function(part) for part in parts if "__main__.py" in part or "web_worker.py" in part}
        below.update(dict.fromkeys(ours, int(count)))
    total = max(1, own.total())
    return {
        "count": own.total(),
        "packages": {name: count / total for name, count in own.most_common(SHOWN)},
        "functions": {name: count / total for name, count in below.most_common(SHOWN)},
    }


def _package(frame: str) -> str:
    """`asyncpg` of `fetchrow (asyncpg/connection.py:748)`; a file at the top is a module of Python itself."""
    place = frame.rpartition(" (")[2].removesuffix(")").rpartition(":")[0]
    if place.endswith("sanic/server/runners.py"):
        return "uvloop"  # whose own code is compiled: reading, writing and waking
    parts = Path(place).parts
    if "site-packages" in parts:
        parts = parts[parts.index("site-packages") + 1 :]
    if not place.endswith(".py") and "/" not in place and "<" not in place:
        return "sanic"  # which compiles some of its functions anew, in a file of their own name
    return parts[0].removesuffix(".py") if parts and parts[0] != "/" else "python"


def _function(frame: str) -> str:
    name, _, place = frame.rpartition(" (")
    return f"{name} ({place.rpartition(':')[0]})"


def _statements(stack: Stack, server: Server, made: list[bytes], status: int) -> dict[str, Any]:
    log = stack.postgres.folder / "postgres.log"
    drive(server.address, CONNECTIONS, LONGEST_RUN_S, made[:100]).must_be(status)
    begins = log.stat().st_size
    figures = drive(server.address, CONNECTIONS, LONGEST_RUN_S, made[100:])
    figures.must_be(status)
    with log.open("rb") as file:
        file.seek(begins)
        found = statements(file.read().decode(errors="replace"))
    return {"counted": figures.count, "statements": found}


def statements(log: str) -> list[dict[str, Any]]:
    """From PostgreSQL's log: each statement's first words, how often it ran, and its ms in all (with planning)."""
    calls: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for entry in re.split(r"\n(?=\d{4}-)", log):
        match = _DURATION.search(" ".join(entry.split()).replace(" ms ", " ms  ", 1))
        if match:
            text = match[3][:400]
            calls[text] += match[2] in ("execute", "statement")
            spent[text] += float(match[1])  # type: ignore[assignment]
    return [{"text": text, "calls": calls[text], "ms": round(ms, 2)} for text, ms in spent.most_common(SHOWN)]


if __name__ == "__main__":
    sys.exit(program.run("profile", __doc__, measure, "about 2 minutes"))
