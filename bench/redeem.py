"""`python -m bench.redeem`: redemptions a second with everything on, against pgbench running the same statement.

Everything on: access token, limits, JSON, code check, the read with the frozen terms, the rules, the
guarded statement with its record, the event, metrics. PostgreSQL, the service and this load share the
machine. The yardstick is the guarded statement alone, for a single row, prepared, with as many
connections, measured before and after the service in the same run.
"""

from typing import Any
from uuid import UUID

from bench import pgbench
from bench.figures import Numbers, read_options, report
from bench.load import Figures, drive
from bench.pgbench import Yardstick
from bench.requests import CLERKS, redeems, sign_in
from bench.stack import Stack, started
from benefits import codes
from benefits.redemptions import REDEEM
from common import database
from common.clock import local_day, now
from sandbox.demo_data.rows import demo_id

COUPONS = 600_000
HASH = "decode(repeat('00', 32), 'hex')"


def main() -> None:
    """Run and print the table."""
    options = read_options("bench.redeem", __doc__)
    with started() as stack:
        print(f"making {COUPONS:,} coupons …", flush=True)
        stack.sql(make_coupons)
        numbers = Numbers(COUPONS)
        for connections in options.connections:
            before = measure_pgbench(stack, connections, options.seconds, numbers)
            for workers in options.workers:
                figures = measure_service(stack, workers, connections, options.seconds, numbers)
                after = measure_pgbench(stack, connections, options.seconds, numbers)
                report(f"redeem, {connections} connections, {workers} worker(s)", figures, before, after)
                before = after


async def make_coupons() -> None:
    """Claimed coupons of the unlimited demo offer with the numbers 1 …; the id is the number in hex."""
    await database.execute(
        "INSERT INTO citizens (id, created_at) SELECT gen_random_uuid(), now() FROM generate_series(1, 1000)"
    )
    await database.execute(
        "INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, valid_from, valid_until,"
        " claimed_at, request_key, request_hash)"
        " SELECT lpad(to_hex(n), 32, '0')::uuid, n, o.id, o.terms_id, c.id, 1, now() - interval '1 day',"
        f" now() + interval '30 days', now() - interval '1 day', 'bench-' || n, {HASH}"
        " FROM generate_series(1, $1::bigint) n"
        " JOIN (SELECT id, row_number() OVER () AS i FROM citizens WHERE id NOT IN (SELECT citizen_id FROM natural_persons)) c ON c.i = n % 1000 + 1,"
        " (SELECT o.id, o.terms_id FROM offers o JOIN offer_terms t ON t.id = o.terms_id"
        "  WHERE t.title = '压测 · 不限量') o",
        COUPONS,
    )
    await database.execute("VACUUM ANALYZE coupons")
    await database.execute("CHECKPOINT")


def measure_pgbench(stack: Stack, connections: int, seconds: int, numbers: Numbers) -> Yardstick:
    """The guarded statement alone."""
    at = now()
    store_id, member_id = _place(stack)
    first = numbers.take(16_000 * max(2, seconds // 4))
    values = [
        "lpad(to_hex((:n)::bigint), 32, '0')::uuid",
        *("1", f"'{local_day(at)}'", "0", "NULL"),
        f"'{demo_id('staff', CLERKS[0])}'::uuid",
        f"'{store_id}'::uuid",
        "lpad(to_hex((:n)::bigint + 4611686018427387904), 32, '0')::uuid",
        f"'{member_id}'::uuid",
        *(str(codes.step_at(at.timestamp())), "10000", "2000", "8000", f"'{at.isoformat()}'::timestamptz"),
        *("'pgbench-' || :n", HASH),
    ]
    return pgbench.run(stack, pgbench.statement(REDEEM, values), connections, max(2, seconds // 4), first)


def _place(stack: Stack) -> tuple[UUID, UUID]:
    """The store and the member of the first clerk."""

    async def first_store() -> Any:
        return await database.fetch_one(
            "SELECT store_id, member_id FROM staff_stores WHERE staff_id = $1", demo_id("staff", CLERKS[0])
        )

    row = stack.sql(first_store)
    return row["store_id"], row["member_id"]


def measure_service(stack: Stack, workers: int, connections: int, seconds: int, numbers: Numbers) -> Figures:
    """The whole service over HTTP."""
    keys = stack.settings.code_master_keys
    with stack.service(workers) as address:
        clerks = [sign_in(address, login) for login in CLERKS]
        first = numbers.take(4000)
        warm = drive(address, connections, 2, redeems(keys, clerks, range(first, first + 4000), in_s=1))
        count = int(warm.per_second * seconds * 1.5) + 1000
        first = numbers.take(count)
        requests = redeems(keys, clerks, range(first, first + count), in_s=1 + seconds / 2)
        return drive(address, connections, seconds, requests)


if __name__ == "__main__":
    main()
