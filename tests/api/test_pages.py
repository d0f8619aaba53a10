"""Every paged list of the document, after everybody's errands: its pages give each item once, in the same order."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.applicants import an_applicant
from tests.api.kit import walk
from tests.api.offers import make_admin, make_staff
from tests.plans import errands
from tests.service import API, Service

QUERIES = {
    **dict.fromkeys(("/admin/numbers", "/member/numbers"), "by=offer"),
    **dict.fromkeys(("/admin/statements/sums", "/member/owed"), "period={period}"),
}
# The errands leave one thing there or none: less is seen of their order than of the others'.
FEW = {
    *("/admin/exports", "/admin/jobs/dead-letters"),
    *("/admin/white-list", "/member/devices", "/member/promises", "/member/stores/{store_id}/closures"),
    *("/member/webhooks/{webhook_id}/deliveries", "/register/removals", "/member/day-closes"),
    # Of what the background process adds up, of a month that a single member closed.
    *("/admin/numbers", "/member/numbers", "/admin/statements/sums", "/member/owed"),
    "/admin/numbers/budgets",
    # Walked through with five things in test_manner, and with a whole story in test_member_applications.
    *("/day-closes", "/me/credit/lookups", "/member-application/events"),
    *("/admin/members/{member_id}/checks", "/admin/members/{member_id}/promises"),
}

Readers = dict[str, list[httpx.AsyncClient]]


@pytest.fixture(scope="module")
async def used(make_service: Callable[..., Service]) -> Service:
    """A service at which everybody was."""
    service = make_service(workers=1)
    await errands.run(service)
    return service


async def _readers(service: Service) -> Readers:
    """By audience, who may read its lists: not every admin reads everything."""
    unit = await make_staff(service, "owner", "hz-library", ("hz-library-hushu",))
    logins = ("demo-admin", "demo-head", await make_admin(service, "330000", "auditor"))
    return {
        "": [service.client()],
        "citizen": [(await service.citizen("demo-good")).http],
        "staff": [(await service.clerk()).http],
        "member": [(await service.clerk(login)).http for login in ("demo-owner", unit)],
        "admin": [await service.admin(login) for login in logins],
        "applicant": [(await an_applicant(service)).http],
    }


def _lists(document: dict[str, Any]) -> dict[str, str]:
    """By path, an audience that reads it."""
    found = {}
    for path, operations in document["paths"].items():
        get = operations.get("get", {})
        if any(parameter["name"] == "cursor" for parameter in get.get("parameters", [])):
            found[path.removeprefix(API)] = next(iter(get["security"][0]), "") if get["security"] else ""
    return found


async def _places(reader: httpx.AsyncClient, path: str) -> list[str]:
    """The path, or one for each thing that its name stands for."""
    parent, _, rest = path.partition("/{")
    if not rest:
        return [path]
    things = (await reader.get(parent)).json()["items"]
    return [f"{parent}/{thing['id']}{rest.partition('}')[2]}" for thing in things]


async def test_pages_of_one_give_what_a_page_of_many_gives(used: Service) -> None:
    readers, short = await _readers(used), set()
    lists = _lists((await used.client().get(used.url + "/api/openapi.json")).json())
    assert len(lists) > 40
    statements = (await readers["member"][0].get("/member/statements")).json()["items"]
    period = min(statement["period"] for statement in statements)
    for path, audience in lists.items():
        query = dict([QUERIES[path].format(period=period).split("=")]) if path in QUERIES else {}
        longest = 0
        for reader in readers[audience]:
            if (await reader.get(path.partition("/{")[0], params=query)).status_code == 403:
                continue
            for place in await _places(reader, path):
                # A line of a statement may take away what another one gave.
                least = -1_000_000_000 if place.endswith("/lines") else 0
                many, ones = [await walk(reader, place, most, least_fen=least, **query) for most in (100, 1)]
                assert ones == many, place
                longest = max(longest, len(many))
        if longest < 2:
            short.add(path)
    assert short == FEW, " ".join(sorted(short ^ FEW))
