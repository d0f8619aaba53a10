"""`python -m bench.flash`: a sold-out flash sale, against bare Sanic, and redemptions beside it.

An offer with 100 pieces and thousands of citizens who all want one: the first hundred get it, and
everybody else is told so, as fast as he asks. Then redemptions at given moments (30 % of the most that
the service redeems), first alone, then while the rush goes on with 64 connections that never rest: at the same
processes, and at a group of their own on the same machine, as a proxy would send the clerks to one.
"""

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from bench import program
from bench.claim import Rush
from bench.load import Figures, LoadFailed, drive
from bench.machine import watched
from bench.program import Options, say
from bench.redeem import Till
from bench.requests import ask
from bench.rows import Numbers, check_stock, citizen_tokens, make_citizens, make_coupons, make_offers, settle
from bench.sides import Side
from bench.stack import Server, Stack
from common.clock import now

CITIZENS = 5000
COUPONS = 600_000
PIECES = 100
OFFER = 1
CONNECTIONS = 64
BESIDE = 0.3
ROUNDS = 2


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """For each number of workers: the rush against bare Sanic, then the redemptions beside it."""
    citizens, coupons = options.scaled(CITIZENS), options.scaled(COUPONS, 40_000)
    say(f"  making {citizens:,} citizens and {coupons:,} coupons …")
    stack.sql(lambda: make_citizens(citizens))
    stack.sql(lambda: make_offers(OFFER, 1, PIECES))
    stack.sql(lambda: make_coupons(10, coupons, citizens))
    stack.sql(settle)
    tokens, numbers = citizen_tokens(stack, citizens, now()), Numbers(10, coupons + 9)
    rows = []
    for workers in options.workers:
        with stack.service(workers) as server:
            say(f"  {workers} worker(s): the hundred pieces go …")
            rush = Rush(server, tokens, range(OFFER, OFFER + 1))
            first = drive(server.address, CONNECTIONS, 30, rush.made(20 * PIECES))
            first.must_be(201, 409)
            size = len(ask(server.address, rush.made(1)[0], 409))
            say(f"  {workers} worker(s): sold out, {size:,} bytes, and bare Sanic …")
            with stack.bare(size, 409, workers) as bare:
                row = _compare(stack, rush, Rush(bare, tokens, range(OFFER, OFFER + 1)), options)
            say(f"  {workers} worker(s): redemptions alone and beside …")
            beside = _beside(stack, server, rush, numbers, options)
            say(f"  {workers} worker(s): redemptions through a group of servers of their own …")
            with stack.service(workers) as tills:
                apart = _beside(stack, tills, rush, numbers, options)
            rows.append(
                {
                    "workers": workers,
                    "bytes": size,
                    "connections": CONNECTIONS,
                    **row,
                    **beside,
                    "apart": apart,
                }
            )
    stock = stack.sql(lambda: check_stock(OFFER, 1))
    if stock["issued"] != PIECES:
        raise LoadFailed(f"{stock['issued']} of {PIECES} pieces were given")
    return {"rows": rows, "pieces": PIECES, "stock": stock, "beside": BESIDE}


def _compare(stack: Stack, rush: Rush, bare: Rush, options: Options) -> dict[str, Any]:
    for side in (rush, bare):
        side.run(CONNECTIONS, min(1.0, options.seconds), 409)
    for _ in range(ROUNDS):
        for side in (rush, bare):
            with watched(_groups(stack, side.server)) as usage:
                figures = side.run(CONNECTIONS, options.seconds, 409)
            side.side.add(figures, usage)
    return {
        "service": rush.side.as_json(),
        "bare": bare.side.as_json(),
        "ratio": rush.side.figures.per_second / bare.side.figures.per_second,
    }


def _beside(stack: Stack, server: Server, rush: Rush, numbers: Numbers, options: Options) -> dict[str, Any]:
    till = Till(stack, server, numbers)
    till.warm_up(CONNECTIONS, min(1.0, options.seconds))
    rate = BESIDE * till.per_second
    alone, beside, sale = Side(), Side(), Side()
    for _ in range(ROUNDS):
        till.at(rate, CONNECTIONS, options.seconds, alone)
        with watched(till.groups()) as usage, _rushing(rush, options.seconds + 1) as answers:
            till.at(rate, CONNECTIONS, options.seconds, beside)
        sale.add(answers[0], usage)
    return {
        "rate": rate,
        "alone": alone.as_json(),
        "redeem_beside": beside.as_json(),
        "sale_beside": sale.as_json(),
        "p99_ratio": beside.figures.quantile_ms(0.99) / alone.figures.quantile_ms(0.99),
    }


@contextmanager
def _rushing(rush: Rush, seconds: float) -> Iterator[list[Figures]]:
    """The rush goes on meanwhile, driven by a process of its own; its figures are there afterwards."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    answers: list[Figures] = []
    process = fork.Process(target=_rush, args=(rush, seconds, theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(60) or ours.recv() != "begun":
            raise LoadFailed("the rush did not begin")
        yield answers
        answers.append(ours.recv())
    except EOFError:
        raise LoadFailed("the rush ended before its time") from None
    finally:
        process.join(seconds + 60)
        process.kill()


def _rush(rush: Rush, seconds: float, told: "Connection[Any, Any]") -> None:
    made = rush.made(int(rush.per_second * seconds * 2) + 1000)
    told.send("begun")
    figures = drive(rush.server.address, CONNECTIONS, seconds, made)
    figures.must_be(409)
    told.send(figures)


def _groups(stack: Stack, server: Server) -> dict[str, int]:
    return {"service": server.pid, "postgres": stack.postgres.pid}


if __name__ == "__main__":
    sys.exit(program.run("flash", __doc__, measure, "about 2 minutes"))
