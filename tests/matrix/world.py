"""One service for the whole matrix, somebody of every role, and things that belong to Hangzhou and to one member."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from common import database as db
from common.files import FileStore
from models.enums import AdminRole, StaffRole
from sandbox.demo_data.rows import demo_id
from tests.api.kit import BACKGROUND, bearer, fingerprint, with_key
from tests.api.offers import HUPAN_STORES, make_admin, make_staff
from tests.matrix.people import a_known_citizen, must_tell_nothing
from tests.matrix.routes import Route
from tests.service import API, Service

NOBODY = "00000000-0000-4000-8000-000000000000"
# Who calls: everything may be done by the first two; the things belong to neither of the strangers.
ADMIN, OWNER, OTHER_ADMIN, OTHER_OWNER = "admin", "owner of hz-hupan", "admin of Ningbo", "owner of hz-tea"
# Agrees to what the first one asks for.
SECOND = "admin: head"
DEVICE = StaffRole.DEVICE
GRANTED = [*AdminRole]
STAFF = [*StaffRole]


@dataclass(frozen=True)
class Call:
    """What a call needs besides its route; a file goes as `content`."""

    things: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str = "application/json"
    # Somebody else than the admin or owner who may do everything.
    token: str | None = None


@dataclass
class World:
    """The running service, tokens by role, and what was made once for all."""

    service: Service
    client: httpx.AsyncClient
    tokens: dict[str, str]
    logins: dict[str, str]
    citizen_id: str

    def as_citizen(self) -> httpx.AsyncClient:
        """A client of the citizen; it ends with the test."""
        return self.service.client(Authorization=f"Bearer {self.tokens['citizen']}")

    async def do(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Have somebody (or whoever has a token) do something that succeeds; what he is answered."""
        headers = {
            "Authorization": f"Bearer {self.tokens.get(who, who)}",
            **with_key(),
            **more.pop("headers", {}),
        }
        content = {} if body is None else {"json": body}
        answer = await self.client.request(method, f"{API}{path}", headers=headers, **content, **more)
        assert answer.is_success, f"{who} {method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    @asynccontextmanager
    async def inside(self) -> AsyncIterator[None]:
        """What is called here works on the service's database: what no route does, such as the background's work."""
        await db.connect(self.service.environment["DATABASE_URL"], pool_size=2)
        try:
            yield
        finally:
            await db.disconnect()

    @property
    def files(self) -> FileStore:
        """Where the service keeps files."""
        return FileStore(Path(self.service.environment["FILES_DIR"]))

    async def call(self, route: Route, who: str, call: Call) -> httpx.Response:
        """Call a route as somebody."""
        path = route.path
        for name in route.parameters:
            path = path.replace(f"{{{name}}}", call.things.get(name, NOBODY))
        headers = {"Authorization": f"Bearer {call.token or self.tokens[who]}", **with_key()}
        if call.body is not None or call.content is not None:
            headers["Content-Type"] = call.media_type
        request = self.client.build_request(
            route.operation.method,
            path,
            params=call.query,
            headers=headers,
            **({"content": call.content} if call.content is not None else {"json": call.body}),  # type: ignore[arg-type]
        )
        answer = await self.client.send(request, stream=route.operation.is_stream)
        if route.operation.is_stream:
            if answer.is_success:
                await answer.aclose()
            else:
                await answer.aread()
        if not (route.operation.is_stream and answer.is_success):
            must_tell_nothing(route.name, answer, self.citizen_id, not route.is_for_admins)
        return answer

    def rightful(self, route: Route) -> str:
        """Who may call a route, and whose the things are."""
        return ADMIN if route.is_for_admins else OWNER

    def stranger(self, route: Route) -> str:
        """Who may call it too, but to whom the things don't belong."""
        return OTHER_ADMIN if route.is_for_admins else OTHER_OWNER

    async def tried(self, calls: list[tuple[str, Callable[[], Awaitable[str | None]]]]) -> list[str]:
        """What was wrong with each of these calls, and whose call changed something though it was refused."""
        kept = {*BACKGROUND, "audit_records"}
        before, wrong = await fingerprint(self.service, kept), []
        for name, call in calls:
            if fault := await call():
                wrong.append(f"{name}: {fault}")
        if await fingerprint(self.service, kept) != before:
            before = await fingerprint(self.service, kept)
            for name, call in calls:  # once more, one by one, to name it
                await call()
                after = await fingerprint(self.service, kept)
                if after != before:
                    changed = sorted(table for table in after if after[table] != before.get(table))
                    wrong.append(f"{name}: was refused and changed {changed}")
                before = after
            wrong = wrong or ["a refused call changed something, and not a second time"]
        return wrong


async def make_world(service: Service) -> World:
    """Everybody signs in once."""
    logins = {
        ADMIN: await make_admin(service, "330000", "reviewer", "operator", "auditor", "head"),
        OTHER_ADMIN: await make_admin(service, "330200", "reviewer", "operator", "auditor", "head"),
        **{f"admin: {role}": await make_admin(service, "330000", role) for role in GRANTED},
    }
    tokens = {who: bearer(await service.admin(login)) for who, login in logins.items()}
    books = "hz-books", ("hz-books-hefang",)  # it leaves the alliance: its owner tries every route
    people = {
        OWNER: await make_staff(service, "owner"),
        OTHER_OWNER: await make_staff(service, "owner", "hz-tea", ("hz-tea-longjing",)),
        **{f"staff: {role}": await make_staff(service, role, *books) for role in STAFF if role != DEVICE},
    }
    tokens |= {who: bearer((await service.clerk(login)).http) for who, login in people.items()}
    citizen = await a_known_citizen(service)
    tokens["citizen"] = bearer(citizen.http)
    client = httpx.AsyncClient(base_url=service.url, timeout=30)
    world = World(service, client, tokens, logins | people, citizen.id)
    tokens[f"staff: {DEVICE}"] = await _paired(world)
    return world


async def _paired(world: World) -> str:
    """The token of a device: it has no password."""
    place = {"name": "前台", "store_id": str(demo_id("store", HUPAN_STORES[0]))}
    made = await world.do(OWNER, "POST", "/member/devices", place)
    answer = await world.client.post(f"{API}/auth/device", json={"code": made["code"]})
    assert answer.is_success, answer.text
    return str(answer.json()["access_token"])
