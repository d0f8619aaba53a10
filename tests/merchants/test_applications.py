"""Applications: one table of states that every change goes through, a key that is never stored, contacts encrypted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest

from common.actors import ApplicantActor
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from common.files import FileStore
from merchants import application_documents, applications, commitments, owners, submissions
from merchants.application_documents import TooManyDocuments
from merchants.applications import ApplicationNotOpen
from merchants.commitments import CommitmentVersionOutdated
from merchants.owners import OwnerExists, StaffLoginTaken
from merchants.regions import RegionUnknown
from merchants.submissions import CHECK_JOB, AlreadyMember, CommitmentMissing, DocumentsMissing
from models import audit_log
from models.enums import ApplicationAction as Action
from models.enums import ApplicationState as State
from tests.factories.applications import (
    a_document,
    a_draft,
    a_form,
    approved,
    audited,
    signed,
    state_of,
    submitted,
    waiting_jobs,
)
from tests.factories.citizens import KEYS
from tests.factories.members import a_member
from tests.factories.moments import NOON

pytestmark = pytest.mark.usefixtures("database")
# Written out once more, so that the table can't change by mistake.
WAYS = {
    ("draft", "submit"): "submitted",
    ("draft", "withdraw"): "withdrawn",
    ("submitted", "to_county"): "county_review",
    ("submitted", "to_city"): "city_review",
    ("submitted", "refuse"): "refused",
    ("submitted", "withdraw"): "withdrawn",
    ("county_review", "to_city"): "city_review",
    ("county_review", "approve"): "approved",
    ("county_review", "refuse"): "refused",
    ("county_review", "withdraw"): "withdrawn",
    ("city_review", "approve"): "approved",
    ("city_review", "refuse"): "refused",
    ("city_review", "withdraw"): "withdrawn",
}


async def put_into(actor: ApplicantActor, state: State) -> None:
    """Set a state by hand, with what the constraints ask of it."""
    await execute(
        "UPDATE member_applications SET state = $2, submitted_at = $3, decided_at = $4, member_id = $5 WHERE id = $1",
        *(actor.id, state, NOON, NOON if state in applications.FINAL else None),
        await a_member() if state is State.APPROVED else None,
    )


@pytest.mark.parametrize(("state", "action"), list(product(State, Action)))
async def test_every_state_meets_every_action(state: State, action: Action) -> None:
    """What is in the table leads there; whatever is not is refused and changes nothing."""
    actor, member_id = await a_draft(), await a_member()
    await put_into(actor, state)
    before = dict(await applications.by_id(actor.id))
    expected = WAYS.get((state.value, action.value))
    made = {"code": "x"} if action is Action.REFUSE else {}
    member = member_id if action is Action.APPROVE else None

    async def move() -> State:
        async with transaction():
            application = await applications.by_id(actor.id)
            return await applications.advance(
                application, action, audit_log.SYSTEM, NOON, member_id=member, **made
            )

    if expected is None:
        with pytest.raises(ApplicationNotOpen):
            await move()
        assert dict(await applications.by_id(actor.id)) == before
        assert await applications.events(actor.id, None, 9) == []
        return
    assert await move() == expected == await state_of(actor.id)
    [event] = await applications.events(actor.id, None, 9)
    assert (event["action"], event["state"]) == (action, expected)
    assert await audited(f"application.{action}") == 1


def test_the_table_is_the_one_above() -> None:
    assert {
        (before.value, action.value): after.value for (before, action), after in applications.NEXT.items()
    } == WAYS
    assert {state for state in State if not any(before is state for before, _ in applications.NEXT)} == set(
        applications.FINAL
    )


async def test_of_two_who_move_it_at_once_one_is_refused() -> None:
    """The second one has read a state that is no more."""
    actor = await submitted()
    read = [await applications.by_id(actor.id) for _ in range(2)]

    async def move(which: int, action: Action) -> None:
        async with transaction():
            await applications.advance(read[which], action, audit_log.SYSTEM, NOON, code="x")

    done = await asyncio.gather(move(0, Action.TO_COUNTY), move(1, Action.REFUSE), return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [ApplicationNotOpen]
    assert len(await applications.events(actor.id, None, 9)) == 2


async def test_only_the_hash_of_the_key_is_kept_and_the_contact_lies_encrypted() -> None:
    application_id, key = await applications.begin(a_form(), KEYS, NOON)
    assert key.startswith("ak1.") and len(key) == 4 + 43
    row = await fetch_one("SELECT *, member_applications::text AS all FROM member_applications")
    assert row is not None and row["id"] == application_id
    for secret in (key, key[4:], "王大友", "13700009050", key.encode().hex(), b"13700009050".hex()):
        assert secret not in row["all"]
    assert await applications.of_key(key) == application_id
    assert await applications.of_key(key + "x") is None
    audit = await fetch_all("SELECT audit_records::text AS all FROM audit_records")
    assert not [each for each in audit if "王大友" in each["all"] or "13700009050" in each["all"]]


async def test_a_region_that_is_not_there_is_refused() -> None:
    with pytest.raises(RegionUnknown):
        await a_draft(region="330999")
    actor = await a_draft()
    with pytest.raises(RegionUnknown):
        await applications.change(actor, a_form(region="330999"), KEYS, NOON)


async def test_a_draft_can_be_filled_in_anew_and_a_submitted_one_not() -> None:
    actor = await submitted()
    with pytest.raises(ApplicationNotOpen):
        await applications.change(actor, a_form(name="别家"), KEYS, NOON)
    draft = await a_draft()
    await applications.change(draft, a_form(name="别家"), KEYS, NOON)
    assert (await applications.by_id(draft.id))["name"] == "别家"
    assert (await applications.by_id(actor.id))["name"] == "湖畔书店"


async def test_a_submission_needs_documents_and_a_signature() -> None:
    actor = await a_draft()
    with pytest.raises(DocumentsMissing):
        await submissions.submit(actor, NOON)
    await a_document(actor)
    with pytest.raises(CommitmentMissing):
        await submissions.submit(actor, NOON)
    assert await state_of(actor.id) == "draft" and await applications.events(actor.id, None, 9) == []
    await signed(actor)
    assert await submissions.submit(actor, NOON) == "submitted"
    assert await waiting_jobs(CHECK_JOB) == 1


async def test_one_code_can_be_named_by_many_but_not_by_a_members() -> None:
    """Nobody keeps an organisation out by applying in its name first."""
    uscc = (await applications.by_id((await submitted()).id))["uscc"]
    other = await submitted(uscc=uscc)
    assert await state_of(other.id) == "submitted"
    await approved(uscc=uscc)
    with pytest.raises(AlreadyMember):
        await submitted(uscc=uscc)


async def test_another_text_than_the_one_in_force_is_not_signed() -> None:
    actor, text = await a_draft(), await commitments.text_in_force(NOON)
    for version, sha256 in (("2020-01-01", text.sha256), (text.version, "0" * 64)):
        with pytest.raises(CommitmentVersionOutdated):
            await commitments.sign(actor, version, sha256, "王大友", KEYS, NOON)
    await signed(actor)
    await signed(actor, NOON + timedelta(days=1))
    [row] = await fetch_all("SELECT *, commitments::text AS all FROM commitments")
    assert (row["version"], row["text_sha256"], row["signed_at"]) == (text.version, text.sha256, NOON)
    assert "王大友" not in row["all"] and KEYS.decrypt(row["signer"], "commitments.signer") == "王大友"


async def test_a_decided_application_takes_no_documents_and_no_signature() -> None:
    actor = await a_draft()
    await applications.withdraw(actor, NOON)
    with pytest.raises(ApplicationNotOpen):
        await signed(actor)
    with pytest.raises(ApplicationNotOpen):
        await application_documents._must_have_room(actor.id, "", NOON)
    with pytest.raises(ApplicationNotOpen):
        await applications.withdraw(actor, NOON)


async def test_a_draft_that_nobody_submits_is_taken_back_with_its_documents() -> None:
    late = NOON + applications.DRAFT_KEPT
    old, submitted, young = await a_draft(), await a_draft(), await a_draft()
    for actor in (old, submitted, young):
        await a_document(actor)
    await execute(
        "UPDATE member_applications SET state = 'submitted', submitted_at = begun_at WHERE id = $1",
        submitted.id,
    )
    await execute(
        "UPDATE member_applications SET begun_at = begun_at + interval '1 s' WHERE id = $1", young.id
    )
    assert await applications.withdraw_abandoned(late - timedelta(milliseconds=1)) == 0
    assert await applications.withdraw_abandoned(late) == 1
    assert await applications.withdraw_abandoned(late) == 0
    assert [await application_documents.count(each.id) for each in (old, submitted, young)] == [0, 1, 1]
    assert (await applications.by_id(old.id))["state"] == "withdrawn"
    [event] = await applications.events(old.id, None, 10)
    assert event["reason"] == applications.ABANDONED
    [record] = await fetch_all("SELECT * FROM audit_records WHERE action = 'application.withdraw'")
    assert (record["actor_kind"], record["object_id"]) == ("system", str(old.id))


async def test_twenty_documents_and_no_more_whoever_comes_at_once(tmp_path: Path) -> None:
    actor, files = await a_draft(), FileStore(tmp_path)
    for _ in range(19):
        await a_document(actor)

    async def content(number: int) -> AsyncIterator[bytes]:
        yield b"%PDF-" + bytes([number])
        await asyncio.sleep(0.1)  # all have seen room for one

    done = await asyncio.gather(
        *(
            application_documents.add(actor, f"{number}.pdf", "application/pdf", content(number), files, NOON)
            for number in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, TooManyDocuments) for each in done) == 3
    assert await application_documents.count(actor.id) == 20


async def test_documents_are_removed_from_drafts_only_and_by_their_owner() -> None:
    actor, other = await a_draft(), await a_draft()
    file_id = await a_document(actor)
    with pytest.raises(NotFound):
        await application_documents.remove(other, file_id, NOON)
    await application_documents.remove(actor, file_id, NOON)
    with pytest.raises(NotFound):
        await application_documents.remove(actor, file_id, NOON)
    late = await submitted()
    [document] = await application_documents.of_application(late.id)
    with pytest.raises(ApplicationNotOpen):
        await application_documents.remove(late, document["id"], NOON)


async def test_the_owners_login_is_made_once() -> None:
    draft = await a_draft()
    with pytest.raises(ApplicationNotOpen):
        await owners.make(draft, "hupan-owner", "hash", NOON)
    member_id = await approved()
    [row] = await fetch_all("SELECT id FROM member_applications WHERE member_id = $1", member_id)
    actor, login = ApplicantActor(row["id"]), f"owner-{uuid4().hex[:8]}"
    done = await asyncio.gather(
        *(owners.make(actor, f"{login}-{n}", "hash", NOON) for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, OwnerExists) for each in done) == 3
    people = await fetch_all("SELECT role, member_id FROM staff")
    assert [(person["role"], person["member_id"]) for person in people] == [("owner", member_id)]


async def test_a_login_that_is_taken_leaves_the_right_to_make_one() -> None:
    members = [await approved() for _ in range(2)]
    rows = await fetch_all(
        "SELECT id FROM member_applications WHERE member_id = ANY ($1) ORDER BY id", members
    )
    first, second = (ApplicantActor(row["id"]) for row in rows)
    await owners.make(first, "hupan-owner", "hash", NOON)
    with pytest.raises(StaffLoginTaken):
        await owners.make(second, "hupan-owner", "hash", NOON)
    await owners.make(second, "hupan-other", "hash", NOON)
