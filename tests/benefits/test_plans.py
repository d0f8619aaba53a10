"""Hot statements stay on their indexes, also when they were planned while the tables were empty."""

import re

import pytest
from tortoise.transactions import in_transaction

from benefits import claims, redemptions
from common.clock import local_day, now
from common.database import execute, fetch_all, fetch_one
from common.ids import new_id
from sandbox.demo_data.rows import demo_id

ROWS = 5_000
# A handful of index look-ups of three or four pages each; a scan of 5,000 rows is hundreds.
MOST_PAGES = 80


async def _fill() -> None:
    """Coupons, redemptions and days of offers that nobody has looked at yet."""
    citizen = new_id()
    await execute("INSERT INTO citizens (id, created_at) VALUES ($1, now())", citizen)
    await execute(
        "INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, valid_from, valid_until,"
        " claimed_at, request_key, request_hash, status, uses_done)"
        " SELECT lpad(to_hex(n), 32, '0')::uuid, n, o.id, o.terms_id, $1, 1, now(), now() + interval '1 day', now(),"
        " 'plan-' || n, decode(repeat('00', 32), 'hex'), 'redeemed', 1"
        " FROM generate_series(1, $2::int) n, (SELECT o.id, o.terms_id FROM offers o JOIN offer_terms t"
        "  ON t.id = o.terms_id WHERE t.title = '压测 · 不限量') o",
        *(citizen, ROWS),
    )
    await execute(
        "INSERT INTO redemptions (id, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, step,"
        " discount_fen, uses, redeemed_at, request_key, request_hash)"
        " SELECT gen_random_uuid(), c.id, l.store_id, l.staff_id, c.offer_id, l.member_id, c.citizen_id, c.terms_id,"
        " 7, 0, 1, now(), c.request_key, c.request_hash FROM coupons c, staff_stores l WHERE l.staff_id = $1",
        demo_id("staff", "demo-cashier"),
    )
    await execute(
        "INSERT INTO offer_days (offer_id, day, daily_limit, issued)"
        " SELECT id, date '2020-01-01' + n, 1, 1 FROM offers, generate_series(1, 200) n"
    )


async def _pages(statement: str, *values: object) -> int:
    """How many pages the statement's kept plan touches."""
    literals = ", ".join(f"'{{{value[0]}}}'" if isinstance(value, list) else f"'{value}'" for value in values)
    plan = await fetch_all(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE {statement}({literals})")
    text = "\n".join(row[0] for row in plan)
    touched = re.search(r"Buffers: shared hit=(\d+)(?: read=(\d+))?", text)
    assert touched, text
    return int(touched[1]) + int(touched[2] or 0)


@pytest.mark.parametrize("was_analyzed", [False, True])
async def test_a_plan_made_on_an_empty_ledger_does_not_scan_it_later(
    demo_database: str, was_analyzed: bool
) -> None:
    store = await fetch_one(
        "SELECT store_id FROM staff_stores WHERE staff_id = $1", demo_id("staff", "demo-cashier")
    )
    assert store is not None
    at = now()
    staff, offer = demo_id("staff", "demo-cashier"), demo_id("offer", "hz-hupan-load")
    scan = ([staff], [store["store_id"]], [77], [100], ["some-key"])
    claim = (
        *([offer], [new_id()], ["some-key"], [at.isoformat()]),
        *(["2026"], ["2026-11"], ["2026-11-23"], [local_day(at)]),
    )
    async with in_transaction():
        if was_analyzed:
            await execute("ANALYZE")
        await execute(f"PREPARE scan(uuid[], uuid[], bigint[], bigint[], text[]) AS {redemptions.READ}")
        await execute(
            f"PREPARE claim(uuid[], uuid[], text[], timestamptz[], text[], text[], text[], date[])"
            f" AS {claims.READ}"
        )
        before = [await _pages("scan", *scan), await _pages("claim", *claim)]
        await _fill()
        after = [await _pages("scan", *scan), await _pages("claim", *claim)]
    assert max(before + after) < MOST_PAGES, (before, after)


async def test_the_wallet_of_a_citizen_with_many_coupons_reads_one_page_of_them(demo_database: str) -> None:
    await _fill()
    citizen = await fetch_one("SELECT citizen_id FROM coupons LIMIT 1")
    assert citizen is not None
    async with in_transaction():
        await execute(
            "PREPARE wallet(uuid, uuid) AS SELECT id FROM coupons"
            " WHERE citizen_id = $1 AND id < $2 ORDER BY id DESC LIMIT 20"
        )
        assert await _pages("wallet", citizen["citizen_id"], new_id()) < MOST_PAGES
