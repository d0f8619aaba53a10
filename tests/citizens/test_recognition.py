"""互认: a rating under another place's scheme counts by the mapping of its day, and by none else not at all."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from citizens.credit_sources import CreditSourceUnavailable, NoRecord, Rating
from citizens.tier_mappings import Recognition, recognised
from common.database import fetch_all
from models.enums import LookupOutcome, TierLevel
from tests.factories.citizens import a_person, consent
from tests.factories.moments import NOON
from tests.factories.sources import Source, a_mapping, demo_scheme, desk, rating

LAST_DAY, NEXT_DAY = date(2026, 2, 28), date(2026, 3, 1)


def foreign(score: int | None, day: date = LAST_DAY, tier: str | None = None) -> Rating:
    return Rating("sh-demo", score, day, "sh-1", tier)


@pytest.fixture
async def wang(database: str) -> UUID:
    """Somebody who has agreed; Shanghai's scheme is mapped until March, and otherwise from then on."""
    await demo_scheme()
    await a_mapping("sh-demo", ("a", 4, 700, 1001), ("b", 2, 0, 700), until=NEXT_DAY)
    await a_mapping("sh-demo", ("a", 5, 700, 1001), ("b", 3, 0, 700), version=2, since=NEXT_DAY)
    citizen_id = await a_person("demo-unrated")
    await consent(citizen_id)
    return citizen_id


@pytest.mark.parametrize(
    ("score", "day", "code", "level"),
    [
        (700, LAST_DAY, "a", TierLevel.GOOD),
        (699, LAST_DAY, "b", TierLevel.POOR),
        (1000, NEXT_DAY, "a", TierLevel.EXCELLENT),
        (0, NEXT_DAY, "b", TierLevel.FAIR),
    ],
)
async def test_the_mapping_of_the_datas_day_counts(
    wang: UUID, score: int, day: date, code: str, level: TierLevel
) -> None:
    seen = await desk(Source(foreign(score, day))).tier(wang, "my_credit", NOON)
    assert isinstance(seen.scheme, Recognition) and seen.band is not None
    assert (seen.band.code, seen.level, seen.data_date) == (code, level, day)
    assert (seen.scheme.version, seen.scheme.place) == (1 if day == LAST_DAY else 2, "上海")
    [row] = await fetch_all("SELECT * FROM tier_snapshots")
    assert (row["scheme_id"], row["mapping_id"], row["level"]) == (None, seen.scheme.id, level)
    assert await desk(Source(DOWN)).tier(wang, "claim", NOON) == seen, "read back as it was made"


DOWN = CreditSourceUnavailable()


@pytest.mark.parametrize(
    "says",
    [
        foreign(700, date(2025, 12, 31)),
        foreign(700, date(2027, 1, 1)),
        foreign(1001),
        foreign(-1),
        foreign(None),
        foreign(None, tier="a"),
        Rating("js-demo", 700, LAST_DAY, "js-1"),
    ],
)
async def test_what_no_mapping_has_a_place_for_makes_no_tier(wang: UUID, says: Rating) -> None:
    with pytest.raises(CreditSourceUnavailable):
        await desk(Source(says)).tier(wang, "my_credit", NOON)
    assert await fetch_all("SELECT 1 FROM tier_snapshots") == []
    [line] = await fetch_all("SELECT outcome FROM credit_lookups")
    assert line["outcome"] == LookupOutcome.UNAVAILABLE


async def test_a_scheme_without_scores_is_mapped_by_its_tiers_codes(wang: UUID) -> None:
    await a_mapping("sz-demo", ("gui", 5, None, None), ("hua", 4, None, None))
    says = Rating("sz-demo", None, LAST_DAY, "sz-1", "hua")
    assert (await desk(Source(says)).tier(wang, "my_credit", NOON)).level is TierLevel.GOOD
    later = NOON + timedelta(days=31)
    with pytest.raises(CreditSourceUnavailable):
        await desk(Source(Rating("sz-demo", 900, LAST_DAY, "sz-1", "bai"))).tier(wang, "my_credit", later)


async def test_no_record_under_a_recognised_scheme_is_unrated(wang: UUID) -> None:
    seen = await desk(Source(NoRecord("sh-demo", LAST_DAY))).tier(wang, "my_credit", NOON)
    assert (seen.band, seen.level) == (None, None)
    assert await desk(Source(DOWN)).tier(wang, "my_credit", NOON) == seen


async def test_an_ended_mapping_takes_nothing_from_what_was_taken_under_it(wang: UUID) -> None:
    seen = await desk(Source(foreign(700))).tier(wang, "my_credit", NOON)
    assert await desk(Source(DOWN)).tier(wang, "claim", seen.valid_until - timedelta(seconds=1)) == seen


async def test_one_home_look_up_later_the_home_tier_counts(wang: UUID) -> None:
    await desk(Source(foreign(700))).tier(wang, "my_credit", NOON)
    later = NOON + timedelta(days=31)
    assert (await desk(Source(rating(880))).tier(wang, "my_credit", later)).scheme.code == "zj-demo"


async def test_what_counts_now_or_later_is_listed(wang: UUID) -> None:
    assert [each.version for each in await recognised(LAST_DAY, 0, 10)] == [1, 2]
    [second] = await recognised(NEXT_DAY, 0, 10)
    assert second.version == 2 and await recognised(NEXT_DAY, second.id, 10) == []
