"""`python -m bench`: every measurement, one after the other, then the report. One that fails loses none of the others."""

import argparse
import subprocess
import sys
import time

from bench import batches, program, report
from bench.sections import SECTIONS


def main() -> int:
    """Run them all; returns 1 when one failed, whose reason is in the report then.

    `import` is a program of its own, which is in no report: `python -m bench import --rows N`.
    """
    if sys.argv[1:2] == ["import"]:
        return batches.main(sys.argv[2:])
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{__doc__} About 20 minutes; one alone: python -m bench.<name> ({', '.join(SECTIONS)}).",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smoke run of about 2 minutes; its figures say nothing"
    )
    parser.add_argument("only", nargs="*", metavar="name", help="only these")
    options = parser.parse_args()
    if unknown := set(options.only) - set(SECTIONS):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    began, failed = time.monotonic(), []
    wanted = [name for name in SECTIONS if not options.only or name in options.only]
    for place, name in enumerate(wanted, 1):
        program.say(f"[{place} of {len(wanted)}, {time.monotonic() - began:.0f} s]")
        if not _measured(name, options.quick):
            failed.append(name)
    report.render(program.RESULTS, report.FOLDER)
    program.say(f"bench/report.md is written, after {time.monotonic() - began:.0f} s")
    if failed:
        print(f"failed: {', '.join(failed)}; the report says why", file=sys.stderr)
    return 1 if failed else 0


def _measured(name: str, is_quick: bool) -> bool:
    """Run one in a process of its own; one that was killed has left no word, so it is said for it."""
    kept = program.RESULTS / f"{name}.json"
    before = kept.stat().st_mtime_ns if kept.exists() else 0
    ran = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *(["--quick"] if is_quick else [])], check=False
    )
    if ran.returncode and (not kept.exists() or kept.stat().st_mtime_ns == before):
        program.keep(name, {"failed": f"its process ended with {ran.returncode}"})
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
