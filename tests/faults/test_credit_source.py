"""A credit source that hangs, lies or is down: nobody waits long, nobody gets a tier that nobody gave, all else goes on."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from citizens.credit_sources.guarded import OPEN_FOR_S
from tests.api.offers import GOOD, make_offer
from tests.e2e.wire import Answer, Call, Line, call_as
from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.line_source import SickSource
from tests.faults.traffic import Traffic
from tests.service import CitizenClient, Service, new_key

pytestmark = pytest.mark.alone

# The guard's own two seconds, and what the rest of a claim takes on a busy machine.
ANSWERED_WITHIN_S = 3.5
# What no adapter can read comes last, five times: that many failures in a row open the breaker.
MOODS = ["nothing", "off the scale", "unknown scheme", "hanging", "garbage", "endless", "other", "down"]


@pytest.fixture
async def source() -> AsyncIterator[SickSource]:
    async with SickSource() as source:
        yield source


async def claim(citizen: CitizenClient, offer_id: str, key: str) -> tuple[Answer, float]:
    """The answer to a claim on a line of its own, and the seconds it took."""
    line = await Line.open(citizen.service.url)
    call: Call = call_as(citizen.http, "POST", f"/offers/{offer_id}/coupons", {}, key)
    begun = time.monotonic()
    try:
        return await line.ask(call), time.monotonic() - begun
    finally:
        line.close()


async def refused_within_a_moment(citizen: CitizenClient, offer_id: str, key: str) -> None:
    answer, seconds = await claim(citizen, offer_id, key)
    assert answer.what == "credit_source_unavailable", answer
    assert answer.status == 503 and answer.headers["retry-after"].isdigit()
    assert seconds < ANSWERED_WITHIN_S, seconds


async def granted(citizen: CitizenClient, offer_id: str, key: str, within_s: float) -> Answer:
    """The coupon, as soon as the source is asked again."""
    until = time.monotonic() + within_s
    while (answer := (await claim(citizen, offer_id, key))[0]).status != 201:
        assert time.monotonic() < until, f"the source is well, and nobody gets a coupon: {answer}"
        await asyncio.sleep(0.2)
    return answer


async def no_tier_is_kept(service: Service) -> None:
    rows = await service.fetch("SELECT count(*) AS n FROM tier_snapshots")
    assert rows[0]["n"] == 0, "a broken source made a tier"
    rows = await service.fetch("SELECT DISTINCT outcome FROM credit_lookups")
    assert [row["outcome"] for row in rows] == ["unavailable"]


async def test_claims_while_the_source_hangs_lies_and_is_down(town: Town, source: SickSource) -> None:
    service = town.serve(WORKERS="1", FAULT_SOURCE=str(source.port))
    offer_id = await make_offer(service, min_tier_level=GOOD)
    names = [f"load-{6_100_000 + n}" for n in range(len(MOODS) + 1)]
    people = [(await service.citizen(name), new_key()) for name in names]
    traffic = Traffic(service, offer_id=await make_offer(service))
    async with traffic.flowing(4) as tally:
        for (citizen, key), mood in zip(people, MOODS, strict=False):
            if mood == "down":
                source.go_down()
            source.mood = mood
            await refused_within_a_moment(citizen, offer_id, key)
        asked = sum(source.asked.values())
        await source.come_up()
        source.mood = "healthy"
        await refused_within_a_moment(people[-1][0], offer_id, people[-1][1])
        assert sum(source.asked.values()) == asked, "after five failures the source is left alone"
        await no_tier_is_kept(service)
        for citizen, key in people:
            tally.claims[key] = call_as(citizen.http, "POST", f"/offers/{offer_id}/coupons", {}, key)
            tally.claimed[key] = await granted(citizen, offer_id, key, OPEN_FOR_S + 3)
        # Who redeems, or claims what is open to all, has noticed nothing.
        assert set(tally.statuses) <= {200, 201, 204}, tally.statuses
        assert tally.p(0.99) < 1.0
    tally.people += names
    await check_all(town, traffic)
