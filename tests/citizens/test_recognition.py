"""互认: a rating under another place's scheme counts by the mapping of its day, and by none else not at all."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from citizens import consents
from citizens.consents import ConsentRequired
from citizens.credit import CreditDesk
from citizens.credit_sources import CreditSourceUnavailable, NoRecord, Rating
from citizens.credit_sources.guarded import GuardedSource
from citizens.recognition import RatedHere, RecognitionNotPossible, SchemeNotRecognised, recognise
from citizens.tier_mappings import Recognition, recognised
from common.database import fetch_all
from models.enums import LookupOutcome, TierLevel
from tests.factories.citizens import KEYS, PURPOSE, a_person, consent
from tests.factories.moments import NOON
from tests.factories.sources import NO_RECORD, Source, a_mapping, demo_scheme, desk, rating

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


class Elsewhere(Source):
    """A source that reaches other places."""

    async def look_up_under(self, scheme_code: str, *about: Any) -> Rating | NoRecord:
        """See `SourceOfOthers.look_up_under`."""
        return await self.look_up(*about)


def reaching(here: Source, there: Source) -> CreditDesk:
    """A desk that asks one source here and another one elsewhere."""
    return CreditDesk(here, KEYS, others=there)  # type: ignore[arg-type]


async def test_who_has_no_record_here_names_the_scheme_that_he_is_rated_under(wang: UUID) -> None:
    here, there = Source(NO_RECORD), Elsewhere(foreign(700))
    seen = await recognise(reaching(here, there), wang, "sh-demo", NOON)
    assert (seen.level, seen.scheme.code) == (TierLevel.GOOD, "sh-demo")
    lines = await fetch_all("SELECT reason, outcome, consent_id FROM credit_lookups ORDER BY id")
    assert [(line["reason"], line["outcome"]) for line in lines] == [
        ("recognition", "unrated"),
        ("recognition", "rated"),
    ]
    later = NOON + timedelta(seconds=1)
    assert await desk(Source(DOWN)).tier(wang, "claim", later) == seen, "it is his tier from now on"
    assert len({consent_id for _, _, consent_id in here.asked + there.asked}) == 1


async def test_a_record_here_goes_before_another_places(wang: UUID) -> None:
    there = Elsewhere(foreign(1000))
    with pytest.raises(RatedHere):
        await recognise(reaching(Source(rating(600)), there), wang, "sh-demo", NOON)
    assert there.asked == []


@pytest.mark.parametrize("code", ["nobody-s", "zj-demo"])
async def test_only_what_is_recognised_today_is_asked(wang: UUID, code: str) -> None:
    here, there = Source(NO_RECORD), Elsewhere(foreign(700))
    with pytest.raises(SchemeNotRecognised):
        await recognise(reaching(here, there), wang, code, NOON)
    with pytest.raises(SchemeNotRecognised):
        await recognise(reaching(here, there), wang, "sh-demo", NOON + timedelta(days=400))
    assert here.asked == there.asked == []


async def test_a_source_that_reaches_nobody_else_says_so(wang: UUID) -> None:
    with pytest.raises(RecognitionNotPossible):
        await recognise(desk(Source(NO_RECORD)), wang, "sh-demo", NOON)


async def test_without_consent_nobody_is_asked_anywhere(wang: UUID) -> None:
    await consents.withdraw(wang, PURPOSE, NOON)
    here, there = Source(NO_RECORD), Elsewhere(foreign(700))
    with pytest.raises(ConsentRequired):
        await recognise(reaching(here, there), wang, "sh-demo", NOON)
    assert here.asked == there.asked == [] and await fetch_all("SELECT 1 FROM credit_lookups") == []


@pytest.mark.parametrize("says", [rating(1000), Rating("js-demo", 700, LAST_DAY, "x"), DOWN])
async def test_an_answer_to_another_question_makes_no_tier(wang: UUID, says: Any) -> None:
    with pytest.raises(CreditSourceUnavailable):
        await recognise(reaching(Source(NO_RECORD), Elsewhere(says)), wang, "sh-demo", NOON)
    assert [row["level"] for row in await fetch_all("SELECT level FROM tier_snapshots")] == [None]


async def test_the_guard_stands_before_other_places_too(wang: UUID) -> None:
    guarded = GuardedSource(Elsewhere(ValueError("broken")))  # type: ignore[arg-type]
    assert guarded.reaches_others and not GuardedSource(Source(NO_RECORD)).reaches_others  # type: ignore[arg-type]
    with pytest.raises(CreditSourceUnavailable):
        await recognise(CreditDesk(Source(NO_RECORD), KEYS, others=guarded), wang, "sh-demo", NOON)  # type: ignore[arg-type]


async def test_what_counts_now_or_later_is_listed(wang: UUID) -> None:
    assert [each.version for each in await recognised(LAST_DAY, 0, 10)] == [1, 2]
    [second] = await recognised(NEXT_DAY, 0, 10)
    assert second.version == 2 and await recognised(NEXT_DAY, second.id, 10) == []
