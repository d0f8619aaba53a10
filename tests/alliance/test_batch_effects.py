"""What a batch brings about: look-ups under a consent, repairs at once (rule 9), members checked again (rule 12)."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from alliance import batch_effects, credit_batches, data_quality, erasures
from citizens import consents
from citizens.credit_sources import CreditSourceUnavailable
from citizens.credit_sources.batch import BatchSource
from citizens.sandbox_people import person_of
from common.database import execute, fetch_all
from merchants.organisation_sources import OrganisationSourceUnavailable
from merchants.organisation_sources.batch import BatchOrganisationSource
from models.office_enums import BatchKind
from models.retention import THREE_YEARS
from tests.factories.admins import an_admin
from tests.factories.batches import DAY, SCHEME, batch, batch_desk, drop_tables, id_number, tier_rows
from tests.factories.citizens import KEYS, PURPOSE, a_person, consent
from tests.factories.members import a_member
from tests.factories.moments import shanghai
from tests.factories.sources import Source, demo_scheme, desk, rating

NOW = shanghai("2026-03-04 05:00")
NEXT = timedelta(days=1)
T, G, D, R = BatchKind.TIERS, BatchKind.ORGANISATION_GRADES, BatchKind.DISHONEST_LIST, BatchKind.REPAIRS
USCC, OTHER = "91330100MA2XY0001Y", "91330100MA2XY00022"
Import = Callable[..., Any]
SOURCE = BatchSource("test", KEYS)


@pytest.fixture
async def take(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Import]:
    """Import a batch of a day; each is in a folder of its own."""
    await demo_scheme()
    made = batch_desk(database, tmp_path / "files")
    for module in ("citizens.credit_sources.batch", "merchants.organisation_sources.batch"):
        monkeypatch.setattr(f"{module}.now", lambda: NOW)

    async def taken(files: Any, days: int = 0, **more: Any) -> None:
        name = f"b-{days}"
        folder = batch(tmp_path / name, files, day=DAY + days * NEXT, batch_id=name, **more)
        outcome = await credit_batches.import_folder(made, folder, NOW + days * NEXT, lambda _: None)
        assert outcome.code == "in_force", outcome

    yield taken
    await drop_tables()


@pytest.fixture
async def wang(take: Import) -> UUID:
    """A person who has agreed to the credit check."""
    citizen_id = await a_person("demo-excellent")
    await consent(citizen_id)
    return citizen_id


WANG = person_of("demo-excellent")
assert WANG is not None
NUMBER = WANG.id_number


def tiers(score: int, days: int = 0) -> list[tuple[Any, ...]]:
    """Wang's row among others'."""
    return [*tier_rows(3), (NUMBER, score, SCHEME, DAY + days * NEXT, "w-1")]


def repair(score: Any, days: int = 0) -> list[tuple[Any, ...]]:
    """Wang's record is repaired."""
    scheme = SCHEME if score != "" else ""
    return [("person", NUMBER, "w-1", DAY + days * NEXT, scheme, score, "")]


async def test_a_citizen_is_found_in_the_copy_under_his_consent_with_a_line(take: Import, wang: UUID) -> None:
    """Rule 1."""
    await take({T: tiers(880)})
    seen = await desk(SOURCE).tier(wang, "my_credit", NOW)
    assert (seen.level, seen.data_date) == (5, DAY)
    (line,) = await fetch_all("SELECT source, outcome FROM credit_lookups")
    assert tuple(line) == ("test", "rated")
    await consents.withdraw(wang, PURPOSE, NOW)
    with pytest.raises(consents.ConsentRequired):
        await desk(SOURCE).tier(wang, "my_credit", NOW)
    assert len(await fetch_all("SELECT 1 FROM credit_lookups")) == 1


def test_nothing_but_the_source_reads_the_copy() -> None:
    """Who else looked into it would look up a tier without a consent (rule 1)."""
    root = Path(__file__).parent.parent.parent
    packages = ("common", "models", "merchants", "citizens", "benefits", "alliance", "server")
    found = {
        str(path.relative_to(root))
        for package in packages
        for path in (root / package).rglob("*.py")
        if "credit_ratings" in path.read_text(encoding="utf-8")
    }
    assert found == {
        "citizens/credit_sources/batch.py",
        # Those that write it, and what deletes a person's row.
        "models/credit_batch.py",
        "models/retention.py",  # names it alone
        *(f"alliance/{name}.py" for name in ("batch_rows", "batch_effects", "credit_batches", "own_data")),
    }


async def test_who_is_not_in_the_copy_is_unrated_and_without_a_copy_nobody_is(
    take: Import, wang: UUID
) -> None:
    with pytest.raises(CreditSourceUnavailable):
        await desk(SOURCE).tier(wang, "my_credit", NOW)
    await take({T: tier_rows(3)})
    assert (await desk(SOURCE).tier(wang, "my_credit", NOW)).level is None


async def test_a_copy_that_is_too_old_answers_nobody(
    take: Import, wang: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take({T: tiers(880)})
    monkeypatch.setattr("citizens.credit_sources.batch.now", lambda: NOW + 7 * NEXT)
    with pytest.raises(CreditSourceUnavailable):
        await desk(SOURCE).tier(wang, "my_credit", NOW)


async def test_an_erased_person_is_in_the_copy_no_more(take: Import, wang: UUID) -> None:
    await take({T: tiers(880)})
    assert await erasures.erase(wang, KEYS, NOW)
    assert len(await fetch_all("SELECT 1 FROM credit_ratings")) == 3


async def test_scores_are_counted_whole_and_name_nobody(take: Import) -> None:
    """What a scheme's what-if counts by."""
    await take({T: [*tier_rows(300), (NUMBER, 880, SCHEME, DAY, "w-1")]})
    rows = await fetch_all("SELECT score, count(*) AS people FROM credit_ratings GROUP BY score")
    assert await SOURCE.histogram(SCHEME) == {row["score"]: row["people"] for row in rows}
    assert sum((await SOURCE.histogram(SCHEME)).values()) == 301
    assert await SOURCE.histogram("another") == {}


@pytest.mark.parametrize(("score", "level"), [(860, 5), ("", None)])
async def test_a_repaired_record_stops_counting_at_once(
    take: Import, wang: UUID, score: Any, level: int | None
) -> None:
    """Rule 9: the copy is another one, and the snapshot of before is good no more."""
    await take({T: tiers(500)})
    assert (await desk(SOURCE).tier(wang, "my_credit", NOW)).level == 1
    await take({R: repair(score)}, days=1)
    assert (await desk(SOURCE).tier(wang, "my_credit", NOW + NEXT)).level == level
    assert await fetch_all("SELECT 1 FROM credit_repairs") == []


async def test_a_row_that_is_younger_than_the_repair_stays(take: Import, wang: UUID) -> None:
    await take({T: tiers(700, days=1)}, days=1)
    await take({R: repair(900)}, days=2)
    assert (await desk(SOURCE).tier(wang, "my_credit", NOW)).level == 3


async def test_an_answer_that_was_on_its_way_when_the_repair_came_makes_no_snapshot(
    take: Import, wang: UUID
) -> None:
    """The source said the old score, and the repair took effect before the snapshot was written."""
    await take({T: tiers(500)})
    slow = Source(rating(500), lambda: take({R: repair(860)}, days=1))
    with pytest.raises(CreditSourceUnavailable):
        await desk(slow).tier(wang, "my_credit", NOW + NEXT)
    assert await fetch_all("SELECT 1 FROM tier_snapshots") == []
    assert (await desk(SOURCE).tier(wang, "my_credit", NOW + NEXT)).level == 5


async def test_a_bad_row_is_mended_by_a_later_batch_and_an_upheld_objection_by_its_repair(
    take: Import,
) -> None:
    rows = [list(row) for row in tier_rows(300)]
    rows[4][1] = 9999
    await take({T: rows})
    (batch_row,) = await fetch_all("SELECT id FROM credit_batches")
    await execute(
        "INSERT INTO credit_batch_errors (id, batch_id, kind, record_id, field, code, found_at)"
        " VALUES (gen_random_uuid(), $1, 'tiers', 't-9', 'row', 'objection_upheld', $2)",
        *(batch_row["id"], NOW),
    )
    await execute(  # another source's record of the same id is another record
        "WITH other AS (INSERT INTO credit_batches (id, number, source, source_batch_id, manifest_sha256, data_date, made_at,"
        "  delivered_at, due_at) VALUES (gen_random_uuid(), 99, 'other', '1', repeat('0', 64), $1::timestamptz::date, $1, $1, $1)"
        "  RETURNING id) INSERT INTO credit_batch_errors (id, batch_id, kind, record_id, field, code, found_at)"
        " SELECT gen_random_uuid(), id, 'tiers', 't-9', 'row', 'objection_upheld', $1 FROM other",
        NOW,
    )
    await take({T: tier_rows(300, 700)}, days=1)
    states = (
        "SELECT e.code, e.state FROM credit_batch_errors e JOIN credit_batches b ON b.id = e.batch_id"
        " WHERE b.source = 'test' ORDER BY e.code"
    )
    assert [tuple(row) for row in await fetch_all(states)] == [
        *(("objection_upheld", "open"), ("score_off_scale", "mended")),
    ]
    await take({R: [("person", id_number(9), "t-9", DAY + NEXT, SCHEME, 800, "")]}, days=2)
    assert {row["state"] for row in await fetch_all(states)} == {"mended"}
    (other,) = await fetch_all("SELECT count(*) AS rows FROM credit_batch_errors WHERE state = 'open'")
    assert other["rows"] == 1


async def test_a_day_whose_bad_rows_are_forgotten_has_no_rate_that_counts_them(take: Import) -> None:
    rows = [list(row) for row in tier_rows(300)]
    rows[4][1] = 9999
    await take({T: rows})
    head = await an_admin("330000", "head")
    for at, rates in (
        (NOW, (10_000, 0)),
        (NOW + THREE_YEARS - NEXT, (10_000, 0)),
        (NOW + THREE_YEARS, (None, None)),
    ):
        (found,) = await data_quality.report(head, DAY, DAY, "test", at)
        assert (found.accuracy, found.rectification) == rates
        assert found.conformity == 9_966


ORGANISATIONS = BatchOrganisationSource("test")


def listed(*usccs: str) -> list[tuple[Any, ...]]:
    """The list with these."""
    return [(uscc, DAY, f"d-{number}") for number, uscc in enumerate(usccs)]


def graded(**grades: int) -> list[tuple[Any, ...]]:
    """Grades of the two."""
    return [({"one": USCC, "two": OTHER}[name], grade, DAY, f"g-{name}") for name, grade in grades.items()]


async def test_an_organisation_is_found_with_its_grade_and_on_the_list(take: Import) -> None:
    with pytest.raises(OrganisationSourceUnavailable):
        await ORGANISATIONS.look_up(USCC)
    await take({G: graded(one=4)})
    with pytest.raises(OrganisationSourceUnavailable):  # nobody is cleared by a list that is not there
        await ORGANISATIONS.look_up(USCC)
    await take({G: graded(one=4), D: listed(OTHER)}, days=1)
    one, two = await ORGANISATIONS.look_up(USCC), await ORGANISATIONS.look_up(OTHER)
    assert (one.grade, one.is_dishonest, one.record_id) == (4, False, "g-one")
    assert (two.grade, two.is_dishonest, two.record_id) == (None, True, "d-0")


async def test_only_members_whose_data_changed_are_checked_again(take: Import) -> None:
    one, two = await a_member(uscc=USCC), await a_member(uscc=OTHER)
    await take({G: graded(one=4, two=4), D: listed()})
    waiting = "SELECT convert_from(payload, 'UTF8')::json ->> 'member_id' AS id FROM pgqueuer"
    assert {row["id"] for row in await fetch_all(waiting)} == {str(one), str(two)}
    await execute("DELETE FROM pgqueuer")
    await take({G: graded(one=4, two=4), D: listed(USCC)}, days=1)
    assert [row["id"] for row in await fetch_all(waiting)] == [str(one)]
    await execute("DELETE FROM pgqueuer")
    await take({R: [("organisation", USCC, "d-0", DAY + 2 * NEXT, "", "", "")]}, days=2)
    assert [row["id"] for row in await fetch_all(waiting)] == [str(one)]
    assert not (await ORGANISATIONS.look_up(USCC)).is_dishonest


async def test_settling_twice_changes_nothing(take: Import, wang: UUID) -> None:
    await take({T: tiers(500), R: repair(860)})
    (row,) = await fetch_all("SELECT id, number FROM credit_batches")
    for _ in range(2):
        await batch_effects.settle(row["id"], row["number"], NOW)
    assert (await desk(SOURCE).tier(wang, "my_credit", NOW)).level == 5
