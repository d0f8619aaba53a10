"""`python -m sandbox run`: the whole service on this machine alone; `demo`: load the demo data."""

import argparse
import asyncio
import os
import sys


def main() -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=("run", "demo"))
    command = parser.parse_args().command
    # `run` makes a sandbox unless told not to; `demo` writes into a database that may be a real one.
    allowed = ("", "1") if command == "run" else ("1",)
    if os.environ.get("SANDBOX", "") not in allowed:
        print(f"`python -m sandbox {command}` needs SANDBOX=1: never where real data is.", file=sys.stderr)
        return os.EX_CONFIG
    os.environ["SANDBOX"] = "1"
    # Imported late: each needs what the other does without.
    if command == "demo":
        from sandbox import demo

        asyncio.run(demo.main())
        return 0
    from sandbox import stack

    return stack.main(os.environ)


if __name__ == "__main__":
    sys.exit(main())
