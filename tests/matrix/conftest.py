"""Fixtures of the matrix: one service for all of it, started once."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.matrix.calls import CALLS, READS
from tests.matrix.routes import Route
from tests.matrix.things import LISTED, THINGS
from tests.matrix.world import Call, World, make_world
from tests.service import Service


@pytest.fixture(scope="session")
async def world(make_shared_service: Callable[..., Service]) -> AsyncIterator[World]:
    """Its own: many of the calls succeed."""
    world = await make_world(make_shared_service(workers=1))
    yield world
    await world.client.aclose()


@pytest.fixture(scope="session")
async def ids(world: World) -> dict[str, str]:
    """One thing for each name in a path, of Hangzhou and hz-hupan; made once, and changed by no test."""
    return {name: await make(world) for name, make in THINGS.items()}


@pytest.fixture(scope="session")
async def listed(world: World, ids: dict[str, str]) -> set[str]:
    """Their ids, and those of what only lists show."""
    return {*ids.values(), *[await make(world) for make in LISTED.values()]}


@pytest.fixture
def prepared(world: World, ids: dict[str, str]) -> Callable[[Route], object]:
    """Makes the good call of a route: `await prepared(route)`; with `fresh` the things are made for it."""

    async def prepare(route: Route, *, fresh: bool = False) -> Call:
        entry = {**CALLS, **READS}.get(route.name)
        call = await entry(world) if callable(entry) else Call(body=entry)
        missing = [name for name in route.parameters if name not in call.things]
        made = {name: await THINGS[name](world) if fresh else ids[name] for name in missing}
        return Call({**made, **call.things}, call.body, call.query, call.content, call.media_type, call.token)

    return prepare
