"""Role × route: what a role is not given is forbidden, on every route that there is."""

import pytest

from alliance.permissions import ADMIN_MAY, MEMBER_MAY
from models.enums import AdminRole
from tests.api.kit import problem
from tests.matrix.routes import CHANGING, ROUTES, Route
from tests.matrix.world import GRANTED, STAFF, Call, World

# What an auditor may change: his own account, his own requests, and the exports that are his work.
AUDITORS_OWN = {"account.own", "session.own", "approval.withdraw"}


def test_the_matrix_is_not_empty() -> None:
    assert len(ROUTES) > 20 and len(CHANGING) > 10
    assert {route.is_for_admins for route in ROUTES} == {True, False}


async def _faults(world: World, who: str, lets: dict[str, bool]) -> list[str]:
    """Where somebody got in who may not, or not in who may; with ids that nobody has."""
    found = []
    for route in ROUTES:
        answer = await world.call(route, who, Call())
        status = answer.status_code
        if lets[route.name]:
            # What the ids or the missing body are answered is another test's.
            if status in (401, 403) or status >= 500:
                found.append(f"{route.name}: {status} for {who}, who may: {answer.text[:200]}")
        elif status != 403 or answer.json()["code"] != "forbidden":
            found.append(f"{route.name}: {status} for {who}, who may not")
        else:
            problem(answer, 403, "forbidden")
    return found


@pytest.mark.parametrize("role", GRANTED)
async def test_an_admin_of_one_role_does_what_it_gives_and_nothing_else(world: World, role: str) -> None:
    lets = {route.name: route.lets_admin(role) for route in ROUTES}
    assert await _faults(world, f"admin: {role}", lets) == []
    assert set(lets.values()) == {True, False}


@pytest.mark.parametrize("role", STAFF)
async def test_somebody_of_a_member_does_what_his_role_gives_and_nothing_else(
    world: World, role: str
) -> None:
    lets = {route.name: route.lets_staff(role) for route in ROUTES}
    assert await _faults(world, f"staff: {role}", lets) == []


async def test_a_citizen_does_nothing_here(world: World) -> None:
    assert await _faults(world, "citizen", {route.name: False for route in ROUTES}) == []


async def test_nobody_does_nothing_here(world: World) -> None:
    for route in ROUTES:
        for token in ("nonsense", "a.b.c"):
            problem(await world.call(route, "nobody", Call(token=token)), 401, "unauthenticated")


def test_every_action_of_the_tables_is_some_routes() -> None:
    used = {route.operation.may for route in ROUTES if route.is_for_admins} | {"session.own"}
    assert set(ADMIN_MAY) == used, "an action that no route names, or a route that names none"
    assert set(MEMBER_MAY) == {route.operation.may for route in ROUTES if route.is_for_members}


def _is_export(action: str) -> bool:
    return "export" in action


def test_an_auditor_changes_nothing() -> None:
    changing = [
        route.name for route in CHANGING if route.lets_admin(AdminRole.AUDITOR) and not _is_his(route)
    ]
    assert changing == []


def _is_his(route: Route) -> bool:
    action = route.operation.may or ""
    return action in AUDITORS_OWN or _is_export(action)
