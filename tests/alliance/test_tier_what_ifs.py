"""What-if runs: one at a time for a scheme, over all citizens, and nobody agrees to a draft that was not counted."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from json import loads
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import approvals, decisions, tier_scheme_changes, tier_what_ifs
from alliance.approvals import NotOpen
from alliance.permissions import ProvinceAlone
from alliance.tier_scheme_changes import OffersAdmitOneBand
from alliance.tier_what_ifs import GIVEN_UP_AFTER, GOOD_FOR, WhatIfMissing, WhatIfRunning
from citizens.credit_sources import CreditSourceUnavailable
from citizens.tier_scheme_versions import Draft, RefreshBeyondValidity
from citizens.tier_schemes import Band
from common.database import execute, fetch_all
from models.enums import TierLevel
from tests.factories import offers
from tests.factories.admins import an_admin
from tests.factories.citizens import a_person, consent
from tests.factories.members import a_shop
from tests.factories.moments import NOON
from tests.factories.sources import Source, a_scheme, demo_scheme, desk, rating
from tests.factories.what_ifs import Scores, count_waiting

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
BANDS = (
    Band("bad", "差", TierLevel.BAD, 0, 550),
    Band("poor", "较差", TierLevel.POOR, 550, 650),
    Band("fair", "中等", TierLevel.FAIR, 650, 760),
    Band("good", "良好", TierLevel.GOOD, 760, 850),
    Band("excellent", "优秀", TierLevel.EXCELLENT, 850, 1001),
)
DRAFT = Draft("zj-demo", "方案", "说明", 5, 30, 30, NOON + 60 * DAY, BANDS)


async def result_of(what_if_id: UUID) -> dict[str, Any]:
    row = await tier_what_ifs.one(await an_admin(), what_if_id)
    assert row["state"] == "done", row["state"]
    found: dict[str, Any] = loads(row["result"])
    return found


async def jobs() -> int:
    return len(await fetch_all("SELECT 1 FROM pgqueuer WHERE entrypoint = 'tier_scheme.what_if'"))


async def test_it_counts_by_scores_where_the_source_can() -> None:
    await demo_scheme()
    what_if_id = await tier_what_ifs.ask(await an_admin(), DRAFT, NOON)
    await count_waiting(scores=Scores({700: 100, 750: 40, 755: 25, 759: 5, 800: 1000, 900: 30, 1005: 20}))
    found = await result_of(what_if_id)
    assert (found["basis"], found["people"], found["off_scale"]) == ("scores", 1220, 20)
    # 750 to 754 fall from good to fair; from 755 on the five points of grace keep them.
    assert (found["rise"], found["fall"], found["saved_by_grace"]) == (0, 40, 30)
    assert {"min_tier_level": 4, "lose": 40, "gain": 0} in found["by_min_tier_level"]
    assert {"before": "good", "after": "fair", "people": 40} in found["moves"]
    assert [band["low"] for band in found["bands_before"]] == [0, 550, 650, 750, 850]


async def test_without_scores_it_counts_by_the_bands_of_valid_snapshots_and_guesses_nothing() -> None:
    await demo_scheme()
    for score, login in ((880, "demo-excellent"), (760, "demo-good"), (700, "demo-fair")):
        citizen_id = await a_person(login)
        await consent(citizen_id)
        for days in (-20, 0):  # the newest one counts
            await execute("UPDATE tier_snapshots SET valid_until = taken_at + interval '1 second'")
            await desk(Source(rating(score))).tier(citizen_id, "my_credit", NOON + days * DAY)
        await execute("UPDATE tier_snapshots SET valid_until = $1 WHERE taken_at = $2", NOON + 9 * DAY, NOON)
    what_if_id = await tier_what_ifs.ask(await an_admin(), DRAFT, NOON)
    await count_waiting(NOON)
    found = await result_of(what_if_id)
    assert (found["basis"], found["people"], found["undecided"]) == ("snapshots", "<10", "<10")
    assert {"before": "excellent", "after": "excellent", "people": "<10"} in found["moves"]
    [undecided] = [move for move in found["moves"] if move.get("is_undecided")]
    assert undecided["before"] == "good", "750 to 850 is divided by the draft"


async def test_a_source_that_does_not_answer_leaves_the_run_to_the_next_try() -> None:
    class Down(Scores):
        async def histogram(self, scheme_code: str) -> Any:
            raise CreditSourceUnavailable

    what_if_id = await tier_what_ifs.ask(await an_admin(), DRAFT, NOON)
    with pytest.raises(CreditSourceUnavailable):
        await count_waiting(scores=Down({}))
    with pytest.raises(ProvinceAlone):
        await tier_what_ifs.one(await an_admin("330100"), what_if_id)
    assert (await tier_what_ifs.one(await an_admin(), what_if_id))["state"] == "waiting"
    await count_waiting(scores=Scores({880: 10}))
    await tier_what_ifs.run(what_if_id, Scores({880: 99}), NOON)  # again: nothing to do
    assert (await result_of(what_if_id))["people"] == 10


async def test_one_of_a_schemes_runs_at_a_time() -> None:
    admin, other = await an_admin(), replace(DRAFT, grace_points=0)
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in range(6)))
    done = await asyncio.gather(
        *(tier_what_ifs.ask(admin, DRAFT, NOON) for _ in range(3)),
        *(tier_what_ifs.ask(admin, other, NOON) for _ in range(3)),
        return_exceptions=True,
    )
    ids = {each for each in done if isinstance(each, UUID)}
    assert len(ids) == 1 and await jobs() == 1, "the same draft is the same run"
    assert sum(isinstance(each, WhatIfRunning) for each in done) == 3
    await tier_what_ifs.ask(admin, replace(DRAFT, code="hz-demo"), NOON)
    later = NOON + GIVEN_UP_AFTER + timedelta(seconds=1)
    assert await tier_what_ifs.ask(admin, other, later) not in ids, "what nobody finished is given up"


async def test_nothing_is_counted_that_could_not_be_announced() -> None:
    with pytest.raises(ProvinceAlone):
        await tier_what_ifs.ask(await an_admin("330100"), DRAFT, NOON)
    with pytest.raises(RefreshBeyondValidity):
        await tier_what_ifs.ask(await an_admin(), replace(DRAFT, refresh_days=31), NOON)
    assert await jobs() == 0


async def test_nobody_agrees_to_what_was_not_counted_or_long_ago_or_of_another_draft() -> None:
    asker, head = await an_admin(), await an_admin()
    approval_id = await tier_scheme_changes.ask(asker, DRAFT, "年度调整", NOON)
    assert await jobs() == 1, "it is counted without being asked"

    async def refused(at: Any) -> None:
        with pytest.raises(WhatIfMissing):
            await decisions.approve(head, approval_id, "同意", at)

    await refused(NOON)
    await count_waiting(NOON)
    await refused(NOON + GOOD_FOR)
    await execute("UPDATE tier_what_ifs SET draft_hash = $1", replace(DRAFT, grace_points=6).digest())
    await refused(NOON)
    await tier_what_ifs.ask(asker, DRAFT, NOON + GOOD_FOR)
    await count_waiting(NOON + GOOD_FOR)
    await decisions.approve(head, approval_id, "同意", NOON + GOOD_FOR)
    assert len(await fetch_all("SELECT 1 FROM tier_schemes")) == 1


async def test_what_was_counted_against_a_version_that_is_not_the_last_one_any_more_is_counted_anew() -> None:
    """Between the count and the agreement another version was announced, and the draft would follow on that one."""
    await demo_scheme()
    asker, head = await an_admin(), await an_admin()
    approval_id = await tier_scheme_changes.ask(asker, DRAFT, "年度调整", NOON)
    await count_waiting()
    await a_scheme("zj-demo", 2, ("one", 3, 0, 1001), effective_from=NOON + 40 * DAY)
    await execute("UPDATE tier_schemes SET published_at = $1 WHERE version = 2", NOON + timedelta(hours=1))
    later = NOON + timedelta(hours=2)
    with pytest.raises(WhatIfMissing):
        await decisions.approve(head, approval_id, "同意", later)
    await tier_what_ifs.ask(asker, DRAFT, later)
    await count_waiting(later)
    await decisions.approve(head, approval_id, "同意", later)


async def test_what_was_counted_already_is_not_counted_again_and_is_shown_with_the_request() -> None:
    asker = await an_admin()
    what_if_id = await tier_what_ifs.ask(asker, DRAFT, NOON)
    await count_waiting(scores=Scores({880: 10}))
    approval_id = await tier_scheme_changes.ask(asker, DRAFT, "年度调整", NOON + DAY)
    assert await jobs() == 1
    requests = await approvals.listed(asker, None, None, 10)
    assert loads(requests[0]["payload"])["what_if_id"] == str(what_if_id)
    assert (await tier_what_ifs.of_requests(requests))[approval_id]["id"] == what_if_id
    assert await tier_what_ifs.of_requests([]) == {}


async def test_of_two_heads_who_agree_at_once_one_announces() -> None:
    asker, *heads = [await an_admin() for _ in range(4)]
    approval_id = await tier_scheme_changes.ask(asker, DRAFT, "年度调整", NOON)
    await count_waiting()
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in range(6)))
    done = await asyncio.gather(
        *(decisions.approve(head, approval_id, "同意", NOON) for head in heads), return_exceptions=True
    )
    assert [type(each) for each in done if each is not None] == [NotOpen, NotOpen]
    assert len(await fetch_all("SELECT 1 FROM tier_schemes")) == 1


async def an_offer(least: int, status: str = "published") -> UUID:
    """An offer that asks for a tier, with as little as the database takes."""
    offer_id = await offers.an_offer(await a_shop(), min_tier_level=least)
    await execute("UPDATE offers SET status = $2 WHERE id = $1", offer_id, status)
    return offer_id


@pytest.mark.parametrize(
    ("least", "status", "is_refused"),
    [(4, "published", True), (4, "paused", True), (4, "ended", False), (3, "published", False)],
)
async def test_a_version_under_which_an_offer_admits_one_band_is_not_announced(
    least: int, status: str, is_refused: bool
) -> None:
    """Rule 2; the what-if lists the offers."""
    offer_id = await an_offer(least, status)
    asker, head = await an_admin(), await an_admin()
    bands = [replace(band, level=TierLevel(min(band.level, 4) - (band.code == "good"))) for band in BANDS]
    draft = replace(DRAFT, bands=bands)
    approval_id = await tier_scheme_changes.ask(asker, draft, "年度调整", NOON)
    await count_waiting()
    [row] = await fetch_all("SELECT id FROM tier_what_ifs")
    listed = [offer["id"] for offer in (await result_of(row["id"]))["offers_of_one_band"]]
    assert listed == ([str(offer_id)] if is_refused else [])
    if not is_refused:
        await decisions.approve(head, approval_id, "同意", NOON)
        return
    with pytest.raises(OffersAdmitOneBand):
        await decisions.approve(head, approval_id, "同意", NOON)
    await execute("UPDATE offers SET status = 'ended' WHERE id = $1", offer_id)
    await decisions.approve(head, approval_id, "同意", NOON)


async def test_a_first_version_is_counted_without_one_before() -> None:
    await a_scheme("other", 1, ("one", 3, 0, 1001), effective_from=NOON)
    what_if_id = await tier_what_ifs.ask(await an_admin(), replace(DRAFT, code=f"n{uuid4().hex[:8]}"), NOON)
    await count_waiting(scores=Scores({880: 10, 600: 20}))
    found = await result_of(what_if_id)
    assert (found["bands_before"], found["people"], found["rise"], found["fall"]) == ([], 30, 0, 0)
    assert {"before": None, "after": "excellent", "people": 10} in found["moves"]
