"""异议的答复: passed on, answered once whoever races, extended by two, late ones marked; what follows (rules 8, 9)."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import (
    approvals,
    decisions,
    objection_answers,
    objection_dossiers,
    objection_evidence,
    objection_files,
    objections,
    rechecks,
    suspensions,
)
from alliance.approvals import AlreadyAsked, OwnRequest
from alliance.objection_answers import NotExtendable, NothingToForward
from alliance.objection_evidence import TooMuchObjectionEvidence
from alliance.objection_files import Filters
from alliance.objection_states import ObjectionNotPossible
from alliance.objections import Party
from common.actors import AdminActor
from common.database import execute, fetch_all, fetch_one
from common.errors import NotFound
from common.files import FileNotAsSaid, FileStore, TooManyUploads
from models import audit_log
from models.citizen_enums import ObjectionAbout, ObjectionEvent, ObjectionKind, ObjectionStatus
from models.enums import SuspensionCause, TierLevel
from server.database_metrics import exposition
from tests.factories.admins import an_admin
from tests.factories.applications import Organisations, record, waiting_jobs
from tests.factories.citizens import KEYS
from tests.factories.moments import NOON, shanghai
from tests.factories.objections import (
    ANSWER,
    DUE,
    MINUTE,
    REGION,
    a_checked_member,
    a_rated_citizen,
    filed,
    happen,
    objection_in,
    objection_row,
    told,
)
from tests.factories.sources import Source, demo_scheme, desk, rating

pytestmark = pytest.mark.usefixtures("scheme")
CHECK: dict[str, Any] = {"about": ObjectionAbout.ORGANISATION_CHECK, "region": None}


@pytest.fixture
async def scheme(database: str) -> int:
    return await demo_scheme()


@pytest.fixture
async def wang(scheme: int) -> Party:
    return await a_rated_citizen()


@pytest.fixture
async def office(database: str) -> AdminActor:
    return await an_admin(REGION, "operator", "head")


async def answer(
    office: AdminActor, objection_id: UUID, outcome: str = "upheld", at: Any = NOON + MINUTE
) -> None:
    await objection_answers.answer(office, objection_id, outcome, ANSWER, KEYS, at)


async def steps(objection_id: UUID) -> list[str]:
    rows = await fetch_all(
        "SELECT event FROM objection_steps WHERE objection_id = $1 ORDER BY id", objection_id
    )
    return [row["event"] for row in rows]


# Answering ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["upheld", "corrected"])
@pytest.mark.parametrize("kind", list(ObjectionKind))
async def test_a_tier_that_was_wrong_or_repaired_ends_and_the_next_look_is_fresh(
    wang: Party, office: AdminActor, kind: ObjectionKind, outcome: str
) -> None:
    """Rule 9: a repaired record stops counting at once."""
    objection_id, at = await filed(wang, kind=kind), NOON + MINUTE
    source = Source(rating(860))
    assert (await desk(source).tier(wang.id, "my_credit", at)).level is TierLevel.FAIR  # type: ignore[arg-type]
    assert source.asked == []
    await answer(office, objection_id, outcome, at)
    assert (await desk(source).tier(wang.id, "my_credit", at)).level is TierLevel.EXCELLENT  # type: ignore[arg-type]
    assert len(source.asked) == 1
    assert await told(wang) == [f"{kind}_{outcome}"]
    (step,) = await fetch_all("SELECT actor_id FROM objection_steps WHERE event <> 'file'")
    assert step["actor_id"] == office.id


async def test_a_tier_that_stands_stays(wang: Party, office: AdminActor) -> None:
    objection_id, source = await filed(wang), Source(rating(860))
    await answer(office, objection_id, "dismissed")
    await desk(source).tier(wang.id, "my_credit", NOON + MINUTE)  # type: ignore[arg-type]
    assert source.asked == [] and await told(wang) == ["objection_dismissed"]


async def test_a_wrong_row_is_counted_against_the_source_and_a_repaired_one_is_not(
    wang: Party, office: AdminActor
) -> None:
    """For 准确率: the source has delivered, and the row that was wrong goes back to it, and to no other source."""
    batch_id = uuid4()
    await execute(
        "INSERT INTO credit_batches (id, number, source, source_batch_id, manifest_sha256, data_date, made_at,"
        " delivered_at, due_at, status, in_force_at) VALUES ($1, 1, 'test', '1', repeat('0', 64), '2026-03-03', $2, $2,"
        " $2, 'in_force', $2)",
        *(batch_id, NOON),
    )
    await execute(
        "INSERT INTO credit_copies (source, kind, batch_id, batch_number, data_date, made_at)"
        " SELECT source, 'tiers', $1, 1, '2026-03-03', $2 FROM unnest('{test,other}'::text[]) source",
        *(batch_id, NOON),
    )
    for about, outcome in (
        (await filed(wang), "corrected"),
        (await filed(await a_rated_citizen()), "dismissed"),
        (await filed(await a_rated_citizen(), kind=ObjectionKind.REPAIR), "corrected"),
    ):
        await answer(office, about, outcome)
    (wrong,) = await fetch_all("SELECT record_id, code, state FROM credit_batch_errors")
    assert tuple(wrong) == ("record-1", "objection_upheld", "open")


@pytest.mark.parametrize(("outcome", "asked"), [("upheld", 1), ("dismissed", 0)])
async def test_a_look_up_that_was_wrong_leaves_no_tier(
    wang: Party, office: AdminActor, outcome: str, asked: int
) -> None:
    """Contested by its line in the log instead of by the tier that it gave: the tier ends all the same."""
    (lookup,) = await fetch_all("SELECT id FROM credit_lookups")
    objection_id = await filed(wang, about=ObjectionAbout.LOOKUP, record_id=lookup["id"])
    await answer(office, objection_id, outcome)
    source = Source(rating(860))
    await desk(source).tier(wang.id, "my_credit", NOON + MINUTE)  # type: ignore[arg-type]
    assert len(source.asked) == asked


async def test_of_answers_and_a_withdrawal_at_once_one_holds(wang: Party, office: AdminActor) -> None:
    """One statement under the row's lock decides; the others find what it left."""
    answers = 0
    for _ in range(4):
        objection_id = await filed(wang)
        done = await asyncio.gather(
            answer(office, objection_id, "upheld"),
            answer(office, objection_id, "dismissed"),
            objections.withdraw(wang, objection_id, NOON + MINUTE),
            objection_answers.forward(office, objection_id, NOON + MINUTE),
            return_exceptions=True,
        )
        row = await objection_row(objection_id)
        assert {type(each) for each in done} <= {type(None), ObjectionNotPossible}
        ends = [step for step in await steps(objection_id) if step in ("uphold", "dismiss", "withdraw")]
        assert len(ends) == 1 and row["closed_at"] is not None
        assert sum(each is None for each in done[:3]) == 1
        kinds = [kind for kind in await told(wang) if kind != "objection_forwarded"]
        assert len(kinds) - answers == sum(each is None for each in done[:2])
        answers = len(kinds)


async def test_other_regions_find_nothing(wang: Party) -> None:
    objection_id, stranger = await filed(wang), await an_admin("330200", "operator", "head")
    for call in (
        answer(stranger, objection_id),
        objection_answers.forward(stranger, objection_id, NOON),
        objection_answers.ask_extension(stranger, objection_id, 10, "复杂", NOON),
        objection_dossiers.of_region(stranger, objection_id, KEYS),
        objection_dossiers.outgoing(stranger, objection_id, "json", KEYS, NOON),
        objection_evidence.file_of_region(stranger, objection_id, uuid4(), NOON),
    ):
        with pytest.raises(NotFound):
            await call
    assert await steps(objection_id) == ["file"]
    assert await objection_files.in_region(stranger, Filters(), KEYS, None, 10, NOON) == []


async def test_the_list_is_narrowed_down_and_goes_on(wang: Party, office: AdminActor) -> None:
    first = await filed(wang)
    await answer(office, first)
    second = await filed(wang, kind=ObjectionKind.REPAIR)
    third = await filed(await a_rated_citizen(), region="330105")
    province = await an_admin("330000")

    async def ids(filters: Filters, before: UUID | None = None, at: Any = NOON) -> list[UUID]:
        files = await objection_files.in_region(province, filters, KEYS, before, 2, at)
        return [file.id for file in files]

    assert await ids(Filters()) == [third, second] and await ids(Filters(), second) == [first]
    assert await ids(Filters(region=REGION)) == [second, first]
    assert await ids(Filters(status=ObjectionStatus.UPHELD)) == [first]
    assert await ids(Filters(kind=ObjectionKind.REPAIR)) == [second]
    assert await ids(Filters(is_overdue=True)) == [] and await ids(Filters(is_overdue=True), at=DUE) == [
        third,
        second,
    ]
    assert await ids(Filters(is_overdue=False), at=DUE) == [first]
    assert await ids(Filters(region="330200", is_overdue=False)) == []


# Passing on ---------------------------------------------------------------------------------------


async def test_the_agency_finds_the_record_by_its_id_and_nobodys_number(
    wang: Party, office: AdminActor
) -> None:
    objection_id = await filed(wang, text="我是王小明<b>，13812349050")
    await happen(wang, objection_id, ObjectionEvent.ADD_EVIDENCE)
    await objection_answers.forward(office, objection_id, NOON)
    sent = json.loads(await objection_dossiers.outgoing(office, objection_id, "json", KEYS, NOON))
    assert (sent["source"], sent["source_record_id"], sent["data_date"]) == ("test", "record-1", "2026-03-03")
    assert sent["answer_before"] == "2026-03-12T00:00:00.000+08:00" and len(sent["evidence"]) == 1
    page = (await objection_dossiers.outgoing(office, objection_id, "html", KEYS, NOON)).decode()
    assert "record-1" in page and "<b>" not in page and "&lt;b&gt;" in page
    for text in (json.dumps(sent, ensure_ascii=False), page):
        assert "13812349050" not in text and "王小明.pdf" not in text and str(wang.id) not in text
    assert await told(wang) == ["objection_forwarded"]
    (row,) = await fetch_all("SELECT facts FROM citizen_notices")
    assert json.loads(row["facts"])["last_day"] == "2026-03-11"
    made = await fetch_all("SELECT 1 FROM audit_records WHERE action = 'objection.make_dossier'")
    assert len(made) == 2


async def test_the_alliances_own_records_have_no_agency(office: AdminActor) -> None:
    member = await a_checked_member()
    await suspensions.suspend(member.id, SuspensionCause.OFFICE, {"reason": "违规"}, audit_log.SYSTEM, NOON)
    (row,) = await fetch_all("SELECT id FROM suspensions")
    objection_id = await filed(member, about=ObjectionAbout.SUSPENSION, record_id=row["id"], region=None)
    with pytest.raises(NothingToForward):
        await objection_answers.forward(office, objection_id, NOON)
    with pytest.raises(NothingToForward):
        await objection_dossiers.outgoing(office, objection_id, "json", KEYS, NOON)


# More time ----------------------------------------------------------------------------------------


async def asked(office: AdminActor, objection_id: UUID, days: int = 20, at: Any = NOON) -> UUID:
    return await objection_answers.ask_extension(office, objection_id, days, "需外地核实", at)


async def test_more_time_takes_two_and_comes_once(wang: Party, office: AdminActor) -> None:
    objection_id, head = await filed(wang), await an_admin(REGION)
    approval_id = await asked(office, objection_id)
    with pytest.raises(AlreadyAsked):
        await asked(head, objection_id)
    with pytest.raises(OwnRequest):
        await decisions.approve(office, approval_id, "同意", NOON)
    assert (await objection_row(objection_id))["due_at"] == DUE
    await decisions.approve(head, approval_id, "同意", NOON + MINUTE)
    row = await objection_row(objection_id)
    # Twenty working days after Wednesday 4 March: Wednesday 1 April.
    assert (row["due_at"], row["extended_at"]) == (shanghai("2026-04-02 00:00"), NOON + MINUTE)
    assert await told(wang) == ["objection_extended"] and await steps(objection_id) == ["file", "extend"]
    with pytest.raises(NotExtendable):
        await asked(office, objection_id)
    mark = await objections.open_about_tier(wang.id)
    assert mark is not None and mark["due_at"] == row["due_at"]


async def test_of_two_extensions_at_once_one_holds(wang: Party, office: AdminActor) -> None:
    objection_id = await filed(wang)
    row = await objection_row(objection_id)

    async def extend(days: int) -> None:
        payload = {"objection_id": str(objection_id), "working_days": days}
        await objection_answers.extend(office, row, payload, NOON)

    done = await asyncio.gather(*(extend(days) for days in (10, 20, 15)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["NoneType", "NotExtendable", "NotExtendable"]
    assert await steps(objection_id) == ["file", "extend"]


@pytest.mark.parametrize("what", ["answered", "withdrawn", "late"])
async def test_what_is_closed_or_late_is_not_extended_though_it_was_asked_for(
    wang: Party, office: AdminActor, what: str
) -> None:
    objection_id, head, at = await filed(wang), await an_admin(REGION), NOON + MINUTE
    approval_id = await asked(office, objection_id)
    match what:
        case "answered":
            await answer(office, objection_id)
        case "withdrawn":
            await objections.withdraw(wang, objection_id, NOON)
        case "late":
            at = DUE
    before = dict(await objection_row(objection_id))
    with pytest.raises(NotExtendable):
        await decisions.approve(head, approval_id, "同意", at)
    with pytest.raises(NotExtendable):
        await asked(head, objection_id, at=at)
    assert dict(await objection_row(objection_id)) == before
    (row,) = await fetch_all("SELECT status FROM approvals")
    assert row["status"] == "open"  # it can still be refused
    await approvals.withdraw(office, approval_id, NOON)


async def test_it_is_twenty_working_days_in_all_and_never_fewer_than_before(
    wang: Party, office: AdminActor
) -> None:
    objection_id = await filed(wang)
    row = await objection_row(objection_id)
    payload = {"objection_id": str(objection_id), "working_days": 5}
    with pytest.raises(NotExtendable):
        await objection_answers.extend(office, row, payload, NOON)
    await objection_answers.extend(office, row, {**payload, "working_days": 400}, NOON)
    assert (await objection_row(objection_id))["due_at"] == shanghai("2026-04-02 00:00")


# Late ones ----------------------------------------------------------------------------------------


async def test_late_ones_are_marked_and_told_once_counted_and_still_answered(
    wang: Party, office: AdminActor
) -> None:
    objection_id = await filed(wang)
    closed = await objection_in(await a_rated_citizen(), ObjectionStatus.UPHELD)
    assert await objection_answers.mark_overdue_objections(DUE - MINUTE) == 0
    assert await objections.overdue(DUE - MINUTE) == 0
    marked = await asyncio.gather(*(objection_answers.mark_overdue_objections(DUE) for _ in range(3)))
    assert sum(marked) == 1 and await told(wang) == ["objection_overdue"]
    assert await objections.overdue(DUE) == 1
    assert b"xinyi_objections_overdue 1.0" in await exposition(DUE)
    assert (await objection_row(closed))["overdue_at"] is None
    assert await objections.open_about_tier(wang.id) is not None  # it stays marked
    await answer(office, objection_id, at=DUE + MINUTE)
    assert await objections.overdue(DUE + MINUTE) == 0
    assert await steps(objection_id) == ["file", "become_overdue", "uphold"]


# Members ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["upheld", "corrected", "dismissed"])
async def test_a_members_check_is_asked_for_anew_whatever_the_answer(
    office: AdminActor, outcome: str
) -> None:
    member = await a_checked_member()
    await answer(office, await filed(member, **CHECK), outcome)
    assert await waiting_jobs(rechecks.RECHECK_JOB) == 1
    assert await told(member) == [f"objection_{outcome}"]


async def test_while_a_record_is_contested_a_member_is_not_suspended_anew_for_it(office: AdminActor) -> None:
    """Decision 0034: for the very same record and grade; a new record counts, and the list of the dishonest always."""
    member = await a_checked_member(grade=2)
    objection_id = await filed(member, **CHECK)

    async def check(**changes: Any) -> list[SuspensionCause]:
        says = record(**{"grade": TierLevel.POOR, **changes})
        await rechecks.run(Organisations(says), member.id, NOON + MINUTE)
        return list(await suspensions.open_causes(member.id))

    assert await check() == []
    assert await check(grade=TierLevel.BAD) == [SuspensionCause.GRADE]  # another record
    await suspensions.lift(member.id, SuspensionCause.GRADE, audit_log.SYSTEM, NOON)
    assert await check() == []
    assert await check(is_dishonest=True) == [SuspensionCause.DISHONEST_LIST]
    await answer(office, objection_id, "dismissed")
    assert SuspensionCause.GRADE in await check()


async def test_a_suspension_stays_while_it_is_contested(office: AdminActor) -> None:
    member = await a_checked_member(grade=2)
    await rechecks.run(Organisations(record(TierLevel.POOR)), member.id, NOON)
    await filed(member, **CHECK)
    await rechecks.run(Organisations(record(TierLevel.POOR)), member.id, NOON + MINUTE)
    assert list(await suspensions.open_causes(member.id)) == [SuspensionCause.GRADE]


@pytest.mark.parametrize(
    ("cause", "left"),
    [(SuspensionCause.OFFICE, []), (SuspensionCause.GRADE, [SuspensionCause.GRADE])],
)
async def test_a_suspension_that_was_wrong_is_lifted_or_checked_anew(
    office: AdminActor, cause: SuspensionCause, left: list[SuspensionCause]
) -> None:
    member = await a_checked_member()
    await suspensions.suspend(member.id, cause, {"reason": "违规"}, audit_log.SYSTEM, NOON)
    row = await fetch_one("SELECT id FROM suspensions")
    assert row is not None
    objection_id = await filed(member, about=ObjectionAbout.SUSPENSION, record_id=row["id"], region=None)
    await answer(office, objection_id)
    assert list(await suspensions.open_causes(member.id)) == left
    assert await waiting_jobs(rechecks.RECHECK_JOB) == len(left)


# Evidence -----------------------------------------------------------------------------------------

PDF = b"%PDF-1.7 x"


async def upload(party: Party, objection_id: UUID, files: FileStore, content: bytes = PDF) -> UUID:
    async def chunks() -> Any:
        yield content

    return await objection_evidence.add(
        party, objection_id, "证明.pdf", "application/pdf", chunks(), files, NOON
    )


async def test_evidence_is_ten_files_of_the_type_that_was_said(
    wang: Party, office: AdminActor, tmp_path: Path
) -> None:
    objection_id, files = await filed(wang), FileStore(tmp_path)
    with pytest.raises(FileNotAsSaid):
        await upload(wang, objection_id, files, b"PK\x03\x04")
    done = await asyncio.gather(
        *(upload(wang, objection_id, files, PDF + b"%d" % number) for number in range(13)),
        return_exceptions=True,
    )
    made = [each for each in done if isinstance(each, UUID)]
    assert len(made) == 10 and {type(each) for each in done} == {UUID, TooMuchObjectionEvidence}
    assert (await objection_evidence.own_file(wang, objection_id, made[0]))["size"] == len(PDF) + 1
    await objection_evidence.file_of_region(office, objection_id, made[0], NOON)
    (read,) = await fetch_all("SELECT * FROM audit_records WHERE action = 'objection.read_evidence'")
    assert (read["actor_id"], read["region_id"]) == (office.id, REGION)
    other = await a_rated_citizen()
    with pytest.raises(NotFound):
        await upload(other, objection_id, files)
    with pytest.raises(NotFound):
        await objection_evidence.own_file(other, objection_id, made[0])


async def test_sixty_files_a_day_with_those_of_withdrawn_objections(
    wang: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objection_evidence, "MOST_UPLOADS_A_DAY", 3)
    files = FileStore(tmp_path)
    for _ in range(3):
        objection_id = await filed(wang)
        await upload(wang, objection_id, files)
        await objections.withdraw(wang, objection_id, NOON)
    with pytest.raises(TooManyUploads):
        await upload(wang, await filed(wang), files)


async def test_a_dossier_has_everything_in_order(wang: Party, office: AdminActor) -> None:
    objection_id = await filed(wang)
    for event in (ObjectionEvent.FORWARD, ObjectionEvent.EXTEND, ObjectionEvent.CORRECT):
        await happen(wang, objection_id, event)
    dossier = await objection_dossiers.of_region(office, objection_id, KEYS)
    assert [step["event"] for step in dossier.steps] == ["file", "forward", "extend", "correct"]
    assert [step["actor_kind"] for step in dossier.steps] == ["citizen", "admin", "admin", "admin"]
    assert dossier.file.answer == ANSWER and dossier.file.extended_at is not None
