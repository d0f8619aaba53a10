"""What happens to a coupon is told once to its citizen, from what was written; he is reminded of what ends soon."""

import asyncio
from collections import Counter
from datetime import timedelta
from json import loads
from typing import Any
from uuid import UUID

import pytest

from benefits import claims, coupon_notices, coupon_reminders
from benefits.coupon_notices import sweep_claims, tell_claims, tell_ledger
from benefits.coupon_reminders import remind
from common.database import execute, fetch_all, fetch_one, transaction
from common.ids import id_at, ms_of
from models import notice_log, seals
from models.notice_texts import text_of
from models.retention import RULES, forget
from tests.benefits.test_seals import written_but_not_committed
from tests.factories.citizens import a_citizen
from tests.factories.ledgers import some_redemptions
from tests.factories.members import Shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.scans import claimed, redeemed, undone

DAY = timedelta(days=1)
(REMINDERS,) = (rule for rule in RULES if rule.table == "coupon_reminders")
# `an_offer`'s coupons, claimed at NOON, are good for 30 days: 4 March to 2 April.
FIRST_AT, LAST_AT = shanghai("2026-03-30 09:00"), shanghai("2026-04-01 09:00")


@pytest.fixture(autouse=True)
async def _marks(database: str) -> None:
    """What one test did to clocks is not the next one's."""
    await execute("UPDATE notice_marks SET mark = 0, told_from = 0 WHERE source <> 'ledger'")


async def notices(*kinds: str) -> list[dict[str, Any]]:
    rows = await fetch_all(
        "SELECT citizen_id, kind, facts, once_key FROM citizen_notices WHERE kind = ANY ($1) OR $1 = '{}' ORDER BY id",
        list(kinds),
    )
    return [{**row, "facts": loads(row["facts"])} for row in rows]


async def reminders() -> dict[UUID, tuple[int, Any]]:
    rows = await fetch_all("SELECT coupon_id, days, due_at FROM coupon_reminders")
    return {row["coupon_id"]: (row["days"], row["due_at"]) for row in rows}


async def a_coupon(shop: Shop, **terms: Any) -> UUID:
    return (await claimed(await a_citizen(), await an_offer(shop, **terms))).id


# Told from what was written ------------------------------------------------------------------------


async def test_what_is_redeemed_and_undone_is_told_to_its_citizen(shop: Shop) -> None:
    citizen = await a_citizen()
    coupon = await claimed(citizen, await an_offer(shop))
    done = await redeemed(shop, coupon.id)
    await undone(shop.clerk, done.id)
    assert await tell_ledger(NOON) == 2 and await tell_ledger(NOON) == 0
    used, back = await notices()
    assert (used["kind"], back["kind"], used["citizen_id"]) == ("coupon_redeemed", "coupon_reversed", citizen)
    [store] = await fetch_all("SELECT name FROM stores WHERE id = $1", shop.store_id)
    assert used["facts"] == {
        "coupon_id": str(coupon.id),
        "redemption_id": str(done.id),
        "offer": "全场八折",
        "store": store["name"],
        "at": "2026-03-04 12:00",
        "saved_yuan": "20.00",
    }
    assert "为您省了 20.00 元" in text_of(used["kind"], used["facts"], "zh")


async def test_what_costs_nothing_is_told_without_a_sum(shop: Shop) -> None:
    coupon = await a_coupon(shop, discount_kind="priority_lane", percent_off=None)
    await redeemed(shop, coupon)
    await tell_ledger(NOON)
    assert [each["kind"] for each in await notices()] == ["coupon_redeemed_unpriced"]


async def test_claims_are_told_once_however_often_they_are_looked_at(shop: Shop) -> None:
    offer, citizens = await an_offer(shop), [await a_citizen() for _ in range(3)]
    coupons = [await claimed(each, offer) for each in citizens]
    assert await tell_claims(NOON) == 3
    assert await tell_claims(NOON) == 0 == await sweep_claims(NOON)
    assert [each["citizen_id"] for each in await notices()] == citizens
    assert (await notices())[0]["facts"] == {
        "coupon_id": str(coupons[0].id),
        "offer": "全场八折",
        "last_day": "2026-04-02",
    }


async def test_two_processes_at_once_tell_everything_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupon_notices, "BATCH", 2)
    offer = await an_offer(shop)
    coupons = [await claimed(await a_citizen(), offer) for _ in range(5)]
    for coupon in coupons[:4]:
        await redeemed(shop, coupon.id)
    await asyncio.gather(*(tell(NOON) for tell in (tell_claims, tell_ledger) for _ in range(3)))
    assert Counter(each["kind"] for each in await notices()) == {"coupon_claimed": 5, "coupon_redeemed": 4}
    assert len(await reminders()) == 5


@pytest.mark.parametrize("tell", [tell_claims, tell_ledger])
async def test_a_killed_process_has_told_all_of_a_batch_or_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tell: Any
) -> None:
    await some_redemptions(shop, 3)

    async def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(coupon_notices, "_advance", dies)
    with pytest.raises(KeyboardInterrupt):
        await tell(NOON)
    assert await notices() == [] and await reminders() == {}
    monkeypatch.undo()
    assert await tell(NOON) == (1 if tell is tell_claims else 3)


async def test_a_record_that_is_committed_late_is_not_missed(
    database: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "PATIENCE_S", 0.2)
    await some_redemptions(shop, 1)
    async with written_but_not_committed(database):
        await some_redemptions(shop, 1)
        with pytest.raises(seals.SealingWaits):
            await tell_ledger(NOON)
        assert await notices() == []
    assert await tell_ledger(NOON) == 3


async def test_a_claim_that_turns_up_behind_the_mark_is_told(shop: Shop) -> None:
    """Within seconds when it only waited for its turn; by the hourly sweep when its process's clock is off."""
    offer = await an_offer(shop)
    at = (await claimed(await a_citizen(), offer)).id
    made_at = NOON.fromtimestamp(ms_of(at) / 1000, NOON.tzinfo)
    assert await tell_claims(made_at) == 1
    for back, is_told in ((timedelta(seconds=10), 1), (timedelta(hours=20), 0)):
        late = (await claimed(await a_citizen(), offer)).id
        await execute("UPDATE coupons SET id = $2 WHERE id = $1", late, id_at(made_at - back))
        assert await tell_claims(made_at) == is_told
    assert await sweep_claims(made_at) == 1
    later = (await claimed(await a_citizen(), offer)).id
    await execute("UPDATE coupons SET id = $2 WHERE id = $1", later, id_at(made_at - timedelta(hours=21)))
    assert await sweep_claims(made_at + timedelta(minutes=59)) == 0, "not yet again"
    assert await sweep_claims(made_at + timedelta(hours=1)) == 1


async def test_a_clock_that_was_ahead_leaves_no_gap(shop: Shop) -> None:
    offer = await an_offer(shop)
    ahead = (await claimed(await a_citizen(), offer)).id
    made_at = NOON.fromtimestamp(ms_of(ahead) / 1000, NOON.tzinfo)
    await execute("UPDATE coupons SET id = $2 WHERE id = $1", ahead, id_at(made_at + timedelta(days=300)))
    assert await tell_claims(made_at) == 1
    await claimed(await a_citizen(), offer)
    assert await tell_claims(made_at) == 1


async def test_what_was_claimed_before_there_were_notices_only_gets_its_reminder(shop: Shop) -> None:
    coupon = await a_coupon(shop)
    await execute("UPDATE notice_marks SET told_from = $1", ms_of(coupon) + 1)
    assert await tell_claims(NOON) == 0 and await notices() == []
    assert await reminders() == {coupon: (3, FIRST_AT)}


async def test_claim_and_redemption_know_nothing_of_it(shop: Shop) -> None:
    await redeemed(shop, await a_coupon(shop))
    assert await notices() == [] and await reminders() == {}


# Reminders -----------------------------------------------------------------------------------------


async def test_a_citizen_is_reminded_three_days_and_one_day_before_the_last_day(shop: Shop) -> None:
    coupon = await a_coupon(shop)
    await tell_claims(NOON)
    assert await remind(FIRST_AT - timedelta(seconds=1)) == 0
    assert await remind(FIRST_AT) == 1 and await remind(FIRST_AT + DAY) == 0
    assert await remind(LAST_AT) == 1 and await remind(LAST_AT + DAY) == 0
    assert await reminders() == {}
    told = await notices("coupon_expiring")
    assert [each["once_key"] for each in told] == [f"coupon_expiring:{coupon}:{days}" for days in (3, 1)]
    assert told[0]["facts"] == {"coupon_id": str(coupon), "offer": "全场八折", "last_day": "2026-04-02"}


@pytest.mark.parametrize(("valid_days", "expected"), [(1, None), (2, None), (3, 1), (4, 1), (5, 3)])
async def test_a_short_coupon_is_reminded_of_only_after_its_claim(
    shop: Shop, valid_days: int, expected: int | None
) -> None:
    coupon = await a_coupon(shop, valid_days=valid_days)
    await tell_claims(NOON)
    found = (await reminders()).get(coupon)
    assert (found and found[0]) == expected


async def test_only_what_can_still_be_used_is_reminded_of(shop: Shop) -> None:
    used, given_back, revoked, passed = [await a_coupon(shop) for _ in range(4)]
    pass_ = await a_coupon(shop, uses_total=None, daily_use_cap=1)
    await tell_claims(NOON)
    done = await redeemed(shop, used)
    await redeemed(shop, pass_)
    [row] = await fetch_all("SELECT citizen_id FROM coupons WHERE id = $1", given_back)
    await claims.give_back(row["citizen_id"], given_back, NOON)
    await execute("UPDATE coupons SET status = 'revoked', ended_at = $2 WHERE id = $1", revoked, NOON)
    assert await remind(FIRST_AT) == 2
    assert {each["facts"]["coupon_id"] for each in await notices("coupon_expiring")} == {
        str(passed),
        str(pass_),
    }
    # What is used up may come back.
    await undone(shop.clerk, done.id)
    assert await remind(LAST_AT) == 3


async def test_who_comes_late_tells_the_last_reminder_alone_and_nothing_after_the_end(shop: Shop) -> None:
    await a_coupon(shop)
    await tell_claims(NOON)
    assert await remind(shanghai("2026-04-03 00:00")) == 0
    # That clock was ahead.
    assert await remind(LAST_AT + timedelta(hours=5)) == 1
    assert [each["once_key"][-2:] for each in await notices("coupon_expiring")] == [":1"]
    assert await reminders() == {}


@pytest.mark.parametrize("ahead", [DAY, 10 * DAY, 28 * DAY])
async def test_a_moved_clock_tells_nothing_twice_and_loses_nothing(shop: Shop, ahead: timedelta) -> None:
    coupon = await a_coupon(shop)
    await tell_claims(NOON)
    for at in (
        FIRST_AT + ahead,
        NOON,
        FIRST_AT,
        FIRST_AT - DAY,
        LAST_AT,
        FIRST_AT,
        LAST_AT + timedelta(hours=9),
    ):
        await remind(at)
        await forget(REMINDERS, at)
    keys = [each["once_key"] for each in await notices("coupon_expiring")]
    assert keys == [f"coupon_expiring:{coupon}:{days}" for days in (3, 1)]


async def test_two_processes_remind_once_batch_by_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coupon_reminders, "BATCH", 2)
    offer = await an_offer(shop)
    for _ in range(7):
        await claimed(await a_citizen(), offer)
    await tell_claims(NOON)
    for at in (FIRST_AT, LAST_AT):
        await asyncio.gather(*(remind(at) for _ in range(3)))
    assert Counter(each["once_key"][-2:] for each in await notices("coupon_expiring")) == {":3": 7, ":1": 7}


async def test_a_killed_process_reminds_again_of_what_it_did_not_tell(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_coupon(shop)
    await tell_claims(NOON)

    async def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(coupon_reminders, "_move_on", dies)
    with pytest.raises(KeyboardInterrupt):
        await remind(FIRST_AT)
    assert await notices("coupon_expiring") == []
    monkeypatch.undo()
    assert await remind(FIRST_AT) == 1


async def test_a_reminder_that_was_never_told_goes_after_a_month(shop: Shop) -> None:
    await a_coupon(shop)
    await tell_claims(NOON)
    assert await forget(REMINDERS, FIRST_AT + 30 * DAY) == 0
    assert await forget(REMINDERS, FIRST_AT + 31 * DAY) == 1


# The inbox -----------------------------------------------------------------------------------------


async def test_read_notices_go_after_three_months_and_all_after_a_year(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await a_citizen()
    for number in range(4):
        assert await notice_log.tell("citizen", citizen, "coupon_claimed", f"x:{number}", FACTS, NOON)
    rows = await notice_log.newest("citizen", citizen, None, 10)
    assert await notice_log.unread(citizen) == 4
    assert await notice_log.mark_all_read(citizen, rows[2]["id"], NOON) == 2
    assert await notice_log.mark_all_read(citizen, rows[2]["id"], NOON + DAY) == 0
    assert await notice_log.unread(citizen) == 2
    assert await notice_log.forget_old(NOON + 90 * DAY) == 0
    assert await notice_log.forget_old(NOON + 91 * DAY) == 2
    monkeypatch.setattr(notice_log, "FORGOTTEN_AT_ONCE", 1)
    made_at = NOON.fromtimestamp(ms_of(rows[1]["id"]) / 1000, NOON.tzinfo)
    assert await notice_log.forget_old(made_at + 365 * DAY) == 0
    assert await notice_log.forget_old(made_at + 366 * DAY) == 2


FACTS = {"coupon_id": UUID(int=1), "offer": "全场八折", "last_day": "2026-04-02"}


async def test_a_notice_that_is_rolled_back_was_not_told(shop: Shop) -> None:
    citizen = await a_citizen()
    with pytest.raises(ZeroDivisionError):
        async with transaction():
            await notice_log.tell("citizen", citizen, "coupon_claimed", "x", FACTS, NOON)
            raise ZeroDivisionError
    assert await fetch_one("SELECT 1 FROM citizen_notices") is None
    assert await notice_log.tell("citizen", citizen, "coupon_claimed", "x", FACTS, NOON)
    assert not await notice_log.tell("citizen", citizen, "coupon_claimed", "x", FACTS, NOON)
