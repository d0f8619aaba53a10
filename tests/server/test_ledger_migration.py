"""The migration that numbers the ledger: records that are there already get numbers, and requests get through."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from server import migrate
from tests.conftest import Templates
from tests.models.rows import MAKE, REDEMPTION, REVERSAL
from tests.server.commands import connect, query

BEFORE_SEALS = MAKE.partition("INSERT INTO seals")[0]


class ThatIsAll(Exception):
    """Raised where a migration is announced: those before it stay."""


def until_seals(text: str) -> None:
    """Stop a run before the migration that this is about."""
    if "0003_sealed_ledger" in text:
        raise ThatIsAll


@pytest.fixture
async def old(servers: Any, templates: Templates) -> AsyncIterator[str]:
    """A database of the time before seals, with three redemptions and two reversals; its URL."""
    name = f"o_{uuid4().hex[:10]}"
    await query(servers.database_url, f"CREATE DATABASE {name}")
    url = servers.database(name)
    with pytest.raises(ThatIsAll):
        await migrate.migrate(url, until_seals, is_sandbox=True)
    await copy_what_fits(templates("n", True), url)
    await query_all(url, BEFORE_SEALS)
    yield url
    if not servers.is_ours:
        await query(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


async def copy_what_fits(today: str, url: str) -> None:
    """The demo data of today's schema, as far as the old one has a place for it."""
    source, target = await connect(today), await connect(url)
    await target.execute("SET session_replication_role = replica")
    columns = (
        "SELECT table_name::text AS table, array_agg(column_name::text) AS columns FROM information_schema.columns"
        " WHERE table_schema = 'public' GROUP BY 1"
    )
    known = {row["table"]: set(row["columns"]) for row in await source.fetch(columns)}
    for row in await target.fetch(columns):
        table, both = row["table"], sorted(set(row["columns"]) & known.get(row["table"], set()))
        if both and table != "tortoise_migrations":
            # Their roles are of today.
            taken = ", ".join("'{operator}'::text[]" if name == "roles" else name for name in both)
            rows = [tuple(found) for found in await source.fetch(f"SELECT {taken} FROM {table}")]
            await target.execute(f"DELETE FROM {table}")
            await target.copy_records_to_table(table, records=rows, columns=both)
    for connection in (source, target):
        await connection.close()


async def query_all(url: str, script: str) -> None:
    """Several statements at once."""
    connection = await connect(url)
    await connection.execute(script)
    await connection.close()


async def test_records_that_were_there_get_numbers_and_stay_as_they_were(old: str) -> None:
    columns = "id, coupon_id, step, discount_fen, redeemed_at, request_key"
    before = await query(old, f"SELECT {columns} FROM redemptions ORDER BY id")
    await migrate.migrate(old, lambda _: None, is_sandbox=True)
    assert await query(old, f"SELECT {columns} FROM redemptions ORDER BY id") == before
    numbers = await query(
        old, "SELECT entry FROM redemptions UNION ALL SELECT entry FROM reversals ORDER BY entry"
    )
    assert [row["entry"] for row in numbers] == [1, 2, 3, 4, 5]
    new = await query(
        old,
        "INSERT INTO reversals (id, redemption_id, staff_id, reversed_at, request_key, request_hash)"
        " SELECT gen_random_uuid(), r.id, r.staff_id, r.redeemed_at, 'new', r.request_hash FROM redemptions r"
        " WHERE NOT EXISTS (SELECT FROM reversals v WHERE v.redemption_id = r.id) RETURNING entry",
    )
    assert new[0]["entry"] == 6


async def test_a_request_that_holds_one_table_and_asks_for_the_other_gets_through(old: str) -> None:
    """Without giving up its locks the migration and the request would wait for each other, and one would die."""
    request = await connect(old)
    transaction = request.transaction()
    await transaction.start()
    await request.fetch("SELECT * FROM reversals WHERE id = $1", REVERSAL)
    migrating = asyncio.create_task(_in_a_process_of_its_own(old))
    async with asyncio.timeout(20):
        while not await query(
            old, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'reversals'::regclass"
        ):
            await asyncio.sleep(0.01)
    try:
        assert await request.fetch("SELECT * FROM redemptions WHERE id = $1", REDEMPTION)
    except asyncpg.DeadlockDetectedError:
        pytest.fail("the request died in a deadlock")
    await transaction.rollback()
    await request.close()
    assert await migrating == 0


async def _in_a_process_of_its_own(url: str) -> int:
    from tests.server.commands import run_warm as run

    ran = await run({"SANDBOX": "1", "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1"}, "migrate")
    return ran.code
