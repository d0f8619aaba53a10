"""Kept sums are what counting everything anew gives: after random histories, restarts, and with two at work."""

import asyncio
import random
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from alliance import ledger_numbers, numbers, sliced_numbers
from alliance.ledger_numbers import count_ledger
from alliance.numbers import Span
from alliance.recounts import differences
from alliance.sliced_numbers import count_sliced
from benefits import attempts, claims
from common.clock import local_day
from common.database import Row, execute, fetch_all, fetch_one
from models.office_enums import ComplaintStatus
from tests.factories.citizens import a_citizen
from tests.factories.complaints import an_admin, complaint_in
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.proposals import a_published
from tests.factories.scans import an_order, claimed, code_of, scan, undone

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


async def count_all(now: datetime = NOON) -> int:
    return await count_ledger(now) + await count_sliced(now)


async def flow(offer_id: UUID, at: datetime = NOON) -> Row:
    row = await fetch_one(
        "SELECT sum(views)::int AS views, sum(claims)::int AS claims, sum(given_back)::int AS given_back,"
        " sum(redemptions)::int AS redemptions, sum(reversals)::int AS reversals,"
        " sum(discount_fen)::int AS discount_fen, sum(reversed_fen)::int AS reversed_fen,"
        " sum(new_customers)::int AS new, sum(returning_customers)::int AS returning"
        " FROM flow_days WHERE offer_id = $1 AND day = $2",
        *(offer_id, local_day(at)),
    )
    assert row is not None
    return row


async def everything() -> list[Row]:
    return list(await fetch_all("SELECT * FROM flow_days ORDER BY day, offer_id, store_id"))


async def redeem(shop: Shop, coupon_id: UUID, at: datetime) -> UUID:
    done = await scan(shop.clerk, await code_of(coupon_id, at), an_order(shop.store_id), at)
    return done.id


async def a_history(seed: int, steps: int = 60) -> None:
    """Claims, redemptions, reversals, coupons given back and refused scans at random, over some days."""
    chance = random.Random(seed)
    shops = [await a_shop(), await a_shop()]
    offers = [(shop, await an_offer(shop, uses_total=9)) for shop in shops for _ in range(2)]
    citizens = [await a_citizen() for _ in range(4)]
    held: list[tuple[Shop, UUID, UUID]] = []
    undoable: list[tuple[Shop, UUID, datetime]] = []
    for step in range(steps):
        # Some go back over midnight: clocks of two processes differ.
        at = NOON + timedelta(hours=2 * step + chance.randrange(-12, 12))
        what = chance.choice(["claim", "redeem", "redeem", "redeem", "reverse", "give back", "refuse"])
        if what == "claim" or not held:
            shop, offer_id = chance.choice(offers)
            citizen_id = chance.choice(citizens)
            held.append((shop, citizen_id, (await claimed(citizen_id, offer_id, at)).id))
        elif what == "redeem":
            shop, _, coupon_id = chance.choice(held)
            try:
                undoable.append((shop, await redeem(shop, coupon_id, at), at))
            except Exception as refused:  # used up, given back, or its step burnt
                assert hasattr(refused, "code"), refused
        elif what == "reverse" and undoable:
            shop, redemption_id, redeemed_at = undoable.pop(chance.randrange(len(undoable)))
            await undone(shop.clerk, redemption_id, redeemed_at + timedelta(minutes=5))
        elif what == "give back":
            _, citizen_id, coupon_id = held.pop()
            try:
                await claims.give_back(citizen_id, coupon_id, at)
            except Exception as refused:
                assert hasattr(refused, "code"), refused
        elif what == "refuse":
            code = chance.choice(["code_used", "coupon_expired"])
            await attempts.record(shop.clerk, shop.store_id, None, code, at, is_preview=False)
        if chance.random() < 0.2:
            await count_all(at)


async def test_a_day_shows_the_way_from_a_claim_to_a_customer() -> None:
    shop = await a_shop()
    offer_id = await an_offer(shop, uses_total=9)
    citizen_id, other_id = await a_citizen(), await a_citizen()
    coupon = await claimed(citizen_id, offer_id)
    await claims.give_back(other_id, (await claimed(other_id, offer_id)).id, NOON)
    first = await redeem(shop, coupon.id, NOON)
    await redeem(shop, coupon.id, NOON + timedelta(minutes=5))
    await undone(shop.clerk, first, NOON + timedelta(minutes=6))
    await redeem(shop, coupon.id, NOON + DAY)
    await count_all()
    today, tomorrow = await flow(offer_id), await flow(offer_id, NOON + DAY)
    assert dict(today) == {
        **{"views": 0, "claims": 2, "given_back": 1, "redemptions": 2, "reversals": 1, "discount_fen": 4000},
        **{"reversed_fen": 2000, "new": 1, "returning": 0},
    }
    assert (tomorrow["redemptions"], tomorrow["new"], tomorrow["returning"]) == (1, 0, 1)


async def test_a_customer_is_new_once_for_a_member_whatever_the_offer_and_the_store() -> None:
    shop, other = await a_shop(), await a_shop()
    offers = [await an_offer(shop), await an_offer(shop), await an_offer(other)]
    citizen_id = await a_citizen()
    for shop_, offer_id in zip((shop, shop, other), offers, strict=True):
        await redeem(shop_, (await claimed(citizen_id, offer_id)).id, NOON)
    await count_all()
    assert [(await flow(offer_id))["new"] for offer_id in offers] == [1, 0, 1]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_kept_sums_are_what_a_recount_gives(seed: int) -> None:
    await a_history(seed)
    await count_all()
    assert await differences(FIRST, LAST) == []
    rows = await everything()
    assert sum(row["redemptions"] for row in rows) > 8 and sum(row["claims"] for row in rows) > 5
    await count_all()
    assert await everything() == rows


async def test_a_recount_tells_what_was_changed_by_hand() -> None:
    await a_history(4)
    await count_all()
    await execute("UPDATE flow_days SET redemptions = redemptions + 1 WHERE store_id IS NOT NULL")
    await execute("UPDATE flow_days SET claims = claims + 1 WHERE store_id IS NULL")
    await execute("UPDATE refusal_days SET refusals = refusals + 1")
    found = {each.what for each in await differences(FIRST, LAST)}
    assert found == {"redemptions", "claims", "refusals"}


async def test_two_at_once_count_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_numbers, "BATCH", 3)
    await a_history(5)
    await execute("DELETE FROM flow_days")
    for table in ("number_marks", "number_slices", "member_customers", "refusal_days"):
        await execute(f"DELETE FROM {table}")
    counted = await asyncio.gather(*(count_all() for _ in range(4)))
    assert sum(counted) > 0 and await differences(FIRST, LAST) == []


@pytest.mark.parametrize("statement", range(1, 14))
async def test_one_that_is_killed_at_any_statement_loses_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    """Whatever the statement is that was not answered, it and all before it in its transaction are undone."""
    await a_history(6, steps=25)
    await execute("DELETE FROM flow_days")
    for table in ("number_marks", "number_slices", "member_customers", "refusal_days"):
        await execute(f"DELETE FROM {table}")
    monkeypatch.setattr(ledger_numbers, "BATCH", 4)
    sent = 0

    def deadly(run: object) -> object:
        async def killed_after(*args: object) -> object:
            nonlocal sent
            result = await run(*args)  # type: ignore[operator]
            sent += 1
            if sent == statement:
                raise asyncpg.ConnectionDoesNotExistError
            return result

        return killed_after

    for module in (ledger_numbers, sliced_numbers):
        for name in ("execute", "fetch_all"):
            monkeypatch.setattr(module, name, deadly(getattr(module, name)))
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await count_all()
    await count_all()
    monkeypatch.undo()
    assert await differences(FIRST, LAST) == []
    assert sum(row["redemptions"] for row in await everything()) > 0


async def test_a_claim_that_turns_up_late_is_counted_by_the_next_sweep() -> None:
    shop = await a_shop()
    offer_id = await an_offer(shop)
    late = await claimed(await a_citizen(), offer_id)
    # Made an hour ago in a process that stood still, and written only now.
    row = await fetch_one("SELECT id FROM coupons")
    assert row is not None
    hour_ago = UUID(int=row["id"].int - (3_600_000 << 80))
    await execute("UPDATE coupons SET id = $2 WHERE id = $1", late.id, hour_ago)
    await claimed(await a_citizen(), offer_id)
    newest = NOON + timedelta(days=365)
    await execute(
        "INSERT INTO number_marks (source, mark) VALUES ('claims', $1)", (row["id"].int >> 80) // 60000
    )
    await count_sliced(newest)
    assert (await flow(offer_id))["claims"] == 1
    await sliced_numbers.sweep(newest)
    await sliced_numbers.sweep(newest)
    assert (await flow(offer_id))["claims"] == 2


# What the office looks at besides ----------------------------------------------------------------


async def test_a_budget_shows_what_is_taken_of_it_and_what_the_days_cost() -> None:
    shop, without = await a_shop(), await a_shop()
    offers = [await a_published(shop, budget_fen=20_000) for _ in range(2)]
    await an_offer(without)
    coupons = [await claimed(await a_citizen(), offers[0], NOON) for _ in range(3)]
    first = await redeem(shop, coupons[0].id, NOON)
    await redeem(shop, coupons[1].id, NOON + timedelta(minutes=1))
    await undone(shop.clerk, first, NOON + timedelta(minutes=2))
    await count_all()
    today = Span(local_day(NOON), local_day(NOON))
    found = {row["offer_id"]: row for row in await numbers.budgets(an_admin(), "330106", today, None, 10)}
    assert set(found) == set(offers)
    row, fresh = (found[offer] for offer in offers)
    assert (row["budget_fen"], row["reserved_fen"], row["spent_fen"]) == (20_000, 15_000, 2_000)
    assert (fresh["reserved_fen"], fresh["spent_fen"]) == (0, 0)
    later = Span(today.first + DAY, today.last + DAY)
    assert {row["spent_fen"] for row in await numbers.budgets(an_admin(), None, later, None, 10)} == {0}
    first_page = await numbers.budgets(an_admin(), None, today, None, 1)
    second_page = await numbers.budgets(an_admin(), None, today, first_page[0]["offer_id"], 1)
    assert {row["offer_id"] for row in (*first_page, *second_page)} == set(offers)
    assert not await numbers.budgets(an_admin("330200"), None, today, None, 10)


async def test_complaints_are_counted_by_kind_and_state_in_their_days_and_region() -> None:
    shop = await a_shop()
    for status in (ComplaintStatus.OPEN, ComplaintStatus.UPHELD, ComplaintStatus.UPHELD):
        await complaint_in(shop, status)
    today = Span(local_day(NOON), local_day(NOON))
    counted = await numbers.complaints(an_admin("330100"), None, today)
    assert {(row["status"], row["complaints"]) for row in counted} == {("open", 1), ("upheld", 2)}
    assert not await numbers.complaints(an_admin("330200"), None, today)
    assert not await numbers.complaints(an_admin(), None, Span(today.first + DAY, today.last + DAY))
