"""Suspended members: claims stop, what was claimed stays usable (rule 13), and each cause is lifted by itself."""

import asyncio
from datetime import timedelta
from itertools import product
from json import loads
from uuid import UUID, uuid4

import pytest

from alliance import memberships, rechecks, suspensions
from alliance.memberships import MemberLeft, NotSuspendable, NotSuspendedForThat
from alliance.rechecks import ASK_AGAIN, RECHECK_JOB, SPREAD_S
from benefits import attempts, offer_changes
from benefits.refusals import OfferEnded
from common.actors import MemberActor
from common.clock import local_day
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from merchants import member_states, organisation_checks, promises, register
from merchants.organisation_sources.none import NoOrganisationSource
from merchants.promises import PromiseRecorded
from models import audit_log
from models.enums import (
    CheckFinding,
    MemberAction,
    MemberStatus,
    OfferStatus,
    PromiseCause,
    PromiseOutcome,
    SuspensionCause,
    TierLevel,
)
from tests.factories.applications import (
    Organisations,
    an_admin,
    approved,
    audited,
    record,
    waiting_jobs,
    white_listed,
)
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_member, a_shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.scans import claimed, redeemed, undone

pytestmark = pytest.mark.usefixtures("database")
SYSTEM, NIGHT = audit_log.SYSTEM, timedelta(days=1)
GRADE, DISHONEST = SuspensionCause.GRADE, SuspensionCause.DISHONEST_LIST
COMPLAINTS, OFFICE = SuspensionCause.COMPLAINTS, SuspensionCause.OFFICE
POOR, LISTED = record(TierLevel.POOR), record(is_dishonest=True)
# Written out once more, so that the table can't change by mistake.
WAYS = {
    ("active", "suspend"): "suspended",
    ("active", "leave"): "left",
    ("suspended", "suspend"): "suspended",
    ("suspended", "lift"): "suspended",
    ("suspended", "reinstate"): "active",
    ("suspended", "leave"): "left",
    ("left", "lift"): "left",
    ("left", "reinstate"): "left",
    ("left", "rejoin"): "active",
}


@pytest.fixture
async def shop(database: str) -> Shop:
    attempts._counted.clear()
    return await a_shop()


async def suspend(member_id: UUID, cause: SuspensionCause = GRADE) -> bool:
    return await suspensions.suspend(member_id, cause, {"reason": "违规"}, SYSTEM, NOON)


async def lift(member_id: UUID, cause: SuspensionCause = GRADE) -> bool:
    return await suspensions.lift(member_id, cause, SYSTEM, NOON)


async def status_of(member_id: UUID) -> str:
    return str((await memberships.of_member(member_id))["status"])


async def offer_status(offer_id: UUID) -> tuple[str, bool]:
    row = await fetch_one("SELECT status, paused_for_suspension FROM offers WHERE id = $1", offer_id)
    assert row is not None
    return row["status"], row["paused_for_suspension"]


async def told(member_id: UUID) -> list[str]:
    rows = await fetch_all("SELECT kind FROM member_notices WHERE member_id = $1 ORDER BY id", member_id)
    return [row["kind"] for row in rows]


def owner(member_id: UUID) -> MemberActor:
    return MemberActor(uuid4(), uuid4(), member_id, "owner")


# The table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "action"), list(product(MemberStatus, MemberAction)))
async def test_every_status_meets_every_action(status: MemberStatus, action: MemberAction) -> None:
    member_id = await a_member()
    await execute("UPDATE members SET status = $2 WHERE id = $1", member_id, status)
    before = dict(await memberships.of_member(member_id))
    expected = WAYS.get((status.value, action.value))
    async with transaction():
        moved = await member_states.move(member_id, action, NOON)
    after = await memberships.of_member(member_id)
    if expected is None:
        assert moved is None and dict(after) == before
    else:
        assert moved == (status, expected) and after["status"] == expected
        assert after["status_since"] == (None if expected == status else NOON)


def test_the_table_is_the_one_above() -> None:
    found = {
        (before.value, action.value): after.value for (before, action), after in member_states.NEXT.items()
    }
    assert found == WAYS


# Suspending ---------------------------------------------------------------------------------------


async def test_claims_stop_at_once_and_what_was_claimed_stays_usable(shop: Shop) -> None:
    """Rule 13, with a real claim and a real redemption."""
    offer_id = await an_offer(shop, uses_total=3)
    coupon = await claimed(await a_citizen(), offer_id)
    assert await suspend(shop.member_id)
    with pytest.raises(OfferEnded):
        await claimed(await a_citizen(), offer_id)
    done = await redeemed(shop, coupon.id)
    await undone(shop.clerk, done.id)
    assert await redeemed(shop, coupon.id, NOON + timedelta(minutes=5))
    assert await status_of(shop.member_id) == "suspended"
    assert await offer_status(offer_id) == ("paused", True)


async def test_a_suspension_has_its_cause_its_facts_a_notice_and_a_record(shop: Shop) -> None:
    facts = {"grade": 2, "min_grade": 3}
    assert await suspensions.suspend(shop.member_id, GRADE, facts, SYSTEM, NOON)
    [row] = await suspensions.of_member(shop.member_id, NOON)
    assert (row["cause"], loads(row["facts"]), row["suspended_at"], row["lifted_at"]) == (
        "grade",
        facts,
        NOON,
        None,
    )
    assert await told(shop.member_id) == ["suspended_grade"]
    assert await audited("member.suspend") == 1


@pytest.mark.parametrize("cause", list(SuspensionCause))
async def test_every_cause_can_be_told(shop: Shop, cause: SuspensionCause) -> None:
    """Whatever facts a caller has, the sentence is there."""
    assert await suspensions.suspend(shop.member_id, cause, {}, SYSTEM, NOON)
    assert await told(shop.member_id) == [f"suspended_{cause}"]


async def test_the_same_cause_twice_is_once_also_at_the_same_time(shop: Shop) -> None:
    done = await asyncio.gather(*(suspend(shop.member_id) for _ in range(5)))
    assert sorted(done) == [False] * 4 + [True]
    assert len(await suspensions.of_member(shop.member_id, NOON)) == 1 == len(await told(shop.member_id))
    assert not await suspend(shop.member_id) and not await suspend(uuid4())


async def test_a_member_is_active_again_when_no_cause_is_left(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    for cause in (GRADE, COMPLAINTS):
        assert await suspend(shop.member_id, cause)
    assert await lift(shop.member_id, GRADE)
    assert not await lift(shop.member_id, GRADE) and not await lift(shop.member_id, OFFICE)
    assert (await status_of(shop.member_id), await offer_status(offer_id)) == ("suspended", ("paused", True))
    assert await lift(shop.member_id, COMPLAINTS)
    assert (await status_of(shop.member_id), await offer_status(offer_id)) == ("active", ("published", False))
    assert await claimed(await a_citizen(), offer_id)
    assert await told(shop.member_id) == [
        *("suspended_grade", "suspended_complaints", "suspension_lifted", "member_reinstated")
    ]


async def test_causes_that_come_and_go_at_once_leave_what_is_true(shop: Shop) -> None:
    """Lifting the last cause while another one comes: never active with an open one, never suspended with none."""
    for _ in range(8):
        await suspend(shop.member_id, GRADE)
        await asyncio.gather(lift(shop.member_id, GRADE), suspend(shop.member_id, OFFICE))
        assert await suspensions.open_causes(shop.member_id) == [OFFICE]
        assert await status_of(shop.member_id) == "suspended"
        await asyncio.gather(*(lift(shop.member_id, OFFICE) for _ in range(3)))
        assert await status_of(shop.member_id) == "active"


@pytest.mark.parametrize("decided", [OfferStatus.PAUSED, OfferStatus.ENDED])
async def test_what_an_admin_stopped_meanwhile_stays_stopped(shop: Shop, decided: OfferStatus) -> None:
    offer_id, other = await an_offer(shop), await an_offer(shop)
    await suspend(shop.member_id)
    await offer_changes.set_status(an_admin("330000", "operator"), offer_id, decided, NOON)
    await lift(shop.member_id)
    assert (await offer_status(offer_id))[0] == decided
    assert await offer_status(other) == ("published", False)


async def test_what_was_paused_before_is_not_published_by_a_lift(shop: Shop) -> None:
    offers = [await an_offer(shop, status=status) for status in (OfferStatus.PAUSED, OfferStatus.ENDED)]
    await suspend(shop.member_id)
    await lift(shop.member_id)
    assert [(await offer_status(offer))[0] for offer in offers] == ["paused", "ended"]


async def test_in_a_callers_transaction_it_goes_with_it(shop: Shop) -> None:
    offer_id = await an_offer(shop)

    async def fails() -> None:
        async with transaction():
            assert await suspend(shop.member_id)
            raise KeyError

    with pytest.raises(KeyError):
        await fails()
    assert (await status_of(shop.member_id), await offer_status(offer_id)) == ("active", ("published", False))
    assert await told(shop.member_id) == [] and await suspensions.of_member(shop.member_id, NOON) == []


async def test_the_office_suspends_and_lifts_in_its_region(shop: Shop) -> None:
    mine, foreign = an_admin("330100", "head"), an_admin("330200", "head")
    with pytest.raises(NotFound):
        await memberships.suspend_by_office(foreign, shop.member_id, "违规", NOON)
    await memberships.suspend_by_office(mine, shop.member_id, "违规", NOON)
    with pytest.raises(NotSuspendable):
        await memberships.suspend_by_office(mine, shop.member_id, "违规", NOON)
    with pytest.raises(NotFound):
        await memberships.lift(foreign, shop.member_id, OFFICE, NOON)
    await memberships.lift(mine, shop.member_id, OFFICE, NOON)
    with pytest.raises(NotSuspendedForThat):
        await memberships.lift(mine, shop.member_id, OFFICE, NOON)
    [line] = await fetch_all("SELECT before, after FROM audit_records WHERE action = 'member.suspend'")
    assert "违规" not in line["after"] and loads(line["after"])["status"] == "suspended"


# The nightly check --------------------------------------------------------------------------------


async def test_a_fall_suspends_and_a_repair_lifts(shop: Shop) -> None:
    offer_id, good = await an_offer(shop), Organisations()
    assert await rechecks.run(Organisations(POOR), shop.member_id, NOON) is CheckFinding.GRADE_TOO_LOW
    assert await suspensions.open_causes(shop.member_id) == [GRADE]
    [row] = await suspensions.of_member(shop.member_id, NOON)
    assert loads(row["facts"]).items() >= {"grade": 2, "min_grade": 3, "data_date": "2026-03-03"}.items()
    assert await rechecks.run(good, shop.member_id, NOON + NIGHT) is CheckFinding.PASSED
    assert (await status_of(shop.member_id), await offer_status(offer_id)) == ("active", ("published", False))
    findings = [
        row["finding"] for row in await organisation_checks.newest("member", shop.member_id, None, 9, NOON)
    ]
    assert findings == ["passed", "grade_too_low"]


async def test_the_list_of_the_dishonest_suspends_whatever_else_holds(shop: Shop) -> None:
    member = await memberships.of_member(shop.member_id)
    await white_listed(member["uscc"], "330100")
    await rechecks.run(Organisations(record(TierLevel.BAD, is_dishonest=True)), shop.member_id, NOON)
    assert await suspensions.open_causes(shop.member_id) == [DISHONEST]
    await rechecks.run(Organisations(record(TierLevel.BAD)), shop.member_id, NOON + NIGHT)
    assert await suspensions.open_causes(shop.member_id) == []


async def test_a_check_lifts_only_what_it_knows_about(shop: Shop) -> None:
    for cause in SuspensionCause:
        await suspend(shop.member_id, cause)
    await rechecks.run(Organisations(), shop.member_id, NOON)
    assert await suspensions.open_causes(shop.member_id) == [COMPLAINTS, OFFICE]


async def test_no_answer_and_no_grade_change_nothing(shop: Shop) -> None:
    for silent in (NoOrganisationSource(), Organisations(OSError()), Organisations(record(None))):
        await rechecks.run(silent, shop.member_id, NOON)
    assert await status_of(shop.member_id) == "active"
    await suspend(shop.member_id, GRADE)
    await rechecks.run(Organisations(record(None)), shop.member_id, NOON)
    await rechecks.run(NoOrganisationSource(), shop.member_id, NOON)
    assert await suspensions.open_causes(shop.member_id) == [GRADE]


async def test_the_audit_names_each_offer_that_a_suspension_and_its_end_change(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    await suspend(shop.member_id, GRADE)
    await suspensions.lift(shop.member_id, GRADE, audit_log.SYSTEM, NOON)
    rows = await fetch_all(
        "SELECT action, object_id, region_id FROM audit_records WHERE object_kind = 'offer' ORDER BY entry"
    )
    assert [row["action"] for row in rows] == ["offer.paused", "offer.published_again"]
    assert {row["object_id"] for row in rows} == {str(offer_id)} and all(row["region_id"] for row in rows)


async def test_two_checks_at_once_suspend_once(shop: Shop) -> None:
    await asyncio.gather(*(rechecks.run(Organisations(POOR), shop.member_id, NOON) for _ in range(4)))
    assert len(await suspensions.of_member(shop.member_id, NOON)) == 1 == len(await told(shop.member_id))


async def test_an_answer_that_was_asked_for_before_another_one_changes_nothing(shop: Shop) -> None:
    """A process that stood still wakes up with it: the job was done by another one meanwhile."""
    await rechecks.run(Organisations(POOR), shop.member_id, NOON)
    good = Organisations(record(5))
    await rechecks.run(good, shop.member_id, NOON - timedelta(seconds=31))
    assert await suspensions.open_causes(shop.member_id) == [GRADE]
    await rechecks.run(good, shop.member_id, NOON + timedelta(seconds=1))
    assert await suspensions.open_causes(shop.member_id) == []


async def test_each_member_is_due_once_a_night_at_its_own_time() -> None:
    members = [await approved() for _ in range(3)]
    assert await rechecks.enqueue_due(NOON) == 0
    due = NOON + NIGHT
    done = await asyncio.gather(*(rechecks.enqueue_due(due) for _ in range(3)))
    assert sum(done) == 3 == await waiting_jobs(RECHECK_JOB)
    assert await rechecks.enqueue_due(due) == 0
    nights = await fetch_all("SELECT member_id, due_at FROM member_rechecks")
    first = shanghai("2026-03-06 01:00")
    assert {row["member_id"] for row in nights} == set(members)
    for row in nights:
        assert row["due_at"] == rechecks.next_night(row["member_id"], due)
        assert first <= row["due_at"] < first + timedelta(seconds=SPREAD_S)
    # Off for days: each is due once, and not once for every night that was missed.
    assert await rechecks.enqueue_due(due + 7 * NIGHT) == 3
    assert await rechecks.enqueue_due(due + 7 * NIGHT) == 0 and await waiting_jobs(RECHECK_JOB) == 3


async def test_what_was_not_answered_is_asked_again_within_the_hour() -> None:
    member_id, due = await approved(), NOON + NIGHT
    await rechecks.enqueue_due(due)
    await execute("DELETE FROM pgqueuer")
    assert await rechecks.run(NoOrganisationSource(), member_id, due) is CheckFinding.UNAVAILABLE
    assert await rechecks.enqueue_due(due + ASK_AGAIN) == 1
    assert local_day(rechecks.next_night(member_id, due)) == local_day(due) + NIGHT


async def test_an_admin_has_a_member_of_his_region_checked_now(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await rechecks.ask(an_admin("330200"), shop.member_id, NOON)
    for _ in range(2):
        await rechecks.ask(an_admin("330106"), shop.member_id, NOON)
    assert await waiting_jobs(RECHECK_JOB) == 1 and await audited("member.recheck") == 2


# Leaving ------------------------------------------------------------------------------------------


async def test_who_leaves_ends_its_offers_and_honours_its_coupons(shop: Shop) -> None:
    offer_id, draft = await an_offer(shop), await an_offer(shop, status=OfferStatus.DRAFT)
    coupon = await claimed(await a_citizen(), offer_id)
    await memberships.leave(owner(shop.member_id), NOON)
    with pytest.raises(OfferEnded):
        await claimed(await a_citizen(), offer_id)
    assert await redeemed(shop, coupon.id)
    assert [(await offer_status(each))[0] for each in (offer_id, draft)] == ["ended", "withdrawn"]
    assert await told(shop.member_id) == ["member_left"]
    with pytest.raises(MemberLeft):
        await memberships.leave(owner(shop.member_id), NOON)
    assert not await suspend(shop.member_id)
    assert await rechecks.run(Organisations(POOR), shop.member_id, NOON) is None
    with pytest.raises(NotFound):
        await rechecks.ask(an_admin(), shop.member_id, NOON)


async def test_a_member_that_left_is_checked_no_more() -> None:
    member_id = await approved()
    await memberships.leave(owner(member_id), NOON)
    assert await rechecks.enqueue_due(NOON + 9 * NIGHT) == 0


async def test_of_a_leave_and_a_suspension_at_once_both_hold_or_the_leave_alone(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    await asyncio.gather(memberships.leave(owner(shop.member_id), NOON), suspend(shop.member_id))
    assert await status_of(shop.member_id) == "left" and await offer_status(offer_id) == ("ended", False)
    await lift(shop.member_id)
    assert await status_of(shop.member_id) == "left" and (await offer_status(offer_id))[0] == "ended"


# Promises and the register ------------------------------------------------------------------------


async def test_a_promise_is_recorded_once_and_points_to_the_commitment() -> None:
    member_id, actor = await approved(), an_admin("330100")
    cause = PromiseCause.COMPLAINT, str(uuid4())
    promise = await promises.record(actor, member_id, PromiseOutcome.BROKEN, cause, "未按承诺打折", NOON)
    with pytest.raises(PromiseRecorded):
        await promises.record(actor, member_id, PromiseOutcome.BROKEN, cause, "再来", NOON)
    with pytest.raises(NotFound):
        await promises.record(an_admin("330200"), member_id, PromiseOutcome.KEPT, cause, "", NOON)
    [row] = await promises.of_member(member_id, None, 9, NOON)
    [commitment] = await fetch_all("SELECT id FROM commitments")
    assert (row["id"], row["commitment_id"], row["outcome"]) == (promise, commitment["id"], "broken")
    assert await told(member_id) == ["promise_broken"] and await audited("promise.record") == 1


async def test_the_register_shows_who_is_in_and_who_was_taken_out() -> None:
    stays, suspended, gone = [await approved(name=f"第{n}家") for n in range(3)]
    other = await approved(name="宁波一家", region="330203")
    await suspend(suspended, COMPLAINTS)
    await suspensions.suspend(suspended, GRADE, {}, SYSTEM, NOON + NIGHT)
    await memberships.leave(owner(gone), NOON + NIGHT)
    every = await register.members(None, None, None, "", None, 9)
    assert {row["id"] for row in every} == {stays, other}
    for region, name, expected in (
        ("330000", "", {stays, other}), ("330100", "", {stays}), ("330106", "第0", {stays}), ("330200", "第0", set()),
        (None, "%", set()), (None, "_", set()),
    ):  # fmt: skip
        assert {row["id"] for row in await register.members(region, None, None, name, None, 9)} == expected
    later = NOON + 2 * NIGHT
    removed = await register.removals(None, 9, later)
    assert [(row["id"], list(row["causes"]), row["status_since"]) for row in removed] == [
        (gone, [], NOON + NIGHT),
        (suspended, ["complaints", "grade"], NOON),
    ]
    assert [row["id"] for row in await register.removals((NOON + NIGHT, gone), 9, later)] == [suspended]
    for cause in (COMPLAINTS, GRADE):
        await lift(suspended, cause)
    assert [row["id"] for row in await register.removals(None, 9, later)] == [gone]
