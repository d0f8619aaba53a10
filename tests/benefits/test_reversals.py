"""Undoing a redemption: by whom and until when, once, and what the coupon is worth afterwards."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from benefits.refusals import (
    AlreadyReversed,
    CodeUsed,
    IdempotencyKeyReused,
    ReversalMonthClosed,
    ReversalWindowClosed,
)
from benefits.reversals import CASHIER_WINDOW, window_end
from common.database import execute, fetch_all
from common.errors import NotFound
from merchants.staff import StaffRevoked
from models.enums import StaffRole
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_clerk, a_shop, somebody_else
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.scans import a_key, an_order, claimed, code_of, coupon_row, redeemed, scan, undone

MILLISECOND = timedelta(milliseconds=1)
STEP = timedelta(seconds=15)


async def test_undoing_is_another_record_and_the_first_one_stays(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    done = await redeemed(shop, coupon.id)
    (before,) = await fetch_all("SELECT * FROM redemptions")
    undo = await undone(shop.clerk, done.id, NOON + STEP)
    (row,) = await fetch_all("SELECT * FROM reversals")
    assert (row["id"], row["redemption_id"], row["staff_id"]) == (undo.id, done.id, shop.clerk.id)
    assert row["reversed_at"] == NOON + STEP
    # A clerk's own words may name somebody: they stand beside the ledger and can be erased.
    (why,) = await fetch_all("SELECT * FROM reversal_reasons")
    assert (why["reversal_id"], why["reason"]) == (undo.id, "扫错了")
    assert await execute("DELETE FROM reversal_reasons") == 1
    assert await fetch_all("SELECT * FROM redemptions") == [before]
    after = await coupon_row(coupon.id)
    assert (after["status"], after["uses_done"], after["uses_today"]) == ("claimed", 0, 0)


async def test_the_coupon_can_be_used_again_with_a_fresh_code_only(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    code = await code_of(coupon.id)
    done = await scan(shop.clerk, code, an_order(shop.store_id))
    await undone(shop.clerk, done.id)
    with pytest.raises(CodeUsed):
        await scan(shop.clerk, code, an_order(shop.store_id))
    fresh = await code_of(coupon.id)
    assert fresh != code
    assert (await scan(shop.clerk, fresh, an_order(shop.store_id))).uses_left == 0


async def test_undoing_twice_is_refused_and_gives_back_once(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=3))
    first = await redeemed(shop, coupon.id)
    await redeemed(shop, coupon.id)
    await undone(shop.clerk, first.id)
    for actor in (shop.clerk, shop.manager):
        with pytest.raises(AlreadyReversed):
            await undone(actor, first.id)
    assert (await coupon_row(coupon.id))["uses_done"] == 1


async def test_undoing_gives_back_as_many_uses_as_were_taken(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=5, daily_use_cap=5))
    done = await redeemed(shop, coupon.id, uses=4)
    await redeemed(shop, coupon.id, uses=1)
    await undone(shop.clerk, done.id)
    row = await coupon_row(coupon.id)
    assert (row["status"], row["uses_done"], row["uses_today"]) == ("claimed", 1, 1)


async def test_the_daily_cap_is_given_back_on_the_same_day_only(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=None, daily_use_cap=1))
    evening = shanghai("2026-03-04 23:55")
    done = await redeemed(shop, coupon.id, evening)
    await undone(shop.clerk, done.id, evening + STEP)
    again = await redeemed(shop, coupon.id, evening + 2 * STEP)
    past_midnight = await redeemed(shop, coupon.id, shanghai("2026-03-05 00:01"))
    await undone(shop.clerk, again.id, shanghai("2026-03-05 00:02"))
    row = await coupon_row(coupon.id)
    assert (row["uses_done"], row["uses_today"], str(row["uses_day"])) == (1, 1, "2026-03-05")
    await undone(shop.clerk, past_midnight.id, shanghai("2026-03-05 00:03"))
    assert (await coupon_row(coupon.id))["uses_today"] == 0


@pytest.mark.parametrize(
    ("redeemed_at", "end"),
    [
        ("2026-03-04 12:00", "2026-04-01 00:00"),
        ("2026-03-01 00:00", "2026-04-01 00:00"),
        ("2026-12-15 10:00", "2027-01-01 00:00"),
        ("2026-01-31 10:00", "2026-02-01 00:00"),
        ("2028-02-29 10:00", "2028-03-01 00:00"),
    ],
)
@pytest.mark.parametrize("role", [StaffRole.MANAGER, StaffRole.OWNER])
def test_managers_and_owners_have_until_the_month_ends_in_hangzhou(
    role: StaffRole, redeemed_at: str, end: str
) -> None:
    assert window_end(role, shanghai(redeemed_at)) == shanghai(end)


@pytest.mark.parametrize("redeemed_at", ["2026-03-04 12:00", "2026-03-31 23:50", "2026-12-31 23:59:59.999"])
def test_nobody_has_less_time_than_a_cashier(redeemed_at: str) -> None:
    at = shanghai(redeemed_at)
    assert window_end(StaffRole.CASHIER, at) == at + CASHIER_WINDOW == at + timedelta(minutes=15)
    for role in StaffRole:
        assert window_end(role, at) >= at + CASHIER_WINDOW


@pytest.mark.parametrize(
    ("role", "last_moment"),
    [
        (StaffRole.CASHIER, NOON + timedelta(minutes=15) - MILLISECOND),
        (StaffRole.MANAGER, shanghai("2026-04-01 00:00") - MILLISECOND),
        (StaffRole.OWNER, shanghai("2026-04-01 00:00") - MILLISECOND),
    ],
)
async def test_the_window_closes_to_the_millisecond(
    shop: Shop, role: StaffRole, last_moment: datetime
) -> None:
    actor = await a_clerk(shop.member_id, shop.store_id, role=role)
    first, second = [await claimed(await a_citizen(), await an_offer(shop)) for _ in range(2)]
    early, late = await redeemed(shop, first.id), await redeemed(shop, second.id)
    await undone(actor, early.id, last_moment)
    with pytest.raises(ReversalWindowClosed) as refused:
        await undone(actor, late.id, last_moment + MILLISECOND)
    assert refused.value.facts["until"] == last_moment + MILLISECOND
    # A cashier is sent to the manager, and a manager not to himself.
    assert isinstance(refused.value, ReversalMonthClosed) is (role is not StaffRole.CASHIER)
    assert len(await fetch_all("SELECT id FROM reversals")) == 1
    assert (await coupon_row(second.id))["status"] == "redeemed"


async def test_the_same_request_is_one_undoing_however_late(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    done, request = await redeemed(shop, coupon.id), a_key("once")
    first = await undone(shop.clerk, done.id, NOON + STEP, request)
    again = await undone(shop.clerk, done.id, NOON + timedelta(days=400), request)
    assert again.is_replayed and not first.is_replayed
    assert (again.id, again.redemption_id, again.reversed_at) == (first.id, done.id, NOON + STEP)
    assert len(await fetch_all("SELECT id FROM reversals")) == 1


async def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=2))
    first, second = await redeemed(shop, coupon.id), await redeemed(shop, coupon.id)
    await undone(shop.clerk, first.id, request=a_key("key", redemption=str(first.id)))
    with pytest.raises(IdempotencyKeyReused):
        await undone(shop.clerk, second.id, request=a_key("key", redemption=str(second.id)))
    assert len(await fetch_all("SELECT id FROM reversals")) == 1


async def test_other_members_and_other_stores_redemptions_are_not_found(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    done = await scan(shop.manager, await code_of(coupon.id), an_order(shop.second_store_id))
    stranger = await a_shop()
    for actor in (shop.clerk, stranger.clerk, stranger.manager):
        with pytest.raises(NotFound):
            await undone(actor, done.id)
    with pytest.raises(NotFound):
        await undone(shop.manager, uuid4())
    assert await fetch_all("SELECT id FROM reversals") == []
    # Not his store, but his member: a manager may.
    manager = await a_clerk(shop.member_id, role=StaffRole.MANAGER)
    assert await undone(manager, done.id)


async def test_a_colleague_at_the_same_store_may_undo(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    done = await redeemed(shop, coupon.id)
    assert await undone(await a_clerk(shop.member_id, shop.store_id), done.id)


async def test_a_revoked_or_unknown_person_undoes_nothing(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop))
    done = await redeemed(shop, coupon.id)
    await execute("UPDATE staff SET status = 'revoked', revoked_at = $1 WHERE id = $2", NOON, shop.clerk.id)
    for actor in (shop.clerk, somebody_else(shop.clerk)):
        with pytest.raises(StaffRevoked):
            await undone(actor, done.id)
    assert (await coupon_row(coupon.id))["status"] == "redeemed"


async def test_a_revoked_coupon_stays_revoked_when_a_use_is_undone(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=5))
    done = await redeemed(shop, coupon.id)
    await execute("UPDATE coupons SET status = 'revoked', ended_at = $1, ended_reason = '停业'", NOON)
    await undone(shop.clerk, done.id)
    row = await coupon_row(coupon.id)
    assert (row["status"], row["uses_done"]) == ("revoked", 0)
