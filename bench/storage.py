"""`python -m bench.storage`: redemptions with 10 million coupons and redemptions stored, against 10 thousand.

Two clusters with the same settings, one worker each, in turn. Beside what is stored (each coupon redeemed
once) there are fresh coupons, spread evenly among the others and redeemed in random order, so that every
redemption touches another page of the heap and of the indexes. How much of it fits where is said in the report.
"""

import asyncio
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import program
from bench.load import LoadFailed, drive
from bench.machine import watched
from bench.program import Options, say
from bench.requests import CLERKS, redeems, sign_in
from bench.rows import UNLIMITED, find_offer, make_citizens, settle
from bench.sides import Side
from bench.stack import FOLDER, Server, Stack, started
from bench.yardstick import CLERK, HASH
from common import database
from common.clock import now
from sandbox.demo_data.rows import demo_id

MANY, FEW = 10_000_000, 10_000
FRESH = 400_000
CITIZENS = 100_000
CONNECTIONS = 64
ROUNDS = 2
# Measured: rows, indexes and the write-ahead log of one coupon with its redemption.
BYTES_EACH = 1500
# Nothing is answered from while it fills; it starts anew, durable, before anything is measured.
WHILE_FILLING = {
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "autovacuum": "off",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "1GB",
}


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """Fill both, then few, many, few, many."""
    many, few, fresh = options.scaled(MANY), options.scaled(FEW), options.scaled(FRESH, 30_000)
    _must_have_room(many * BYTES_EACH)
    with ExitStack() as stacks:
        say(f"  storing {few:,} …")
        stack.sql(lambda: fill(few, fresh))
        big = stacks.enter_context(_filled(many, fresh))
        counters = []
        for each, count in ((stack, few), (big, many)):
            counter = _Counter(each, stacks.enter_context(each.service(1)), list(fresh_numbers(count, fresh)))
            counter.run(min(3.0, options.seconds), is_measured=False)
            counters.append(counter)
        for turn in range(ROUNDS):
            for counter, count in zip(counters, (few, many), strict=True):
                say(f"  {count:,} stored, {turn + 1} of {ROUNDS} …")
                counter.run(options.seconds, is_measured=True)
        sizes = [each.sql(_size) for each in (stack, big)]
    few_side, many_side = (counter.side for counter in counters)
    return {
        "stored": {"few": few, "many": many, "fresh": fresh},
        "bytes": {"few": sizes[0], "many": sizes[1]},
        "few": few_side.as_json(),
        "many": many_side.as_json(),
        "ratio": many_side.figures.per_second / few_side.figures.per_second,
        "p99_ratio": many_side.figures.quantile_ms(0.99) / few_side.figures.quantile_ms(0.99),
    }


class _Counter:
    """One service's clerks, and the fresh coupons that they redeem in random order."""

    def __init__(self, stack: Stack, server: Server, fresh: list[int]) -> None:
        self._stack, self._server, self._left = stack, server, fresh
        random.Random(1).shuffle(self._left)
        self._clerks = [sign_in(server.address, login) for login in CLERKS]
        self._per_second = 1000.0
        self.side = Side()

    def run(self, seconds: float, *, is_measured: bool) -> None:
        """As many as can be."""
        count = int(self._per_second * seconds * 2) + 2 * CONNECTIONS
        taken, keys = self._left[:count], self._stack.settings.code_master_keys
        made = redeems(keys, self._clerks, taken, seconds / 2)
        groups = {"service": self._server.pid, "postgres": self._stack.postgres.pid}
        with watched(groups) as usage:
            figures = drive(self._server.address, CONNECTIONS, seconds, made)
        figures.must_be(201)
        self._per_second = max(self._per_second, figures.per_second)
        self._left = self._left[figures.count :]
        if not self._left:
            raise LoadFailed("all fresh coupons are used up: measure for fewer seconds")
        if is_measured:
            self.side.add(figures, usage)


def fresh_numbers(stored: int, fresh: int) -> Iterator[int]:
    """Which of the coupons 1 … stored + fresh are not redeemed yet: spread evenly."""
    rows = stored + fresh
    return (rows * (place + 1) // fresh for place in range(fresh))


@contextmanager
def _filled(stored: int, fresh: int) -> Iterator[Stack]:
    folder = FOLDER.with_name("bench-storage")
    began = time.monotonic()
    say(
        f"  storing {stored:,} coupons and redemptions (10 million: about 2 minutes, {BYTES_EACH * stored / 1e9:.1f} GB) …"
    )
    with started(folder, settings=WHILE_FILLING) as stack:
        stack.sql(lambda: fill(stored, fresh))
        stack.restart()
        stack.sql(settle)
        os.sync()
        say(f"  stored in {time.monotonic() - began:.0f} s")
        yield stack


async def fill(stored: int, fresh: int) -> None:
    """Coupons and redemptions, both at once, without their indexes, which are built afterwards."""
    await make_citizens(CITIZENS if stored > CITIZENS else 1000)
    kept = await _definitions()
    for table, name, definition in reversed(kept):
        is_index = definition.startswith("CREATE")
        await database.execute(
            f'DROP INDEX "{name}"' if is_index else f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'
        )
    await asyncio.gather(_fill_coupons(stored, fresh), _fill_redemptions(stored, fresh))
    say("  … rows are there, now the indexes …")
    for group in (False, True):
        wanted = [entry for entry in kept if ("FOREIGN KEY" in entry[2]) == group]
        halves = [
            [entry for entry in wanted if entry[0] == "coupons"],
            [e for e in wanted if e[0] != "coupons"],
        ]
        await asyncio.gather(*(_build(half) for half in halves))
    await settle()


def _is_fresh(stored: int, fresh: int) -> str:
    """SQL: whether the coupon `n` is one of `fresh_numbers`."""
    rows = stored + fresh
    # n is ⌊rows · k / fresh⌋ for some k exactly when a multiple of rows lies in [n · fresh, n · fresh + fresh).
    return f"(n * {fresh} + {fresh} - 1) / {rows} > (n * {fresh} - 1) / {rows}"


async def _fill_coupons(stored: int, fresh: int) -> None:
    offer, at = await find_offer(UNLIMITED), now()
    citizens = CITIZENS if stored > CITIZENS else 1000
    await database.execute(
        "INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, valid_from, valid_until,"
        " claimed_at, request_key, request_hash, status, uses_done, uses_day, uses_today)"
        " SELECT lpad(to_hex(n), 32, '0')::uuid, n, $2, $3, lpad(to_hex(n % $4::bigint + 1), 32, '0')::uuid, 1,"
        f" $5::timestamptz - interval '1 day', $5 + interval '30 days', $5 - interval '1 day', 'bench-' || n, {HASH},"
        " CASE WHEN is_fresh THEN 'claimed' ELSE 'redeemed' END, CASE WHEN is_fresh THEN 0 ELSE 1 END,"
        " CASE WHEN is_fresh THEN NULL ELSE $5::date - 1 END, CASE WHEN is_fresh THEN 0 ELSE 1 END"
        f" FROM (SELECT n, {_is_fresh(stored, fresh)} AS is_fresh FROM generate_series(1, $1::bigint) n) c",
        *(stored + fresh, offer["id"], offer["terms_id"], citizens, at),
    )


async def _fill_redemptions(stored: int, fresh: int) -> None:
    offer, at = await find_offer(UNLIMITED), now()
    citizens = CITIZENS if stored > CITIZENS else 1000
    await database.execute(
        "INSERT INTO redemptions (id, coupon_id, offer_id, citizen_id, terms_id, uses_left, uses, staff_id, store_id,"
        " member_id, step, order_amount_fen, discount_fen, payable_fen, redeemed_at, request_key, request_hash)"
        " SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, $2,"
        " lpad(to_hex(n % $4::bigint + 1), 32, '0')::uuid, $3, 0, 1, l.staff_id, l.store_id, l.member_id, 1000 + n / 100,"
        f" 10000, 2000, 8000, $5::timestamptz - n * interval '0.1 second', 'stored-' || n, {HASH}"
        " FROM generate_series(1, $1::bigint) n, (SELECT * FROM staff_stores WHERE staff_id = $6 LIMIT 1) l"
        f" WHERE NOT ({_is_fresh(stored, fresh)})",
        *(stored + fresh, offer["id"], offer["terms_id"], citizens, at, demo_id("staff", CLERK)),
    )


async def _definitions() -> list[tuple[str, str, str]]:
    """Table, name and definition of every index and key of both tables, the keys that others need first."""
    rows = await database.fetch_all(
        "SELECT conrelid::regclass::text AS on_table, conname AS name, CASE contype WHEN 'f' THEN 2 ELSE 0 END AS rank,"
        " format('ALTER TABLE %s ADD CONSTRAINT %I %s%s', conrelid::regclass, conname, pg_get_constraintdef(oid),"
        "  CASE contype WHEN 'f' THEN ' NOT VALID' ELSE '' END) AS definition"
        " FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND"
        " (conrelid IN ('coupons'::regclass, 'redemptions'::regclass)"
        "  OR confrelid IN ('coupons'::regclass, 'redemptions'::regclass))"
        " UNION ALL SELECT i.tablename, i.indexname, 1, i.indexdef FROM pg_indexes i"
        " WHERE i.tablename IN ('coupons', 'redemptions') AND NOT EXISTS"
        "  (SELECT FROM pg_constraint WHERE conname = i.indexname) ORDER BY rank, name"
    )
    return [(row["on_table"], row["name"], row["definition"]) for row in rows]


async def _build(entries: list[tuple[str, str, str]]) -> None:
    for _, _, definition in entries:
        await database.execute(definition)


async def _size() -> int:
    row = await database.fetch_one("SELECT pg_database_size(current_database()) AS bytes")
    assert row is not None
    return int(row["bytes"])


def _must_have_room(needed: int) -> None:
    free = shutil.disk_usage(Path.cwd()).free
    if free < 1.3 * needed:
        raise LoadFailed(
            f"{1.3 * needed / 1e9:.0f} GB of disk are needed under .data and {free / 1e9:.0f} GB are free: make room"
        )


if __name__ == "__main__":
    sys.exit(program.run("storage", __doc__, measure, "about 4 minutes"))
