"""Guardians: a child under 14, a consent, a proof, a reviewer; it ends by itself, or when somebody ends it (rule 10)."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from alliance import erasures, guardianship_reviews
from alliance.guardianship_reviews import EvidenceMissing, GuardianshipOver
from citizens import accounts, agents, children, consents
from citizens.agents import ActingEnded, TooManyBindings
from citizens.children import (
    AgentNotAdult,
    AlreadyAsked,
    Child,
    ChildNumberInvalid,
    ChildRegionInvalid,
    GuardianConsentRequired,
    NotAChild,
    RequestNotOpen,
    TooManyRequestsOpen,
)
from citizens.credit import IdentityUnverified
from common.actors import AdminActor
from common.database import fetch_all, fetch_one
from common.errors import NotFound
from common.files import FileStore, TooManyUploads
from models import stored_files
from models.citizen_enums import AgentKind, BindingEnd, GuardianshipState
from models.enums import ConsentPurpose
from tests.factories.admins import an_admin
from tests.factories.agents import (
    SMALL,
    a_child_of,
    a_guardian,
    a_real_person,
    a_request,
    add_proof,
    agree,
    id_number,
)
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.moments import NOON, shanghai

GUARDIAN = AgentKind.GUARDIAN
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def reviewer(database: str) -> AdminActor:
    return await an_admin("330106", "reviewer")


async def request_row(request_id: UUID) -> dict[str, object]:
    row = await fetch_one("SELECT * FROM guardianship_requests WHERE id = $1", request_id)
    assert row is not None
    return dict(row)


async def proofs(request_id: UUID) -> int:
    return len(
        await fetch_all("SELECT 1 FROM stored_files WHERE owner_id = $1 AND deleted_at IS NULL", request_id)
    )


async def notices_of(citizen_id: UUID) -> list[str]:
    rows = await fetch_all("SELECT kind FROM citizen_notices WHERE citizen_id = $1 ORDER BY id", citizen_id)
    return [row["kind"] for row in rows]


async def test_nobody_is_made_a_citizen_before_it_is_confirmed_and_then_the_guardian_acts(
    reviewer: AdminActor,
) -> None:
    guardian_id, number = await a_guardian(), id_number(SMALL)
    before = len(await fetch_all("SELECT 1 FROM citizens"))
    request_id = await a_request(guardian_id, number)
    assert len(await fetch_all("SELECT 1 FROM citizens")) == before
    assert number.encode() not in str(await request_row(request_id)).encode()
    await guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON)
    row = await request_row(request_id)
    assert (row["state"], row["decided_by"]) == ("confirmed", reviewer.id)
    assert row["child_hash"] is row["name_encrypted"] is row["id_number_encrypted"] is None
    child_id = row["child_id"]
    assert isinstance(child_id, UUID)
    assert await accounts.id_number_of(child_id, KEYS) == number
    assert (await agents.acting(guardian_id, child_id, None, NOON)).kind == GUARDIAN
    (bound,) = await agents.of_agent(GUARDIAN, guardian_id, KEYS)
    assert (bound.masked_name, bound.ends_at) == ("*小明", shanghai("2032-05-01 00:00"))
    assert await notices_of(guardian_id) == ["guardianship_confirmed"]
    (record,) = await fetch_all("SELECT * FROM audit_records WHERE action = 'guardianship.confirm'")
    assert (record["actor_id"], record["object_id"], record["region_id"]) == (
        *(reviewer.id, str(request_id), "330106"),
    )
    assert str(child_id) not in str(dict(record))


async def test_a_child_that_is_known_already_stays_the_same_citizen() -> None:
    number = id_number(SMALL)
    known = await a_real_person(SMALL, "张小明", number)
    _, child_id = await a_child_of(await a_guardian(), number)
    assert child_id == known


async def test_another_childs_number_under_ones_own_childs_name_opens_nothing(reviewer: AdminActor) -> None:
    """The reviewer compares the name and one sign of the number: who has the number is asked here as well."""
    number, guardian_id = id_number(SMALL), await a_guardian()
    theirs = await a_real_person(SMALL, "李小红", number)
    request_id = await a_request(guardian_id, number)
    with pytest.raises(accounts.NameDiffers):
        await guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON)
    assert (await accounts.profile(theirs, KEYS))[0] == "*小红"
    with pytest.raises(ActingEnded):
        await agents.acting(guardian_id, theirs, None, NOON)
    assert (await request_row(request_id))["state"] == "requested"


async def test_a_child_that_turns_out_to_have_another_name_has_no_guardian_any_more(
    reviewer: AdminActor,
) -> None:
    """Nobody knew him when the guardian was confirmed; the channel that verifies him does."""
    number, guardian_id = id_number(SMALL), await a_guardian()
    _, child_id = await a_child_of(guardian_id, number)
    assert await a_real_person(SMALL, "张小明", number) == child_id
    assert (await agents.acting(guardian_id, child_id, None, NOON)).kind == GUARDIAN
    assert await a_real_person(SMALL, "李小红", number) == child_id
    with pytest.raises(ActingEnded):
        await agents.acting(guardian_id, child_id, None, NOON)
    assert await notices_of(guardian_id) == ["guardianship_confirmed", "guardian_ended"]
    assert (await accounts.profile(child_id, KEYS))[0] == "*小红"


async def test_a_name_that_is_typed_in_another_way_is_the_same(reviewer: AdminActor) -> None:
    number, guardian_id = id_number(SMALL), await a_guardian()
    known = await a_real_person(SMALL, "阿依古丽·买买提", number)
    request_id = await children.ask(guardian_id, Child("阿依古丽 • 买买提", number, "330106"), KEYS, NOON)
    await add_proof(request_id)
    await guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON)
    assert (await agents.acting(guardian_id, known, None, NOON)).kind == GUARDIAN
    # What a channel has verified stays as it is.
    assert (await accounts.profile(known, KEYS))[0] == "*依古丽·买买提"


async def test_files_of_withdrawn_requests_count_against_the_uploads_of_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is withdrawn makes room for another request and none on the disk."""
    monkeypatch.setattr(children, "MOST_UPLOADS_A_DAY", 3)
    guardian_id = await a_guardian()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"%PDF-x"

    async def upload(at: datetime = NOON) -> UUID:
        asked = await a_request(guardian_id, at=at, has_proof=False)
        sent = (guardian_id, asked, "户口簿.pdf", "application/pdf", chunks(), FileStore(tmp_path), at)
        await children.add_evidence(*sent)
        return asked

    for _ in range(3):
        await children.withdraw(guardian_id, await upload(), NOON)
    with pytest.raises(TooManyUploads):
        await upload()
    await upload(NOON + children.DAY)


async def test_a_proof_of_what_was_withdrawn_while_it_arrived_leaves_the_disk(tmp_path: Path) -> None:
    """Nothing names its content, so nothing else would ever find it again: somebody's family on the disk for good."""
    guardian_id, files = await a_guardian(), FileStore(tmp_path)
    request_id = await a_request(guardian_id, has_proof=False)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"%PDF-x"
        await children.withdraw(guardian_id, request_id, NOON)

    with pytest.raises(RequestNotOpen):
        await children.add_evidence(
            *(guardian_id, request_id, "户口簿.pdf", "application/pdf", chunks(), files, NOON)
        )
    assert await proofs(request_id) == 0
    (left,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    os.utime(left, (NOON.timestamp(), NOON.timestamp()))
    assert await stored_files.forgetter(files)(NOON + timedelta(hours=2)) == 1
    assert not left.exists()


@pytest.mark.parametrize("who", ["guardian", "child", "office"])
async def test_the_proof_of_a_guardianship_goes_with_it(reviewer: AdminActor, who: str) -> None:
    """It shows the child: his erasure reaches it as well, although the guardian sent it in."""
    guardian_id = await a_guardian()
    request_id = await a_request(guardian_id)
    await guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON)
    row = await request_row(request_id)
    child_id, binding_id = row["child_id"], row["binding_id"]
    assert isinstance(child_id, UUID) and isinstance(binding_id, UUID)
    assert await proofs(request_id) == 1
    if who == "office":
        await guardianship_reviews.end(reviewer, request_id, "不是监护人", NOON)
    else:
        await erasures.erase(guardian_id if who == "guardian" else child_id, KEYS, NOON)
    assert await proofs(request_id) == 0
    assert await fetch_all("SELECT 1 FROM stored_files WHERE name LIKE '%户口%'") == []
    with pytest.raises(ActingEnded):
        await agents.acting(guardian_id, child_id, binding_id, NOON)


async def test_asking_needs_a_name_a_grown_up_and_his_consent() -> None:
    child = Child("张小明", id_number(SMALL), "330106")
    for guardian_id, refusal in (
        (await a_citizen(), IdentityUnverified),
        (await a_real_person(date(2010, 1, 1)), AgentNotAdult),
        (await a_real_person(), GuardianConsentRequired),
    ):
        with pytest.raises(refusal):
            await children.ask(guardian_id, child, KEYS, NOON)
    assert await fetch_all("SELECT 1 FROM guardianship_requests") == []


@pytest.mark.parametrize(
    ("number", "region", "refusal"),
    [
        (id_number(date(2012, 3, 4)), "330106", NotAChild),
        (id_number(date(1990, 1, 1)), "330106", NotAChild),
        (id_number(date(2026, 3, 5)), "330106", ChildNumberInvalid),
        ("330106201802300010", "330106", ChildNumberInvalid),
        (id_number(SMALL)[:-1] + "?", "330106", ChildNumberInvalid),
        (id_number(SMALL), "330100", ChildRegionInvalid),
        (id_number(SMALL), "339999", ChildRegionInvalid),
    ],
)
async def test_only_a_child_under_14_and_a_county(number: str, region: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await children.ask(await a_guardian(), Child("张小明", number, region), KEYS, NOON)


async def test_a_child_of_a_county_that_old_lists_of_places_lack_is_taken() -> None:
    number = "330114" + id_number(SMALL)[6:17]
    child = Child("张小明", number + children.ric.calc_check_digit(number + "0"), "330114")
    await children.ask(await a_guardian(), child, KEYS, NOON)


async def test_one_asks_once_for_a_child_and_for_five_at_most() -> None:
    guardian_id, number = await a_guardian(), id_number(SMALL)
    first = await a_request(guardian_id, number)
    with pytest.raises(AlreadyAsked):
        await a_request(guardian_id, number)
    for _ in range(4):
        await a_request(guardian_id)
    with pytest.raises(TooManyRequestsOpen):
        await a_request(guardian_id)
    await children.withdraw(guardian_id, first, NOON)
    await a_request(guardian_id, number)


async def test_the_same_request_sent_many_times_at_once_is_one() -> None:
    guardian_id, number = await a_guardian(), id_number(SMALL)
    done = await asyncio.gather(*(a_request(guardian_id, number) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, UUID) for each in done) == 1
    assert all(isinstance(each, UUID | AlreadyAsked | TooManyRequestsOpen) for each in done), done


async def test_without_a_proof_nothing_is_confirmed(reviewer: AdminActor) -> None:
    request_id = await a_request(await a_guardian(), has_proof=False)
    with pytest.raises(EvidenceMissing):
        await guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON)
    assert (await request_row(request_id))["state"] == "requested"


@pytest.mark.parametrize("how", ["refused", "withdrawn"])
async def test_who_the_child_is_goes_with_a_request_that_comes_to_nothing(
    reviewer: AdminActor, how: str
) -> None:
    guardian_id = await a_guardian()
    request_id = await a_request(guardian_id)
    if how == "refused":
        await guardianship_reviews.refuse(reviewer, request_id, "证明看不清", NOON)
        (notice,) = await fetch_all("SELECT kind, facts FROM citizen_notices")
        assert notice["kind"] == "guardianship_refused" and "证明看不清" in notice["facts"]
    else:
        with pytest.raises(NotFound):
            await children.withdraw(await a_guardian(), request_id, NOON)
        for _ in range(2):
            await children.withdraw(guardian_id, request_id, NOON)
    row = await request_row(request_id)
    assert (row["state"], row["name_encrypted"], row["id_number_encrypted"], row["child_hash"]) == (
        *(how, None, None, None),
    )
    assert await proofs(request_id) == 0
    with pytest.raises(RequestNotOpen):
        await guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON)


async def test_the_office_sees_masked_names_and_numbers_of_its_own_region_alone(reviewer: AdminActor) -> None:
    number = id_number(SMALL)
    request_id = await a_request(await a_guardian(), number)
    view = await guardianship_reviews.one(reviewer, request_id, KEYS)
    assert (view.child_name, view.guardian_name) == ("*小明", "*三丰")
    assert view.child_id_number == f"3{'*' * 16}{number[-1]}"
    elsewhere = await an_admin("330200", "reviewer")
    assert await guardianship_reviews.listed(elsewhere, None, None, KEYS, (None, 9)) == []
    for act in (
        guardianship_reviews.one(elsewhere, request_id, KEYS),
        guardianship_reviews.confirm(elsewhere, request_id, KEYS, NOON),
        guardianship_reviews.refuse(elsewhere, request_id, "x", NOON),
        guardianship_reviews.end(elsewhere, request_id, "x", NOON),
        guardianship_reviews.evidence_of(elsewhere, request_id),
        guardianship_reviews.read_evidence(elsewhere, request_id, uuid4(), NOON),
    ):
        with pytest.raises(NotFound):
            await act
    city = await an_admin("330100", "reviewer")
    state = GuardianshipState.REQUESTED
    assert [each.id for each in await guardianship_reviews.listed(city, None, state, KEYS, (None, 9))] == [
        request_id
    ]
    assert await guardianship_reviews.listed(city, "330102", state, KEYS, (None, 9)) == []


async def test_two_decisions_at_once_are_one(reviewer: AdminActor) -> None:
    for _ in range(5):
        request_id = await a_request(await a_guardian())
        done = await asyncio.gather(
            guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON),
            guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON),
            guardianship_reviews.refuse(reviewer, request_id, "不是监护人", NOON),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in done) == [
            "NoneType",
            "RequestNotOpen",
            "RequestNotOpen",
        ]
        row = await request_row(request_id)
        assert (row["state"] == "confirmed") == (row["binding_id"] is not None)


async def test_four_guardians_a_child_even_when_confirmed_at_once(reviewer: AdminActor) -> None:
    number = id_number(SMALL)
    requests = [await a_request(await a_guardian(), number) for _ in range(6)]
    done = await asyncio.gather(
        *(guardianship_reviews.confirm(reviewer, each, KEYS, NOON) for each in requests),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["NoneType"] * 4 + ["TooManyBindings"] * 2
    assert len(await fetch_all("SELECT DISTINCT principal_id FROM agent_bindings")) == 1
    row = next(each for each, what in zip(requests, done, strict=True) if isinstance(what, TooManyBindings))
    assert (await request_row(row))["state"] == "requested", "a refusal leaves it open, with its data"


async def test_it_ends_by_itself_on_the_14th_birthday() -> None:
    guardian_id = await a_guardian()
    _, child_id = await a_child_of(guardian_id, id_number(date(2012, 4, 1)))
    last, first = shanghai("2026-03-31 23:59:59.999"), shanghai("2026-04-01 00:00")
    await agents.acting(guardian_id, child_id, None, last)
    with pytest.raises(ActingEnded):
        await agents.acting(guardian_id, child_id, None, first)
    assert await agents.end_due(last) == 0
    assert await agents.end_due(first) == 1 and await agents.end_due(first) == 0
    (row,) = await fetch_all("SELECT state, ended_at, ended_because FROM agent_bindings")
    assert (row["state"], row["ended_at"], row["ended_because"]) == ("ended", first, "of_age")
    assert (await notices_of(guardian_id))[-1] == (await notices_of(child_id))[-1] == "guardian_of_age"
    assert len(await fetch_all("SELECT 1 FROM stored_files WHERE deleted_at IS NULL")) == 0, (
        "nor is the proof kept"
    )


async def test_a_child_that_turned_14_while_he_waited_is_not_confirmed(reviewer: AdminActor) -> None:
    request_id = await a_request(await a_guardian(), id_number(date(2012, 4, 1)))
    with pytest.raises(NotAChild):
        await guardianship_reviews.confirm(reviewer, request_id, KEYS, shanghai("2026-04-01 00:00"))


async def test_the_guardian_or_the_office_ends_it_earlier_and_the_other_guardian_stays(
    reviewer: AdminActor,
) -> None:
    number, first, second = id_number(SMALL), await a_guardian(), await a_guardian()
    (binding_id, child_id), _ = await a_child_of(first, number), await a_child_of(second, number)
    with pytest.raises(NotFound):
        await agents.end(binding_id, GUARDIAN, (BindingEnd.AGENT, second), BindingEnd.AGENT, NOON)
    await agents.end(binding_id, GUARDIAN, (BindingEnd.AGENT, first), BindingEnd.AGENT, NOON)
    with pytest.raises(ActingEnded):
        await agents.acting(first, child_id, None, NOON)
    await agents.acting(second, child_id, None, NOON)
    (row,) = await fetch_all("SELECT id FROM guardianship_requests WHERE guardian_id = $1", second)
    await guardianship_reviews.end(reviewer, row["id"], "法院变更了监护人", NOON)
    with pytest.raises(ActingEnded):
        await agents.acting(second, child_id, None, NOON)
    assert "guardianship_ended_by_office" in await notices_of(second)
    with pytest.raises(GuardianshipOver):
        await guardianship_reviews.end(reviewer, row["id"], "x", NOON)


async def test_a_guardian_who_withdraws_his_consent_acts_no_more_until_he_agrees_anew() -> None:
    guardian_id = await a_guardian()
    _, child_id = await a_child_of(guardian_id)
    await consents.withdraw(guardian_id, ConsentPurpose.GUARDIANSHIP, NOON)
    with pytest.raises(ActingEnded):
        await agents.acting(guardian_id, child_id, None, NOON)
    await agree(guardian_id, ConsentPurpose.GUARDIANSHIP)
    await agents.acting(guardian_id, child_id, None, NOON)
