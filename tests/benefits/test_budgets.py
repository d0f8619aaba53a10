"""Budgets: a claim reserves the most that its coupon can cost, a settled coupon holds what it cost, nothing is exceeded."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from benefits import budgets, claims, late_reversals, offer_changes
from benefits.budgets import BudgetBelowReserved, BudgetChanged
from benefits.proposals import BudgetNeedsMostCost
from benefits.refusals import LateReversalNeedsBudget, SoldOut
from common import shared_statements
from common.database import execute, fetch_all, fetch_one, one_connection
from common.errors import NotFound
from common.request_keys import RequestKey
from models.enums import DiscountKind
from tests.e2e.invariants import RULES
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, an_owner
from tests.factories.moments import NOON, shanghai
from tests.factories.proposals import a_published, renewed, reviewer
from tests.factories.scans import an_order, claimed, code_of, redeemed, scan, undone

MONTH_END = shanghai("2026-04-01 00:00")
AMOUNT: dict[str, Any] = {
    "discount_kind": DiscountKind.AMOUNT_OFF,
    "percent_off": None,
    "cap_fen": None,
    "amount_off_fen": 1_000,
}


async def stock(offer_id: UUID) -> tuple[int | None, int, int]:
    """Budget, reserved, issued; and what must always be true of them is."""
    for rule, sql in RULES.items():
        if rule.startswith(("budget", "stock")):
            assert [dict(row) for row in await fetch_all(sql)] == [], rule
    row = await fetch_one("SELECT * FROM offer_stock WHERE offer_id = $1", offer_id)
    assert row is not None
    return row["budget_fen"], row["reserved_fen"], row["issued"]


async def settled_by(moment: Any) -> int:
    """All batches."""
    done = 0
    while some := await budgets.settle(moment):
        done += some
    return done


async def test_a_claim_reserves_and_giving_back_returns_it(shop: Shop) -> None:
    offer_id, citizen_id = await a_published(shop, budget_fen=10_000), await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    assert await stock(offer_id) == (10_000, 5_000, 1)
    await claims.give_back(citizen_id, coupon.id, NOON)
    assert await stock(offer_id) == (10_000, 0, 0)
    assert await settled_by(NOON + timedelta(days=400)) == 0


async def test_the_end_of_the_budget_is_sold_out(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=10_999)
    for _ in range(2):
        await claimed(await a_citizen(), offer_id)
    with pytest.raises(SoldOut):
        await claimed(await a_citizen(), offer_id)
    assert await stock(offer_id) == (10_999, 10_000, 2)


async def test_the_statement_alone_keeps_the_budget(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever read that there was some left, and comes too late, meets the constraint."""
    offer_id = await a_published(shop, budget_fen=5_000)
    await claimed(await a_citizen(), offer_id)
    monkeypatch.setattr(claims, "reasons_against", lambda *_: iter(()))
    with pytest.raises((SoldOut, claims.Busy)):
        await claimed(await a_citizen(), offer_id)
    unguarded = claims.CLAIM.replace("a.turn * s.piece_fen <= s.budget_fen - s.reserved_fen", "true")
    assert unguarded != claims.CLAIM
    monkeypatch.setattr(claims, "writes", shared_statements.SharedStatement(unguarded))
    with pytest.raises(SoldOut):
        await claimed(await a_citizen(), offer_id)
    assert await stock(offer_id) == (5_000, 5_000, 1)


async def test_a_budget_for_100_gives_100_to_300_who_come_at_once(shop: Shop) -> None:
    offer_id = await a_published(shop, **AMOUNT, budget_fen=100_999)
    citizens = [await a_citizen() for _ in range(300)]
    await asyncio.gather(*(warm() for _ in range(8)))
    done = await asyncio.gather(
        *(claimed(citizen_id, offer_id) for citizen_id in citizens), return_exceptions=True
    )
    kinds = [type(each) for each in done]
    assert (kinds.count(claims.Claimed), kinds.count(SoldOut)) == (100, 200)
    assert await stock(offer_id) == (100_999, 100_000, 100)


async def warm() -> None:
    async with one_connection():
        await asyncio.sleep(0.05)


async def test_stock_and_budget_hold_each_for_itself(shop: Shop) -> None:
    few = await a_published(shop, **AMOUNT, budget_fen=100_000, stock_total=2)
    poor = await a_published(shop, **AMOUNT, budget_fen=2_000, stock_total=50)
    for offer_id in (few, poor):
        done = await asyncio.gather(
            *[claimed(await a_citizen(), offer_id) for _ in range(6)], return_exceptions=True
        )
        assert sum(isinstance(each, claims.Claimed) for each in done) == 2
        assert (await stock(offer_id))[1:] == (2_000, 2)


async def test_what_costs_nothing_needs_no_money(shop: Shop) -> None:
    lane = {"discount_kind": DiscountKind.PRIORITY_LANE, "percent_off": None, "cap_fen": None}
    offer_id = await a_published(shop, **lane, budget_fen=0)
    await claimed(await a_citizen(), offer_id)
    assert await stock(offer_id) == (0, 0, 1)


async def test_new_terms_reserve_the_new_most_and_old_coupons_keep_theirs(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=10_000)
    await claimed(await a_citizen(), offer_id)
    await renewed(shop, offer_id, budget_fen=10_000, cap_fen=1_000)
    await claimed(await a_citizen(), offer_id)
    assert await stock(offer_id) == (10_000, 6_000, 2)


# Settling.


async def test_redeemed_for_less_gives_back_the_rest_when_it_can_not_be_undone_any_more(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=10_000)
    coupon = await claimed(await a_citizen(), offer_id)
    await redeemed(shop, coupon.id)  # 20 % of 100 yuan
    assert await settled_by(MONTH_END - timedelta(minutes=1)) == 0
    assert await stock(offer_id) == (10_000, 5_000, 1)
    assert await settled_by(MONTH_END + timedelta(hours=1)) == 1
    assert await stock(offer_id) == (10_000, 2_000, 1)
    assert await settled_by(MONTH_END + timedelta(days=90)) == 0


async def test_undone_in_time_it_costs_nothing_and_can_be_used_for_all_it_may(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=5_000)
    coupon = await claimed(await a_citizen(), offer_id)
    done = await redeemed(shop, coupon.id)
    await undone(shop.clerk, done.id)
    later = NOON + timedelta(days=20)
    assert await settled_by(later) == 0
    code = await code_of(coupon.id, later)
    assert (
        await scan(shop.clerk, code, an_order(shop.store_id, 1_000_000), later)
    ).discount.discount_fen == 5_000
    assert await settled_by(MONTH_END + timedelta(hours=1)) == 1
    assert await stock(offer_id) == (5_000, 5_000, 1)


async def late(shop: Shop, redemption_id: UUID, now: Any) -> None:
    actor = await an_owner(shop.member_id)
    await late_reversals.reverse_late(
        actor, redemption_id, "退货", RequestKey(f"late-{redemption_id}", bytes(32)), now
    )


async def test_undone_after_its_month_it_holds_again_all_it_may_cost(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=10_000, valid_days=90)
    coupon = await claimed(await a_citizen(), offer_id)
    done = await redeemed(shop, coupon.id)
    assert await settled_by(MONTH_END + timedelta(hours=1)) == 1
    assert await stock(offer_id) == (10_000, 2_000, 1)
    day_after = MONTH_END + timedelta(days=1)
    await late(shop, done.id, day_after)
    assert await stock(offer_id) == (10_000, 5_000, 1)
    code = await code_of(coupon.id, day_after)
    again = await scan(shop.clerk, code, an_order(shop.store_id, 1_000_000), day_after)
    assert again.discount.discount_fen == 5_000
    assert await settled_by(day_after + timedelta(days=60)) == 1
    assert await stock(offer_id) == (10_000, 5_000, 1)


async def test_undone_after_its_end_it_gives_back_what_it_cost(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=10_000)
    coupon = await claimed(await a_citizen(), offer_id)
    done = await redeemed(shop, coupon.id)
    assert await settled_by(MONTH_END + timedelta(hours=1)) == 1
    later = coupon.valid_until + timedelta(days=1)
    await late(shop, done.id, later)
    assert await stock(offer_id) == (10_000, 2_000, 1)
    assert await settled_by(later) == 1
    assert await stock(offer_id) == (10_000, 0, 1)


async def test_what_was_promised_to_others_since_is_not_taken_back(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=7_000, valid_days=90)
    coupon = await claimed(await a_citizen(), offer_id)
    done = await redeemed(shop, coupon.id)
    assert await settled_by(MONTH_END + timedelta(hours=1)) == 1
    day_after = MONTH_END + timedelta(days=1)
    await claimed(await a_citizen(), offer_id, day_after)
    assert await stock(offer_id) == (7_000, 7_000, 2)
    with pytest.raises(LateReversalNeedsBudget):
        await late(shop, done.id, day_after)
    assert await fetch_all("SELECT id FROM reversals") == []
    assert await stock(offer_id) == (7_000, 7_000, 2)


async def test_an_expired_coupon_gives_all_of_it_back(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=5_000)
    coupon = await claimed(await a_citizen(), offer_id)
    assert await settled_by(coupon.valid_until) == 0  # another machine's clock may be a little behind
    assert await settled_by(coupon.valid_until + timedelta(minutes=16)) == 1
    assert await stock(offer_id) == (5_000, 0, 1)
    await claimed(await a_citizen(), offer_id, coupon.valid_until + timedelta(hours=1))


async def test_a_revoked_coupon_gives_back_what_it_did_not_cost(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=30_000, uses_total=3)
    used, unused = [await claimed(await a_citizen(), offer_id) for _ in range(2)]
    await redeemed(shop, used.id)
    for coupon in (used, unused):
        await offer_changes.revoke_coupon(reviewer(), coupon.id, "门店停业", NOON)
    assert await settled_by(NOON + timedelta(days=1)) == 1
    assert await stock(offer_id) == (30_000, 15_000, 2)
    assert await settled_by(MONTH_END + timedelta(hours=1)) == 1
    assert await stock(offer_id) == (30_000, 2_000, 2)


async def test_more_than_the_most_is_not_the_budgets(shop: Shop) -> None:
    """A cashier enters more than the list price of something at a fixed price."""
    offer_id = await a_published(shop, **AMOUNT, budget_fen=5_000)
    await execute("UPDATE offer_stock SET piece_fen = 500")
    coupon = await claimed(await a_citizen(), offer_id)
    await redeemed(shop, coupon.id)
    assert await settled_by(MONTH_END + timedelta(hours=1)) == 1
    assert await stock(offer_id) == (5_000, 500, 1)


async def test_two_workers_settle_each_coupon_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "SETTLED_AT_ONCE", 3)
    offers = [await a_published(shop, **AMOUNT, budget_fen=20_000) for _ in range(2)]
    for _ in range(10):
        for offer_id in offers:
            coupon = await claimed(await a_citizen(), offer_id)
    late = coupon.valid_until + timedelta(days=1)
    assert sum(await asyncio.gather(*(settled_by(late) for _ in range(4)))) == 20
    for offer_id in offers:
        assert await stock(offer_id) == (20_000, 0, 10)


async def test_settling_claiming_and_giving_back_at_once_keep_the_sum(shop: Shop) -> None:
    offer_id = await a_published(shop, **AMOUNT, budget_fen=50_000)
    old = [(citizen := await a_citizen(), await claimed(citizen, offer_id)) for _ in range(20)]
    for _, coupon in old[10:]:
        await offer_changes.revoke_coupon(reviewer(), coupon.id, "门店停业", NOON)
    await asyncio.gather(
        *(claims.give_back(citizen, coupon.id, NOON) for citizen, coupon in old[:10]),
        *[claimed(await a_citizen(), offer_id) for _ in range(20)],
        *(settled_by(NOON) for _ in range(3)),
    )
    assert await stock(offer_id) == (50_000, 20_000, 30)


# Changing it.


async def audited() -> list[str]:
    rows = await fetch_all("SELECT action FROM audit_records WHERE action LIKE '%budget%' ORDER BY entry")
    return [row["action"] for row in rows]


async def test_a_budget_is_lowered_if_it_is_what_was_seen_and_never_below_what_is_held(shop: Shop) -> None:
    offer_id, admin = await a_published(shop, budget_fen=20_000), reviewer()
    await claimed(await a_citizen(), offer_id)
    with pytest.raises(BudgetChanged) as refused:
        await budgets.set_budget(admin, offer_id, 19_999, 10_000, NOON)
    assert refused.value.facts == {"budget_fen": 20_000}
    with pytest.raises(BudgetBelowReserved):
        await budgets.set_budget(admin, offer_id, 20_000, 4_999, NOON)
    assert await audited() == []
    await budgets.set_budget(admin, offer_id, 20_000, 5_000, NOON)
    assert await stock(offer_id) == (5_000, 5_000, 1) and await audited() == ["offer.set_budget"]
    with pytest.raises(NotFound):
        await budgets.set_budget(reviewer("330200"), offer_id, 5_000, 5_000, NOON)


async def test_of_two_who_saw_the_same_one_changes_it(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=20_000)
    done = await asyncio.gather(
        *(budgets.set_budget(reviewer(), offer_id, 20_000, fen, NOON) for fen in (9_000, 8_000)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["BudgetChanged", "NoneType"]


async def test_a_budget_can_begin_later_where_coupons_are_counted(shop: Shop) -> None:
    offer_id = await a_published(shop, stock_total=9)
    await claimed(await a_citizen(), offer_id)
    await budgets.set_budget(reviewer(), offer_id, None, 5_000, NOON)
    await claimed(await a_citizen(), offer_id)
    with pytest.raises(SoldOut):
        await claimed(await a_citizen(), offer_id)
    assert await stock(offer_id) == (5_000, 5_000, 2)
    without = await a_published(shop, stock_total=9, cap_fen=None)
    with pytest.raises(BudgetNeedsMostCost):
        await budgets.set_budget(reviewer(), without, None, 5_000, NOON)


@pytest.mark.parametrize(
    ("from_fen", "to_fen", "is_raise"),
    [(1, 2, True), (1, None, True), (2, 1, False), (None, 1, False), (1, 1, False), (None, None, False)],
)
def test_more_or_no_limit_is_a_raise(from_fen: int | None, to_fen: int | None, *, is_raise: bool) -> None:
    assert budgets.is_raise(from_fen, to_fen) is is_raise
