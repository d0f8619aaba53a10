"""Region × route: somebody else's thing is not found, changes in no way, and is in no list."""

from typing import Any

from tests.api.kit import problem
from tests.matrix.calls import READS
from tests.matrix.routes import LISTS, ROUTES, Route
from tests.matrix.things import LIST_QUERIES, LISTS_OF_NOBODY, OF_NOBODY, THINGS
from tests.matrix.world import Call, World

WITH_THINGS = [route for route in ROUTES if route.parameters]
READING = [route for route in WITH_THINGS if not route.changes]


def test_every_name_in_a_path_has_an_example() -> None:
    """Add a function to THINGS in tests/matrix/things.py that makes such a thing in Hangzhou."""
    missing = {name: route.name for route in ROUTES for name in route.parameters if name not in THINGS}
    assert missing == {}
    used = {name for route in ROUTES for name in route.parameters}
    assert set(THINGS) <= used, "made for no route"
    assert set(OF_NOBODY) <= set(THINGS) and all(reason for _, reason in OF_NOBODY.values())


async def test_ones_own_thing_is_found(world: World, prepared: Any) -> None:
    """Else a stranger who is told that it is not there proves nothing; changing routes have their good calls."""
    assert set(READS) <= {route.name for route in READING}
    wrong = []
    for route in READING:
        answer = await world.call(route, world.rightful(route), await prepared(route))
        if answer.status_code != 200:
            wrong.append(f"{route.name}: {answer.status_code}: {answer.text[:200]}")
    assert wrong == []


async def test_a_strangers_thing_is_not_found_and_nothing_changes(world: World, prepared: Any) -> None:
    good = {route.name: await prepared(route) for route in WITH_THINGS}

    def tried(route: Route) -> Any:
        call = good[route.name]
        special = [OF_NOBODY[name][0] for name in route.parameters if name in OF_NOBODY]
        status, code = (403, special[0]) if special else (404, "not_found")

        async def fault() -> str | None:
            sent = Call(call.things, call.body, call.query, call.content, call.media_type)
            answer = await world.call(route, world.stranger(route), sent)
            if answer.status_code == status:
                problem(answer, status, code)
                return None
            return f"{answer.status_code} instead of {status}: {answer.text[:200]}"

        return fault

    assert await world.tried([(route.name, tried(route)) for route in WITH_THINGS]) == []


def texts(value: Any) -> set[str]:
    """Every text in an answer."""
    if isinstance(value, dict):
        return set().union(*map(texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(texts, value))
    return {value} if isinstance(value, str) else set()


async def test_lists_hold_ones_own_and_nothing_of_a_stranger(world: World, listed: set[str]) -> None:
    assert set(LISTS_OF_NOBODY) | set(LIST_QUERIES) <= {route.name for route in LISTS}
    wrong = []
    for route in LISTS:
        page = Call(query={"limit": "100", **LIST_QUERIES.get(route.name, {})})
        own = await world.call(route, world.rightful(route), page)
        assert own.status_code == 200, (route.name, own.text)
        is_seen = texts(own.json()) & listed
        if not is_seen and route.name not in LISTS_OF_NOBODY:
            wrong.append(
                f"{route.name}: shows nothing of tests/matrix/things.py: make such a thing there, or say in"
                " LISTS_OF_NOBODY why it shows none"
            )
        stranger = await world.call(route, world.stranger(route), page)
        if stranger.status_code == 403:
            continue  # for the province alone
        assert stranger.status_code == 200, (route.name, stranger.text)
        if found := texts(stranger.json()) & listed:
            wrong.append(f"{route.name}: shows a stranger {sorted(found)}")
    assert wrong == []
