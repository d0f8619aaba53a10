"""`python -m bench.offers`: the list of offers that the caller may claim, against bare Sanic with a body of that size.

Signed-in citizens with a tier and coupons ask for the first page (20 offers) of what they may claim now.
Bare Sanic is the same version with the same server loop and number of workers: it only answers.
"""

import itertools
import sys
from typing import Any

from bench import program
from bench.load import drive
from bench.machine import watched
from bench.program import Options, say
from bench.requests import ask, get
from bench.rows import citizen_tokens, make_citizens, make_coupons, settle
from bench.sides import Side
from bench.stack import Server, Stack
from common.clock import now

CITIZENS = 2000
COUPONS_EACH = 5
PATH = "/api/v1/offers?eligible=true"
ROUNDS = 2


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """For each number of connections and workers: bare Sanic and the service in turn."""
    citizens = options.scaled(CITIZENS)
    say(f"  making {citizens:,} citizens …")
    stack.sql(lambda: make_citizens(citizens))
    stack.sql(lambda: make_coupons(1, COUPONS_EACH * citizens, citizens))
    stack.sql(settle)
    requests = [get(PATH, token) for token in citizen_tokens(stack, citizens, now())]
    rows = []
    for workers in options.workers:
        with stack.service(workers) as server:
            size = len(ask(server.address, requests[0], 200))
            with stack.bare(size, workers=workers) as bare:
                for connections in options.connections:
                    say(f"  {connections} connections, {workers} worker(s), body of {size:,} bytes …")
                    row = compare(stack, (server, bare), requests, connections, options)
                    rows.append({"connections": connections, "workers": workers, "bytes": size, **row})
    return {"rows": rows, "path": PATH}


def compare(
    stack: Stack, servers: tuple[Server, Server], requests: list[bytes], connections: int, options: Options
) -> dict[str, Any]:
    """The same requests to the service and to bare Sanic, in turn."""
    sides = Side(), Side()
    for server in servers:
        drive(server.address, connections, min(2.0, options.seconds), requests)
    for _ in range(ROUNDS):
        for server, side in zip(servers, sides, strict=True):
            many = list(itertools.islice(itertools.cycle(requests), int(30_000 * options.seconds)))
            with watched({"service": server.pid, "postgres": stack.postgres.pid}) as usage:
                figures = drive(server.address, connections, options.seconds, many)
            figures.must_be(200)
            side.add(figures, usage)
    return {
        "service": sides[0].as_json(),
        "bare": sides[1].as_json(),
        "ratio": sides[0].figures.per_second / sides[1].figures.per_second,
    }


if __name__ == "__main__":
    sys.exit(program.run("offers", __doc__, measure, "about 2 minutes"))
