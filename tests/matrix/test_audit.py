"""Every change is in the audit: the record is written by the very request that made the change."""

from typing import Any

import pytest

from tests.matrix.calls import CALLS, UNAUDITED
from tests.matrix.routes import CHANGING, Route
from tests.matrix.world import World


def test_every_changing_route_has_a_good_call() -> None:
    """Add an entry to CALLS in tests/matrix/calls.py: a body, None, or a function that prepares the call."""
    names = {route.name for route in CHANGING}
    assert names - set(CALLS) == set(), "routes without a good call"
    assert set(CALLS) - names == set(), "calls of no route"
    assert set(UNAUDITED) <= names and all(UNAUDITED.values())


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.name)
async def test_a_change_writes_its_record(world: World, prepared: Any, route: Route) -> None:
    answer = await world.call(route, world.rightful(route), await prepared(route, fresh=True))
    assert answer.is_success, answer.text
    records = await world.service.fetch(
        "SELECT * FROM audit_records WHERE request_id = $1 AND outcome = 'done'",
        answer.headers["x-request-id"],
    )
    if route.name in UNAUDITED:
        assert records == [], "it is audited after all: take it out of UNAUDITED"
        return
    assert records, "no record: call audit_log.record in the transaction of the change"
    for record in records:
        assert record["actor_kind"] in ("admin", "staff") and record["actor_id"] is not None
        assert record["region_id"] or record["object_kind"] == "job", "whose business it is: name its region"
