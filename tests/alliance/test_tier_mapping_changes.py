"""互认: two heads recognise another place's scheme; for a day there is one mapping, and it can only end sooner."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance import decisions, tier_mapping_changes
from alliance.permissions import ProvinceAlone
from citizens.tier_mapping_versions import (
    MappingDaysInvalid,
    MappingDraft,
    MappingEndPast,
    MappingOverlaps,
    SchemeIsOurs,
    TiersNotInOrder,
    check_draft,
)
from citizens.tier_mappings import MappedTier, recognition_at
from common.database import fetch_all
from common.errors import NotFound
from models.enums import TierLevel
from tests.factories.admins import an_admin
from tests.factories.moments import NOON
from tests.factories.sources import demo_scheme

LOW, HIGH = MappedTier("b", "一般", TierLevel.FAIR, 0, 700), MappedTier("a", "优", TierLevel.GOOD, 700, 1001)
GOLD, BLUE = MappedTier("gui", "桂花", TierLevel.EXCELLENT), MappedTier("he", "荷花", TierLevel.FAIR)
DRAFT = MappingDraft(
    "sh-demo", "随申分", "上海", "互认目录", 30, date(2026, 1, 1), date(2027, 1, 1), [LOW, HIGH]
)


async def agreed(asking: Any) -> None:
    await decisions.approve(await an_admin(), await asking, "同意", NOON)


async def test_two_heads_recognise_a_scheme_from_its_day_until_its_end(database: str) -> None:
    asker = await an_admin("330000", "operator")
    approval_id = await tier_mapping_changes.ask(asker, DRAFT, "长三角", NOON)
    assert await recognition_at("sh-demo", date(2026, 6, 1)) is None
    await decisions.approve(await an_admin(), approval_id, "同意", NOON)
    for day, is_there in (
        ("2025-12-31", False),
        ("2026-01-01", True),
        ("2026-12-31", True),
        ("2027-01-01", False),
    ):
        found = await recognition_at("sh-demo", date.fromisoformat(day))
        assert (found is not None) is is_there, day
    found = await recognition_at("sh-demo", date(2026, 1, 1))
    assert found is not None and list(found.tiers) == [LOW, HIGH]
    [row] = await fetch_all("SELECT approval_id, version FROM tier_mappings")
    assert (row["approval_id"], row["version"]) == (approval_id, 1)
    actions = [row["action"] for row in await fetch_all("SELECT action FROM audit_records ORDER BY entry")]
    assert actions == ["tier_mapping.ask", "tier_mapping.approved", "tier_mapping.publish"]


async def test_for_a_day_there_is_one_mapping_of_a_scheme(database: str) -> None:
    asker = await an_admin()
    await agreed(tier_mapping_changes.ask(asker, DRAFT, "长三角", NOON))
    for since, until in (
        ("2025-01-01", "2026-01-02"),
        ("2026-12-31", "2028-01-01"),
        ("2026-02-01", "2026-03-01"),
    ):
        days = {"effective_from": date.fromisoformat(since), "effective_until": date.fromisoformat(until)}
        with pytest.raises(MappingOverlaps):
            await tier_mapping_changes.ask(asker, replace(DRAFT, **days), "长三角", NOON)
    after = replace(DRAFT, effective_from=date(2027, 1, 1), effective_until=date(2028, 1, 1))
    await agreed(tier_mapping_changes.ask(asker, after, "长三角", NOON))
    before = replace(
        DRAFT, effective_from=date(2025, 1, 1), effective_until=date(2026, 1, 1), tiers=[GOLD, BLUE]
    )
    await agreed(tier_mapping_changes.ask(asker, before, "长三角", NOON))
    found = await recognition_at("sh-demo", date(2025, 6, 1))
    assert found is not None and (found.version, list(found.tiers)) == (3, [GOLD, BLUE])


async def test_of_two_mappings_agreed_to_at_once_one_counts(database: str) -> None:
    from citizens import tier_mapping_versions
    from common.database import transaction

    async def publish_now() -> None:
        async with transaction():
            await tier_mapping_versions.publish(DRAFT, (await an_admin()).id, NOON)

    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in range(6)))
    done = await asyncio.gather(*(publish_now() for _ in range(4)), return_exceptions=True)
    assert sum(each is None for each in done) == 1
    assert sum(isinstance(each, MappingOverlaps) for each in done) == 3


async def test_it_can_only_end_sooner_and_not_in_the_past(database: str) -> None:
    asker = await an_admin()
    await agreed(tier_mapping_changes.ask(asker, DRAFT, "长三角", NOON))
    [row] = await fetch_all("SELECT id FROM tier_mappings")
    today, mapping_id = NOON.date(), str(row["id"])
    for until in (today, today - timedelta(days=1), date(2027, 1, 1), date(2030, 1, 1)):
        with pytest.raises(MappingEndPast):
            await tier_mapping_changes.ask_end(asker, mapping_id, until, "协议终止", NOON)
    tomorrow = today + timedelta(days=1)
    await agreed(tier_mapping_changes.ask_end(asker, mapping_id, tomorrow, "协议终止", NOON))
    assert await recognition_at("sh-demo", tomorrow) is None
    assert await recognition_at("sh-demo", today) is not None
    after = replace(DRAFT, effective_from=tomorrow)
    await agreed(tier_mapping_changes.ask(asker, after, "新协议", NOON))


async def test_an_end_whose_day_has_passed_stays_asked_for(database: str) -> None:
    asker = await an_admin()
    await agreed(tier_mapping_changes.ask(asker, DRAFT, "长三角", NOON))
    [row] = await fetch_all("SELECT id FROM tier_mappings")
    soon = NOON.date() + timedelta(days=1)
    approval_id = await tier_mapping_changes.ask_end(asker, str(row["id"]), soon, "协议终止", NOON)
    with pytest.raises(MappingEndPast):
        await decisions.approve(await an_admin(), approval_id, "同意", NOON + timedelta(days=2))
    assert await recognition_at("sh-demo", date(2026, 12, 31)) is not None


async def test_cities_ask_for_nothing_and_our_own_scheme_is_not_recognised(database: str) -> None:
    await demo_scheme()
    city, head = await an_admin("330100"), await an_admin()
    with pytest.raises(ProvinceAlone):
        await tier_mapping_changes.ask(city, DRAFT, "长三角", NOON)
    with pytest.raises(ProvinceAlone):
        await tier_mapping_changes.ask_end(city, "1", date(2026, 6, 1), "长三角", NOON)
    with pytest.raises(ProvinceAlone):
        await tier_mapping_changes.listed(city, None, 10)
    with pytest.raises(SchemeIsOurs):
        await tier_mapping_changes.ask(head, replace(DRAFT, scheme_code="zj-demo"), "长三角", NOON)
    for nobody in ("1", "x", "9" * 30, "-1"):
        with pytest.raises(NotFound):
            await tier_mapping_changes.ask_end(head, nobody, date(2026, 6, 1), "长三角", NOON)


WRONG: dict[str, tuple[int, list[MappedTier]]] = {
    "a gap": (2, [LOW, replace(HIGH, low=701)]),
    "an overlap": (2, [LOW, replace(HIGH, low=699)]),
    "from high to low": (2, [HIGH, LOW]),
    "falling": (2, [LOW, replace(HIGH, level=TierLevel.BAD)]),
    "half by scores": (2, [LOW, GOLD]),
    "half by codes": (2, [GOLD, HIGH]),
    "an end without a beginning": (1, [replace(GOLD, high=5), BLUE]),
    "a code twice": (2, [GOLD, replace(BLUE, code="gui")]),
    "a name twice": (2, [LOW, replace(HIGH, name="一般")]),
}


@pytest.mark.parametrize("what", WRONG)
def test_tiers_have_one_place_for_every_rating(what: str) -> None:
    place, tiers = WRONG[what]
    with pytest.raises(TiersNotInOrder) as refused:
        check_draft(replace(DRAFT, tiers=tiers))
    assert refused.value.facts["place"] == place


@pytest.mark.parametrize("until", [date(2026, 1, 1), date(2025, 12, 31)])
def test_it_ends_after_it_begins(until: date) -> None:
    with pytest.raises(MappingDaysInvalid):
        check_draft(replace(DRAFT, effective_until=until))


@given(st.lists(st.integers(1, 900), min_size=2, max_size=8, unique=True), st.data())
def test_half_open_tiers_without_a_gap_pass_and_any_moved_edge_does_not(
    edges: list[int], data: st.DataObject
) -> None:
    edges.sort()
    tiers = [
        MappedTier(f"t{place}", f"第{place}档", TierLevel.FAIR, low, high)
        for place, (low, high) in enumerate(pairwise(edges))
    ]
    check_draft(replace(DRAFT, tiers=tiers))
    if len(tiers) > 1:
        place = data.draw(st.integers(1, len(tiers) - 1))
        moved = replace(tiers[place], low=(tiers[place].low or 0) + data.draw(st.sampled_from([-1, 1])))
        with pytest.raises(TiersNotInOrder):
            check_draft(replace(DRAFT, tiers=[*tiers[:place], moved, *tiers[place + 1 :]]))
