"""Rule 2: the matrix's own look at every answer (`tests.matrix.people`) is no blind one, and misses no route."""

import json
from typing import Any

import httpx
import pytest

from tests.matrix.calls import CALLS
from tests.matrix.people import FIELDS, NO_CITIZENS, PERSON, PHONE, must_tell_nothing
from tests.matrix.routes import CHANGING, ROUTES
from tests.matrix.world import Call, World
from tests.service import API

# What clerks call: every answer to them is looked through, field by field, by tests/api/test_privacy.py.
CLERKS = {
    *(
        "POST /redemptions",
        "POST /redemptions/preview",
        "GET /redemptions",
        "GET /redemptions/{redemption_id}",
    ),
    *("POST /redemptions/{redemption_id}/reversals", "POST /staff/self-binding", "POST /auth/logout"),
    # Of these the first has the ledger's random ids, the others are the clerk's own.
    *("GET /redemptions/{redemption_id}/proof", "POST /staff/password", "GET /staff/sessions"),
    *("DELETE /staff/sessions/{session_id}", "POST /day-closes", "GET /day-closes", "GET /staff/me"),
}
SOMEBODY = "7d0c4e2a-0000-4000-8000-000000000001"


async def test_every_route_for_staff_members_and_admins_is_looked_at(world: World) -> None:
    """By the document: a route that is neither in the matrix nor a clerk's fails here."""
    document = (await world.client.get("/api/openapi.json")).json()
    found = {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if {"staff", "member", "admin"} & {name for each in operation["security"] for name in each}
    }
    assert found - {route.name for route in ROUTES} - CLERKS == set()
    assert {route.name for route in CHANGING} <= set(CALLS), "a good call for each that changes something"
    assert found >= CLERKS and set(NO_CITIZENS) <= found


@pytest.mark.parametrize("words", [PERSON and PERSON.name, PERSON and PERSON.id_number, PHONE, SOMEBODY])
def test_a_word_of_his_is_seen(words: Any) -> None:
    for text in (f'{{"reason": "x{words}y"}}', f"a,b\n{words},1\n"):
        with pytest.raises(AssertionError, match="tells"):
            must_tell_nothing("GET /x", httpx.Response(200, text=text), SOMEBODY, True)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_of_his_is_seen_however_deep(name: str) -> None:
    text = json.dumps({"items": [{"about": {name: None}}]})
    with pytest.raises(AssertionError, match=name):
        must_tell_nothing("GET /x", httpx.Response(200, text=text), SOMEBODY, False)


async def test_routes_without_a_thing_in_their_path_answer_too(world: World) -> None:
    """The others are read with their own things by test_regions, and changed by test_audit."""
    for route in ROUTES:
        if not route.changes and not route.parameters:
            answer = await world.call(route, world.rightful(route), Call())
            assert answer.status_code in (200, 422), (route.name, answer.text)
