"""Who read or changed what of a citizen's: he is told of everybody who looked into what he sent in (rule 7)."""

from pathlib import Path
from uuid import UUID

import pytest

from alliance import (
    access_log,
    declaration_reviews,
    guardianship_reviews,
    objection_answers,
    objection_dossiers,
    objection_evidence,
)
from citizens import disclosures
from common.database import fetch_one
from models.enums import ConsentPurpose
from tests.alliance.test_declarations import submitted
from tests.factories.admins import an_admin
from tests.factories.agents import a_guardian, a_real_person, a_request, agree
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.members import a_shop
from tests.factories.moments import NOON
from tests.factories.objections import REGION, a_rated_citizen, evidence_of, filed
from tests.factories.offers import an_offer
from tests.factories.sources import demo_scheme

pytestmark = pytest.mark.usefixtures("database")


async def by(who: str, citizen_id: UUID) -> list[tuple[str, str]]:
    """What somebody did, newest first, and with which thing."""
    found = await access_log.of_citizen(citizen_id, None, 50)
    return [(line.action, line.object_kind) for line in found if line.who == who]


async def file_of(owner_id: UUID) -> UUID:
    row = await fetch_one("SELECT id FROM stored_files WHERE owner_id = $1", owner_id)
    assert row is not None
    found: UUID = row["id"]
    return found


async def test_who_looked_into_his_objection_is_told() -> None:
    await demo_scheme()
    wang, office = await a_rated_citizen(), await an_admin(REGION, "operator")
    objection_id = await filed(wang)
    file_id = await evidence_of(wang, objection_id)
    dossier = await objection_dossiers.opened(office, objection_id, KEYS, NOON)
    assert dossier.file.id == objection_id
    await objection_evidence.file_of_region(office, objection_id, file_id, NOON)
    await objection_answers.ask_extension(office, objection_id, 10, "材料未到", NOON)
    await objection_answers.forward(office, objection_id, NOON)
    await objection_dossiers.outgoing(office, objection_id, "json", KEYS, NOON)
    assert await by("admin", wang.id) == [
        ("objection.make_dossier", "objection"),
        ("objection.forward", "objection"),
        ("objection_extension.ask", "objection"),
        ("objection.read_evidence", "file"),
        ("objection.read", "objection"),
    ]


async def test_who_looked_into_what_he_declared_is_told(tmp_path: Path) -> None:
    wang, office = await a_citizen(), await an_admin(REGION, "reviewer")
    declaration_id = await submitted(wang, tmp_path)
    found, _ = await declaration_reviews.opened(office, declaration_id, KEYS, NOON)
    assert found.id == declaration_id
    await declaration_reviews.file(office, declaration_id, await file_of(declaration_id), NOON)
    await declaration_reviews.refuse(office, declaration_id, "看不清", KEYS, NOON)
    assert await by("admin", wang) == [
        ("declaration.refuse", "declaration"),
        ("declaration.read_evidence", "declaration"),
        ("declaration.read", "declaration"),
    ]


async def test_who_looked_into_his_request_for_a_child_is_told() -> None:
    guardian, reviewer = await a_guardian(), await an_admin(REGION, "reviewer")
    request_id = await a_request(guardian)
    view, _ = await guardianship_reviews.opened(reviewer, request_id, KEYS, NOON)
    assert view.id == request_id
    await guardianship_reviews.read_evidence(reviewer, request_id, await file_of(request_id), NOON)
    await guardianship_reviews.confirm(reviewer, request_id, KEYS, NOON)
    assert await by("admin", guardian) == [
        ("guardianship.confirm", "guardianship"),
        ("guardianship.read_evidence", "file"),
        ("guardianship.read", "guardianship"),
    ]


async def test_whoever_was_shown_his_name_is_told() -> None:
    citizen_id, shop = await a_real_person(), await a_shop()
    await agree(citizen_id, ConsentPurpose.MEMBER_SHARING, recipient=shop.member_id)
    place = shop.store_id, await an_offer(shop)
    assert await disclosures.show_holder(citizen_id, shop.member_id, place, KEYS, NOON) is not None
    [line] = await access_log.of_citizen(citizen_id, None, 50)
    assert (line.who, line.action, line.object_kind, line.object_id) == (
        *("staff", "name.show", "offer"),
        str(place[1]),
    )
    assert line.store_name == "武林店"
