"""A migration that meets an open transaction: the service goes on, and the operator is told what to do."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Templates
from tests.factories.releases import NEWER, environment_of, make_release
from tests.seeds import environment
from tests.server.commands import connect, query, run

# A statement of the service is given five seconds.
LONGEST_WAIT_S = 2.5


@pytest.fixture
def migrated(templates: Templates) -> str:
    """The URL of a database that is current, but for the next release's migration."""
    return templates("h", False)


async def traffic(url: str, is_over: asyncio.Event) -> list[float]:
    """What requests do, all the time: the seconds that each of their statements took."""
    connection = await connect(url)
    took = []
    while not is_over.is_set():
        begun = time.monotonic()
        await connection.execute("UPDATE coupons SET uses_done = uses_done WHERE false")
        took.append(time.monotonic() - begun)
        await asyncio.sleep(0.02)
    await connection.close()
    return took


async def recorded(url: str) -> set[str]:
    return {row["name"] for row in await query(url, "SELECT name FROM tortoise_migrations")}


async def until_it_waits(url: str, within_s: float = 30.0) -> None:
    """Wait until somebody waits for a table: a process takes its time to start on a busy machine."""
    until = time.monotonic() + within_s
    while not await query(url, "SELECT 1 FROM pg_locks WHERE relation = 'coupons'::regclass AND NOT granted"):
        assert time.monotonic() < until, "nobody waits"
        await asyncio.sleep(0.05)


async def test_it_waits_for_a_table_without_holding_up_anybody_else(
    migrated: str, servers: Any, tmp_path: Path
) -> None:
    release = make_release(tmp_path / "next", with_migration=True)
    environ = {**environment(migrated, servers.redis_url), **environment_of(release)}
    long_one = await connect(migrated)
    held = long_one.transaction()
    await held.start()
    await long_one.fetch("SELECT 1 FROM coupons LIMIT 1")
    is_over = asyncio.Event()
    serving = asyncio.create_task(traffic(migrated, is_over))
    migrating = asyncio.create_task(run(environ, "migrate"))
    await until_it_waits(migrated)
    # Longer than anybody would wait for a statement.
    await asyncio.sleep(5.2)
    assert not migrating.done() and NEWER not in await recorded(migrated)
    await held.rollback()
    await long_one.close()
    ran = await migrating
    is_over.set()
    took = await serving
    assert ran.code == 0, ran.err
    assert "stepping back" in ran.out and NEWER in await recorded(migrated)
    assert max(took) < LONGEST_WAIT_S and len(took) > 50


async def test_it_gives_up_with_the_session_to_end_and_nothing_changed(
    migrated: str, servers: Any, tmp_path: Path
) -> None:
    release = make_release(tmp_path / "next", with_migration=True)
    migrate = release / "server" / "migrate.py"
    migrate.write_text(migrate.read_text().replace("TRIES = 30", "TRIES = 2"))
    environ = {**environment(migrated, servers.redis_url), **environment_of(release)}
    long_one = await connect(migrated)
    async with long_one.transaction():
        await long_one.fetch("SELECT 1 FROM redemptions LIMIT 1")
        ran = await run(environ, "migrate")
        assert ran.code == 75
        assert f"SELECT pg_terminate_backend({long_one.get_server_pid()})" in ran.err and NEWER in ran.err
        assert "Traceback" not in ran.err
    await long_one.close()
    assert NEWER not in await recorded(migrated)
    columns = await query(
        migrated, "SELECT table_name FROM information_schema.columns WHERE column_name = 'next_release'"
    )
    # `coupons` was free and had its column already: it is gone again with the transaction.
    assert columns == []
    assert (await run(environ, "migrate")).code == 0
