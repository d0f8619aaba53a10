"""Coupons and what happens to them: claiming, showing a code, scanning it, undoing it."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from benefits import claims, coupons, redemptions, reversals
from benefits.codes import KeyRing
from benefits.eligibility import Standing
from benefits.redemption_rules import Order
from benefits.redemptions import Redeemed, ScanKeys
from common.actors import StaffActor
from common.database import Row, fetch_one
from common.request_keys import RequestKey, request_key
from tests.factories.citizens import KEYS
from tests.factories.members import Shop
from tests.factories.moments import NOON

SCAN_KEYS = ScanKeys(KeyRing({1: b"a master key of thirty-two bytes"}), KEYS)


def a_key(key: str | None = None, **body: Any) -> RequestKey:
    """A request key, by default one that nobody used."""
    return request_key(key or f"key-{uuid4().hex}", repr(body).encode())


async def nobody_to_ask() -> Standing:
    """Stands where an offer open to all must not ask a credit source."""
    raise AssertionError("the credit source was asked")


async def claimed(
    citizen_id: UUID, offer_id: UUID, at: datetime = NOON, request: RequestKey | None = None
) -> claims.Claimed:
    """Claim a coupon of an offer that is open to all."""
    return await claims.claim(citizen_id, offer_id, request or a_key(), nobody_to_ask, at)


async def coupon_row(coupon_id: UUID) -> Row:
    """The coupon as it is stored."""
    row = await fetch_one("SELECT * FROM coupons WHERE id = $1", coupon_id)
    assert row is not None
    return row


async def code_of(coupon_id: UUID, at: datetime = NOON) -> str:
    """What its citizen's phone shows at a moment."""
    citizen_id: UUID = (await coupon_row(coupon_id))["citizen_id"]
    shown = await coupons.code_of(
        citizen_id, uuid4(), coupon_id, SCAN_KEYS.codes, at, is_client_renewal=False
    )
    return shown.code


def an_order(store_id: UUID, amount: int | None = 10_000, uses: int = 1) -> Order:
    """100 yuan, one use."""
    return Order(store_id, amount, uses)


async def scan(
    clerk: StaffActor,
    code: str,
    order: Order,
    at: datetime = NOON,
    request: RequestKey | None = None,
) -> Redeemed:
    """Redeem a code."""
    return await redemptions.redeem(clerk, code, order, request or a_key(), SCAN_KEYS, at)


async def redeemed(shop: Shop, coupon_id: UUID, at: datetime = NOON, uses: int = 1) -> Redeemed:
    """Redeem a coupon at the shop's first store with a fresh code."""
    code = await code_of(coupon_id, at)
    # Where this step is burnt the phone shows the next one, which holds already.
    return await scan(shop.clerk, code, an_order(shop.store_id, uses=uses), at)


async def undone(
    actor: StaffActor, redemption_id: UUID, at: datetime = NOON, request: RequestKey | None = None
) -> reversals.Reversed:
    """Undo a redemption."""
    return await reversals.reverse(actor, redemption_id, "扫错了", request or a_key(), at)
