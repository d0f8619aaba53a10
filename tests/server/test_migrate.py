"""`python -m server migrate`: started three times at once, killed half-way, run again: always current, never backward."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from models import reference
from tests.conftest import Templates
from tests.seeds import environment
from tests.server.commands import connect, line_with, query
from tests.server.commands import run_warm as run
from tests.server.commands import started_warm as started

ALL = sorted(path.stem for path in (Path(__file__).parents[2] / "migrations").glob("[0-9]*.py"))


@pytest.fixture
async def empty(servers: Any) -> AsyncIterator[str]:
    """The URL of a database with nothing in it."""
    name = f"m_{uuid4().hex[:10]}"
    await query(servers.database_url, f"CREATE DATABASE {name}")
    yield servers.database(name)
    if not servers.is_ours:
        await query(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def migrated(templates: Templates) -> str:
    """The URL of a database that is current."""
    return templates("m", False)


@pytest.fixture
def environ_of(servers: Any) -> Callable[[str], dict[str, str]]:
    return lambda url: environment(url, servers.redis_url)


async def recorded(url: str) -> list[str]:
    return [row["name"] for row in await query(url, "SELECT name FROM tortoise_migrations ORDER BY id")]


async def shape(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every column, constraint, index and trigger; of partitions their names and bounds."""
    parts = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public'",
        "partitions": "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r'",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "triggers": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    return {name: sorted(map(tuple, await query(url, sql)), key=repr) for name, sql in parts.items()}


async def tables(url: str) -> set[str]:
    rows = await query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def is_current(url: str, like: str) -> bool:
    """Everything is there once, and nothing else."""
    one, other = await shape(url), await shape(like)
    assert not {name: odd for name in one if (odd := set(one[name]) ^ set(other[name]))}
    return await recorded(url) == ALL


async def test_three_at_once_apply_each_migration_once(
    empty: str, migrated: str, environ_of: Callable[[str], dict[str, str]]
) -> None:
    done = await asyncio.gather(*(run(environ_of(empty), "migrate") for _ in range(3)))
    assert [ran.code for ran in done] == [0, 0, 0]
    said = "".join(ran.out for ran in done)
    assert [said.count(f"applying {name}") for name in ALL] == [1] * len(ALL)
    assert said.count("nothing to apply") == 2
    assert await is_current(empty, migrated)


async def test_a_second_run_changes_nothing_not_even_the_reference_data(
    migrated: str, environ_of: Callable[[str], dict[str, str]]
) -> None:
    before = await shape(migrated)
    ran = await run(environ_of(migrated), "migrate")
    assert (ran.code, ran.out.splitlines()) == (
        0,
        ["nothing to apply", "reference data: 0 rows new or changed"],
    )
    assert await shape(migrated) == before and await recorded(migrated) == ALL


# Each is made inside the migration, after others: whoever has the name first holds the migration up there.
HALF_WAY = {
    "0001_initial": "tier_snapshots",
    "0002_constraints": "coupons_slot_once",
    "0003_sealed_ledger": "seals",
    "0004_monthly_logs": "credit_lookups_default",
    "0005_alliance": "stored_files",
    "0006_members": "suspensions",
    "0007_stores_staff": "webhook_deliveries",
    "0008_offer_lives": "offer_versions_number_once",
    "0009_admins": "admin_recovery_codes",
    "0010_complaints_audit": "audit_records_refused",
    "0011_statements": "statement_sums",
    "0012_numbers_imports": "refusal_days",
    "0013_identities": "citizen_phones",
    "0014_one_person": "staff_by_self_hash",
    "0015_credit_batches": "organisation_grades",
    "0016_consents": "guardianship_requests_place_once",
    "0017_objections": "objection_texts",
    "0018_tier_schemes": "tier_what_ifs",
    "0019_messages": "message_stops",
    "0020_rights": "data_copies",
    "0021_retention": "tier_snapshots_by_end",
}


@asynccontextmanager
async def name_taken(url: str, name: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Whoever makes something of this name waits, until the function that this gives is called."""
    blocker = await connect(url)
    held = blocker.transaction()
    await held.start()
    await blocker.execute(f"CREATE TABLE {name} (n int)")
    yield held.rollback
    await blocker.close()


async def test_a_run_killed_in_the_midst_of_any_migration_leaves_nothing_of_it(
    empty: str, migrated: str, environ_of: Callable[[str], dict[str, str]]
) -> None:
    assert list(HALF_WAY) == ALL
    async with AsyncExitStack() as stack:
        released = {
            name: await stack.enter_async_context(name_taken(empty, taken))
            for name, taken in HALF_WAY.items()
        }
        for done, name in enumerate(ALL):
            async with started(environ_of(empty), "migrate") as process:
                if done:
                    # This one was started while the killed one's statement still hung in the database.
                    await asyncio.sleep(0.3)
                    assert await recorded(empty) == ALL[: done - 1]
                    await released[ALL[done - 1]]()
                await line_with(process, f"applying {name}")
                while not await query(
                    empty, "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
                ):
                    await asyncio.sleep(0.02)
                process.kill()
                await process.wait()
            assert await recorded(empty) == ALL[:done]
            assert ("members" in await tables(empty)) is bool(done)
        last = asyncio.create_task(run(environ_of(empty), "migrate"))
        await asyncio.sleep(0.3)
        assert await recorded(empty) == ALL[:-1]
        await released[ALL[-1]]()
        assert (await last).code == 0
    assert await is_current(empty, migrated)


async def test_a_run_killed_at_any_moment_can_be_run_again(
    empty: str, migrated: str, environ_of: Callable[[str], dict[str, str]]
) -> None:
    for delay_s in (0.0, 0.1, 0.25):
        async with started(environ_of(empty), "migrate") as process:
            await line_with(process, "applying ")
            await asyncio.sleep(delay_s)
            process.kill()
            await process.wait()
        assert await recorded(empty) in [ALL[:count] for count in range(len(ALL) + 1)]
    ran = await run(environ_of(empty), "migrate")
    assert ran.code == 0, ran.err
    assert await is_current(empty, migrated)
    regions = await query(empty, "SELECT count(*) FROM regions WHERE level = 'county'")
    assert regions[0][0] == 90


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    empty: str, environ_of: Callable[[str], dict[str, str]]
) -> None:
    ran = await run(environ_of(empty), "migrate", "--dry-run")
    assert (ran.code, ran.out.splitlines()) == (0, [f"would apply {name}" for name in ALL])
    assert await tables(empty) == set()


async def test_models_and_migrations_agree(
    migrated: str, environ_of: Callable[[str], dict[str, str]]
) -> None:
    ran = await run(environ_of(migrated), "migrate", "--check-drift")
    assert (ran.code, ran.out) == (0, "models and migrations agree\n")


async def test_there_is_no_way_backward(migrated: str, environ_of: Callable[[str], dict[str, str]]) -> None:
    """A newer version was here: this one leaves its work alone."""
    newer = "9999_of_a_newer_version"
    await query(migrated, "CREATE TABLE of_a_newer_version (n int)")
    await query(
        migrated,
        "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', $1, now())",
        newer,
    )
    before = await shape(migrated)
    ran = await run(environ_of(migrated), "migrate")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "nothing to apply")
    assert await shape(migrated) == before and await recorded(migrated) == [*ALL, newer]


async def test_all_regions_programmes_and_texts_are_loaded(migrated: str) -> None:
    levels = dict(await query(migrated, "SELECT level, count(*) FROM regions GROUP BY level"))
    assert levels == {"province": 1, "city": 11, "county": 90}
    orphans = await query(
        migrated,
        "SELECT r.code FROM regions r JOIN regions p ON p.code = r.parent_id WHERE r.code NOT LIKE"
        " CASE p.level WHEN 'province' THEN left(p.code, 2) ELSE left(p.code, 4) END || '%'",
    )
    assert orphans == []
    programmes = await query(migrated, "SELECT code FROM programmes")
    assert {row["code"] for row in programmes} == {row["code"] for row in reference.rows("programmes.csv")}
    texts = await query(
        migrated,
        "SELECT purpose, sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex') AS is_right FROM consent_texts",
    )
    assert texts and all(row["is_right"] for row in texts)


async def test_a_reference_row_that_changed_is_mended_and_counted(
    migrated: str, environ_of: Callable[[str], dict[str, str]]
) -> None:
    await query(migrated, "UPDATE regions SET name = '?' WHERE code IN ('330100', '330106')")
    await query(migrated, "UPDATE programmes SET summary = '?' WHERE code = 'xinyi_gou'")
    ran = await run(environ_of(migrated), "migrate")
    assert ran.out.splitlines()[-1] == "reference data: 3 rows new or changed"


async def test_readiness_names_what_is_missing_until_it_is_there(
    empty: str, environ_of: Callable[[str], dict[str, str]], unused_tcp_port: int
) -> None:
    environ = {**environ_of(empty), "PORT": str(unused_tcp_port), "WORKERS": "1"}
    async with started(environ, "web"), httpx.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{unused_tcp_port}/readyz"
        for _ in range(200):
            try:
                answer = await client.get(url)
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        assert answer.status_code == 503 and answer.json()["code"] == "not_ready"
        assert all(name in answer.json()["missing"] for name in ALL)
        assert (await run(environ_of(empty), "migrate")).code == 0
        assert (await client.get(url)).status_code == 200
