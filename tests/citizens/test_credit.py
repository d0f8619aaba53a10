"""The tier: looked up under a consent in force and never without, every time with a line that its citizen can read."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from citizens import consents, credit
from citizens.consents import ConsentRequired
from citizens.credit_sources import CreditSourceUnavailable, Rating
from citizens.credit_sources.none import NoSource
from common.database import Row, execute, fetch_all
from models.enums import LookupOutcome, TierLevel
from tests.factories.citizens import PURPOSE, a_citizen, a_person, consent
from tests.factories.moments import NOON, shanghai
from tests.factories.sources import AS_OF, NO_RECORD, Source, a_scheme, demo_scheme, desk, rating

SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.usefixtures("scheme")


async def lookups() -> list[Row]:
    return list(await fetch_all("SELECT * FROM credit_lookups ORDER BY id"))


async def snapshots() -> list[Row]:
    return list(await fetch_all("SELECT * FROM tier_snapshots ORDER BY id"))


@pytest.fixture
async def scheme(database: str) -> int:
    """The demo scheme, in force since the beginning of the year."""
    return await demo_scheme()


@pytest.fixture
async def wang(scheme: int) -> UUID:
    """A person who has agreed to the credit check."""
    citizen_id = await a_person("demo-excellent")
    await consent(citizen_id)
    return citizen_id


async def test_without_consent_nobody_is_asked_and_nothing_is_logged() -> None:
    """Rule 1."""
    citizen_id, source = await a_person("demo-excellent"), Source(rating(880))
    with pytest.raises(ConsentRequired):
        await desk(source).tier(citizen_id, "my_credit", NOON)
    assert source.asked == [] and await lookups() == [] and await snapshots() == []


async def test_a_consent_withdrawn_just_before_the_look_up_stops_it(
    wang: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was seen in force, and is not any more when the line would be written."""
    look, source = credit._valid_snapshot, Source(rating(880))

    async def look_then_withdraw(citizen_id: UUID, at: datetime) -> credit.Snapshot | None:
        found = await look(citizen_id, at)
        await consents.withdraw(citizen_id, PURPOSE, at)
        return found

    monkeypatch.setattr(credit, "_valid_snapshot", look_then_withdraw)
    with pytest.raises(ConsentRequired):
        await desk(source).tier(wang, "my_credit", NOON)
    assert source.asked == [] and await lookups() == []


async def test_a_consent_withdrawn_after_the_line_was_written_stops_the_question(
    wang: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, source = credit.CreditDesk._log_lookup, Source(rating(880))

    async def write_then_withdraw(*about: Any) -> tuple[UUID, UUID]:
        line = await write(*about)
        await consents.withdraw(wang, PURPOSE, NOON)
        return line

    monkeypatch.setattr(credit.CreditDesk, "_log_lookup", write_then_withdraw)
    with pytest.raises(ConsentRequired):
        await desk(source).tier(wang, "my_credit", NOON)
    (line,) = await lookups()
    assert source.asked == [] and line["outcome"] == LookupOutcome.DISCARDED and await snapshots() == []


async def test_a_look_up_is_logged_with_the_consent_that_allowed_it(wang: UUID) -> None:
    source = Source(rating(880))
    seen = await desk(source).tier(wang, "my_credit", NOON)
    (proof,) = await consents.in_force(wang)
    (line,) = await lookups()
    assert (line["citizen_id"], line["consent_id"], line["source"]) == (wang, proof.id, "test")
    assert (line["looked_up_by"], line["reason"], line["looked_up_at"]) == ("citizen", "my_credit", NOON)
    assert line["outcome"] == LookupOutcome.RATED
    ((id_number, purpose, shown_proof),) = source.asked
    assert (id_number[:17], purpose, shown_proof) == ("33010619800312001", PURPOSE, proof.id)
    assert seen.level is TierLevel.EXCELLENT and seen.data_date == AS_OF
    assert seen.valid_until == NOON + timedelta(days=30)


async def test_the_score_itself_is_kept_nowhere(wang: UUID) -> None:
    await desk(Source(rating(877))).tier(wang, "my_credit", NOON)
    (row,) = await snapshots()
    assert 877 not in dict(row).values()
    assert (row["level"], row["tier_code"], row["source_record_id"]) == (5, "excellent", "record-1")


async def test_a_valid_snapshot_is_used_and_nobody_is_asked_again(wang: UUID) -> None:
    source = Source(rating(880))
    first = await desk(source).tier(wang, "my_credit", NOON)
    assert await desk(source).tier(wang, "claim", first.valid_until - timedelta(milliseconds=1)) == first
    assert len(source.asked) == len(await lookups()) == 1
    await desk(source).tier(wang, "claim", first.valid_until)
    assert len(source.asked) == len(await lookups()) == len(await snapshots()) == 2


async def test_a_valid_snapshot_is_not_shown_without_consent(wang: UUID) -> None:
    source = Source(rating(880))
    await desk(source).tier(wang, "my_credit", NOON)
    await consents.withdraw(wang, PURPOSE, NOON + SECOND)
    with pytest.raises(ConsentRequired):
        await desk(source).tier(wang, "my_credit", NOON + 2 * SECOND)
    assert len(source.asked) == 1


async def test_who_has_no_record_is_unrated_which_is_no_bad_mark(wang: UUID) -> None:
    seen = await desk(Source(NO_RECORD)).tier(wang, "my_credit", NOON)
    assert (seen.band, seen.level, seen.data_date) == (None, None, AS_OF)
    ((line,), (row,)) = await lookups(), await snapshots()
    assert (line["outcome"], row["level"], row["tier_code"]) == (LookupOutcome.UNRATED, None, None)
    assert await desk(Source(rating(0))).tier(wang, "my_credit", NOON) == seen


async def test_an_answer_that_comes_after_the_withdrawal_is_thrown_away(wang: UUID) -> None:
    async def withdraw() -> None:
        await consents.withdraw(wang, PURPOSE, NOON + SECOND)

    with pytest.raises(ConsentRequired):
        await desk(Source(rating(880), withdraw)).tier(wang, "my_credit", NOON)
    assert await snapshots() == []
    assert [line["outcome"] for line in await lookups()] == [LookupOutcome.DISCARDED]


async def test_an_answer_under_an_ended_consent_is_no_answer_under_a_new_one(wang: UUID) -> None:
    async def withdraw_and_agree_again() -> None:
        await consents.withdraw(wang, PURPOSE, NOON + SECOND)
        await consent(wang, NOON + 2 * SECOND)

    with pytest.raises(ConsentRequired):
        await desk(Source(rating(880), withdraw_and_agree_again)).tier(wang, "my_credit", NOON)
    assert await snapshots() == []


@pytest.mark.parametrize(
    "says",
    [
        rating(-1),
        rating(1001),
        rating(10**12),
        rating(880, scheme_code="nobody-s"),
        CreditSourceUnavailable(),
        ValueError("broken answer"),
    ],
)
@pytest.mark.parametrize("previous", [None, 300, 900])
async def test_a_broken_or_lying_source_never_makes_a_tier(
    wang: UUID, says: Any, previous: int | None
) -> None:
    before = 0
    if previous is not None:
        await desk(Source(rating(previous))).tier(wang, "my_credit", NOON - timedelta(days=60))
        before = 1
    with pytest.raises(CreditSourceUnavailable):
        await desk(Source(says)).tier(wang, "my_credit", NOON)
    assert len(await snapshots()) == before
    assert [line["outcome"] for line in await lookups()][before:] == [LookupOutcome.UNAVAILABLE]


async def test_without_a_configured_source_no_tier_is_made_up(wang: UUID) -> None:
    with pytest.raises(CreditSourceUnavailable):
        await desk(NoSource()).tier(wang, "my_credit", NOON)
    assert await snapshots() == []


async def test_whose_number_nobody_knows_is_not_asked_about() -> None:
    citizen_id, source = await a_citizen(), Source(rating(880))
    await consent(citizen_id)
    with pytest.raises(credit.IdentityUnverified):
        await desk(source).tier(citizen_id, "my_credit", NOON)
    # Nothing was asked, so nothing is logged, and "try later" would never come true.
    assert source.asked == [] and await lookups() == []


async def test_when_to_come_back_is_what_the_source_said(wang: UUID) -> None:
    with pytest.raises(CreditSourceUnavailable) as refused:
        await desk(Source(CreditSourceUnavailable(retry_after_s=10))).tier(wang, "my_credit", NOON)
    assert refused.value.retry_after_s == 10


async def test_a_look_up_that_was_cut_off_leaves_its_line(wang: UUID) -> None:
    asked = asyncio.Event()

    async def hang() -> None:
        asked.set()
        await asyncio.sleep(60)

    asking = asyncio.create_task(desk(Source(rating(880), hang)).tier(wang, "my_credit", NOON))
    await asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [line["outcome"] for line in await lookups()] == [LookupOutcome.PENDING]
    assert await snapshots() == []


async def test_who_falls_by_a_few_points_keeps_his_tier_and_by_more_does_not(wang: UUID) -> None:
    """Rule 4; the demo scheme has five points of grace."""
    levels = []
    for month, score in enumerate((850, 846, 846, 844, 849)):
        at = NOON + timedelta(days=31 * month)
        levels.append((await desk(Source(rating(score))).tier(wang, "my_credit", at)).level)
    assert levels == [5, 5, 5, 4, 4]


async def test_a_new_scheme_counts_for_new_look_ups_from_its_date_on(wang: UUID) -> None:
    await a_scheme("zj-demo", 2, ("one", 3, 0, 1001), effective_from=shanghai("2026-05-01 00:00"), days=7)
    before = await desk(Source(rating(880))).tier(wang, "my_credit", shanghai("2026-04-30 12:00"))
    still = await desk(Source(rating(880))).tier(wang, "my_credit", shanghai("2026-05-02 12:00"))
    assert still == before and before.level is TierLevel.EXCELLENT
    after = await desk(Source(rating(880))).tier(wang, "my_credit", shanghai("2026-06-01 12:00"))
    assert (after.level, after.valid_until) == (TierLevel.FAIR, shanghai("2026-06-08 12:00"))
    assert after.scheme.id != before.scheme.id


async def test_a_citizen_reads_his_own_look_ups_newest_first(wang: UUID) -> None:
    other = await a_person("demo-good")
    await consent(other)
    await desk(Source(rating(760))).tier(other, "my_credit", NOON)
    for month, reason in enumerate(("my_credit", "claim", "claim")):
        await desk(Source(rating(880))).tier(wang, reason, NOON + timedelta(days=31 * month))
    lines = await credit.lookups_of(wang, None, 10)
    assert [line.looked_up_at for line in lines] == [NOON + timedelta(days=31 * month) for month in (2, 1, 0)]
    (proof,) = await consents.in_force(wang)
    newest = lines[0]
    assert (newest.reason, newest.looked_up_by, newest.source) == ("claim", "citizen", "test")
    assert (newest.consent_id, newest.consent_version) == (proof.id, proof.version)
    assert newest.outcome is LookupOutcome.RATED
    assert await credit.lookups_of(wang, lines[0].id, 1) == lines[1:2]


def test_a_rating_has_no_place_for_what_may_not_be_stored() -> None:
    """Rule 11."""
    assert set(Rating.__slots__) == {"scheme_code", "score", "data_date", "record_id", "tier_code"}


async def test_the_log_outlives_consent_and_person(wang: UUID) -> None:
    await desk(Source(rating(880))).tier(wang, "my_credit", NOON)
    await consents.withdraw(wang, PURPOSE, NOON + SECOND)
    await execute("DELETE FROM natural_persons WHERE citizen_id = $1", wang)
    assert len(await credit.lookups_of(wang, None, 10)) == 1
