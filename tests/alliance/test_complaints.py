"""投诉: what a citizen may complain about, how often; the states; who may see and answer; what is erased."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import complaint_answers, complaint_decisions, complaint_files, complaints
from alliance.complaint_answers import AnswerTooLate
from alliance.complaint_files import Filters
from alliance.complaint_states import TRANSITIONS, ComplaintEvent, ComplaintNotPossible, after
from alliance.complaints import ComplaintAboutOneThing, ComplaintsUsedUp, Grievance
from benefits import attempts
from benefits.refusals import IdempotencyKeyReused
from common.actors import MemberActor
from common.database import execute, fetch_all
from common.errors import NotFound
from models.office_enums import ComplaintKind, ComplaintStatus
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.complaints import (
    LATER,
    TEXT,
    a_complaint,
    an_admin,
    complaint_in,
    complaint_row,
    happen,
    the_manager,
)
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.scans import a_key, claimed, redeemed


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


async def told(reader: str, reader_id: UUID) -> list[str]:
    rows = await fetch_all(f"SELECT kind FROM {reader}_notices WHERE {reader}_id = $1 ORDER BY id", reader_id)
    return [row["kind"] for row in rows]


async def audited(complaint_id: UUID) -> list[tuple[str, str | None, str]]:
    rows = await fetch_all(
        "SELECT action, region_id, actor_kind FROM audit_records WHERE object_kind = 'complaint' AND object_id = $1"
        " ORDER BY entry",
        str(complaint_id),
    )
    return [(row["action"], row["region_id"], row["actor_kind"]) for row in rows]


async def an_attempt(shop: Shop, coupon_id: UUID, at: Any = NOON, store_id: UUID | None = None) -> UUID:
    await attempts.record(
        shop.clerk, store_id or shop.store_id, coupon_id, "outside_hours", at, is_preview=False
    )
    (row,) = await fetch_all("SELECT id FROM attempts ORDER BY id DESC LIMIT 1")
    attempt_id: UUID = row["id"]
    return attempt_id


# The states ---------------------------------------------------------------------------------------

EXPECTED = {
    "open": {"answer": "answered", "become_overdue": "overdue", "withdraw": "withdrawn"},
    "answered": {"uphold": "upheld", "dismiss": "dismissed", "withdraw": "withdrawn"},
    "overdue": {"uphold": "upheld", "dismiss": "dismissed", "withdraw": "withdrawn"},
    "upheld": {"reopen": "reopened"},
    "dismissed": {"reopen": "reopened"},
    "reopened": {"uphold": "upheld", "dismiss": "dismissed", "withdraw": "withdrawn"},
    "withdrawn": {},
}


@pytest.mark.parametrize(("status", "event"), list(product(ComplaintStatus, ComplaintEvent)))
async def test_what_may_happen_in_a_state_happens_and_nothing_else(
    shop: Shop, status: ComplaintStatus, event: ComplaintEvent
) -> None:
    """Every state and event, in the table and in the database."""
    expected = EXPECTED[status].get(event)
    complaint_id = await complaint_in(shop, status)
    before = dict(await complaint_row(complaint_id))
    if expected is not None:
        assert after(status, event) == TRANSITIONS[status, event] == expected
        await happen(shop, complaint_id, event)
        assert (await complaint_row(complaint_id))["status"] == expected
        return
    with pytest.raises(ComplaintNotPossible):
        after(status, event)
    # The time that runs out passes others by, and withdrawing twice is withdrawing once.
    quietly = event is ComplaintEvent.BECOME_OVERDUE or status == event.value.replace("withdraw", "withdrawn")
    if quietly:
        await happen(shop, complaint_id, event)
    else:
        with pytest.raises((ComplaintNotPossible, AnswerTooLate)):
            await happen(shop, complaint_id, event)
    assert dict(await complaint_row(complaint_id)) == before


def test_every_state_can_be_reached_and_the_table_has_no_more() -> None:
    assert {*TRANSITIONS.values(), ComplaintStatus.OPEN} == set(ComplaintStatus) == set(EXPECTED)
    assert len(TRANSITIONS) == sum(len(events) for events in EXPECTED.values())


# Making one ---------------------------------------------------------------------------------------


async def test_what_a_complaint_is_about_says_who_answers_and_who_decides(shop: Shop) -> None:
    citizen = await a_citizen()
    offer = await an_offer(shop)
    coupon = await claimed(citizen, offer)
    done = await redeemed(shop, coupon.id)
    attempt = await an_attempt(shop, coupon.id)
    for about, known in (
        ({"redemption_id": done.id}, offer),
        ({"attempt_id": attempt}, offer),
        ({"store_id": shop.store_id}, None),
        ({"store_id": shop.store_id, "offer_id": offer}, offer),
    ):
        row = await complaint_row(await a_complaint(shop, citizen_id=citizen, **about))
        assert (row["member_id"], row["store_id"], row["offer_id"]) == (shop.member_id, shop.store_id, known)
        assert (row["region_id"], row["status"]) == ("330106", "open")
    assert await told("member", shop.member_id) == ["complaint_made"] * 4
    assert await audited(row["id"]) == [("complaint.make", "330106", "citizen")]


async def test_a_scan_at_a_store_that_was_made_up_can_be_complained_about(shop: Shop) -> None:
    citizen = await a_citizen()
    coupon = await claimed(citizen, await an_offer(shop))
    attempt = await an_attempt(shop, coupon.id, store_id=uuid4())
    row = await complaint_row(await a_complaint(shop, citizen_id=citizen, attempt_id=attempt))
    assert (row["member_id"], row["region_id"]) == (shop.member_id, "330106")


async def test_others_redemptions_and_refusals_are_not_found(shop: Shop) -> None:
    owner, other = await a_citizen(), await a_citizen()
    coupon = await claimed(owner, await an_offer(shop))
    attempt = await an_attempt(shop, coupon.id)
    done = await redeemed(shop, coupon.id)
    foreign = await an_offer(await a_shop())
    for about in (
        {"redemption_id": done.id},
        {"attempt_id": attempt},
        {"redemption_id": uuid4()},
        {"attempt_id": uuid4()},
        {"store_id": uuid4()},
        {"store_id": shop.store_id, "offer_id": foreign},
    ):
        with pytest.raises(NotFound):
            await a_complaint(shop, citizen_id=other, **about)
    with pytest.raises(NotFound):
        await complaints.refusals_of(other, coupon.id, None, 10)
    assert await fetch_all("SELECT 1 FROM complaints") == []


@pytest.mark.parametrize(
    "names", [(), ("offer_id",), ("redemption_id", "attempt_id"), ("redemption_id", "store_id")]
)
async def test_a_complaint_is_about_one_thing(shop: Shop, names: Sequence[str]) -> None:
    grievance = Grievance(ComplaintKind.OTHER, TEXT, **{name: uuid4() for name in names})
    with pytest.raises(ComplaintAboutOneThing):
        await complaints.complain(await a_citizen(), grievance, a_key(), KEYS, NOON)


async def test_the_refused_scans_of_a_coupon_are_listed_newest_first(shop: Shop) -> None:
    citizen = await a_citizen()
    coupon = await claimed(citizen, await an_offer(shop))
    made = [await an_attempt(shop, coupon.id, NOON + timedelta(days=40 * n)) for n in range(3)]
    await an_attempt(shop, (await claimed(citizen, await an_offer(shop))).id)
    first = await complaints.refusals_of(citizen, coupon.id, None, 2)
    assert [row["id"] for row in first] == [made[2], made[1]]
    rest = await complaints.refusals_of(citizen, coupon.id, made[1], 2)
    assert [(row["id"], row["code"], row["store_name"]) for row in rest] == [
        (made[0], "outside_hours", "武林店")
    ]


async def test_the_same_key_makes_one_complaint_however_often_and_at_once(shop: Shop) -> None:
    citizen, key = await a_citizen(), a_key()
    grievance = Grievance(ComplaintKind.REFUSED, TEXT, store_id=shop.store_id)

    async def once() -> complaints.Complained:
        return await complaints.complain(citizen, grievance, key, KEYS, NOON)

    made = await asyncio.gather(*(once() for _ in range(6)))
    assert len({each.id for each in made}) == 1 and sum(not each.is_replayed for each in made) == 1
    assert len(await fetch_all("SELECT 1 FROM complaint_texts")) == 1
    assert await told("member", shop.member_id) == ["complaint_made"]
    other = Grievance(ComplaintKind.REFUSED, "别的话", store_id=shop.store_id)
    with pytest.raises(IdempotencyKeyReused):
        await complaints.complain(citizen, other, key, KEYS, NOON)
    # Erased words can't be compared any more; the rest still is.
    await complaints.withdraw(citizen, made[0].id, NOON)
    assert (await complaints.complain(citizen, other, key, KEYS, NOON)).is_replayed


async def test_a_citizen_has_five_a_day_however_many_at_once(shop: Shop) -> None:
    """The places of a day are held by a unique constraint: without it eight at once would all be written."""
    citizen = await a_citizen()
    done = await asyncio.gather(
        *(a_complaint(shop, citizen_id=citizen) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, UUID) for each in done) == complaints.MOST_A_DAY
    assert {type(each) for each in done} == {UUID, ComplaintsUsedUp}
    # The day is that of Asia/Shanghai.
    with pytest.raises(ComplaintsUsedUp):
        await a_complaint(shop, shanghai("2026-03-04 23:59"), citizen_id=citizen)
    await a_complaint(shop, shanghai("2026-03-05 00:00"), citizen_id=citizen)


# The words ----------------------------------------------------------------------------------------


async def test_words_are_kept_encrypted_and_apart_and_the_member_reads_no_number(shop: Shop) -> None:
    complaint_id = await complaint_in(shop, ComplaintStatus.UPHELD)
    for table in ("complaints", "audit_records", "member_notices", "citizen_notices"):
        for row in await fetch_all(f"SELECT {table}::text AS text FROM {table}"):
            assert not [word for word in ("王小明", "13812349050", "店员") if word in row["text"]]
    (words,) = await fetch_all("SELECT * FROM complaint_texts")
    assert "店员".encode() not in words["text_encrypted"] + words["answer_encrypted"]
    row = await complaint_row(complaint_id)
    mine = await complaint_files.one_of_citizen(row["citizen_id"], complaint_id, KEYS)
    assert (mine.text, mine.answer, mine.decision_reason) == (TEXT, "已培训店员。", "录像为证")
    theirs = await complaint_files.one_of_member(shop.member_id, complaint_id, KEYS)
    assert theirs.text == TEXT.replace("13812349050", "138****9050")
    assert str(row["citizen_id"]) not in str(theirs)
    assert (await complaint_files.one_of_region(an_admin(), complaint_id, KEYS)).text == TEXT


async def test_withdrawing_erases_the_words_and_tells_the_member(shop: Shop) -> None:
    complaint_id = await complaint_in(shop, ComplaintStatus.WITHDRAWN)
    assert await fetch_all("SELECT 1 FROM complaint_texts") == []
    assert await told("member", shop.member_id) == ["complaint_made", "complaint_withdrawn"]
    row = await complaint_row(complaint_id)
    assert (await complaint_files.one_of_citizen(row["citizen_id"], complaint_id, KEYS)).text is None
    await complaints.withdraw(row["citizen_id"], complaint_id, NOON)
    assert [action for action, *_ in await audited(complaint_id)] == [
        "complaint.make",
        "complaint.withdraw",
    ]


@pytest.mark.parametrize("status", list(ComplaintStatus))
async def test_words_can_be_erased_once_it_is_closed(shop: Shop, status: ComplaintStatus) -> None:
    complaint_id = await complaint_in(shop, status)
    citizen = (await complaint_row(complaint_id))["citizen_id"]
    if status in (ComplaintStatus.UPHELD, ComplaintStatus.DISMISSED, ComplaintStatus.WITHDRAWN):
        for _ in range(2):
            await complaints.erase_text(citizen, complaint_id, NOON)
        assert await fetch_all("SELECT 1 FROM complaint_texts") == []
        # It can still be decided anew.
        if status != ComplaintStatus.WITHDRAWN:
            for event in (ComplaintEvent.REOPEN, ComplaintEvent.DISMISS):
                await happen(shop, complaint_id, event)
    else:
        with pytest.raises(ComplaintNotPossible):
            await complaints.erase_text(citizen, complaint_id, NOON)
        assert len(await fetch_all("SELECT 1 FROM complaint_texts")) == 1


# Who ----------------------------------------------------------------------------------------------


async def test_whose_it_is_not_does_not_find_it(shop: Shop) -> None:
    complaint_id = await complaint_in(shop, ComplaintStatus.ANSWERED)
    stranger, foreign = await a_citizen(), an_admin("330200")
    other = MemberActor(uuid4(), uuid4(), (await a_shop()).member_id, "owner")
    before = dict(await complaint_row(complaint_id))
    for act in (
        complaints.withdraw(stranger, complaint_id, NOON),
        complaints.erase_text(stranger, complaint_id, NOON),
        complaint_files.one_of_citizen(stranger, complaint_id, KEYS),
        complaint_answers.answer(other, complaint_id, "x", KEYS, NOON),
        complaint_files.one_of_member(other.member_id, complaint_id, KEYS),
        complaint_decisions.uphold(foreign, complaint_id, "x", KEYS, NOON),
        complaint_decisions.dismiss(foreign, complaint_id, "x", KEYS, NOON),
        complaint_decisions.reopen(foreign, complaint_id, "x", NOON),
        complaint_files.one_of_region(foreign, complaint_id, KEYS),
    ):
        with pytest.raises(NotFound):
            await act
    assert dict(await complaint_row(complaint_id)) == before


async def test_lists_hold_ones_own_newest_first_and_by_status(shop: Shop) -> None:
    citizen, elsewhere = await a_citizen(), await a_shop(region="330200")
    mine = [await a_complaint(shop, citizen_id=citizen) for _ in range(3)]
    await a_complaint(elsewhere)
    await happen(shop, mine[1], ComplaintEvent.ANSWER)
    newest = mine[::-1]

    async def ids(files: Any) -> list[UUID]:
        return [file.id for file in await files]

    assert await ids(complaint_files.of_citizen(citizen, KEYS, None, 2)) == newest[:2]
    assert await ids(complaint_files.of_citizen(citizen, KEYS, newest[1], 2)) == newest[2:]
    for status, expected in ((None, newest), (ComplaintStatus.OPEN, [newest[0], newest[2]])):
        assert await ids(complaint_files.of_member(shop.member_id, status, KEYS, None, 9)) == expected
        for region in ("330106", "330100"):
            assert (
                await ids(complaint_files.in_region(an_admin(region), Filters(status), KEYS, None, 9))
                == expected
            )
    assert len(await ids(complaint_files.in_region(an_admin("330000"), Filters(), KEYS, None, 9))) == 4


# Time ---------------------------------------------------------------------------------------------


async def test_the_member_has_the_days_of_its_regions_policy(shop: Shop) -> None:
    """Working days of Asia/Shanghai, the last one to its end; nearer regions go before farther ones."""
    assert (await complaint_row(await a_complaint(shop)))["answer_due_at"] == shanghai("2026-03-12 00:00")
    for region, days, due in (("330000", 2, "2026-03-07 00:00"), ("330106", 10, "2026-03-19 00:00")):
        await execute(
            "INSERT INTO region_policies (region_id, min_grade, review_levels, complaint_answer_days, complaint_limit,"
            " complaint_window_days) VALUES ($1, 3, 2, $2, 3, 180)",
            *(region, days),
        )
        made = await complaint_row(await a_complaint(shop))
        assert made["answer_due_at"] == shanghai(due)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-03-07 12:00", "2026-03-14 00:00"),  # on a Saturday: Monday is the first
        ("2026-09-29 10:00", "2026-10-13 00:00"),  # 国庆节, with Saturday 10 worked
        ("2045-09-29 10:00", "2045-10-11 00:00"),  # an estimate: Monday to Friday, no fixed holidays
    ],
)
async def test_weekends_and_holidays_are_no_days_to_answer(shop: Shop, at: str, due: str) -> None:
    made = await complaint_row(await a_complaint(shop, shanghai(at)))
    assert made["answer_due_at"] == shanghai(due)


async def test_an_answer_is_taken_until_the_last_moment_and_none_later(shop: Shop) -> None:
    due = shanghai("2026-03-12 00:00")
    in_time, late = await a_complaint(shop), await a_complaint(shop)
    manager = the_manager(shop)
    await complaint_answers.answer(manager, in_time, "说明", KEYS, due - timedelta(milliseconds=1))
    for at in (due, LATER):  # also while the background process has not marked it yet
        with pytest.raises(AnswerTooLate):
            await complaint_answers.answer(manager, late, "说明", KEYS, at)
    row = await complaint_row(in_time)
    assert (row["answered_by"], row["status"]) == (manager.id, "answered")
    assert await told("citizen", row["citizen_id"]) == ["complaint_answered"]


async def test_overdue_ones_are_marked_once_and_can_be_decided(shop: Shop) -> None:
    late, answered = await a_complaint(shop), await complaint_in(shop, ComplaintStatus.ANSWERED)
    due = shanghai("2026-03-12 00:00")
    assert await complaint_answers.mark_overdue(due - timedelta(milliseconds=1)) == 0
    both = await asyncio.gather(*(complaint_answers.mark_overdue(due) for _ in range(2)))
    assert sum(both) == 1 and await complaint_answers.mark_overdue(LATER) == 0
    assert (await complaint_row(late))["overdue_at"] == due
    assert (await complaint_row(answered))["status"] == "answered"
    assert (await told("member", shop.member_id)).count("complaint_overdue") == 1
    assert await audited(late) == [
        ("complaint.make", "330106", "citizen"),
        ("complaint.become_overdue", "330106", "system"),
    ]
    await happen(shop, late, ComplaintEvent.UPHOLD)


async def test_an_answer_and_the_end_of_its_time_at_once_leave_one_of_the_two(shop: Shop) -> None:
    due = shanghai("2026-03-12 00:00")
    for _ in range(5):
        complaint_id = await a_complaint(shop)
        answer = complaint_answers.answer(
            the_manager(shop), complaint_id, "x", KEYS, due - timedelta(seconds=1)
        )
        said, _ = await asyncio.gather(answer, complaint_answers.mark_overdue(due), return_exceptions=True)
        row = await complaint_row(complaint_id)
        if row["status"] == "answered":
            assert said is None and row["overdue_at"] is None
        else:
            assert row["status"] == "overdue" and isinstance(said, AnswerTooLate)
