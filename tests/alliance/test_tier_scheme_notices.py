"""Whoever is rated under a scheme is told before it changes: once, in batches, wherever a run is killed."""

import asyncio
from datetime import timedelta
from json import loads
from typing import Any
from uuid import UUID

import pytest

from alliance import tier_scheme_notices
from citizens import consents
from common.database import Row, execute, fetch_all
from models import notice_log
from tests.factories.citizens import PURPOSE, a_person, consent
from tests.factories.moments import NOON
from tests.factories.sources import Source, a_mapping, a_scheme, demo_scheme, desk, rating

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)


async def rated(code: str | None = None) -> UUID:
    """Somebody with a tier under the demo scheme."""
    citizen_id = await a_person(code)
    await consent(citizen_id)
    await desk(Source(rating(880))).tier(citizen_id, "my_credit", NOON)
    return citizen_id


async def announced() -> None:
    """The scheme's second version, in force in sixty days."""
    await a_scheme("zj-demo", 2, ("one", 3, 0, 1001), effective_from=NOON)
    await execute("UPDATE tier_schemes SET effective_from = $1 WHERE version = 2", NOON + 60 * DAY)


async def notices() -> list[Row]:
    return list(await fetch_all("SELECT * FROM citizen_notices ORDER BY citizen_id"))


async def test_each_is_told_once_with_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier_scheme_notices, "AT_ONCE", 2)
    await demo_scheme()
    people = sorted([await rated() for _ in range(5)])
    await announced()
    assert await tier_scheme_notices.tell("zj-demo", 2, NOON) == 5
    assert await tier_scheme_notices.tell("zj-demo", 2, NOON) == 0
    found = await notices()
    assert [row["citizen_id"] for row in found] == people
    assert {row["kind"] for row in found} == {"tier_scheme_changes"}
    assert loads(found[0]["facts"]) == {"scheme": "方案", "day": "2026-05-03"}


async def test_nobody_else_is_told() -> None:
    await demo_scheme()
    withdrawn, outdated, moved, told = [await rated() for _ in range(4)]
    await consents.withdraw(withdrawn, PURPOSE, NOON)
    await execute("UPDATE tier_snapshots SET valid_until = $2 WHERE citizen_id = $1", outdated, NOON + DAY)
    mapping_id = await a_mapping("sh-demo", ("excellent", 5, 0, 1001))
    await execute(
        "UPDATE tier_snapshots SET scheme_id = NULL, mapping_id = $2 WHERE citizen_id = $1", moved, mapping_id
    )
    await consent(await a_person())
    await announced()
    assert await tier_scheme_notices.tell("zj-demo", 2, NOON + 2 * DAY) == 1
    assert [row["citizen_id"] for row in await notices()] == [told]


async def test_nothing_is_told_of_what_is_in_force_already() -> None:
    await demo_scheme()
    await rated()
    await announced()
    assert await tier_scheme_notices.tell("zj-demo", 2, NOON + 60 * DAY) == 0
    assert await tier_scheme_notices.tell("zj-demo", 9, NOON) == 0


async def test_a_run_that_is_killed_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier_scheme_notices, "AT_ONCE", 2)
    await demo_scheme()
    people = sorted([await rated() for _ in range(6)])
    await announced()
    tell, calls = notice_log.tell, []

    async def die_in_the_second_batch(*about: Any) -> bool:
        calls.append(about)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return await tell(*about)

    monkeypatch.setattr(notice_log, "tell", die_in_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        await tier_scheme_notices.tell("zj-demo", 2, NOON)
    assert len(await notices()) == 2, "a batch is told as a whole, or not at all"
    monkeypatch.setattr(notice_log, "tell", tell)
    assert await tier_scheme_notices.tell("zj-demo", 2, NOON) == 4
    assert [row["citizen_id"] for row in await notices()] == people


async def test_two_runs_at_once_tell_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier_scheme_notices, "AT_ONCE", 1)
    await demo_scheme()
    people = sorted([await rated() for _ in range(6)])
    await announced()
    told = await asyncio.gather(*(tier_scheme_notices.tell("zj-demo", 2, NOON) for _ in range(3)))
    assert sum(told) == len(people)
    assert [row["citizen_id"] for row in await notices()] == people
