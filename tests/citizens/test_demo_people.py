"""The demo people: each has the tier that his name says, by the demo source and the demo scheme."""

import pytest

from citizens.credit_sources.sandbox import SandboxSource
from models.enums import TierLevel
from tests.factories.citizens import a_person, consent
from tests.factories.moments import NOON
from tests.factories.sources import desk

pytestmark = pytest.mark.usefixtures("demo_database")


@pytest.mark.parametrize("tier", ["excellent", "good", "fair", "poor", "unrated"])
async def test_a_demo_person_has_the_tier_that_his_name_says(tier: str) -> None:
    citizen_id = await a_person(f"demo-{tier}")
    await consent(citizen_id)
    seen = await desk(SandboxSource()).tier(citizen_id, "my_credit", NOON)
    assert (seen.band.code if seen.band else "unrated") == tier


@pytest.mark.parametrize("name", ["load-5", "load-5@b", "demo-cashier-self"])
async def test_load_people_and_the_cashier_are_excellent(name: str) -> None:
    citizen_id = await a_person(name)
    await consent(citizen_id)
    assert (await desk(SandboxSource()).tier(citizen_id, "my_credit", NOON)).level is TierLevel.EXCELLENT
