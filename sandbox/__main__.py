"""`python -m sandbox run`: the whole service on this machine alone; `demo`: load the demo data.

`database-url`: print where the database of a running sandbox is, for commands that need a DATABASE_URL.
`wechat`, `alipay`, `zheliban`: a stand-in of that channel's server at --port, and the variables that lead a service to it.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

STANDINS = ("wechat", "alipay", "zheliban")


def main() -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=("run", "demo", "database-url", *STANDINS))
    parser.add_argument("--port", type=int, help="of a stand-in; by default 9101, 9102 or 9103")
    options = parser.parse_args()
    command = options.command
    # `run` makes a sandbox unless told not to; `demo` writes into a database that may be a real one.
    allowed = ("1",) if command == "demo" else ("", "1")
    if os.environ.get("SANDBOX", "") not in allowed:
        print(f"`python -m sandbox {command}` needs SANDBOX=1: never where real data is.", file=sys.stderr)
        return os.EX_CONFIG
    os.environ["SANDBOX"] = "1"
    # Imported late: each needs what the other does without.
    if command == "demo":
        from sandbox import demo

        asyncio.run(demo.main())
        return 0
    if command == "database-url":
        from sandbox.options import Options

        return _print_database_url(Options.from_environment(os.environ).data_dir / "postgres")
    if command in STANDINS:
        from sandbox.standins.serve import serve

        return serve(command, options.port)
    from sandbox import stack

    return stack.main(os.environ)


def _print_database_url(folder: Path) -> int:
    from sandbox.embedded.postgres import running_url

    url = running_url(folder)
    if url is None:
        print(
            f"No sandbox is running in {folder.parent}: start one with `make run`, set DATA_DIR to where one runs,"
            " or set DATABASE_URL.",
            file=sys.stderr,
        )
        return os.EX_UNAVAILABLE
    print(url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
