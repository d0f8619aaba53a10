"""异议: what may be contested, how often; the states; the mark from the first moment on; what is erased (rules 7, 8)."""

import asyncio
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import objection_files, objections
from alliance.objection_answers import NotExtendable
from alliance.objection_states import TRANSITIONS, ObjectionNotPossible, after
from alliance.objections import ObjectionOpen, ObjectionsUsedUp, Party, RepairNotThere
from benefits.refusals import IdempotencyKeyReused
from common.database import execute, fetch_all
from common.errors import NotFound
from merchants.regions import RegionUnknown
from models.citizen_enums import ObjectionAbout, ObjectionEvent, ObjectionKind, ObjectionStatus
from tests.factories.admins import an_admin
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.moments import NOON, shanghai
from tests.factories.objections import (
    ANSWER,
    DUE,
    MINUTE,
    REGION,
    TEXT,
    a_check,
    a_checked_member,
    a_citizens,
    a_contest,
    a_rated_citizen,
    evidence_of,
    filed,
    happen,
    objection_in,
    objection_row,
)
from tests.factories.scans import a_key
from tests.factories.sources import Source, demo_scheme, desk, rating

pytestmark = pytest.mark.usefixtures("scheme")


@pytest.fixture
async def scheme(database: str) -> int:
    return await demo_scheme()


@pytest.fixture
async def wang(scheme: int) -> Party:
    return await a_rated_citizen()


# The states ---------------------------------------------------------------------------------------

SAME = {"add_evidence", "extend", "become_overdue"}
ENDS = {"uphold": "upheld", "correct": "corrected", "dismiss": "dismissed", "withdraw": "withdrawn"}
# Written out once more, so that the table can't change by mistake.
EXPECTED: dict[str, dict[str, str]] = {
    "open": {"forward": "forwarded", **dict.fromkeys(SAME, "open"), **ENDS},
    "forwarded": {**dict.fromkeys(SAME, "forwarded"), **ENDS},
    **{ended: {} for ended in ENDS.values()},
}
EVENTS = [event for event in ObjectionEvent if event is not ObjectionEvent.FILE]


@pytest.mark.parametrize(("status", "event"), list(product(ObjectionStatus, EVENTS)))
async def test_what_may_happen_in_a_state_happens_and_nothing_else(
    wang: Party, status: ObjectionStatus, event: ObjectionEvent
) -> None:
    """Every state and event, in the table and in the database."""
    expected = EXPECTED[status].get(event)
    objection_id = await objection_in(wang, status)
    before = dict(await objection_row(objection_id))
    if expected is not None:
        assert after(status, event) == TRANSITIONS[status, event] == expected
        await happen(wang, objection_id, event)
        row = await objection_row(objection_id)
        assert row["status"] == expected and (row["closed_at"] is None) == (expected in ("open", "forwarded"))
        return
    with pytest.raises(ObjectionNotPossible):
        after(status, event)
    # The time that runs out passes others by, and withdrawing twice is withdrawing once.
    if event is ObjectionEvent.BECOME_OVERDUE or (status, event) == ("withdrawn", "withdraw"):
        await happen(wang, objection_id, event)
    else:
        with pytest.raises((ObjectionNotPossible, NotExtendable)):
            await happen(wang, objection_id, event)
    assert dict(await objection_row(objection_id)) == before


def test_every_state_can_be_reached_and_the_table_has_no_more() -> None:
    assert {*TRANSITIONS.values()} == set(ObjectionStatus) == set(EXPECTED)
    assert len(TRANSITIONS) == sum(len(events) for events in EXPECTED.values())


# What it is about ---------------------------------------------------------------------------------


async def test_a_tier_is_contested_by_its_record_and_marked_at_once(wang: Party) -> None:
    (snapshot,) = await fetch_all("SELECT * FROM tier_snapshots")
    assert await objections.open_about_tier(wang.id) is None
    made = await objections.file(wang, a_contest(), a_key(), KEYS, NOON)
    row = await objection_row(made.id)
    assert (row["record_id"], row["source"], row["source_record_id"], row["data_date"]) == (
        *(snapshot["id"], "test", "record-1", snapshot["data_date"]),
    )
    assert (row["region_id"], row["recorded_at"], made.due_at) == (REGION, NOON, DUE)
    mark = await objections.open_about_tier(wang.id)
    assert mark is not None and (mark["id"], mark["status"], mark["due_at"]) == (made.id, "open", DUE)
    await happen(wang, made.id, ObjectionEvent.DISMISS)
    assert await objections.open_about_tier(wang.id) is None


async def test_a_look_up_is_contested_by_its_id(wang: Party) -> None:
    (lookup,) = await fetch_all("SELECT id FROM credit_lookups")
    row = await objection_row(await filed(wang, about=ObjectionAbout.LOOKUP, record_id=lookup["id"]))
    assert (row["record_id"], row["source"], row["source_record_id"]) == (lookup["id"], "test", "record-1")
    assert await objections.disputed("citizen", wang.id) == {lookup["id"]}
    assert await objections.open_about_tier(wang.id) is None


async def test_a_member_contests_its_newest_answer_and_a_suspension(database: str) -> None:
    member = await a_checked_member()
    newest = await a_check(member.id, at=NOON + MINUTE)
    await a_check(member.id, at=NOON + 2 * MINUTE)
    about: dict[str, Any] = {"about": ObjectionAbout.ORGANISATION_CHECK, "region": None}
    first = await objection_row(await filed(member, **about))
    assert first["record_id"] != newest and first["region_id"] == "330106"
    assert await objections.disputed("member", member.id) == {first["record_id"]}
    second = await objection_row(await filed(member, record_id=newest, **about))
    assert second["record_id"] == newest and second["source_record_id"] == "record-1"
    with pytest.raises(NotFound):
        await filed(member, about=ObjectionAbout.SUSPENSION, record_id=uuid4(), region=None)


async def test_what_is_not_ones_own_is_not_found(wang: Party) -> None:
    (lookup,) = await fetch_all("SELECT id FROM credit_lookups")
    (snapshot,) = await fetch_all("SELECT id FROM tier_snapshots")
    stranger, member = a_citizens(await a_citizen()), await a_checked_member()
    for party, about, record_id in (
        (stranger, ObjectionAbout.TIER, None),
        (stranger, ObjectionAbout.LOOKUP, lookup["id"]),
        (wang, ObjectionAbout.LOOKUP, None),
        (wang, ObjectionAbout.LOOKUP, uuid4()),
        (wang, ObjectionAbout.TIER, snapshot["id"]),
        (wang, ObjectionAbout.DECLARATION, uuid4()),
        (wang, ObjectionAbout.ORGANISATION_CHECK, None),
        (member, ObjectionAbout.TIER, None),
        (member, ObjectionAbout.ORGANISATION_CHECK, uuid4()),
    ):
        with pytest.raises(NotFound):
            await filed(party, about=about, record_id=record_id)
    assert await fetch_all("SELECT 1 FROM objections") == []


async def test_only_what_a_source_has_on_record_is_repaired(wang: Party) -> None:
    (lookup,) = await fetch_all("SELECT id FROM credit_lookups")
    with pytest.raises(RepairNotThere):
        await filed(wang, kind=ObjectionKind.REPAIR, about=ObjectionAbout.LOOKUP, record_id=lookup["id"])
    with pytest.raises(RegionUnknown):
        await filed(wang, region="999999")


# How often ----------------------------------------------------------------------------------------


async def test_one_record_has_one_open_objection_however_many_at_once(wang: Party) -> None:
    """Held by a partial unique index: a look before writing lets several through."""
    done = await asyncio.gather(*(filed(wang) for _ in range(6)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["ObjectionOpen"] * 5 + ["UUID"]
    with pytest.raises(ObjectionOpen):
        await filed(wang, kind=ObjectionKind.REPAIR)
    (first,) = [each for each in done if isinstance(each, UUID)]
    await happen(wang, first, ObjectionEvent.DISMISS)
    assert await filed(wang) != first


async def test_the_same_key_files_one_objection_however_often_and_at_once(wang: Party) -> None:
    key = a_key()

    async def once(text: str = TEXT) -> objections.Filed:
        return await objections.file(wang, a_contest(text=text), key, KEYS, NOON)

    made = await asyncio.gather(*(once() for _ in range(6)))
    assert len({each.id for each in made}) == 1 and sum(not each.is_replayed for each in made) == 1
    with pytest.raises(IdempotencyKeyReused):
        await once("别的话")
    # The stored answer comes back as it was given, whatever has happened since.
    await happen(wang, made[0].id, ObjectionEvent.EXTEND)
    again = await once()
    assert (again.due_at, again.status, again.is_replayed) == (DUE, "open", True)
    await objections.withdraw(wang, made[0].id, NOON)
    assert (await once("别的话")).is_replayed


async def test_a_citizen_has_ten_open_ones_however_many_at_once(wang: Party) -> None:
    await execute("UPDATE tier_snapshots SET valid_until = $1", NOON + MINUTE)
    for number in range(13):
        at = NOON + timedelta(hours=number + 1)
        await desk(Source(rating(700))).tier(wang.id, "my_credit", at)  # type: ignore[arg-type]
        await execute("UPDATE tier_snapshots SET valid_until = $1 WHERE valid_until > $1", at + MINUTE)
    rows = await fetch_all("SELECT id FROM credit_lookups ORDER BY id LIMIT 13")
    about = {"about": ObjectionAbout.LOOKUP}
    done = await asyncio.gather(
        *(filed(wang, record_id=row["id"], **about) for row in rows), return_exceptions=True
    )
    made = [each for each in done if isinstance(each, UUID)]
    assert len(made) == objections.MOST_OPEN
    assert {type(each) for each in done} == {UUID, ObjectionsUsedUp}
    await objections.withdraw(wang, made[0], NOON)
    await filed(wang)


# Time limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-03-04 23:59", "2026-03-12 00:00"),
        ("2026-03-05 00:00", "2026-03-13 00:00"),
        ("2026-02-13 10:00", "2026-02-28 00:00"),  # 春节, with Saturday 14 worked
        ("2026-09-29 10:00", "2026-10-13 00:00"),  # 国庆节, with Saturday 10 worked
    ],
)
async def test_the_answer_is_due_after_five_working_days(scheme: int, at: str, due: str) -> None:
    party = await a_rated_citizen(at=shanghai("2026-01-05 10:00"))
    made = await objections.file(party, a_contest(), a_key(), KEYS, shanghai(at))
    assert made.due_at == shanghai(due) and made.is_due_certain


async def test_in_a_year_without_a_calendar_the_date_says_that_it_is_estimated(scheme: int) -> None:
    party = await a_rated_citizen(at=shanghai("2026-01-05 10:00"))
    key, at = a_key(), shanghai("2045-03-01 10:00")
    made = await objections.file(party, a_contest(), key, KEYS, at)
    assert not made.is_due_certain
    assert not (await objections.file(party, a_contest(), key, KEYS, at)).is_due_certain


# The words ----------------------------------------------------------------------------------------


async def test_words_are_kept_encrypted_and_apart_and_the_office_reads_no_number(wang: Party) -> None:
    objection_id = await objection_in(wang, ObjectionStatus.UPHELD)
    for table in ("objections", "objection_steps", "audit_records", "citizen_notices"):
        for row in await fetch_all(f"SELECT {table}::text AS text FROM {table}"):
            assert not [word for word in ("王小明", "13812349050", "贷款", "重名") if word in row["text"]]
    (words,) = await fetch_all("SELECT * FROM objection_texts")
    assert "贷款".encode() not in words["text_encrypted"] + words["answer_encrypted"]
    mine = await objection_files.one_of_party(wang, objection_id, KEYS)
    assert (mine.text, mine.answer) == (TEXT, ANSWER)
    theirs = await objection_files.one_of_region(await an_admin(REGION), objection_id, KEYS)
    assert theirs.text and "138****9050" in theirs.text and "330106199001011237" not in theirs.text
    assert str(wang.id) not in str(theirs)


async def test_withdrawing_erases_the_words_and_the_evidence_and_ends_the_mark(wang: Party) -> None:
    objection_id = await filed(wang)
    await evidence_of(wang, objection_id)
    await objections.withdraw(wang, objection_id, NOON)
    assert await fetch_all("SELECT 1 FROM objection_texts") == []
    assert await fetch_all("SELECT 1 FROM stored_files WHERE deleted_at IS NULL") == []
    assert await objections.open_about_tier(wang.id) is None
    assert (await objection_files.one_of_party(wang, objection_id, KEYS)).text is None


async def test_the_words_of_a_closed_one_can_be_erased_and_of_an_open_one_withdrawn(wang: Party) -> None:
    objection_id = await filed(wang)
    with pytest.raises(ObjectionNotPossible):
        await objection_files.erase_words(wang, objection_id, NOON)
    await happen(wang, objection_id, ObjectionEvent.UPHOLD)
    for _ in range(2):
        await objection_files.erase_words(wang, objection_id, NOON)
    file = await objection_files.one_of_party(wang, objection_id, KEYS)
    assert (file.text, file.answer, file.status) == (None, None, "upheld")
    with pytest.raises(NotFound):
        await objection_files.erase_words(a_citizens(await a_citizen()), objection_id, NOON)
