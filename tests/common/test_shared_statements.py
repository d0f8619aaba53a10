"""What waits shares a statement: each gets its own row, and nobody pays for somebody else's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from common import shared_statements
from common.database import Row, execute, fetch_all, fetch_one, one_connection
from common.shared_statements import MOST_ROWS, SharedStatement

DOUBLE = "SELECT n, number * 2 AS double FROM unnest($1::int[]) WITH ORDINALITY AS asked (number, n) WHERE number <> 13"
WRITE = (
    "INSERT INTO things (n, at) SELECT number, n FROM unnest($1::int[]) WITH ORDINALITY AS asked (number, n)"
    " RETURNING at AS n"
)


@pytest.fixture
def sent(database: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each statement had that went out together."""
    sizes: list[int] = []

    async def counted(sql: str, *columns: Any) -> Sequence[Row]:
        sizes.append(len(columns[0]))
        return await fetch_all(sql, *columns)

    monkeypatch.setattr(shared_statements, "fetch_all", counted)
    return sizes


async def things() -> None:
    await execute("CREATE TABLE things (n int PRIMARY KEY CHECK (n <> 13), at int)")


async def doubles(shared: SharedStatement, numbers: Sequence[int]) -> list[int | None]:
    rows = await asyncio.gather(*(shared.ask(number) for number in numbers))
    return [None if row is None else row["double"] for row in rows]


async def test_all_that_wait_share_one_statement_and_each_gets_its_own_row(sent: list[int]) -> None:
    assert await doubles(SharedStatement(DOUBLE), [7, 13, 5, 5]) == [14, None, 10, 10]
    assert sent == [4]


async def test_who_comes_while_one_is_on_its_way_goes_with_the_next(sent: list[int]) -> None:
    shared = SharedStatement(
        "SELECT n, pg_sleep(0.2) FROM unnest($1::int[]) WITH ORDINALITY AS asked (number, n)"
    )
    first = asyncio.create_task(shared.ask(1))
    await asyncio.sleep(0.05)
    await asyncio.gather(first, *(shared.ask(number) for number in range(3)))
    assert sent == [1, 3]


async def test_a_crowd_is_cut_into_statements_of_bearable_size(sent: list[int]) -> None:
    numbers = range(100, 100 + 2 * MOST_ROWS + 1)
    assert await doubles(SharedStatement(DOUBLE), numbers) == [number * 2 for number in numbers]
    assert sent == [MOST_ROWS, MOST_ROWS, 1]


async def test_two_of_a_kind_are_never_in_one_statement(sent: list[int]) -> None:
    shared = SharedStatement(DOUBLE)
    await asyncio.gather(*(shared.ask(number, apart=number % 2) for number in (1, 2, 3, 4, 5)))
    assert sent == [2, 2, 1]


async def test_a_row_that_is_refused_is_alone_with_it(sent: list[int]) -> None:
    await things()
    shared = SharedStatement(WRITE)
    outcomes = await asyncio.gather(*(shared.ask(number) for number in (1, 13, 2)), return_exceptions=True)
    assert isinstance(outcomes[1], asyncpg.CheckViolationError)
    assert [row["n"] for row in await fetch_all("SELECT n FROM things ORDER BY n")] == [1, 2]
    assert sent == [3]  # then each by itself


@pytest.mark.alone
async def test_a_row_that_somebody_holds_does_not_hold_the_others(database: str) -> None:
    await things()
    await execute("INSERT INTO things VALUES (1), (2)")
    together = (
        "WITH held AS MATERIALIZED (SELECT asked.n, t.n AS thing FROM unnest($1::int[]) WITH ORDINALITY AS asked (number, n)"
        " JOIN things t ON t.n = asked.number FOR UPDATE OF t SKIP LOCKED) SELECT n, thing FROM held"
    )
    shared = SharedStatement(together, alone=together.replace(" SKIP LOCKED", ""))
    holder = await asyncpg.connect(database)
    try:
        await holder.execute("BEGIN; SELECT 1 FROM things WHERE n = 1 FOR UPDATE")
        held, free = await asyncio.wait_for(asyncio.gather(shared.ask(1), shared.ask(2)), 3)
        assert held is None
        assert free is not None and free["thing"] == 2
        waiting = asyncio.create_task(shared.ask_alone(1))
        assert not (await asyncio.wait({waiting}, timeout=0.2))[0]
        await holder.execute("COMMIT")
        assert (await waiting)["thing"] == 1
    finally:
        await holder.close()


@pytest.mark.alone
async def test_a_lock_that_lasts_is_given_up_so_that_the_others_get_through(database: str) -> None:
    await things()
    shared = SharedStatement(WRITE)
    holder = await asyncpg.connect(database)
    try:
        await holder.execute("BEGIN")
        await holder.execute("INSERT INTO things VALUES (1)")  # whoever wants the same key waits for this one
        waiting = asyncio.create_task(shared.ask(1))
        free = await asyncio.wait_for(asyncio.gather(shared.ask(2), shared.ask(3)), 4.5)
        assert all(row is not None for row in free)
        await holder.execute("ROLLBACK")
        assert (await waiting) is not None
    finally:
        await holder.close()


async def test_who_went_away_is_left_out(sent: list[int]) -> None:
    shared = SharedStatement(DOUBLE)
    gone, stays = asyncio.create_task(shared.ask(1)), asyncio.create_task(shared.ask(2))
    await asyncio.sleep(0)
    gone.cancel()
    row = await stays
    assert row is not None and row["double"] == 4
    assert sent == [1]


@pytest.mark.alone
async def test_without_a_database_everybody_hears_it_at_once_and_the_next_is_served(database: str) -> None:
    shared = SharedStatement(
        "SELECT n, number * 2 AS double, pg_sleep(number) FROM unnest($1::int[]) WITH ORDINALITY AS asked (number, n)"
    )
    slow = asyncio.create_task(shared.ask(4))
    await asyncio.sleep(0.2)
    behind = [asyncio.create_task(shared.ask(0)) for _ in range(3)]
    await asyncio.sleep(0)
    await fetch_one(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(number)%'"
        " AND pid <> pg_backend_pid() AND datname = current_database()"
    )
    outcomes = await asyncio.wait_for(asyncio.gather(slow, *behind, return_exceptions=True), 2)
    ended = (asyncpg.AdminShutdownError, asyncpg.PostgresConnectionError)
    assert all(isinstance(outcome, ended) for outcome in outcomes), outcomes
    row = await shared.ask(0)
    assert row is not None and row["double"] == 0


@pytest.mark.alone
async def test_who_comes_while_the_connection_is_given_back_is_not_forgotten(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = SharedStatement(DOUBLE)
    late: list[asyncio.Task[Row | None]] = []

    @asynccontextmanager
    async def slow_to_give_back() -> AsyncIterator[object]:
        async with one_connection() as connection:
            yield connection
            if not late:
                late.append(asyncio.create_task(shared.ask(21)))
                await asyncio.sleep(0.01)

    monkeypatch.setattr(shared_statements, "one_connection", slow_to_give_back)
    await shared.ask(1)
    row = await asyncio.wait_for(late[0], 2)
    assert row is not None and row["double"] == 42
