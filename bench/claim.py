"""`python -m bench.claim`: claims a second with everything on, against pgbench running the same statement.

Twice: an offer without limits, and one hot offer with a million pieces, where every claim wants the same
row. Everything on: access token, limits, JSON, the read with offer, consent and tier, the rules, the
guarded statement. The yardstick is the guarded statement alone, prepared, with as many connections.
"""

import itertools
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from bench import pgbench
from bench.figures import Numbers, read_options, report
from bench.load import Figures, drive
from bench.pgbench import Yardstick
from bench.requests import claim
from bench.stack import Stack, started
from benefits.claims import CLAIM
from common import database
from common.clock import local_day, now
from common.ids import new_id
from server import tokens

CITIZENS = 1000
PIECES = 1_000_000
UNLIMITED, HOT = "压测 · 不限量", "限量 100 份"
HASH = "decode(repeat('00', 32), 'hex')"
# Far above the service's own random numbers, so that the two never meet.
FIRST_NUMBER = 1 << 60


def main() -> None:
    """Run and print the table."""
    options = read_options("bench.claim", __doc__)
    with started() as stack:
        print(f"making {CITIZENS:,} citizens …", flush=True)
        stack.sql(make_citizens)
        numbers = Numbers(1 << 40)
        for title, connections in itertools.product((UNLIMITED, HOT), options.connections):
            offer = stack.sql(partial(find_offer, title))
            before = measure_pgbench(stack, offer, connections, options.seconds, numbers)
            for workers in options.workers:
                figures = measure_service(stack, offer["id"], workers, connections, options.seconds)
                after = measure_pgbench(stack, offer, connections, options.seconds, numbers)
                name = "one hot offer" if title == HOT else "unlimited offer"
                report(
                    f"claim, {name}, {connections} connections, {workers} worker(s)", figures, before, after
                )
                before = after
        stack.sql(check_stock)


async def make_citizens() -> None:
    """Citizens 1 … with a consent and a valid tier each (ids are the numbers in hex), and the hot offer's stock."""
    ids = f"SELECT lpad(to_hex(n), 32, '0')::uuid AS id FROM generate_series(1, {CITIZENS}) n"
    for statement in (
        f"INSERT INTO citizens (id, created_at) SELECT id, now() FROM ({ids}) c",
        "INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at)"
        f" SELECT id, id, 'credit_check', '2026-01-01', repeat('0', 64), now() - interval '1 hour' FROM ({ids}) c",
        "INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)"
        f" SELECT id, id, id, 'sandbox', 'citizen', 'claim', now() - interval '1 hour', 'rated' FROM ({ids}) c",
        "INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, level, tier_code, data_date, taken_at,"
        " valid_until) SELECT c.id, c.id, c.id, (SELECT min(id) FROM tier_schemes WHERE code = 'zj-demo'), 5,"
        f" 'excellent', current_date, now() - interval '1 hour', now() + interval '30 days' FROM ({ids}) c",
        f"UPDATE offer_stock SET total = {PIECES} WHERE offer_id = (SELECT offer_id FROM offer_terms WHERE title = '{HOT}')",
        "UPDATE offers SET per_citizen_limit = NULL"
        f" WHERE id = (SELECT offer_id FROM offer_terms WHERE title = '{HOT}')",
        "ANALYZE",
    ):
        await database.execute(statement)


async def find_offer(title: str) -> Any:
    """An offer's id, terms and tier."""
    return await database.fetch_one(
        "SELECT o.id, o.terms_id, o.min_tier_level FROM offers o JOIN offer_terms t ON t.id = o.terms_id WHERE t.title = $1",
        title,
    )


async def check_stock() -> None:
    """Whatever was measured, the hot offer's counter is the number of its coupons.

    Raises:
        SystemExit: it is not.
    """
    row = await database.fetch_one(
        "SELECT s.issued, s.total, (SELECT count(*) FROM coupons c WHERE c.offer_id = s.offer_id) AS coupons"
        " FROM offer_stock s JOIN offer_terms t ON t.offer_id = s.offer_id WHERE t.title = $1",
        HOT,
    )
    assert row is not None
    print(
        f"stock of the hot offer: {row['issued']:,} issued, {row['coupons']:,} coupons, {row['total']:,} pieces"
    )
    if row["issued"] != row["coupons"]:
        raise SystemExit("the counter and the coupons differ")


def measure_pgbench(stack: Stack, offer: Any, connections: int, seconds: int, numbers: Numbers) -> Yardstick:
    """The guarded statement alone."""
    at = now()
    length = max(2, seconds // 4)
    moment = f"'{at.isoformat()}'::timestamptz"
    citizen = f"lpad(to_hex((:n)::bigint % {CITIZENS} + 1), 32, '0')::uuid"
    values = [
        f"lpad(to_hex((:n)::bigint + {FIRST_NUMBER}), 32, '0')::uuid",
        *(f"(:n)::bigint + {FIRST_NUMBER}", f"'{offer['id']}'::uuid", str(offer["terms_id"]), citizen),
        *("1", "NULL", "''", moment, f"{moment} + interval '30 days'", moment, "'pgbench-' || :n", HASH),
        *(citizen, f"'{local_day(at)}'::date", str(offer["min_tier_level"])),
    ]
    first = numbers.take(16_000 * length)
    return pgbench.run(stack, pgbench.statement(CLAIM, values), connections, length, first)


def measure_service(stack: Stack, offer_id: UUID, workers: int, connections: int, seconds: int) -> Figures:
    """The whole service over HTTP."""
    at = now()
    citizens = itertools.cycle(
        [
            tokens.make_access(stack.settings, "citizen", UUID(int=number), new_id(), None, at)
            for number in range(1, CITIZENS + 1)
        ]
    )
    path = f"/api/v1/offers/{offer_id}/coupons"
    run = uuid4().hex[:8]
    with stack.service(workers) as address:
        warm = drive(
            address, connections, 2, [claim(path, next(citizens), f"{run}-w{n}") for n in range(4000)]
        )
        count = int(warm.per_second * seconds * 1.5) + 1000
        return drive(
            address, connections, seconds, [claim(path, next(citizens), f"{run}-{n}") for n in range(count)]
        )


if __name__ == "__main__":
    main()
