"""A tier that is due is taken anew; while the source is down the last valid one is given, marked, and never a guess."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from citizens import consents
from citizens.consents import ConsentRequired
from citizens.credit import REST_AFTER_FAILURE
from citizens.credit_sources import CreditSourceUnavailable
from citizens.credit_sources.guarded import GuardedSource
from common.database import execute, fetch_all
from models.enums import LookupOutcome, TierLevel
from tests.factories.citizens import PURPOSE, a_person, consent
from tests.factories.moments import NOON
from tests.factories.sources import Source, a_scheme, demo_scheme, desk, rating

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
DOWN = CreditSourceUnavailable()


@pytest.fixture
async def wang(database: str) -> UUID:
    """Rated at noon under a scheme whose tiers are good for 30 days and taken anew after 7."""
    await demo_scheme(refresh=7)
    citizen_id = await a_person("demo-excellent")
    await consent(citizen_id)
    seen = await desk(Source(rating(880))).tier(citizen_id, "my_credit", NOON)
    assert seen.is_fresh and seen.valid_until == NOON + 30 * DAY
    return citizen_id


async def outcomes() -> list[str]:
    return [row["outcome"] for row in await fetch_all("SELECT outcome FROM credit_lookups ORDER BY id")]


async def test_it_is_taken_anew_from_its_day_on_and_not_before(wang: UUID) -> None:
    source = Source(rating(760))
    before = await desk(source).tier(wang, "claim", NOON + 7 * DAY - SECOND)
    assert (before.level, before.is_fresh, source.asked) == (TierLevel.EXCELLENT, True, [])
    after = await desk(source).tier(wang, "claim", NOON + 7 * DAY)
    assert (after.level, after.is_fresh, after.taken_at) == (TierLevel.GOOD, True, NOON + 7 * DAY)
    assert await outcomes() == [LookupOutcome.RATED] * 2, "each look-up has its line"


async def test_while_the_source_is_down_the_last_valid_one_is_given_with_its_date(wang: UUID) -> None:
    at = NOON + 8 * DAY
    seen = await desk(Source(DOWN)).tier(wang, "my_credit", at)
    assert (seen.level, seen.is_fresh, seen.taken_at) == (TierLevel.EXCELLENT, False, NOON)
    assert await outcomes() == [LookupOutcome.RATED, LookupOutcome.UNAVAILABLE]
    last = await desk(Source(DOWN)).tier(wang, "my_credit", NOON + 30 * DAY - SECOND)
    assert not last.is_fresh
    with pytest.raises(CreditSourceUnavailable):
        await desk(Source(DOWN)).tier(wang, "my_credit", NOON + 30 * DAY)


@pytest.mark.parametrize("says", [DOWN, rating(1001), rating(880, scheme_code="nobody-s"), ValueError("?")])
async def test_a_lying_source_changes_nothing_either(wang: UUID, says: object) -> None:
    source = Source(says)  # type: ignore[arg-type]
    seen = await desk(GuardedSource(source)).tier(wang, "my_credit", NOON + 8 * DAY)  # type: ignore[arg-type]
    assert (seen.level, seen.is_fresh, len(source.asked)) == (TierLevel.EXCELLENT, False, 1)
    assert len(await fetch_all("SELECT 1 FROM tier_snapshots")) == 1


async def test_what_failed_is_not_tried_again_for_some_minutes(wang: UUID) -> None:
    at, source = NOON + 8 * DAY, Source(DOWN)
    for _ in range(3):
        assert not (await desk(source).tier(wang, "claim", at)).is_fresh
    assert len(source.asked) == 1
    soon, back = Source(rating(760)), at + REST_AFTER_FAILURE
    assert not (await desk(soon).tier(wang, "claim", back - SECOND)).is_fresh
    assert (await desk(soon).tier(wang, "claim", back)).level is TierLevel.GOOD
    assert len(soon.asked) == 1


async def test_the_failure_of_one_citizen_keeps_no_other_from_asking(wang: UUID) -> None:
    other = await a_person("demo-good")
    await consent(other)
    at = NOON + 8 * DAY
    await desk(Source(DOWN)).tier(wang, "claim", at)
    assert (await desk(Source(rating(760))).tier(other, "claim", at)).level is TierLevel.GOOD


async def test_while_one_request_asks_another_one_does_not_wait_for_it(wang: UUID) -> None:
    at, asked, goes_on = NOON + 8 * DAY, asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        asked.set()
        await goes_on.wait()

    first = asyncio.create_task(desk(Source(rating(760), hang)).tier(wang, "my_credit", at))
    await asked.wait()
    silent = Source(rating(760))
    seen = await desk(silent).tier(wang, "claim", at)
    assert (seen.level, seen.is_fresh, silent.asked) == (TierLevel.EXCELLENT, False, [])
    goes_on.set()
    assert (await first).level is TierLevel.GOOD


async def test_a_consent_withdrawn_while_the_source_failed_shows_nothing(wang: UUID) -> None:
    at = NOON + 8 * DAY

    async def withdraw() -> None:
        await consents.withdraw(wang, PURPOSE, at)

    with pytest.raises((ConsentRequired, CreditSourceUnavailable)) as refused:
        await desk(Source(DOWN, withdraw)).tier(wang, "my_credit", at)
    assert isinstance(refused.value, ConsentRequired)


async def test_who_was_erased_meanwhile_is_asked_about_no_more(wang: UUID) -> None:
    await execute("DELETE FROM natural_persons WHERE citizen_id = $1", wang)
    source = Source(rating(760))
    seen = await desk(source).tier(wang, "my_credit", NOON + 8 * DAY)
    assert (seen.is_fresh, source.asked) == (False, [])


async def test_the_grace_band_holds_across_the_versions_of_a_scheme(wang: UUID) -> None:
    """Rule 4: a new version that moves the cut-off by a few points lowers nobody at once."""
    bands = [("bad", 1, 0, 550), ("poor", 2, 550, 650), ("fair", 3, 650, 750)]
    bands += [("good", 4, 750, 885), ("excellent", 5, 885, 1001)]
    await a_scheme("zj-demo", 2, *bands, effective_from=NOON + 5 * DAY, grace=5, refresh=7)
    kept = await desk(Source(rating(880))).tier(wang, "my_credit", NOON + 7 * DAY)
    assert kept.level is TierLevel.EXCELLENT, "five points below the new cut-off"
    lower = await desk(Source(rating(879))).tier(wang, "my_credit", NOON + 14 * DAY)
    assert lower.level is TierLevel.GOOD, "six are more than the grace"


async def test_a_version_counts_from_its_date_even_in_the_middle_of_a_look_up(wang: UUID) -> None:
    at = NOON + 7 * DAY

    async def announce() -> None:
        await a_scheme("zj-demo", 2, ("one", 3, 0, 1001), effective_from=at + SECOND)

    seen = await desk(Source(rating(880), announce)).tier(wang, "claim", at)
    assert seen.level is TierLevel.EXCELLENT, "announced, and not in force at the moment of the look-up"
    again = await desk(Source(rating(880))).tier(wang, "claim", at + 7 * DAY)
    assert (again.level, again.scheme.code) == (TierLevel.FAIR, "zj-demo")
