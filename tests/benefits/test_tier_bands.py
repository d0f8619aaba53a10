"""Rule 2 against the schemes: two bands of each reach what an offer asks for, whichever of the two comes first."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from benefits import claims, tier_bands
from benefits.eligibility import Standing
from benefits.proposals import TitleSpellsTier
from benefits.tier_bands import TierAdmitsOneBand, levels_of_one_band
from common.database import execute, transaction
from tests.factories.citizens import a_person, consent
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.proposals import a_draft
from tests.factories.scans import a_key
from tests.factories.sources import Source, a_mapping, a_scheme, demo_scheme, desk, rating

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("levels", "too_high"),
    [
        ([1, 2, 3, 4, 5], []),
        ([2, 4, 5], []),
        ([2, 4, 4], []),
        ([2, 4], [3, 4]),
        ([1, 2, 3, 5], [4]),
        ([5], [1, 2, 3, 4]),
        ([1, 1, 1], [2, 3, 4]),
    ],
)
def test_which_tiers_one_band_alone_reaches(levels: list[int], too_high: list[int]) -> None:
    assert levels_of_one_band(levels) == too_high


async def test_an_offer_asks_for_no_more_than_two_bands_of_every_scheme_reach(shop: Shop) -> None:
    await demo_scheme()
    await a_draft(shop, title="诚信八折", min_tier_level=4)
    await a_scheme("sz", 1, ("jia", 4, 500, 1001), ("yi", 2, 0, 500), effective_from=NOON - DAY)
    for least in (3, 4):
        with pytest.raises(TierAdmitsOneBand):
            await a_draft(shop, title="诚信八折", min_tier_level=least)
    await a_draft(shop, title="诚信八折", min_tier_level=2)
    await a_draft(shop, title="诚信八折")


async def test_a_version_that_is_over_counts_no_more_and_one_that_is_announced_does(shop: Shop) -> None:
    await a_scheme("sz", 1, ("jia", 4, 500, 1001), ("yi", 2, 0, 500), effective_from=NOON - 2 * DAY)
    await a_scheme("sz", 2, ("jia", 5, 500, 1001), ("yi", 4, 0, 500), effective_from=NOON - DAY)
    await a_draft(shop, title="诚信八折", min_tier_level=4)
    await a_scheme("sz", 3, ("jia", 4, 500, 1001), ("yi", 2, 0, 500), effective_from=NOON + DAY)
    with pytest.raises(TierAdmitsOneBand):
        await a_draft(shop, title="诚信八折", min_tier_level=4)


async def test_what_is_proposed_is_seen_as_what_is_live(shop: Shop) -> None:
    live = await an_offer(shop, min_tier_level=4)
    proposed = await a_draft(shop, title="诚信八折", min_tier_level=3)
    await a_draft(shop, title="诚信九折", min_tier_level=2)
    found = await tier_bands.admitting_one([2, 4], NOON)
    assert {row["id"]: row["min_tier_level"] for row in found} == {live: 4, proposed: 3}
    assert await tier_bands.admitting_one([2, 4, 5], NOON) == []


async def test_of_an_offer_and_a_scheme_at_once_one_sees_the_other(shop: Shop) -> None:
    """Whoever comes second is refused: never are both there."""
    outcomes = set()

    async def propose() -> str:
        try:
            await a_draft(shop, title="诚信八折", min_tier_level=4)
        except TierAdmitsOneBand:
            return "offer refused"
        return "offer made"

    async def announce(code: str) -> str:
        async with transaction():
            await tier_bands.hold_offers_still()
            if await tier_bands.admitting_one([2, 4], NOON):
                return "scheme refused"
            await a_scheme(code, 1, ("yi", 2, 0, 500), ("jia", 4, 500, 1001), effective_from=NOON - DAY)
        return "scheme made"

    for turn in range(6):
        pair = (propose(), announce(f"s{turn}")) if turn % 2 else (announce(f"s{turn}"), propose())
        done = set(await asyncio.gather(*pair))
        assert done in ({"offer made", "scheme refused"}, {"offer refused", "scheme made"}), done
        outcomes |= done
        await execute("DELETE FROM tier_bands")
        await execute("DELETE FROM tier_schemes")
        await execute(
            "UPDATE offer_versions SET claim_until = claim_from + interval '1 day' WHERE state = 'draft'"
        )
    assert len(outcomes) >= 2


@pytest.mark.parametrize("title", ["桂花卡专享", "凭 GUIHUA 八折"])
async def test_no_title_spells_a_recognised_tier(shop: Shop, title: str) -> None:
    mapping_id = await a_mapping("sz-demo", ("guihua", 4, None, None))
    await execute("UPDATE tier_mapping_bands SET name = '桂花卡' WHERE mapping_id = $1", mapping_id)
    with pytest.raises(TitleSpellsTier):
        await a_draft(shop, title=title, min_tier_level=3)


async def test_a_claim_asks_anew_about_a_tier_that_is_due_and_only_then(shop: Shop) -> None:
    await demo_scheme(refresh=7)
    citizen_id, offer_id = await a_person("demo-excellent"), await an_offer(shop, min_tier_level=4)
    await consent(citizen_id)
    await desk(Source(rating(880))).tier(citizen_id, "my_credit", NOON)
    asked: list[Any] = []

    async def ask() -> Standing:
        asked.append(1)
        return Standing(True, 5, NOON.date())

    await claims.claim(citizen_id, offer_id, a_key(), ask, NOON + 7 * DAY - timedelta(seconds=1))
    assert asked == []
    await claims.claim(citizen_id, offer_id, a_key(), ask, NOON + 7 * DAY)
    assert asked == [1]
