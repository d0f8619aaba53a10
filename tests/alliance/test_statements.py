"""A statement's way from open to settled; late records; disputes; what a public unit owes; the day-close."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from json import loads
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import dead_letters, statement_closing, statement_views, statements
from alliance.statement_closing import REST, close, close_due
from alliance.statement_lines import end_of_period, open_statements, take_new
from alliance.statement_states import NEXT, Event, StatementStateWrong
from alliance.statement_views import Filters
from alliance.statements import Adjustment, AdjustmentEmpty, PublicUnitUnknown
from benefits import day_closes, late_reversals, reversals
from benefits.day_closes import Count
from benefits.refusals import (
    AlreadyReversed,
    DayNotBegun,
    IdempotencyKeyReused,
    LateReversalWindowClosed,
    NotYourStore,
)
from common.actors import AdminActor, MemberActor
from common.clock import local_day
from common.database import execute, fetch_all, fetch_one
from common.errors import DomainError, NotFound
from merchants.staff import StaffRevoked
from models.enums import AdminRole, MemberKind
from models.office_enums import AdjustmentReason, StatementState
from tests.factories.members import Shop, a_member, a_shop
from tests.factories.moments import shanghai
from tests.factories.scans import a_key
from tests.factories.statements import (
    APRIL,
    MARCH,
    MAY,
    MID_APRIL,
    MID_MARCH,
    MID_MAY,
    a_deal,
    a_funded_deal,
    closed_statement,
    given,
    killed_before_statement,
    lines_of,
    statement_of,
    taken_back,
)

DAY = timedelta(days=1)
PROVINCE = AdminActor(uuid4(), uuid4(), (AdminRole.OPERATOR,), "330000")
ELSEWHERE = replace(PROVINCE, region="330200")
SOME = Adjustment(-100, 0, 100, None, AdjustmentReason.SHARE_WRONG)


@pytest.fixture
async def shop(database: str) -> Shop:
    """A member with two stores."""
    return await a_shop()


def owner(shop: Shop) -> MemberActor:
    """Who acts for the shop's member."""
    return MemberActor(shop.manager.id, shop.manager.session_id, shop.member_id, "manager")


async def actions_of(thing: str) -> list[str]:
    """What the audit has about things of a kind, in order."""
    rows = await fetch_all("SELECT action FROM audit_records WHERE object_kind = $1 ORDER BY entry", thing)
    return [row["action"] for row in rows]


async def test_a_line_says_what_was_given_and_who_funds_it(shop: Shop) -> None:
    deal = await a_funded_deal(shop)
    first = await given(deal, 999)
    undo = await taken_back(deal, first, MID_MARCH + DAY)
    statement = await closed_statement(shop)
    assert (statement["redemptions"], statement["reversals"], statement["discount_fen"]) == (1, 1, 0)
    line, counter = await lines_of(statement["id"])
    assert (line["kind"], line["record_id"], line["redemption_id"]) == ("redemption", first, None)
    assert (line["store_id"], line["offer_id"], line["at"]) == (shop.store_id, deal.offer_id, MID_MARCH)
    parts = (line["discount_fen"], line["member_fen"], line["public_unit_fen"], line["alliance_fen"])
    assert parts == (999, 501, 199, 299)
    assert (counter["kind"], counter["record_id"], counter["redemption_id"]) == ("reversal", undo, first)
    parts = (
        counter["discount_fen"],
        counter["member_fen"],
        counter["public_unit_fen"],
        counter["alliance_fen"],
    )
    assert parts == (-999, -501, -199, -299)


async def test_a_month_ends_at_midnight_in_hangzhou(shop: Shop) -> None:
    deal = await a_deal(shop)
    await given(deal, 1, shanghai("2026-03-31 23:59:59.999"))
    await given(deal, 2, shanghai("2026-04-01 00:00"))
    assert (await closed_statement(shop))["discount_fen"] == 1
    assert (await closed_statement(shop, APRIL, MID_MAY))["discount_fen"] == 2


async def test_nothing_is_closed_before_the_month_is_over(shop: Shop) -> None:
    await given(await a_deal(shop), 100)
    due = end_of_period(MARCH) + REST
    assert not await close(shop.member_id, MARCH, due - timedelta(milliseconds=1))
    assert await close_due(due - timedelta(milliseconds=1)) == 0
    assert (await statement_of(shop.member_id))["state"] == "open"
    assert await close(shop.member_id, MARCH, due)
    assert not await close(shop.member_id, MARCH, due + DAY)


async def test_what_comes_late_goes_onto_the_next_statement_that_is_open(shop: Shop) -> None:
    deal = await a_deal(shop)
    await given(deal, 100, MID_APRIL)
    early = await given(deal, 7)
    march = await closed_statement(shop)
    april = await closed_statement(shop, APRIL, MID_MAY)
    late = await given(deal, 10)
    undo = await taken_back(deal, early, MID_MARCH + DAY)
    may = await closed_statement(shop, MAY, shanghai("2026-06-15 12:00"))
    assert [(line["record_id"], line["discount_fen"]) for line in await lines_of(may["id"])] == [
        *((late, 10), (undo, -7)),
    ]
    assert await statement_of(shop.member_id, MARCH) == march
    assert await statement_of(shop.member_id, APRIL) == april


async def test_the_duty_asks_for_one_closing_per_member_and_month(shop: Shop) -> None:
    other = await a_shop()
    for member in (shop, other):
        deal = await a_deal(member)
        await given(deal, 5)
        await given(deal, 5, MID_APRIL)
    assert [await close_due(MID_APRIL), await close_due(MID_APRIL)] == [2, 2]
    jobs = [loads(row["payload"]) for row in await fetch_all("SELECT payload FROM pgqueuer")]
    members = sorted(job["member_id"] for job in jobs)
    assert members == sorted(str(each.member_id) for each in (shop, other))
    assert {job["period"] for job in jobs} == {"2026-03-01"}


async def test_a_closing_that_failed_for_good_is_not_asked_for_until_an_operator_retries_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_closing, "AT_ONCE", 1)
    other = await a_shop()
    await given(await a_deal(shop), 5)
    await close_due(MID_APRIL)
    await execute("UPDATE pgqueuer SET status = 'failed'")
    assert await close_due(MID_APRIL) == 0
    await given(await a_deal(other), 5)
    assert await close_due(MID_APRIL) == 1, "it takes nobody else's place"
    [letter] = await dead_letters.listed(PROVINCE, None, 9)
    await dead_letters.retry(PROVINCE, letter.id, MID_APRIL)
    assert await close_due(MID_APRIL) == 1
    assert len(await fetch_all("SELECT 1 FROM pgqueuer WHERE status = 'queued'")) == 2


async def test_what_is_open_a_day_after_it_was_due_is_told(shop: Shop) -> None:
    deal = await a_deal(shop)
    for at in (MID_MARCH, MID_APRIL):
        await given(deal, 5, at)
    await take_new(MID_MARCH)
    late = end_of_period(MARCH) + REST + DAY
    told = [await statement_closing.overdue(late - timedelta(milliseconds=1))]
    told.append(await statement_closing.overdue(late))
    await closed_statement(shop)
    assert [*told, await statement_closing.overdue(late)] == [0, 1, 0]


async def test_a_closing_that_is_killed_anywhere_has_done_all_or_nothing(shop: Shop) -> None:
    deal = await a_funded_deal(shop)
    for fen in (100, 200, 301):
        await given(deal, fen)
    for number in range(1, 40):
        with killed_before_statement(number):
            await close(shop.member_id, MARCH, MID_APRIL)
        tables = ("statement_sums", "member_notices", "audit_records")
        counts = {len(await fetch_all(f"SELECT id FROM {table}")) for table in tables}
        states = {row["state"] for row in await fetch_all("SELECT state FROM statements")}
        assert (counts, states) in (({0}, set()), ({0}, {"open"}), ({1}, {"closed"}))
        if states == {"closed"}:
            break
    else:
        raise AssertionError("never closed")
    statement = await statement_of(shop.member_id)
    assert (statement["discount_fen"], len(await lines_of(statement["id"]))) == (601, 3)


async def test_two_who_take_records_at_once_write_each_line_once(shop: Shop) -> None:
    deal = await a_deal(shop)
    await take_new(MID_MARCH)  # so that the cursor's row is there and nobody waits for its making
    for fen in range(50):
        await given(deal, fen)
    await asyncio.gather(*(take_new(MID_MARCH) for _ in range(6)))
    lines = await lines_of((await statement_of(shop.member_id))["id"])
    assert [line["discount_fen"] for line in lines] == [*range(50)]


async def test_no_line_goes_onto_a_statement_while_it_is_being_closed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The totals of a closed statement are those of its lines, also of a record that arrives in that moment."""
    deal = await a_deal(shop)
    await given(deal, 100)
    await take_new(MID_APRIL)
    sum_up = statement_closing._close
    arriving: list[asyncio.Task[int]] = []

    async def slowly(*arguments: Any) -> None:
        await sum_up(*arguments)
        arriving.append(asyncio.create_task(_give_and_take()))
        # With the lock he waits for us; without it he is done long before.
        await asyncio.wait(arriving, timeout=1.5)

    async def _give_and_take() -> int:
        # The task must not go on with the connection of who started it.
        from common import database as db

        db._held.set(None)
        await given(deal, 10)
        return await take_new(MID_APRIL)

    monkeypatch.setattr(statement_closing, "_close", slowly)
    march = await closed_statement(shop)
    await arriving[0]
    assert (march["discount_fen"], len(await lines_of(march["id"]))) == (100, 1)
    april = await statement_of(shop.member_id, APRIL)
    assert [line["discount_fen"] for line in await lines_of(april["id"])] == [10]


# States -------------------------------------------------------------------------------------------

COLUMNS: dict[StatementState, str] = {
    StatementState.OPEN: "",
    StatementState.CLOSED: "",
    StatementState.CONFIRMED: "",
    StatementState.DISPUTED: ", dispute_reason = '少了一笔'",
    StatementState.SETTLED: ", settled_at = closed_at, settlement_reference = 'A1'",
}
HAPPENS: dict[Event, Callable[[Shop, UUID], Awaitable[object]]] = {
    Event.CLOSE: lambda shop, _: _must_close(shop),
    Event.CONFIRM: lambda shop, id_: statements.confirm(owner(shop), id_, MID_APRIL),
    Event.DISPUTE: lambda shop, id_: statements.dispute(owner(shop), id_, "少了一笔", MID_APRIL),
    Event.REJECT: lambda _, id_: statements.reject(PROVINCE, id_, "已核对", MID_APRIL),
    Event.ACCEPT: lambda _, id_: statements.accept(PROVINCE, id_, SOME, MID_APRIL),
    Event.SETTLE: lambda _, id_: statements.settle(PROVINCE, id_, "PAY-1", MID_APRIL),
}


async def _must_close(shop: Shop) -> None:
    if not await close(shop.member_id, MARCH, MID_APRIL):
        raise StatementStateWrong(state="")


async def _in_state(shop: Shop, state: StatementState) -> UUID:
    await given(await a_deal(shop), 100)
    if state is StatementState.OPEN:
        await take_new(MID_APRIL)
    else:
        await closed_statement(shop)
    await execute(f"UPDATE statements SET state = $1{COLUMNS[state]}", state)
    statement_id: UUID = (await statement_of(shop.member_id))["id"]
    return statement_id


@pytest.mark.parametrize(("state", "event"), list(product(StatementState, Event)))
async def test_every_event_in_every_state_goes_by_the_table(
    shop: Shop, state: StatementState, event: Event
) -> None:
    statement_id = await _in_state(shop, state)
    before = await statement_of(shop.member_id)
    audited = len(await actions_of("statement"))
    if (state, event) in NEXT:
        await HAPPENS[event](shop, statement_id)
        after = await statement_of(shop.member_id)
        assert after["state"] == NEXT[state, event]
        for name in ("discount_fen", "redemptions", "member_fen"):
            assert after[name] == before[name] or event is Event.CLOSE
        assert len(await actions_of("statement")) == audited + 1
        return
    with pytest.raises(StatementStateWrong):
        await HAPPENS[event](shop, statement_id)
    assert await statement_of(shop.member_id) == before
    assert len(await actions_of("statement")) == audited


async def test_two_answers_at_once_are_one(shop: Shop) -> None:
    statement_id = await _in_state(shop, StatementState.CLOSED)
    answers = await asyncio.gather(
        *(HAPPENS[event](shop, statement_id) for event in [Event.CONFIRM, Event.DISPUTE] * 3),
        return_exceptions=True,
    )
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, StatementStateWrong) for answer in answers) == 5


@pytest.mark.parametrize("event", [Event.CONFIRM, Event.DISPUTE])
async def test_another_members_statement_is_not_found(shop: Shop, event: Event) -> None:
    statement_id = await _in_state(shop, StatementState.CLOSED)
    stranger = await a_shop()
    with pytest.raises(NotFound):
        await HAPPENS[event](stranger, statement_id)
    with pytest.raises(NotFound):
        await statement_views.view(owner(stranger), statement_id)
    assert await statement_views.of_member(owner(stranger), None, 9) == []


async def test_another_regions_statement_is_not_found(shop: Shop) -> None:
    statement_id = await _in_state(shop, StatementState.DISPUTED)
    for refused in (
        statements.reject(ELSEWHERE, statement_id, "x", MID_APRIL),
        statements.accept(ELSEWHERE, statement_id, SOME, MID_APRIL),
        statements.settle(ELSEWHERE, statement_id, "x", MID_APRIL),
        statement_views.view(ELSEWHERE, statement_id),
    ):
        with pytest.raises(NotFound):
            await refused
    assert await statement_views.in_region(ELSEWHERE, Filters(), None, 9) == []
    assert (
        len(await statement_views.in_region(PROVINCE, Filters(StatementState.DISPUTED, MARCH), None, 9)) == 1
    )
    assert await statement_views.in_region(PROVINCE, Filters(StatementState.OPEN), None, 9) == []
    assert await statement_views.in_region(PROVINCE, Filters(period=APRIL), None, 9) == []


async def test_an_accepted_dispute_adjusts_the_next_statement(shop: Shop) -> None:
    statement_id = await _in_state(shop, StatementState.DISPUTED)
    onto = await statements.accept(PROVINCE, statement_id, SOME, MID_APRIL)
    april = await statement_of(shop.member_id, APRIL)
    assert april["id"] == onto
    (line,) = await lines_of(onto)
    assert (line["kind"], line["record_id"], line["reason_code"]) == (
        "adjustment",
        statement_id,
        "share_wrong",
    )
    assert (line["discount_fen"], line["member_fen"], line["alliance_fen"]) == (0, -100, 100)
    april = await closed_statement(shop, APRIL, MID_MAY)
    assert (april["discount_fen"], april["member_fen"], april["alliance_fen"]) == (0, -100, 100)
    assert (await statement_of(shop.member_id, MARCH))["member_fen"] == 100


async def test_an_adjustment_changes_something_and_names_who_pays(shop: Shop) -> None:
    statement_id = await _in_state(shop, StatementState.DISPUTED)
    merchant, unit = await a_member(), await a_member(MemberKind.PUBLIC_UNIT)
    nothing = replace(SOME, member_fen=0, alliance_fen=0)
    refused: list[tuple[Adjustment, type[DomainError]]] = [
        (nothing, AdjustmentEmpty),
        (replace(SOME, public_unit_fen=1), PublicUnitUnknown),
        (replace(SOME, public_unit_fen=1, public_unit_id=merchant), PublicUnitUnknown),
        (replace(SOME, public_unit_id=unit), PublicUnitUnknown),
    ]
    for adjustment, error in refused:
        with pytest.raises(error):
            await statements.accept(PROVINCE, statement_id, adjustment, MID_APRIL)
    paid = replace(SOME, public_unit_fen=1, public_unit_id=unit)
    onto = await statements.accept(PROVINCE, statement_id, paid, MID_APRIL)
    assert [line["public_unit_id"] for line in await lines_of(onto)] == [unit]


# Sums ---------------------------------------------------------------------------------------------


async def test_a_public_unit_sees_what_it_owes_for_each_offer(shop: Shop) -> None:
    unit = await a_shop(MemberKind.PUBLIC_UNIT)
    deals = [
        await a_deal(shop, public_unit_share=percent, public_unit_id=unit.member_id)
        for percent in (10, 50, 0)
    ]
    for deal in deals:
        await given(deal, 1_000)
        await given(deal, 500)
    assert await statement_views.owed(owner(unit), MARCH, None, 9) == []  # not closed yet
    await closed_statement(shop)
    owed = await statement_views.owed(owner(unit), MARCH, None, 9)
    assert {row["offer_id"]: row["public_unit_fen"] for row in owed} == {
        deals[0].offer_id: 150,
        deals[1].offer_id: 750,
    }
    first, *rest = owed
    assert await statement_views.owed(owner(unit), MARCH, first["offer_id"], 9) == rest
    assert await statement_views.owed(owner(unit), APRIL, None, 9) == []
    assert await statement_views.owed(owner(shop), MARCH, None, 9) == []


async def test_sums_by_region_and_funder_are_those_of_the_statements(database: str) -> None:
    unit = await a_member(MemberKind.PUBLIC_UNIT)
    for region in ("330106", "330106", "330203"):
        shop = await a_shop(region=region)
        await given(await a_deal(shop, alliance_share=10, public_unit_share=20, public_unit_id=unit), 1_000)
        await given(await a_deal(shop), 5)
        await closed_statement(shop)
    rows = await statement_views.sums_by_region(PROVINCE, MARCH, None, 9)
    names = ("region_id", "public_unit_id", "member_fen", "public_unit_fen", "alliance_fen")
    expected = [
        ("330106", statement_views.NOBODY, 10, 0, 0),
        ("330106", unit, 1_400, 400, 200),
        ("330203", statement_views.NOBODY, 5, 0, 0),
        ("330203", unit, 700, 200, 100),
    ]
    assert [tuple(row[name] for name in names) for row in rows] == expected
    after = ("330106", unit)
    assert await statement_views.sums_by_region(PROVINCE, MARCH, after, 9) == rows[2:]
    assert await statement_views.sums_by_region(ELSEWHERE, MARCH, None, 9) == rows[2:]


@pytest.mark.parametrize("is_closed", [True, False])
async def test_one_statement_adds_up_by_store_and_offer(shop: Shop, is_closed: bool) -> None:
    deals = [await a_deal(shop), await a_funded_deal(shop)]
    for deal in deals:
        await given(deal, 100)
        await given(deal, 30, store_id=shop.second_store_id)
    await take_new(MID_APRIL)
    if is_closed:
        await closed_statement(shop)
    statement_id = (await statement_of(shop.member_id))["id"]
    view = await statement_views.view(owner(shop), statement_id)
    found = {(row["store_id"], row["offer_id"]): row["discount_fen"] for row in view.sums}
    stores = {shop.store_id: 100, shop.second_store_id: 30}
    assert found == {(store, deal.offer_id): fen for store, fen in stores.items() for deal in deals}
    first, *rest = await statement_views.lines(statement_id, None, 2)
    assert await statement_views.lines(statement_id, first["id"], 1) == rest


# Late reversals -----------------------------------------------------------------------------------


async def late(shop: Shop, redemption_id: UUID, now: Any = MID_APRIL, **more: Any) -> reversals.Reversed:
    """Undo as an owner, by default in the month after."""
    request = more.get("request") or a_key()
    return await late_reversals.reverse_late(
        more.get("actor") or owner(shop), redemption_id, "退货", request, now
    )


async def test_a_late_reversal_is_a_counter_entry_on_the_next_statement(shop: Shop) -> None:
    deal = await a_funded_deal(shop)
    redemption_id = await given(deal, 999)
    march = await closed_statement(shop)
    done = await late(shop, redemption_id)
    april = await closed_statement(shop, APRIL, MID_MAY)
    (line,) = await lines_of(april["id"])
    assert (line["record_id"], line["redemption_id"], line["discount_fen"]) == (done.id, redemption_id, -999)
    assert april["member_fen"] == -march["member_fen"] and april["alliance_fen"] == -march["alliance_fen"]
    assert await statement_of(shop.member_id, MARCH) == march
    uses = await fetch_one("SELECT uses_done FROM coupons WHERE id = $1", deal.coupon_id)
    assert uses is not None and uses["uses_done"] == 99_999
    assert await actions_of("redemption") == ["redemption.reverse_late"]


async def test_a_late_reversal_has_ninety_days(shop: Shop) -> None:
    deal = await a_deal(shop)
    early, other = await given(deal, 1), await given(deal, 1)
    end = MID_MARCH + timedelta(days=90)
    with pytest.raises(LateReversalWindowClosed):
        await late(shop, early, end)
    assert await late(shop, other, end - timedelta(milliseconds=1))
    assert len(await fetch_all("SELECT id FROM reversals")) == 1


async def test_a_late_reversal_is_done_once_and_replayed(shop: Shop) -> None:
    deal = await a_deal(shop)
    one, other, request = await given(deal, 1), await given(deal, 1), a_key("the-key-1", redemption=1)
    first = await late(shop, one, request=request)
    again = await late(shop, one, MID_MAY, request=request)
    assert (again.id, again.is_replayed) == (first.id, True)
    with pytest.raises(AlreadyReversed):
        await late(shop, one)
    with pytest.raises(IdempotencyKeyReused):
        await late(shop, other, request=a_key("the-key-1", redemption=2))
    raced = await asyncio.gather(*(late(shop, other) for _ in range(4)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in raced) == [*["AlreadyReversed"] * 3, "Reversed"]
    assert len(await actions_of("redemption")) == len(await fetch_all("SELECT id FROM reversals")) == 2


async def test_a_late_reversal_is_for_the_members_own_owners_and_managers(shop: Shop) -> None:
    redemption_id, stranger = await given(await a_deal(shop), 1), await a_shop()
    with pytest.raises(NotFound):
        await late(stranger, redemption_id)
    cashier = replace(owner(shop), id=shop.clerk.id)
    with pytest.raises(StaffRevoked):
        await late(shop, redemption_id, actor=cashier)
    assert await fetch_all("SELECT id FROM reversals") == []


# The day's end ------------------------------------------------------------------------------------

TODAY = local_day(MID_MARCH)


async def counted(shop: Shop, *counts: int, day: date = TODAY, **more: Any) -> day_closes.DayClosed:
    """The clerk closes a day at the first store."""
    count = Count(more.get("store_id") or shop.store_id, day, *counts)
    request = more.get("request") or a_key()
    return await day_closes.close_day(more.get("actor") or shop.clerk, count, request, MID_MARCH)


async def test_a_days_count_is_kept_beside_the_services(shop: Shop) -> None:
    deal = await a_deal(shop)
    undone, _ = await given(deal, 100), await given(deal, 50)
    await taken_back(deal, undone, MID_MARCH)
    for other in (MID_MARCH - DAY, MID_MARCH + DAY):
        await given(deal, 1_000, other)
    await given(deal, 1_000, store_id=shop.second_store_id)
    right = await counted(shop, 2, 1, 50)
    assert right.differences == (0, 0, 0)
    assert right.sentence("zh") == "日结完成：您的清点与系统一致。"
    wrong = await counted(shop, 3, 0, 150)
    assert wrong.differences == (1, -1, 100)
    assert "+1" in wrong.sentence("zh") and "+1.00" in wrong.sentence("en")
    assert [row["id"] for row in await day_closes.of_staff(shop.clerk, None, 9)] == [
        *(wrong.row["id"], right.row["id"]),
    ]
    assert len(await day_closes.of_member(owner(shop), None, 9)) == 2
    assert await actions_of("store") == ["day.close", "day.close"]


async def test_a_repeated_day_close_is_one(shop: Shop) -> None:
    first = await counted(shop, 1, 0, 5, request=a_key("the-key-1", count=1))
    again = await counted(shop, 1, 0, 5, request=a_key("the-key-1", count=1))
    assert (again.row, again.is_replayed, first.is_replayed) == (first.row, True, False)
    with pytest.raises(IdempotencyKeyReused):
        await counted(shop, 2, 0, 5, request=a_key("the-key-1", count=2))
    assert len(await fetch_all("SELECT id FROM day_closes")) == len(await actions_of("store")) == 1


async def test_a_clerk_closes_days_of_his_own_stores_that_have_begun(shop: Shop) -> None:
    stranger = await a_shop()
    for refused in (
        counted(shop, 0, 0, 0, store_id=shop.second_store_id),
        counted(shop, 0, 0, 0, actor=stranger.manager),
    ):
        with pytest.raises(NotYourStore):
            await refused
    with pytest.raises(DayNotBegun):
        await counted(shop, 0, 0, 0, day=TODAY + DAY)
    assert await counted(shop, 0, 0, 0, store_id=shop.second_store_id, actor=shop.manager)
    assert await day_closes.of_staff(shop.clerk, None, 9) == []
    assert await day_closes.of_member(owner(stranger), None, 9) == []


async def test_a_statement_shows_days_that_nobody_counted_or_counted_differently(shop: Shop) -> None:
    deal = await a_deal(shop)
    for days in (-3, -2, -1, 0):
        await given(deal, 100, MID_MARCH + days * DAY)
    await counted(shop, 1, 0, 100)
    await counted(shop, 1, 0, 100, day=TODAY - DAY)
    await counted(shop, 2, 0, 200, day=TODAY - DAY)
    await counted(shop, 9, 0, 100, day=TODAY - 2 * DAY)
    await counted(shop, 1, 0, 100, day=TODAY - 2 * DAY)
    statement = await closed_statement(shop)
    view = await statement_views.view(owner(shop), statement["id"])
    assert [(row["day"], row["redemptions"]) for row in view.days] == [
        *((TODAY - 3 * DAY, None), (TODAY - DAY, 2)),
    ]


async def test_a_statement_is_not_closed_while_a_line_is_on_its_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever found it open holds it until his line is written: the totals have it."""
    from common import database as db

    statement_id = await _in_state(shop, StatementState.DISPUTED)
    closing: list[asyncio.Task[bool]] = []

    async def closes() -> bool:
        db._held.set(None)
        return await close(shop.member_id, APRIL, MID_MAY)

    async def slowly(*arguments: Any) -> Any:
        found = await open_statements(*arguments)
        closing.append(asyncio.create_task(closes()))
        await asyncio.wait(closing, timeout=1)
        return found

    # The statement is there already, so that nothing but its lock keeps it from being closed.
    await given(await a_deal(shop), 1, MID_APRIL)
    await take_new(MID_APRIL)
    monkeypatch.setattr(statements, "open_statements", slowly)
    await statements.accept(PROVINCE, statement_id, SOME, MID_APRIL)
    assert await closing[0]
    april = await statement_of(shop.member_id, APRIL)
    assert (april["state"], april["member_fen"], april["alliance_fen"]) == ("closed", -99, 100)
