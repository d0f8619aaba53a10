"""Logs by month: a row lands in its month, whatever the clock says it is kept, and only what is old goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from citizens.credit import lookups_of
from common import database as db
from common.clock import now
from common.database import execute, fetch_all, fetch_one
from common.database_url import tortoise_config
from common.ids import new_id
from models import monthly_logs
from models.monthly_logs import LOGS, MONTHS_AHEAD, drop_old, keeper, make_ahead, month_begin, partitions_of
from server import migrate
from tests.factories.citizens import a_citizen, consent
from tests.factories.moments import NOON, shanghai
from tests.seeds import environment
from tests.server.commands import connect, line_with, query, started

MILLISECOND = timedelta(milliseconds=1)
KEPT = {"attempts": 6, "credit_lookups": 120}
MIGRATIONS = Path(migrate.__file__).parent.parent / "migrations"
NAME = next(MIGRATIONS.glob("*_monthly_logs.py")).stem
INSERT_ATTEMPT = (
    "INSERT INTO attempts (id, attempted_at, staff_id, member_id, store_id, code, is_preview)"
    " VALUES ($1, $2, $1, $1, $1, 'code_used', false)"
)


async def an_attempt(at: datetime) -> UUID:
    """A refused scan of that moment."""
    await execute(INSERT_ATTEMPT, attempt_id := uuid4(), at)
    return attempt_id


async def a_lookup(at: datetime, outcome: str = "rated") -> UUID:
    """A line in the log of look-ups."""
    citizen_id, lookup_id, consent_id = await a_citizen(), uuid4(), uuid4()
    # With the columns that there always were: one of the tests begins with an older schema.
    await execute(
        "INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at)"
        " VALUES ($1, $2, 'credit_check', '2026-01-01', repeat('0', 64), $3)",
        *(consent_id, citizen_id, NOON),
    )
    await execute(
        "INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)"
        " VALUES ($1, $2, $3, 'test', 'citizen', 'claim', $4, $5)",
        *(lookup_id, citizen_id, consent_id, at, outcome),
    )
    return lookup_id


MAKE: dict[str, Callable[[datetime], Any]] = {"attempts": an_attempt, "credit_lookups": a_lookup}


async def place_of(log: str, row_id: UUID) -> str:
    """The partition that a row is in."""
    row = await fetch_one(f"SELECT tableoid::regclass::text AS name FROM {log} WHERE id = $1", row_id)
    assert row is not None
    name: str = row["name"]
    return name


async def names(log: str) -> list[str]:
    return [partition.name for partition in await partitions_of(log)]


@pytest.mark.parametrize(
    ("at", "months", "expected"),
    [
        ("2026-11-24 23:59", 0, "2026-11-01 00:00"),
        ("2026-12-01 00:00", 0, "2026-12-01 00:00"),
        ("2026-11-24 12:00", 2, "2027-01-01 00:00"),
        ("2026-01-31 12:00", -1, "2025-12-01 00:00"),
        ("2026-01-31 12:00", -120, "2016-01-01 00:00"),
    ],
)
def test_months_are_those_of_shanghai(at: str, months: int, expected: str) -> None:
    assert month_begin(shanghai(at), months) == shanghai(expected)


def test_a_month_begins_eight_hours_before_that_of_utc() -> None:
    assert month_begin(datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert month_begin(datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == datetime(2026, 10, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize("log", LOGS)
async def test_a_migrated_database_has_this_month_and_the_next_ones(database: str, log: str) -> None:
    expected = [f"{log}_{month_begin(now(), ahead):%Y_%m}" for ahead in range(MONTHS_AHEAD + 1)]
    assert await names(log) == [*expected, f"{log}_default"]
    assert await make_ahead(now()) == 0


@pytest.mark.parametrize("log", LOGS)
async def test_rows_land_in_the_month_of_shanghai(database: str, log: str) -> None:
    await make_ahead(at := shanghai("2027-04-15 12:00"))
    assert MONTHS_AHEAD == 3 and at < shanghai("2027-05-01 00:00")
    first = shanghai("2027-05-01 00:00")
    assert await place_of(log, await MAKE[log](first - MILLISECOND)) == f"{log}_2027_04"
    assert await place_of(log, await MAKE[log](first)) == f"{log}_2027_05"
    # 00:30 in Shanghai is still the month before in UTC.
    assert await place_of(log, await MAKE[log](shanghai("2027-07-01 00:30"))) == f"{log}_2027_07"
    assert await place_of(log, await MAKE[log](shanghai("2027-07-31 23:59"))) == f"{log}_2027_07"


@pytest.mark.parametrize("log", LOGS)
async def test_a_row_of_a_wrong_clock_is_kept_outside_the_months(database: str, log: str) -> None:
    wrong = [await MAKE[log](shanghai(f"{year}-06-15 12:00")) for year in (1999, 2040)]
    assert [await place_of(log, row_id) for row_id in wrong] == [f"{log}_default"] * 2
    with capture_logs() as lines:
        for at in (now(), shanghai("2031-01-15 12:00")):
            await keeper(KEPT)(at)
            assert [await place_of(log, row_id) for row_id in wrong] == [f"{log}_default"] * 2
    told = [line for line in lines if line["event"] == "log_rows_outside_months"]
    assert [(line["log"], line["rows"]) for line in told] == [(log, 2)] * 2
    assert told[0]["months"] == {"1999-06": 1, "2040-06": 1}


@pytest.mark.parametrize("log", LOGS)
async def test_retention_drops_exactly_what_is_older(database: str, log: str) -> None:
    await make_ahead(shanghai("2030-04-14 12:00"))
    old, kept = await MAKE[log](shanghai("2030-04-30 23:59")), await MAKE[log](shanghai("2030-05-01 00:00"))
    end_of_keeping = month_begin(shanghai("2030-05-01 00:00"), KEPT[log])
    await drop_old(log, KEPT[log], end_of_keeping - MILLISECOND)
    assert (await names(log))[0] == f"{log}_2030_04"
    assert await place_of(log, old) == f"{log}_2030_04"
    assert await drop_old(log, KEPT[log], end_of_keeping) == 1
    assert await fetch_all(f"SELECT 1 FROM {log} WHERE id = $1", old) == []
    assert await place_of(log, kept) == f"{log}_2030_05" == (await names(log))[0]
    assert await drop_old(log, KEPT[log], end_of_keeping) == 0


async def test_months_that_nobody_made_in_time_get_their_rows_afterwards(database: str) -> None:
    """The job did not run for a while: what came in the meantime lies outside, and moves."""
    rows = {month: await an_attempt(shanghai(f"2028-{month}-10 12:00")) for month in ("07", "09", "10")}
    assert {await place_of("attempts", row_id) for row_id in rows.values()} == {"attempts_default"}
    await make_ahead(shanghai("2028-10-15 12:00"))
    for month, row_id in rows.items():
        assert await place_of("attempts", row_id) == f"attempts_2028_{month}"
    assert [name for name in await names("attempts") if "_2028" in name] == [
        *(f"attempts_2028_{month}" for month in ("07", "09", "10", "11", "12")),
    ]


async def test_what_is_too_much_to_move_stays_until_an_operator_does_it(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monthly_logs, "MOST_MOVED", 1)
    many = [await an_attempt(shanghai("2028-10-10 12:00")) for _ in range(2)]
    one = await an_attempt(shanghai("2028-11-10 12:00"))
    await make_ahead(shanghai("2028-10-15 12:00"))
    assert {await place_of("attempts", row_id) for row_id in many} == {"attempts_default"}
    assert await place_of("attempts", one) == "attempts_2028_11"


async def test_several_jobs_at_once_make_and_drop_each_partition_once(database: str) -> None:
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.05)") for _ in range(8)))  # a warm pool
    await an_attempt(shanghai("2029-03-10 12:00"))
    at = shanghai("2029-03-15 12:00")
    done = await asyncio.gather(*(keeper(KEPT)(at) for _ in range(6)))
    made = 2 * (MONTHS_AHEAD + 1)
    dropped = MONTHS_AHEAD + 1  # the attempts of the present
    assert sum(done) == made + dropped
    assert await names("attempts") == [
        *(f"attempts_2029_{month:02}" for month in range(3, 7)),
        "attempts_default",
    ]
    assert await keeper(KEPT)(at) == 0


async def test_rows_that_come_while_their_month_is_made_are_in_it(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(sql: str, *values: object) -> int:
        await asyncio.sleep(0.05)
        return await execute(sql, *values)

    monkeypatch.setattr(monthly_logs, "execute", slowly)
    working = asyncio.create_task(make_ahead(shanghai("2029-03-15 12:00")))
    written = []
    while not working.done():
        written.append(await an_attempt(shanghai("2029-03-10 12:00")))
    # What was too busy with these rows is made the next time, and nothing twice.
    made = await working + await make_ahead(shanghai("2029-03-15 12:00"))
    assert made == 2 * (MONTHS_AHEAD + 1)
    assert {await place_of("attempts", row_id) for row_id in written} == {"attempts_2029_03"}


HALF_WAY = """
import asyncio, sys
from common import database
from models import monthly_logs
from tests.factories.moments import shanghai
execute = monthly_logs.execute
async def slowly(sql, *values):
    if sql.startswith("ALTER TABLE"):
        print("half way", flush=True)
        await asyncio.sleep(60)
    return await execute(sql, *values)
async def main():
    await database.connect(sys.argv[1], pool_size=2)
    monthly_logs.execute = slowly
    await monthly_logs.make_ahead(shanghai("2029-03-15 12:00"))
asyncio.run(main())
"""


async def test_a_job_killed_in_the_midst_leaves_nothing_half_done(database: str, servers: Any) -> None:
    row_id = await an_attempt(shanghai("2029-03-10 12:00"))
    async with started(environment(database, ""), database, python=("-c", HALF_WAY)) as process:
        await line_with(process, "half way")
        process.kill()
        await process.wait()
    assert "attempts_2029_03" not in await names("attempts")
    assert await make_ahead(shanghai("2029-03-15 12:00")) == 2 * (MONTHS_AHEAD + 1)
    assert await place_of("attempts", row_id) == "attempts_2029_03"


@pytest.mark.alone
async def test_a_backup_is_not_disturbed_and_holds_nobody_up(database: str) -> None:
    """Whoever writes queues behind whoever waits for the table: so the job waits for an instant only."""
    backup = await connect(database)
    reading = backup.transaction()
    await reading.start()
    await backup.execute("LOCK TABLE attempts, attempts_default, credit_lookups_default IN ACCESS SHARE MODE")
    begun = asyncio.get_running_loop().time()
    working = asyncio.create_task(make_ahead(shanghai("2029-03-15 12:00")))
    waited = []
    while not working.done():
        before = asyncio.get_running_loop().time()
        await an_attempt(shanghai("2039-01-01 12:00"))  # outside: into the partition that is wanted
        waited.append(asyncio.get_running_loop().time() - before)
        await asyncio.sleep(0.01)
    assert await working == 0
    assert asyncio.get_running_loop().time() - begun < 4 and max(waited) < 1
    await reading.rollback()
    await backup.close()
    assert await make_ahead(shanghai("2029-03-15 12:00")) == 2 * (MONTHS_AHEAD + 1)


@pytest.mark.parametrize("day", ["2026-03-04 12:00", "2029-03-10 12:00"])
async def test_every_partition_keeps_the_rules_of_its_log(database: str, day: str) -> None:
    await make_ahead(shanghai("2029-03-10 12:00"))
    assert (await place_of("credit_lookups", await a_lookup(shanghai(day)))).endswith(("default", "2029_03"))
    with pytest.raises(asyncpg.CheckViolationError, match="credit_lookups_outcome_known"):
        await a_lookup(shanghai(day), "guessed")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await execute("UPDATE credit_lookups SET consent_id = $1", uuid4())
    with pytest.raises(asyncpg.CheckViolationError, match="attempts_code_form"):
        await execute(INSERT_ATTEMPT.replace("code_used", "Who?"), uuid4(), shanghai(day))


async def test_a_citizen_reads_his_look_ups_over_all_months_page_by_page(database: str) -> None:
    await make_ahead(shanghai("2029-03-10 12:00"))
    citizen_id = await a_citizen()
    consent_id = await consent(citizen_id)
    wanted = []
    for month in ("2020-01", "2029-03", "2029-04", "2029-04", "2029-06"):
        wanted.append(new_id())
        await execute(
            "INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at,"
            " outcome) VALUES ($1, $2, $3, 'test', 'citizen', 'claim', $4, 'rated')",
            *(wanted[-1], citizen_id, consent_id, shanghai(f"{month}-10 12:00")),
        )
    read: list[UUID] = []
    while page := await lookups_of(citizen_id, read[-1] if read else None, 2):
        read += [line.id for line in page]
    assert read == wanted[::-1]


@pytest.fixture
async def before_it(servers: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[str]:
    """A database that has every migration before this one, connected in this process; its URL."""
    older = tmp_path / "older_migrations"
    older.mkdir()
    for path in MIGRATIONS.glob("*.py"):
        if path.stem < NAME or path.stem == "__init__":
            (older / path.name).write_text(path.read_text())
    name = f"m_{uuid4().hex[:10]}"
    await query(servers.database_url, f"CREATE DATABASE {name}")
    await db.connect(servers.database(name), pool_size=4)

    def config(url: str) -> dict[str, Any]:
        found = tortoise_config(url)
        found["apps"]["models"]["migrations"] = older.name
        return found

    with monkeypatch.context() as patched:
        patched.syspath_prepend(tmp_path)
        patched.setattr(migrate, "tortoise_config", config)
        await migrate._apply(lambda _: None, dry_run=False)
    yield servers.database(name)
    await db.disconnect()
    if not servers.is_ours:
        await query(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_rows_survive_the_migration_and_writers_go_on_through_it(before_it: str) -> None:
    yesterday = now() - timedelta(days=1)
    made = [(log, await MAKE[log](at)) for log in LOGS for at in (shanghai("1999-01-01 00:00"), yesterday)]
    before = {log: await fetch_all(f"SELECT * FROM {log} ORDER BY id") for log in LOGS}
    written: list[UUID] = []

    async def write_on() -> None:
        connection = await connect(before_it)  # its prepared statement knows the old table
        statement = await connection.prepare(INSERT_ATTEMPT)
        while not is_over:
            written.append(uuid4())
            await statement.fetch(written[-1], now())
        await connection.close()

    is_over = False
    writers = [asyncio.create_task(write_on()) for _ in range(2)]
    await asyncio.sleep(0.1)
    assert NAME in await migrate._apply(lambda _: None, dry_run=False)
    await asyncio.sleep(0.1)
    is_over = True
    await asyncio.gather(*writers)
    for log in LOGS:
        ids = [row["id"] for row in before[log]]
        assert await fetch_all(f"SELECT * FROM {log} WHERE id = ANY($1) ORDER BY id", ids) == before[log]
        until = f"{log}_until_{month_begin(now()):%Y_%m}"
        assert await names(log) == [until, f"{log}_default"]
        assert [await place_of(log, row_id) for name, row_id in made if name == log] == [
            f"{log}_default",
            until,
        ]
    kept = {row["id"] for row in await fetch_all("SELECT id FROM attempts")}
    assert len(written) > 10 and kept >= set(written)
    # What came before this month is one partition; the months to come are made as ever.
    assert await make_ahead(now()) == len(LOGS) * MONTHS_AHEAD
    assert await make_ahead(now()) == 0
