"""Once a statement is closed the database itself refuses to change what it says, whoever asks."""

import asyncio
from json import loads
from uuid import UUID

import asyncpg
import pytest

from alliance import statement_closing
from alliance.statement_lines import take_new
from alliance.statement_states import Event, move
from common.database import execute, fetch_all, transaction
from models.office_enums import StatementState
from tests.factories.members import Shop, a_shop
from tests.factories.statements import (
    MARCH,
    MID_APRIL,
    MID_MARCH,
    a_deal,
    closed_statement,
    given,
    lines_of,
    statement_of,
)
from tests.server.commands import query

# By state, the columns that its way there writes.
WAY = {
    StatementState.CLOSED: "rejection_reason = '已核对'",
    StatementState.CONFIRMED: "decided_at = closed_at",
    StatementState.DISPUTED: "decided_at = closed_at, dispute_reason = '少了一笔'",
    StatementState.SETTLED: "settled_at = closed_at, settlement_reference = 'A1'",
}
FROZEN = (
    *("id = gen_random_uuid()", "member_id = gen_random_uuid()", "region_id = '330200'", "period = '2026-02-01'"),
    *("redemptions = redemptions + 1", "reversals = reversals + 1", "settled_entry = settled_entry + 1"),
    *(f"discount_fen = discount_fen + 1, {part} = {part} + 1" for part in ("member_fen", "alliance_fen")),
    *("member_fen = member_fen - 1, public_unit_fen = public_unit_fen + 1", "settled_entry = NULL"),
    *("opened_at = opened_at - interval '1 s'", "closed_at = closed_at - interval '1 s'"),
    "state = 'open', closed_at = NULL, settled_entry = NULL, settled_at = NULL, settlement_reference = NULL",
)  # fmt: skip
ADD_LINE = (
    "INSERT INTO statement_lines (id, statement_id, kind, record_id, at, discount_fen, member_fen, public_unit_fen,"
    " alliance_fen, reason_code) SELECT gen_random_uuid(), id, 'adjustment', gen_random_uuid(), opened_at, 1, 1, 0, 0,"
    " 'other' FROM statements WHERE id = $1"
)
ADD_SUM = (
    "INSERT INTO statement_sums (id, statement_id, member_id, region_id, period, redemptions, reversals, discount_fen,"
    " member_fen, public_unit_fen, alliance_fen) SELECT gen_random_uuid(), id, member_id, region_id, period, 1, 0, 1,"
    " 1, 0, 0 FROM statements WHERE id = $1"
)


@pytest.fixture
async def shop(database: str) -> Shop:
    """A member that gave something in March."""
    made = await a_shop()
    await given(await a_deal(made), 100)
    return made


async def refused(sql: str, *values: object) -> str:
    """The name of what refuses a statement."""
    with pytest.raises(asyncpg.RestrictViolationError) as error:
        await execute(sql, *values)
    return str(error.value.constraint_name)


@pytest.mark.parametrize("state", WAY)
async def test_what_a_closed_statement_says_is_never_changed(shop: Shop, state: StatementState) -> None:
    statement_id: UUID = (await closed_statement(shop))["id"]
    assert await execute(f"UPDATE statements SET state = $1, {WAY[state]}", state) == 1, "it goes on its way"
    before, lines = await statement_of(shop.member_id), await lines_of(statement_id)
    assert before["state"] == state
    for change in FROZEN:
        assert await refused(f"UPDATE statements SET {change} WHERE id = $1", statement_id) == (
            "statements_written_once"
        ), change
    assert await refused("DELETE FROM statements WHERE id = $1", statement_id) == "statements_written_once"
    assert await refused("TRUNCATE statements") == "statements_written_once"
    assert await refused(ADD_LINE, statement_id) == "statement_lines_onto_open"
    assert await refused(ADD_SUM, statement_id) == "statement_sums_onto_open"
    for table in ("statement_lines", "statement_sums"):
        for attack in (f"UPDATE {table} SET member_fen = member_fen", f"DELETE FROM {table}"):
            assert await refused(f"{attack} WHERE statement_id = $1", statement_id) == f"{table}_written_once"
    assert (await statement_of(shop.member_id), await lines_of(statement_id)) == (before, lines)


async def test_an_open_statement_takes_lines_and_is_not_deleted(shop: Shop) -> None:
    await take_new(MID_MARCH)
    statement_id = (await statement_of(shop.member_id))["id"]
    assert await execute(ADD_LINE, statement_id) == 1
    assert await refused("DELETE FROM statements WHERE id = $1", statement_id) == "statements_written_once"
    march = await closed_statement(shop)
    assert (march["discount_fen"], len(await lines_of(statement_id))) == (101, 2)


async def test_a_line_for_a_closed_statement_takes_those_beside_it_along(shop: Shop) -> None:
    """One statement for many lines, as the service writes them, leaves all or none."""
    closed = (await closed_statement(shop))["id"]
    await given(await a_deal(shop), 5, MID_APRIL)
    await take_new(MID_APRIL)
    both = ADD_LINE.replace("id = $1", "member_id = $1")
    assert await refused(both, shop.member_id) == "statement_lines_onto_open"
    assert len(await fetch_all("SELECT 1 FROM statement_lines")) == 2 == len(await lines_of(closed)) + 1


async def test_who_adds_a_line_without_holding_the_statement_waits_for_its_closing(
    shop: Shop, database: str
) -> None:
    settled = await take_new(MID_MARCH)
    statement_id = (await statement_of(shop.member_id))["id"]
    async with transaction():
        await execute(statement_closing.SUM_UP, statement_id)
        totals = {"redemptions": 1, "discount_fen": 100, "member_fen": 100}
        await move(statement_id, Event.CLOSE, closed_at=MID_APRIL, settled_entry=settled, **totals)
        # A connection of its own: the query must not run inside this transaction.
        adding = asyncio.create_task(query(database, ADD_LINE, statement_id))
        await asyncio.wait({adding}, timeout=0.5)
    with pytest.raises(asyncpg.RestrictViolationError):
        await adding
    assert len(await lines_of(statement_id)) == 1
    assert (await statement_of(shop.member_id, MARCH))["state"] == "closed"


async def test_closing_tells_the_member_once_and_is_recorded(shop: Shop) -> None:
    statement = await closed_statement(shop)
    (notice,) = await fetch_all("SELECT * FROM member_notices")
    assert (notice["member_id"], notice["kind"]) == (shop.member_id, "statement_closed")
    assert loads(notice["facts"])["discount_yuan"] == "1.00"
    (record,) = await fetch_all("SELECT * FROM audit_records")
    assert (record["action"], record["actor_kind"], record["object_id"]) == (
        *("statement.close", "system", str(statement["id"])),
    )
