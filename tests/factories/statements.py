"""Ledgers for statements: records written as redemptions write them, at any time, for any discount; and interruptions."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

from alliance import statement_closing
from common import database as db
from common.database import Row, execute, fetch_all, fetch_one
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_shop
from tests.factories.moments import shanghai
from tests.factories.offers import an_offer

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
MID_MARCH, MID_APRIL, MID_MAY = (shanghai(f"2026-0{month}-15 12:00") for month in (3, 4, 5))
_steps = count(1)
ZERO_HASH = bytes(32)


@dataclass(frozen=True)
class Deal:
    """An offer with a pass that is scanned as often as a test likes."""

    shop: Shop
    offer_id: UUID
    terms_id: int
    coupon_id: UUID
    citizen_id: UUID


async def a_deal(
    shop: Shop, *, alliance_share: int = 0, public_unit_share: int = 0, public_unit_id: UUID | None = None
) -> Deal:
    """An offer whose discount is funded like this, and a pass for it."""
    offer_id = await an_offer(
        shop,
        uses_total=None,
        daily_use_cap=1000,
        alliance_share=alliance_share,
        public_unit_share=public_unit_share,
        public_unit_id=public_unit_id if public_unit_share else None,
    )
    offer = await fetch_one("SELECT terms_id FROM offers WHERE id = $1", offer_id)
    assert offer is not None
    citizen_id, coupon_id = await a_citizen(), uuid4()
    await execute(
        "INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, valid_from, valid_until, claimed_at,"
        " request_key, request_hash, uses_done) VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $8, $9, 100000)",
        *(coupon_id, next(_steps), offer_id, offer["terms_id"], citizen_id),
        *(shanghai("2026-01-01 00:00"), shanghai("2030-01-01 00:00"), f"claim-{coupon_id}", ZERO_HASH),
    )
    return Deal(shop, offer_id, offer["terms_id"], coupon_id, citizen_id)


async def a_funded_deal(shop: Shop) -> Deal:
    """30 % by the alliance, 20 % by a public unit, half by the member."""
    unit = await a_shop()
    return await a_deal(shop, alliance_share=30, public_unit_share=20, public_unit_id=unit.member_id)


async def given(
    deal: Deal, discount_fen: int, at: datetime = MID_MARCH, *, store_id: UUID | None = None
) -> UUID:
    """A record of a redemption."""
    redemption_id, step = uuid4(), next(_steps)
    await execute(
        "INSERT INTO redemptions (id, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, step,"
        " order_amount_fen, discount_fen, payable_fen, uses, redeemed_at, request_key, request_hash)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0, 1, $11, $12, $13)",
        *(redemption_id, deal.coupon_id, store_id or deal.shop.store_id, deal.shop.manager.id, deal.offer_id),
        *(deal.shop.member_id, deal.citizen_id, deal.terms_id, step, discount_fen, at),
        *(f"scan-{step}", ZERO_HASH),
    )
    return redemption_id


async def taken_back(deal: Deal, redemption_id: UUID, at: datetime) -> UUID:
    """A record of a reversal."""
    reversal_id = uuid4()
    await execute(
        "INSERT INTO reversals (id, redemption_id, staff_id, reversed_at, request_key, request_hash)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *(reversal_id, redemption_id, deal.shop.manager.id, at, f"undo-{reversal_id}", ZERO_HASH),
    )
    return reversal_id


async def closed_statement(shop: Shop, period: date = MARCH, now: datetime = MID_APRIL) -> Row:
    """A member's month, closed."""
    assert await statement_closing.close(shop.member_id, period, now)
    return await statement_of(shop.member_id, period)


async def statement_of(member_id: UUID, period: date = MARCH) -> Row:
    """A statement as it is stored."""
    row = await fetch_one("SELECT * FROM statements WHERE member_id = $1 AND period = $2", member_id, period)
    assert row is not None
    return row


async def lines_of(statement_id: UUID) -> list[Row]:
    """A statement's lines in the order of the ledger."""
    return [
        *await fetch_all(
            "SELECT * FROM statement_lines WHERE statement_id = $1 ORDER BY entry, id", statement_id
        )
    ]


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_before_statement(number: int) -> Iterator[None]:
    """Let the so-manyth statement from here not be sent, nor anything after it."""
    run, sent = db._run, count(1)

    async def counted(how: str, sql: str, values: tuple[object, ...]) -> Any:
        if next(sent) >= number:
            raise Killed
        return await run(how, sql, values)

    with patch.object(db, "_run", counted), suppress(Killed):
        yield
