"""Consents: to the text in force, once, kept as proof, ended at once, whatever happens at the same time."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from citizens import consents
from citizens.consents import ConsentVersionOutdated
from common.database import Row, execute, fetch_all
from common.errors import NotFound
from tests.factories.citizens import PURPOSE, a_citizen, consent
from tests.factories.moments import NOON, shanghai

SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.usefixtures("database")


async def rows_of(citizen_id: UUID) -> list[Row]:
    return list(
        await fetch_all("SELECT * FROM consents WHERE citizen_id = $1 ORDER BY granted_at, id", citizen_id)
    )


async def new_text(version: str, effective_from: object) -> None:
    await execute(
        "INSERT INTO consent_texts (purpose, version, title, text, sha256, effective_from)"
        " VALUES ($1, $2, '信用查询授权书', '新的内容', repeat('0', 64), $3)",
        *(PURPOSE, version, effective_from),
    )


async def test_the_text_in_force_is_the_newest_that_is_effective() -> None:
    first = await consents.text_in_force(PURPOSE, NOON)
    await new_text("2026-05-01", shanghai("2026-05-01 00:00"))
    assert await consents.text_in_force(PURPOSE, shanghai("2026-04-30 23:59:59.999")) == first
    assert (await consents.text_in_force(PURPOSE, shanghai("2026-05-01 00:00"))).version == "2026-05-01"
    with pytest.raises(NotFound):
        await consents.text_in_force(PURPOSE, shanghai("2025-12-31 23:59:59.999"))


async def test_a_consent_keeps_what_was_agreed_to_and_when() -> None:
    citizen_id, text = await a_citizen(), await consents.text_in_force(PURPOSE, NOON)
    given = await consents.grant(citizen_id, PURPOSE, text.version, NOON)
    (row,) = await rows_of(citizen_id)
    assert (row["id"], row["purpose"], row["version"]) == (given.id, PURPOSE, text.version)
    assert (row["text_sha256"], row["granted_at"], row["withdrawn_at"]) == (text.sha256, NOON, None)
    assert await consents.in_force(citizen_id) == [given]


@pytest.mark.parametrize("version", ["", "2025-01-01", "2099-01-01"])
async def test_another_version_than_the_one_in_force_is_refused(version: str) -> None:
    citizen_id = await a_citizen()
    with pytest.raises(ConsentVersionOutdated) as refused:
        await consents.grant(citizen_id, PURPOSE, version, NOON)
    assert refused.value.facts["version"] == "2026-01-01"
    assert await rows_of(citizen_id) == []


async def test_agreeing_again_changes_nothing() -> None:
    citizen_id = await a_citizen()
    first = await consent(citizen_id, NOON)
    assert await consent(citizen_id, NOON + SECOND) == first
    assert len(await rows_of(citizen_id)) == 1


async def test_a_new_text_needs_a_new_consent_which_ends_the_old_one() -> None:
    citizen_id = await a_citizen()
    old = await consent(citizen_id, NOON)
    later = shanghai("2026-05-01 08:00")
    await new_text("2026-05-01", shanghai("2026-05-01 00:00"))
    with pytest.raises(ConsentVersionOutdated):
        await consents.grant(citizen_id, PURPOSE, "2026-01-01", later)
    new = await consent(citizen_id, later)
    assert [(row["id"], row["withdrawn_at"]) for row in await rows_of(citizen_id)] == [
        (old, later),
        (new, None),
    ]


async def test_withdrawing_dates_the_proof_and_keeps_it() -> None:
    citizen_id = await a_citizen()
    given = await consent(citizen_id, NOON)
    await consents.withdraw(citizen_id, PURPOSE, NOON + SECOND)
    await consents.withdraw(citizen_id, PURPOSE, NOON + 2 * SECOND)
    (row,) = await rows_of(citizen_id)
    assert (row["id"], row["withdrawn_at"]) == (given, NOON + SECOND)
    assert await consents.in_force(citizen_id) == []


async def test_withdrawing_nothing_is_fine() -> None:
    await consents.withdraw(await a_citizen(), PURPOSE, NOON)


async def test_agreeing_after_withdrawing_is_a_new_proof() -> None:
    citizen_id = await a_citizen()
    first = await consent(citizen_id, NOON)
    await consents.withdraw(citizen_id, PURPOSE, NOON + SECOND)
    second = await consent(citizen_id, NOON + 2 * SECOND)
    assert first != second and len(await rows_of(citizen_id)) == 2


async def test_a_clock_that_was_set_back_withdraws_all_the_same() -> None:
    citizen_id = await a_citizen()
    await consent(citizen_id, NOON)
    await consents.withdraw(citizen_id, PURPOSE, NOON - timedelta(days=1))
    (row,) = await rows_of(citizen_id)
    assert row["withdrawn_at"] == row["granted_at"] == NOON


async def test_somebody_elses_consent_stays() -> None:
    first, second = await a_citizen(), await a_citizen()
    await consent(first)
    await consent(second)
    await consents.withdraw(first, PURPOSE, NOON)
    assert await consents.in_force(first) == [] and len(await consents.in_force(second)) == 1


async def test_agreeing_many_times_at_once_is_one_consent() -> None:
    citizen_id = await a_citizen()
    ids = await asyncio.gather(*(consent(citizen_id) for _ in range(12)))
    assert len(set(ids)) == 1 and len(await rows_of(citizen_id)) == 1


async def test_two_that_both_found_no_consent_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked before either writes: the unique index decides."""
    citizen_id, both_looked = await a_citizen(), asyncio.Barrier(2)
    look, waited = consents.in_force, [0]

    async def look_together(citizen_id: UUID) -> object:
        found = await look(citizen_id)
        waited[0] += 1
        if waited[0] <= 2:
            await both_looked.wait()
        return found

    monkeypatch.setattr(consents, "in_force", look_together)
    first, second = await asyncio.gather(consent(citizen_id), consent(citizen_id))
    assert first == second and len(await rows_of(citizen_id)) == 1


async def test_a_withdrawal_right_after_the_agreement_is_not_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The citizen changes his mind before his agreement was answered: it had been given, and is over."""
    citizen_id, look, looks = await a_citizen(), consents.in_force, [0]

    async def withdraw_before_the_second_look(citizen_id: UUID) -> object:
        looks[0] += 1
        if looks[0] == 2:
            await consents.withdraw(citizen_id, PURPOSE, NOON + SECOND)
        return await look(citizen_id)

    monkeypatch.setattr(consents, "in_force", withdraw_before_the_second_look)
    await consent(citizen_id)
    if looks[0] < 2:
        await consents.withdraw(citizen_id, PURPOSE, NOON + SECOND)
    assert await look(citizen_id) == []
    assert len(await rows_of(citizen_id)) == 1
