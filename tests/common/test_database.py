"""The connection: what its URL may look like, what a statement answers, and which constraint refused it."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from common import database as db
from common.database import constraint_of, execute, fetch_all, fetch_one
from common.database_url import tortoise_config


def credentials(url: str) -> dict[str, object]:
    found: dict[str, object] = tortoise_config(url)["connections"]["default"]["credentials"]
    return found


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_url_names_everything(scheme: str) -> None:
    found = credentials(f"{scheme}://us%40er:pa%2Fss@db.example:6432/xin%20yi?sslmode=require")
    assert (found["host"], found["port"], found["database"]) == ("db.example", 6432, "xin yi")
    assert (found["user"], found["password"], found["ssl"]) == ("us@er", "pa/ss", "require")


def test_a_socket_is_given_as_libpq_takes_it() -> None:
    found = credentials("postgresql://app@/xinyi?host=/run/postgresql&port=5433")
    assert (found["host"], found["port"], found["password"]) == ("/run/postgresql", 5433, None)


def test_the_port_is_5432_unless_named() -> None:
    assert credentials("postgres://app@host/xinyi")["port"] == 5432


@pytest.mark.parametrize(
    "url",
    ["", "xinyi", "mysql://h/d", "postgres://host", "postgres://host/", "sqlite://:memory:", "http://h/d"],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="postgres://"):
        tortoise_config(url)


async def test_a_session_counts_in_utc_and_never_hangs(database: str) -> None:
    row = await fetch_one(
        "SELECT current_setting('timezone') AS zone,"
        " current_setting('idle_in_transaction_session_timeout')::interval AS idle,"
        " current_setting('statement_timeout')::interval AS statement"
    )
    assert row is not None and row["zone"] == "UTC"
    assert timedelta(0) < row["idle"] <= timedelta(seconds=10)
    assert timedelta(0) < row["statement"] <= timedelta(seconds=30)


async def test_a_statement_says_how_many_rows_it_touched(database: str) -> None:
    assert await execute("CREATE TABLE things (n int)") == 0
    assert await execute("INSERT INTO things SELECT generate_series(1, 7)") == 7
    assert await execute("UPDATE things SET n = 0 WHERE n > $1", 5) == 2
    assert await execute("DELETE FROM things WHERE n = 0") == 2
    assert await execute("DELETE FROM things WHERE n = 0") == 0
    assert [row["n"] for row in await fetch_all("SELECT n FROM things ORDER BY n")] == [1, 2, 3, 4, 5]
    assert await fetch_one("SELECT n FROM things WHERE n = 9") is None


async def test_plain_statements_belong_to_the_transaction_around_them(database: str) -> None:
    await execute("CREATE TABLE things (n int)")
    with pytest.raises(ZeroDivisionError):
        async with in_transaction():
            await execute("INSERT INTO things VALUES (1)")
            assert len(await fetch_all("SELECT n FROM things")) == 1
            raise ZeroDivisionError
    assert await fetch_all("SELECT n FROM things") == []


async def test_the_constraint_that_refused_is_named(database: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as by_hand:
        await execute("INSERT INTO regions (code, name, level) VALUES ('99', 'x', 'province')")
    assert constraint_of(by_hand.value) == "regions_code_is_gbt2260"
    assert constraint_of(ValueError("nothing of the kind")) == ""


async def test_nobody_waits_for_ever_for_a_connection_of_the_pool(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "POOL_WAIT_S", 0.2)
    async with AsyncExitStack() as held:
        for _ in range(8):  # all that this process has
            await held.enter_async_context(get_connection("default").acquire_connection())
        asking = asyncio.create_task(fetch_one("SELECT 1"))
        await asyncio.wait({asking}, timeout=2)
        assert asking.done() and isinstance(asking.exception(), TimeoutError)
    assert await fetch_one("SELECT 1") is not None
