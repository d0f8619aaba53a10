"""What all measurements share as programs: options, progress, and their figures in a file of their own."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine
from bench.load import LoadFailed
from bench.stack import Stack, started
from sandbox.embedded import EmbeddedServerError

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Options:
    """How long and how much.

    Attributes:
        seconds: length of one run.
        scale: 1 for the real thing; what is stored and how many requests are sent goes with it.
    """

    seconds: float = 6.0
    scale: float = 1.0
    connections: tuple[int, ...] = (16, 64)
    workers: tuple[int, ...] = (1, 2)
    is_quick: bool = False

    def scaled(self, count: int, least: int = 200) -> int:
        """So many of what the real thing has `count` of."""
        return max(min(count, least), int(count * self.scale))


QUICK = Options(seconds=1.0, scale=0.005, connections=(16,), workers=(1,), is_quick=True)
Measure = Callable[[Stack, Options], dict[str, Any]]


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def run(name: str, description: str | None, measure: Measure, about: str) -> int:
    """Measure by what the command line says, and keep the figures; returns the exit code.

    Args:
        about: how long it takes, for people.
    """
    options = _options(name, description)
    say(f"{name}: {'about a quarter of a minute' if options.is_quick else about} …")
    began = time.monotonic()
    try:
        with started() as stack:
            facts = machine.facts(stack.postgres.run("postgres", "--version").split()[-1])
            found: dict[str, Any] = {"machine": facts, **measure(stack, options)}
    except (LoadFailed, EmbeddedServerError) as problem:
        keep(name, {"failed": str(problem)})
        print(f"{name} failed: {problem}", file=sys.stderr)
        return 1
    except Exception as problem:
        keep(name, {"failed": f"{type(problem).__name__}: {problem}"})
        raise
    found["took_s"] = round(time.monotonic() - began)
    found["is_quick"] = options.is_quick
    say(f"{name}: done in {found['took_s']} s, kept in {keep(name, found).name}")
    return 0


def keep(name: str, figures: dict[str, Any], folder: Path | None = None) -> Path:
    """Write a measurement's figures, with when they were taken."""
    folder = folder or RESULTS
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    at = datetime.now(UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
    path.write_text(json.dumps({"taken_at": at, **figures}, indent=1) + "\n", encoding="utf-8")
    return path


def _options(name: str, description: str | None) -> Options:
    parser = argparse.ArgumentParser(
        prog=f"python -m bench.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run; its figures say nothing")
    parser.add_argument("--seconds", type=_positive, help="length of each run (default: 6, quick: 1)")
    parser.add_argument(
        "--connections",
        type=_count,
        nargs="+",
        help="where it can be chosen (default: 16 64)",
    )
    parser.add_argument("--workers", type=_count, nargs="+", help="where it can be chosen (default: 1 2)")
    chosen = parser.parse_args()
    base = QUICK if chosen.quick else Options()
    return Options(
        seconds=chosen.seconds or base.seconds,
        scale=base.scale,
        connections=tuple(chosen.connections or base.connections),
        workers=tuple(chosen.workers or base.workers),
        is_quick=base.is_quick,
    )


def _positive(text: str) -> float:
    # Codes made before a run are good for no longer one.
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.2 <= seconds <= 20:
        raise argparse.ArgumentTypeError(f"{text}: 0.2 to 20 seconds are needed")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 1 to 64 is needed")
    return int(text)
