"""What races are made of: offers for the purpose, codes made by the phone, and a row that everybody waits for."""

import asyncio
import base64
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg

from common.clock import now
from tests.e2e.invariants import Fetch
from tests.service import UNLIMITED

STEP_S = 15


async def add_offer(
    fetch: Fetch,
    *,
    uses_total: int | None = 1,
    stock: int | None = None,
    per_citizen: int | None = None,
    min_tier_level: int | None = None,
    daily_cap: int | None = None,
) -> str:
    """A copy of the unlimited demo offer with other figures; its id."""
    offer_id = uuid4()
    await fetch(
        "INSERT INTO offers (id, programme_id, member_id, member_kind, region_id, min_tier_level, claim_from, claim_until,"
        " per_citizen_limit, created_at) SELECT $1, o.programme_id, o.member_id, o.member_kind, o.region_id, $2,"
        " o.claim_from, o.claim_until, $3, $4 FROM offers o JOIN offer_terms t ON t.id = o.terms_id WHERE t.title = $5",
        *(offer_id, min_tier_level, per_citizen, now(), UNLIMITED),
    )
    await fetch(
        "INSERT INTO offer_terms (offer_id, version, title, description, discount_kind, percent_off, uses_total,"
        " daily_use_cap, valid_days, blackout_dates, store_ids, created_at)"
        " SELECT $1, 1, 'race', '', discount_kind, percent_off, $2::int, coalesce($4::int, CASE WHEN $2::int IS NULL THEN 1000 END),"
        " 30, blackout_dates, store_ids, created_at FROM offer_terms WHERE title = $3",
        *(offer_id, uses_total, UNLIMITED, daily_cap),
    )
    await fetch(
        "UPDATE offers SET terms_id = t.id, status = 'published' FROM offer_terms t"
        " WHERE t.offer_id = offers.id AND offers.id = $1",
        offer_id,
    )
    if stock is not None:
        await fetch("INSERT INTO offer_stock (offer_id, total) VALUES ($1, $2)", offer_id, stock)
    return str(offer_id)


async def middle_of_a_step(room_s: float = 3.0) -> int:
    """The present step, once it lasts for `room_s` seconds more."""
    left = STEP_S - time.time() % STEP_S
    if left < room_s:
        await asyncio.sleep(left + 0.01)
    return int(time.time()) // STEP_S


def code_of_phone(shown: dict[str, str], step: int) -> str:
    """The code of any step, made as a phone makes it: from a code that it was shown and its renewal key."""
    raw = base64.b32decode(shown["code"][2:])
    key = base64.urlsafe_b64decode(shown["renewal_key"] + "=")
    head = raw[:10] + step.to_bytes(4)
    mac = hmac.digest(key, b"R1" + head, "sha256")[:16]
    return "R1" + base64.b32encode(head + mac).decode()


def step_of(code: str) -> int:
    """The step that a code was made for."""
    return int.from_bytes(base64.b32decode(code[2:])[10:14])


@asynccontextmanager
async def row_held(url: str, table: str, id_: str | UUID) -> AsyncIterator[asyncpg.Connection]:
    """A row's lock is ours until the block ends: whoever wants to change the row waits, all the others read on.

    This is the forced gap between the reading and the writing of everybody who takes part. What the block
    does on the connection it gets is committed at the end.
    """
    connection = await asyncpg.connect(url)
    column = {"offer_stock": "offer_id"}.get(table, "id")
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT 1 FROM {table} WHERE {column} = $1 FOR UPDATE", id_)
            yield connection
    finally:
        await connection.close()


# Not from pg_stat_activity, which tells a transaction the same again and again: whoever holds the row may look.
WAITING = """
SELECT count(DISTINCT pid) FROM pg_locks
 WHERE NOT granted AND pid IN (
    SELECT pid FROM pg_locks WHERE granted AND locktype = 'relation'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


async def crowd(fetch: Fetch, at_least: int, within_s: float = 10.0) -> None:
    """Wait until so many sessions of this database wait for a lock.

    Best asked on the connection that holds it: a statement gives up after two seconds, and on a busy machine a new
    connection can take as long.
    """
    until = time.monotonic() + within_s
    waiting = 0
    while time.monotonic() < until:
        waiting = (await fetch(WAITING))[0][0]
        if waiting >= at_least:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"only {waiting} of {at_least} sessions came to wait for the row")
