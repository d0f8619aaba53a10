"""How many statements a request costs, counted by PostgreSQL: no route gets dearer unseen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.embedded import Postgres
from tests.api.kit import claim, code_of, coupon_of
from tests.api.offers import make_offer
from tests.conftest import Servers
from tests.plans import recorder
from tests.seeds import environment
from tests.service import Service, close_clients, new_key

# What a process sends by itself, whoever asks: the list of ended sessions, and the check of the offer list once a second.
OF_THE_PROCESS = ("SELECT id FROM sessions WHERE revoked_at >", "SELECT v.version,")

Call = Callable[[], Awaitable[httpx.Response]]


@dataclass
class Counted:
    """A service of one web process whose statements are written down."""

    postgres: Postgres
    service: Service

    async def of(self, call: Call, status: int) -> list[str]:
        """The statements of one request."""
        since = recorder.place(self.postgres)
        answer = await call()
        assert answer.status_code == status, answer.text
        everything = recorder.sent(self.postgres, "service", since)
        return [text for text in everything if not text.startswith(OF_THE_PROCESS)]


@pytest.fixture(scope="module")
async def counted(recorded: Postgres, servers: Servers) -> AsyncIterator[Counted]:
    recorder.sql(recorded, "CREATE ROLE service SUPERUSER LOGIN")
    url = recorded.url.replace("xinyi@", "service@")
    # One connection: the driver asks for the types of a statement once on each.
    service = Service.start(environment(url, servers.redis_url, WORKERS="1", DATABASE_POOL="1"))
    yield Counted(recorded, service)
    await close_clients()
    service.stop()


async def _calls(service: Service) -> dict[str, tuple[int, Call, int]]:
    """By name: the most statements, the request, its status. Each is made once before it is counted."""
    citizen, clerk = await service.citizen("demo-good"), await service.clerk()
    offer, limited = await make_offer(service), await make_offer(service, per_citizen_limit=1)
    await coupon_of(citizen.http, limited)
    sold_out = await make_offer(service, total=1)
    await coupon_of(citizen.http, sold_out)
    key, kept = new_key(), await coupon_of(citizen.http, offer)
    done = await clerk.redeem(code := await code_of(citizen.http, kept), key)
    redemption = done.json()["id"]

    async def redeem() -> httpx.Response:
        return await clerk.redeem(fresh.pop())

    async def give_back() -> httpx.Response:
        return await citizen.http.delete(f"/coupons/{unused.pop()}")

    fresh = [await code_of(citizen.http, await coupon_of(citizen.http, offer)) for _ in range(2)]
    unused = [await coupon_of(citizen.http, offer) for _ in range(2)]
    shown = await coupon_of(citizen.http, offer)
    code_of_shown = await code_of(citizen.http, shown)
    get = lambda path, http=citizen.http: lambda: http.get(path)  # noqa: E731
    return {
        "redeem": (2, redeem, 201),
        "redeem, asked again": (1, lambda: clerk.redeem(code, key), 201),
        "redeem, refused and kept as an attempt": (2, lambda: clerk.redeem(code), 409),
        "preview": (1, lambda: clerk.preview(code_of_shown), 200),
        "claim": (2, lambda: claim(citizen.http, offer, new_key()), 201),
        "claim, limit reached": (1, lambda: claim(citizen.http, limited, new_key()), 409),
        "claim, sold out": (1, lambda: claim(citizen.http, sold_out, new_key()), 409),
        "give back": (1, give_back, 204),
        "offers": (0, get("/offers"), 200),
        "offers that I may claim": (1, get("/offers?eligible=true"), 200),
        "an offer": (2, get(f"/offers/{offer}"), 200),
        "my coupons": (1, get("/me/coupons"), 200),
        "what I used": (1, get("/me/redemptions?limit=5"), 200),
        "a coupon": (2, get(f"/coupons/{shown}"), 200),
        "a code": (1, get(f"/coupons/{shown}/code"), 200),
        "redemptions": (2, get("/redemptions?limit=5", clerk.http), 200),
        "a redemption": (1, get(f"/redemptions/{redemption}", clerk.http), 200),
    }


async def test_no_request_costs_more_statements_than_it_should(counted: Counted) -> None:
    calls: dict[str, Any] = await _calls(counted.service)
    found: dict[str, int] = {}
    texts: dict[str, list[str]] = {}
    for name, (_, call, status) in calls.items():
        await counted.of(call, status)
        texts[name] = await counted.of(call, status)
        found[name] = len(texts[name])
    expected = {name: most for name, (most, _, _) in calls.items()}
    assert found == expected, [texts[name] for name in found if found[name] != expected[name]]
