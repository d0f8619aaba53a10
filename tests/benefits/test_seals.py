"""Sealing: nothing is missed and nothing sealed twice, whoever commits late, seals at the same time or is killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import asyncpg
import pytest

from benefits.ledger import LEDGER
from common import database as db
from common.database import fetch_all, fetch_one
from models import seals
from tests.factories.ledgers import SIGNER, entry_of, sealed_ledger, some_redemptions, verified
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.server.commands import connect

COPY = (
    "INSERT INTO redemptions (id, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, step,"
    " discount_fen, uses, redeemed_at, request_key, request_hash) SELECT $1, coupon_id, store_id, staff_id, offer_id,"
    " member_id, citizen_id, terms_id, $2, 0, 1, redeemed_at, $1::uuid::text, request_hash FROM redemptions LIMIT 1"
)

# No code was ever made for them, so that none is burnt twice.
_steps = count(1)


@asynccontextmanager
async def written_but_not_committed(url: str) -> AsyncIterator[tuple[asyncpg.Connection, UUID]]:
    """A redemption whose number is drawn and whose transaction is open; committed at the end."""
    connection, new = await connect(url), uuid4()
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(COPY, new, next(_steps))
        yield connection, new
        await transaction.commit()
    finally:
        await connection.close()


async def test_a_transaction_that_commits_late_is_waited_for(database: str, shop: Shop) -> None:
    await some_redemptions(shop, 1)
    async with written_but_not_committed(database) as (_, late):
        await some_redemptions(shop, 1)  # a later number, committed at once
        sealing = asyncio.create_task(seals.seal_new(LEDGER, SIGNER, NOON))
        await asyncio.sleep(0.3)
        assert not sealing.done() and await seals.newest(LEDGER) is None
    assert await sealing == 3
    head = await seals.newest(LEDGER)
    assert head and head.last_entry > await entry_of(late)
    assert (await verified()).code == 0


async def test_without_the_waiting_the_late_one_is_missed_and_the_verifier_names_it(
    database: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test before."""

    async def nobody(_: object) -> dict[str, int]:
        return {}

    monkeypatch.setattr(seals, "_writers", nobody)
    await some_redemptions(shop, 1)
    async with written_but_not_committed(database) as (_, late):
        await some_redemptions(shop, 1)
        assert await seals.seal_new(LEDGER, SIGNER, NOON) == 2
    entry = await entry_of(late)
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == 0
    assert (await verified()).faults == [f"redemption {late} (entry {entry}) was added"]


async def test_new_writers_are_not_waited_for(database: str, shop: Shop) -> None:
    """Under load there is always somebody: only those who were there when the number was read count."""
    await some_redemptions(shop, 1)
    async with AsyncExitStack() as later:
        async with written_but_not_committed(database):
            sealing = asyncio.create_task(seals.seal_new(LEDGER, SIGNER, NOON))
            await asyncio.sleep(0.1)
            await later.enter_async_context(written_but_not_committed(database))
        assert await asyncio.wait_for(sealing, 3) == 2
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == 1


async def test_readers_are_not_waited_for(database: str, shop: Shop) -> None:
    """A backup reads for hours."""
    await some_redemptions(shop, 1)
    backup = await connect(database)
    async with backup.transaction(isolation="repeatable_read"):
        await backup.fetch("SELECT * FROM redemptions, reversals")
        assert await seals.seal_new(LEDGER, SIGNER, NOON) == 1
    await backup.close()


async def test_an_open_transaction_stops_sealing_and_is_named_and_nothing_is_lost(
    database: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "PATIENCE_S", 0.2)
    await some_redemptions(shop, 1)
    async with written_but_not_committed(database) as (connection, _):
        with pytest.raises(seals.SealingWaits) as waits:
            await seals.seal_new(LEDGER, SIGNER, NOON)
        assert waits.value.pids == [connection.get_server_pid()]
        assert await seals.newest(LEDGER) is None
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == 2


async def test_another_databases_writers_are_none_of_ours(
    database: str, shop: Shop, templates: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Databases made from one template have the same numbers for their tables."""
    monkeypatch.setattr(seals, "PATIENCE_S", 0.2)
    await some_redemptions(shop, 1)
    other = await connect(templates("o", False))  # type: ignore[operator]
    async with other.transaction():
        await other.execute("LOCK TABLE redemptions IN ROW EXCLUSIVE MODE")
        assert await seals.seal_new(LEDGER, SIGNER, NOON) == 1
    await other.close()


async def test_numbers_that_were_drawn_and_not_used_are_no_gap(database: str, shop: Shop) -> None:
    await some_redemptions(shop, 1)
    connection = await connect(database)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(COPY, uuid4(), next(_steps))
    await transaction.rollback()
    await connection.close()
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == 1
    await some_redemptions(shop, 1)
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == 1
    assert (await verified()).code == 0


async def test_two_sealers_at_once_make_one_chain(
    database: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the same last seal before either writes."""
    await some_redemptions(shop, 5)
    monkeypatch.setattr(seals, "RECORDS_PER_SEAL", 2)
    both, write = asyncio.Barrier(2), seals._write

    async def together(*values: object) -> bool:
        if not both.broken and both.n_waiting < 2:
            try:
                await asyncio.wait_for(both.wait(), 1)
            except (TimeoutError, asyncio.BrokenBarrierError):
                await both.abort()
        return await write(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(seals, "_write", together)
    done = await asyncio.gather(*(seals.seal_new(LEDGER, SIGNER, NOON) for _ in range(2)))
    assert sum(done) == 5 and min(done) == 0
    assert [row["number"] for row in await fetch_all("SELECT number FROM seals ORDER BY number")] == [1, 2, 3]
    assert (await verified()).code == 0


async def test_a_sealer_that_ends_between_two_seals_leaves_a_ledger_that_goes_on(
    database: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_redemptions(shop, 5)
    monkeypatch.setattr(seals, "RECORDS_PER_SEAL", 2)
    write = seals._write

    async def killed_at_the_second(book: object, seal: seals.Seal, records: object) -> bool:
        if seal.number == 2:
            raise asyncio.CancelledError
        return await write(book, seal, records)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(seals, "_write", killed_at_the_second)
        with pytest.raises(asyncio.CancelledError):
            await seals.seal_new(LEDGER, SIGNER, NOON)
    assert (await verified()).code == 0
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == 3
    verdict = await verified()
    assert verdict.code == 0 and "seals 3, records 5" in verdict.text


async def test_a_clock_that_was_set_back_changes_nothing(shop: Shop) -> None:
    await some_redemptions(shop, 2)
    await seals.seal_new(LEDGER, SIGNER, NOON)
    await some_redemptions(shop, 2, NOON - timedelta(days=20))
    assert await seals.seal_new(LEDGER, SIGNER, NOON - timedelta(days=20)) == 2
    assert (await verified()).code == 0


async def test_the_oldest_record_without_a_seal_is_known(shop: Shop) -> None:
    assert await seals.unsealed_since(LEDGER) is None
    await some_redemptions(shop, 3)
    assert await seals.unsealed_since(LEDGER) == NOON
    await seals.seal_new(LEDGER, SIGNER, NOON)
    assert await seals.unsealed_since(LEDGER) is None
    await sealed_ledger(shop)
    assert await seals.unsealed_since(LEDGER) is None


async def test_no_column_that_a_person_could_be_known_by_is_in_a_line(shop: Shop) -> None:
    """Not even his random id: lines are handed to members, who could follow it from one to the next."""
    await sealed_ledger(shop)
    records = await LEDGER.records_between(0, 1 << 62, 100)
    assert {record.kind for record in records} == {"R", "V"}
    lines = "".join(record.line for record in records)
    secret = await fetch_one(
        "SELECT array_agg(citizen_id::text) || array_agg(staff_id::text) || array_agg(request_key)"
        " || array_agg(encode(request_hash, 'hex')) || array_agg(why.reason) AS texts"
        " FROM redemptions, (SELECT reason FROM reversal_reasons) why"
    )
    assert secret and len(secret["texts"]) == 30
    assert not [text for text in secret["texts"] if text in lines]
    columns = await fetch_all(
        "SELECT column_name FROM information_schema.columns WHERE table_name IN ('redemptions', 'reversals')"
    )
    left_out = {"request_key", "request_hash"}
    hidden = {"citizen_id": "citizen", "staff_id": "staff"}
    for column in {row["column_name"] for row in columns}:
        assert (f'"{hidden.get(column, column)}":' in lines) is (column not in left_out), column


async def test_the_same_person_is_another_in_every_line(shop: Shop) -> None:
    await some_redemptions(shop, 3)
    lines = [record.line for record in await LEDGER.records_between(0, 1 << 62, 100)]
    assert len({line.partition('"citizen":')[2][:66] for line in lines}) == 3


async def test_a_seal_is_written_over_one_connection(database: str, shop: Shop) -> None:
    """As the invariants do it: in a process that has no pool."""
    await some_redemptions(shop, 1)
    async with db.own_connection(database):
        assert await seals.seal_new(LEDGER, SIGNER, NOON) == 1
