"""自主申报: declared with evidence, looked at by the region's office, deleted at any time; nothing of rule 11."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import declaration_reviews, declarations, objection_answers
from alliance.declaration_reviews import ForwardingNotAllowed, ValidityOutOfRange
from alliance.declarations import (
    DeclarationEvidenceMissing,
    DeclarationNotOpen,
    DeclarationsUsedUp,
    HoursOfServiceAlone,
    NotYetHappened,
    Statement,
    TooMuchDeclarationEvidence,
)
from benefits.refusals import IdempotencyKeyReused
from citizens.declaration_words import DeclaresTooMuch, must_be_fit
from common.actors import AdminActor
from common.database import fetch_all, fetch_one
from common.errors import NotFound
from common.files import FileNotAsSaid, FileStore, TooManyUploads
from merchants.regions import RegionUnknown
from models.citizen_enums import DeclarationKind, DeclarationStatus, ObjectionAbout
from tests.factories.admins import an_admin
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.moments import NOON
from tests.factories.objections import a_citizens, filed, told
from tests.factories.scans import a_key

pytestmark = pytest.mark.usefixtures("database")
TEXT = "亚运会志愿服务，编号 7，联系电话13812349050"
PDF = b"%PDF-1.7 x"
UNTIL = date(2028, 3, 4)


@pytest.fixture
async def wang(database: str) -> UUID:
    return await a_citizen()


@pytest.fixture
async def office(database: str) -> AdminActor:
    return await an_admin("330106", "reviewer", "operator")


def a_statement(**changes: Any) -> Statement:
    values = {
        **{"kind": DeclarationKind.VOLUNTEER_HOURS, "region": "330106", "happened_on": date(2026, 3, 4)},
        **{"hours": 40, "text": TEXT, "may_forward": False, **changes},
    }
    return Statement(**values)  # type: ignore[arg-type]


async def begun(citizen_id: UUID, **changes: Any) -> UUID:
    return (await declarations.begin(citizen_id, a_statement(**changes), a_key(), KEYS, NOON))[0]


async def with_evidence(
    citizen_id: UUID, declaration_id: UUID, files: FileStore, content: bytes = PDF, name: str = "证书.pdf"
) -> UUID:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    return await declarations.add_evidence(
        citizen_id, declaration_id, name, "application/pdf", chunks(), files, NOON
    )


async def submitted(citizen_id: UUID, folder: Path, **changes: Any) -> UUID:
    declaration_id = await begun(citizen_id, **changes)
    await with_evidence(citizen_id, declaration_id, FileStore(folder))
    await declarations.submit(citizen_id, declaration_id, NOON)
    return declaration_id


async def row_of(declaration_id: UUID) -> dict[str, Any]:
    row = await fetch_one("SELECT * FROM declarations WHERE id = $1", declaration_id)
    return dict(row) if row else {}


# Declaring ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *(
            "无偿献血 20 次",
            "无 偿 献-血",
            "我的血型是A",
            "月收入一万",
            "存款証明，存款",
            "信仰佛教",
            "基因检测",
        ),
        *(
            "錄入指纹",
            "抗癌志愿者",
            "残疾人证",
            "ＤＮＡ sample",
            "Blood donor",
            "my salary",
            "a cancer survivor",
        ),
        *("献\u200b血", "确诊", "造血干细胞捐献"),
    ],
)
async def test_what_is_never_stored_is_refused_and_leaves_nothing(wang: UUID, text: str) -> None:
    """Rule 11, however it is spaced, and in which width."""
    with pytest.raises(DeclaresTooMuch):
        await begun(wang, text=text)
    assert await fetch_all("SELECT 1 FROM declaration_texts") == []


@pytest.mark.parametrize(
    "text",
    [
        "亚运会志愿服务 40 小时",
        "浙江好人",
        "见义勇为",
        "general volunteer, eugenes street",
        "incoming tourists",
    ],
)
def test_ordinary_words_pass(text: str) -> None:
    must_be_fit(text)


async def test_what_can_t_be_is_refused(wang: UUID) -> None:
    for changes, refusal in (
        ({"happened_on": date(2026, 3, 5)}, NotYetHappened),
        ({"hours": None}, HoursOfServiceAlone),
        ({"kind": DeclarationKind.HONOUR}, HoursOfServiceAlone),
        ({"region": "999999"}, RegionUnknown),
    ):
        with pytest.raises(refusal):
            await begun(wang, **changes)


async def test_the_same_key_begins_one_and_another_text_is_another_request(wang: UUID) -> None:
    key = a_key()

    async def once(**changes: Any) -> tuple[UUID, bool]:
        return await declarations.begin(wang, a_statement(**changes), key, KEYS, NOON)

    made = await asyncio.gather(*(once() for _ in range(5)))
    assert len({id_ for id_, _ in made}) == 1 and sum(not replayed for _, replayed in made) == 1
    with pytest.raises(IdempotencyKeyReused):
        await once(text="别的话")


async def test_twenty_at_most_however_many_at_once_and_deleting_makes_room(wang: UUID) -> None:
    done = await asyncio.gather(*(begun(wang) for _ in range(24)), return_exceptions=True)
    made = [each for each in done if isinstance(each, UUID)]
    assert len(made) == 20 and {type(each) for each in done} == {UUID, DeclarationsUsedUp}
    await declarations.delete(wang, made[0], NOON)
    await begun(wang)


async def test_evidence_comes_before_submitting_and_not_after(wang: UUID, tmp_path: Path) -> None:
    declaration_id, files = await begun(wang), FileStore(tmp_path)
    with pytest.raises(DeclarationEvidenceMissing):
        await declarations.submit(wang, declaration_id, NOON)
    with pytest.raises(FileNotAsSaid):
        await with_evidence(wang, declaration_id, files, b"MZ")
    with pytest.raises(DeclaresTooMuch):
        await with_evidence(wang, declaration_id, files, name="献血证.pdf")
    done = await asyncio.gather(
        *(with_evidence(wang, declaration_id, files, PDF + b"%d" % number) for number in range(7)),
        return_exceptions=True,
    )
    assert {type(each) for each in done} == {UUID, TooMuchDeclarationEvidence}
    assert sum(isinstance(each, UUID) for each in done) == 5
    for _ in range(2):
        await declarations.submit(wang, declaration_id, NOON)
    with pytest.raises(DeclarationNotOpen):
        await with_evidence(wang, declaration_id, files)


async def test_of_a_deleted_declaration_not_even_a_files_name_is_left(wang: UUID, tmp_path: Path) -> None:
    declaration_id = await begun(wang)
    await with_evidence(wang, declaration_id, FileStore(tmp_path), name="王大友的证书.pdf")
    await declarations.delete(wang, declaration_id, NOON)
    (row,) = await fetch_all("SELECT * FROM stored_files WHERE owner_id = $1", declaration_id)
    assert row["deleted_at"] == NOON and "王大友" not in str(dict(row))


async def test_sixty_files_a_day_with_those_of_deleted_declarations(
    wang: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is deleted makes room in the list and none on the disk."""
    monkeypatch.setattr(declarations, "MOST_UPLOADS_A_DAY", 3)
    for _ in range(3):
        await declarations.delete(wang, await submitted(wang, tmp_path), NOON)
    declaration_id = await begun(wang)
    with pytest.raises(TooManyUploads):
        await with_evidence(wang, declaration_id, FileStore(tmp_path))


async def test_others_find_nothing(wang: UUID, tmp_path: Path) -> None:
    declaration_id, other = await begun(wang), await a_citizen()
    for call in (
        declarations.one_of_citizen(other, declaration_id, KEYS, NOON),
        declarations.submit(other, declaration_id, NOON),
        declarations.delete(other, declaration_id, NOON),
        declarations.own_file(other, declaration_id, uuid4()),
        with_evidence(other, declaration_id, FileStore(tmp_path)),
    ):
        with pytest.raises(NotFound):
            await call
    assert await declarations.of_citizen(other, KEYS, None, 9, NOON) == []


# Looking at it ------------------------------------------------------------------------------------


async def test_a_draft_is_its_citizens_alone(wang: UUID, office: AdminActor) -> None:
    declaration_id = await begun(wang)
    assert await declaration_reviews.in_region(office, None, None, KEYS, None, 9, NOON) == []
    for call in (
        declaration_reviews.one(office, declaration_id, KEYS, NOON),
        declaration_reviews.accept(office, declaration_id, UNTIL, NOON),
        declaration_reviews.refuse(office, declaration_id, "x", KEYS, NOON),
        declaration_reviews.forward(office, declaration_id, KEYS, NOON),
    ):
        with pytest.raises(NotFound):
            await call


async def test_what_is_accepted_is_valid_until_the_end_of_its_day(
    wang: UUID, office: AdminActor, tmp_path: Path
) -> None:
    declaration_id = await submitted(wang, tmp_path)
    [seen] = await declaration_reviews.in_region(
        office, DeclarationStatus.SUBMITTED, None, KEYS, None, 9, NOON
    )
    assert seen.text == TEXT.replace("13812349050", "138****9050")
    for wrong in (date(2026, 3, 4), date(2031, 3, 5)):
        with pytest.raises(ValidityOutOfRange):
            await declaration_reviews.accept(office, declaration_id, wrong, NOON)
    await declaration_reviews.accept(office, declaration_id, date(2026, 3, 5), NOON)
    assert await told(a_citizens(wang)) == ["declaration_accepted"]
    for days, valid in ((0, True), (1, True), (2, False)):
        at = NOON + timedelta(days=days)
        mine = await declarations.one_of_citizen(wang, declaration_id, KEYS, at)
        assert (mine.status, mine.is_valid, mine.text) == ("accepted", valid, TEXT)


async def test_of_two_decisions_and_a_deletion_at_once_one_holds(
    wang: UUID, office: AdminActor, tmp_path: Path
) -> None:
    for _ in range(4):
        declaration_id = await submitted(wang, tmp_path)
        done = await asyncio.gather(
            declaration_reviews.accept(office, declaration_id, UNTIL, NOON),
            declaration_reviews.refuse(office, declaration_id, "证据不足", KEYS, NOON),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in done) == ["DeclarationDecided", "NoneType"]
        again = await submitted(wang, tmp_path)
        done = await asyncio.gather(
            declaration_reviews.accept(office, again, UNTIL, NOON),
            declarations.delete(wang, again, NOON),
            return_exceptions=True,
        )
        assert done[1] is None and type(done[0]) in (type(None), NotFound)
        assert await row_of(again) == {}


async def test_other_regions_find_nothing(wang: UUID, tmp_path: Path) -> None:
    declaration_id, stranger = await submitted(wang, tmp_path), await an_admin("330200", "reviewer")
    assert await declaration_reviews.in_region(stranger, None, None, KEYS, None, 9, NOON) == []
    with pytest.raises(NotFound):
        await declaration_reviews.accept(stranger, declaration_id, UNTIL, NOON)
    with pytest.raises(NotFound):
        await declaration_reviews.file(stranger, declaration_id, uuid4(), NOON)


async def test_it_is_passed_on_by_consent_alone_and_names_nobody(
    wang: UUID, office: AdminActor, tmp_path: Path
) -> None:
    kept = await submitted(wang, tmp_path)
    await declaration_reviews.accept(office, kept, UNTIL, NOON)
    agreed = await submitted(wang, tmp_path, may_forward=True)
    for declaration_id in (kept, agreed):  # the second is not accepted yet
        with pytest.raises(ForwardingNotAllowed):
            await declaration_reviews.forward(office, declaration_id, KEYS, NOON)
    await declaration_reviews.accept(office, agreed, UNTIL, NOON)
    sent = json.loads(await declaration_reviews.forward(office, agreed, KEYS, NOON))
    assert (sent["hours"], sent["valid_until"]) == (40, "2028-03-04") and len(sent["evidence"]) == 1
    assert "13812349050" not in str(sent) and str(wang) not in str(sent) and "证书" not in str(sent)
    assert (await row_of(agreed))["forwarded_at"] == NOON
    with pytest.raises(ForwardingNotAllowed):  # its time is over
        await declaration_reviews.forward(office, agreed, KEYS, NOON + timedelta(days=800))


async def test_deleting_leaves_nothing_and_names_nobody_in_what_stays(
    wang: UUID, office: AdminActor, tmp_path: Path
) -> None:
    declaration_id = await submitted(wang, tmp_path)
    await declaration_reviews.refuse(office, declaration_id, "证书看不清", KEYS, NOON)
    for table in ("declarations", "audit_records", "citizen_notices"):
        for row in await fetch_all(f"SELECT {table}::text AS text FROM {table}"):
            assert not [word for word in ("亚运", "13812349050", "证书") if word in row["text"]]
    (words,) = await fetch_all("SELECT * FROM declaration_texts")
    assert "亚运".encode() not in words["text_encrypted"]
    assert (await declarations.one_of_citizen(wang, declaration_id, KEYS, NOON)).refusal == "证书看不清"
    await declarations.delete(wang, declaration_id, NOON)
    for left in ("declarations", "declaration_texts", "stored_files WHERE deleted_at IS NULL"):
        assert await fetch_all(f"SELECT 1 FROM {left}") == []
    with pytest.raises(NotFound):
        await declarations.delete(wang, declaration_id, NOON)


async def test_a_refusal_that_was_wrong_is_looked_at_once_more(
    wang: UUID, office: AdminActor, tmp_path: Path
) -> None:
    declaration_id = await submitted(wang, tmp_path)
    await declaration_reviews.refuse(office, declaration_id, "证书看不清", KEYS, NOON)
    about = {"about": ObjectionAbout.DECLARATION, "record_id": declaration_id}
    objection_id = await filed(a_citizens(wang), region="330105", **about)
    row = await fetch_one("SELECT region_id FROM objections WHERE id = $1", objection_id)
    assert row is not None and row["region_id"] == "330106"  # whose office refused it
    assert (await declarations.one_of_citizen(wang, declaration_id, KEYS, NOON)).is_disputed
    await objection_answers.answer(office, objection_id, "upheld", "重新核实", KEYS, NOON)
    assert (await row_of(declaration_id))["status"] == "submitted"
    mine = await declarations.one_of_citizen(wang, declaration_id, KEYS, NOON)
    assert mine.refusal is None and not mine.is_disputed
    await declaration_reviews.accept(office, declaration_id, UNTIL, NOON)
    assert await told(a_citizens(wang)) == [
        "declaration_refused",
        "objection_upheld",
        "declaration_accepted",
    ]
