"""What an operator relies on: alive and ready, metrics of all processes, documents, a readable log, slow clients."""

import asyncio
import json
import re
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from common.database_url import tortoise_config
from tests.api.kit import answered, one_client_per_worker, problem
from tests.conftest import Servers, Templates
from tests.seeds import environment
from tests.service import Service


class Unready(Service):
    """A service that is up and may never be ready."""

    def wait_ready(self, within_s: float = 30) -> None:
        """Wait until it answers at all."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            try:
                if httpx.get(self.url + "/healthz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError(f"the service is not alive:\n{self.log.read_text()[-3000:]}")


async def _sql(url: str, *statements: str) -> None:
    parts = tortoise_config(url)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database", "ssl")
    connection = await asyncpg.connect(**{name: parts[name] for name in wanted if name in parts})
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


# Alive and ready ----------------------------------------------------------------------------------


async def test_alive_and_ready_in_every_process(service: Service) -> None:
    async with one_client_per_worker(service) as workers:
        assert len(workers) == 2
        for worker in workers.values():
            assert (await worker.get(service.url + "/healthz")).json() == {"status": "ok"}
            ready = answered(await worker.get(service.url + "/readyz"), 200, "status", "missing")
            assert ready == {"status": "ready", "missing": []}


class Gate:
    """A way to the database that can be shut: whoever is through is cut off, nobody new gets in."""

    def __init__(self, database_url: str) -> None:
        self._parts = tortoise_config(database_url)["connections"]["default"]["credentials"]
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0

    async def open(self) -> None:
        """Let everybody through, always at the same port."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """As if the database had gone."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The database, through the gate."""
        user, password, name = (self._parts[key] or "" for key in ("user", "password", "database"))
        return f"postgres://{user}{':' if password else ''}{password}@127.0.0.1:{self._port}/{name}"

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._parts["host"], self._parts["port"]
        inner_reader, inner_writer = await (
            asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            if str(host).startswith("/")
            else asyncio.open_connection(host, port)
        )
        self._writers |= {writer, inner_writer}
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_without_its_database_it_lives_is_not_ready_and_comes_back(
    make_service: Callable[..., Service], templates: Templates
) -> None:
    gate = Gate(templates("gate", True))
    await gate.open()
    service = await asyncio.to_thread(make_service, workers=1, DATABASE_URL=gate.url)
    client = service.client()
    body = {"channel": "sandbox", "code": "load-5101"}
    signed_in = answered(await client.post("/auth/citizen", json=body), 200, "access_token")
    client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
    await gate.shut()
    begun = time.monotonic()
    refusal = await client.get(service.url + "/readyz")
    assert "database" in problem(refusal, 503, "not_ready")["missing"]
    assert (await client.get(service.url + "/healthz")).status_code == 200
    for path in ("/me", "/me/coupons", "/me/credit", "/consents/credit_check"):
        problem(await client.get(path), 503, "database_unavailable")
    problem(await client.post("/auth/citizen", json=body), 503, "database_unavailable")
    assert time.monotonic() - begun < 5, "an error at once, not a hang"
    await gate.open()
    until = time.monotonic() + 5
    while (await client.get("/me")).status_code != 200:
        assert time.monotonic() < until, "it comes back without a hand"
        await asyncio.sleep(0.05)
    assert (await client.get(service.url + "/readyz")).json()["status"] == "ready"
    assert await asyncio.to_thread(service.stop) == 0
    await gate.shut()


@pytest.fixture(scope="module")
def single(make_service: Callable[..., Service]) -> Service:
    """A service of one process."""
    return make_service(workers=1)


@pytest.fixture(scope="module")
def pair(make_service: Callable[..., Service]) -> Service:
    """A service of two processes, any of which may be killed, with a line in the log for every request."""
    return make_service(workers=2, ACCESS_LOG="1")


async def test_a_database_that_takes_no_connections_is_unavailable_and_no_mistake_of_ours(
    single: Service, servers: Servers
) -> None:
    service, citizen = single, await single.citizen()
    name = urlsplit(service.environment["DATABASE_URL"]).path[1:]
    await _sql(
        servers.database_url,
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    try:
        refusal = await citizen.http.get(service.url + "/readyz")
        assert "database" in problem(refusal, 503, "not_ready")["missing"]
        problem(await citizen.http.get("/me"), 503, "database_unavailable")
    finally:
        await _sql(servers.database_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def test_without_migrations_it_is_not_ready_and_says_which_are_missing(servers: Servers) -> None:
    name = f"blank_{uuid4().hex[:8]}"
    await _sql(servers.database_url, f"CREATE DATABASE {name}")
    service = Unready.start(environment(servers.database(name), servers.redis_url, WORKERS="1"))
    try:
        client = service.client()
        refusal = await client.get(service.url + "/readyz", headers={"Accept-Language": "en"})
        members = problem(refusal, 503, "not_ready")
        assert "migrations" in members["missing"] and "0001_initial" in members["missing"]
        assert members["missing"] in members["detail"]
        assert (await client.get(service.url + "/healthz")).status_code == 200
    finally:
        assert service.stop() == 0
        await _sql(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def without_redis(make_service: Callable[..., Service]) -> Service:
    """A service whose Redis is away."""
    return make_service(workers=2, REDIS_URL="redis://127.0.0.1:1/0", CITIZEN_LIMIT="60")


async def test_with_redis_away_the_limit_is_each_processes_share(without_redis: Service) -> None:
    if time.time() % 60 > 55:  # the limits count by the minute of the clock
        await asyncio.sleep(6)
    citizen = await without_redis.citizen(consent=False)
    answers = await asyncio.gather(*(citizen.http.get("/me") for _ in range(150)))
    let_through = sum(answer.status_code == 200 for answer in answers)
    assert 30 <= let_through <= 60
    problem(next(answer for answer in answers if answer.status_code != 200), 429, "too_many_requests")


@pytest.mark.alone
async def test_without_redis_it_is_degraded_and_serves_everything(without_redis: Service) -> None:
    service, client = without_redis, without_redis.client()
    ready = answered(await client.get(service.url + "/readyz"), 200, "status", "missing")
    assert ready == {"status": "degraded", "missing": ["redis"]}
    citizen, clerk, admin = await service.citizen(), await service.clerk(), await service.admin()
    coupon = await citizen.coupon()
    begun = time.monotonic()
    done = answered(await clerk.redeem(await citizen.code(coupon["id"])), 201, "id")
    assert (await clerk.reverse(done["id"])).status_code == 201
    assert time.monotonic() - begun < 1, "nothing waits for Redis"
    assert (await admin.get("/admin/audit")).status_code == 200
    assert (await citizen.http.post("/auth/logout")).status_code == 204
    problem(await citizen.http.get("/me"), 401, "unauthenticated")


# Metrics ------------------------------------------------------------------------------------------

TOKEN = "a-token-for-the-metrics"


def counts(text: str, **labels: str) -> float:
    """How many requests were counted with these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "xinyi_requests_total" and labels.items() <= sample.labels.items()
    )


async def test_the_metrics_of_all_processes_add_up(pair: Service) -> None:
    service = pair
    text = (await service.client().get(service.url + "/metrics")).text
    asked = {"method": "GET", "route": "/api/v1/consents/<purpose>", "status": "200"}
    before = counts(text, **asked)
    async with one_client_per_worker(service) as workers:
        for times, worker in enumerate(workers.values(), start=3):
            for _ in range(times):
                await worker.get("/consents/credit_check")
        seen = {
            counts((await worker.get(service.url + "/metrics")).text, **asked) for worker in workers.values()
        }
        assert seen == {before + 3 + 4}, "whichever process is asked"
    # What a process has counted is not forgotten with it.
    victim = service.web_pids()[0]
    psutil.Process(victim).kill()
    await _until(lambda: victim not in service.web_pids() and len(service.web_pids()) == 2)
    service.wait_ready()
    answer = await service.client().get(service.url + "/metrics")
    assert counts(answer.text, **asked) == before + 7
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def _is_gone(service: Service, pid: int) -> bool:
    return pid not in service.web_pids()


async def _until(condition: Callable[[], bool], within_s: float = 10) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until
        await asyncio.sleep(0.02)


async def test_the_metrics_are_for_loopback_or_a_token(make_service: Callable[..., Service]) -> None:
    addresses = [
        address.address
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family is socket.AF_INET and not address.address.startswith("127.")
    ]
    service = make_service(workers=1, HOST="0.0.0.0", METRICS_TOKEN=TOKEN, FORWARDED_SECRET="s" * 20)  # noqa: S104
    near = service.url + "/metrics"
    port = urlsplit(service.url).port
    client = service.client()
    assert (await client.get(near)).status_code == 200
    # Through a proxy on this machine everybody seems to come from loopback.
    for headers in (
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": ""},
        {"Forwarded": "for=127.0.0.1"},
        {"Forwarded": f"for=127.0.0.1;secret={'s' * 20}"},
    ):
        problem(await client.get(near, headers=headers), 404, "not_found")
        allowed = await client.get(near, headers={**headers, "Authorization": f"Bearer {TOKEN}"})
        assert allowed.status_code == 200
    for address in addresses:
        far = f"http://{address}:{port}/metrics"
        assert (await client.get(f"http://{address}:{port}/healthz")).status_code == 200
        for headers in (
            {},
            {"Authorization": "Bearer x"},
            {"Authorization": "Bearer "[:-1]},
            {"Authorization": f"Bearer {TOKEN[:-1]}"},
            {"X-Forwarded-For": "127.0.0.1"},
            {"X-Real-IP": "127.0.0.1"},
            {"Host": "localhost"},
        ):
            problem(await client.get(far, headers=headers), 404, "not_found")
        assert (await client.get(far, headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200


# Documents ----------------------------------------------------------------------------------------


async def test_the_document_validates_and_names_every_call_of_the_contract(service: Service) -> None:
    answer = await service.client().get(service.url + "/api/openapi.json")
    document: dict[str, Any] = answered(answer, 200, "openapi", "paths", "components")
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
    named = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    named = {re.sub(r"\{\w+\}", "{}", call) for call in named}
    assert named >= {
        *("GET /healthz", "GET /readyz", "GET /metrics", "GET /api/openapi.json", "GET /api/docs"),
        *("POST /auth/citizen", "POST /auth/refresh", "POST /auth/logout", "GET /me"),
        *("GET /consents/{}", "PUT /me/consents/{}", "DELETE /me/consents/{}"),
        *("GET /me/credit", "GET /me/credit/lookups", "GET /offers", "GET /offers/{}"),
        *("POST /offers/{}/coupons", "GET /me/coupons", "GET /coupons/{}", "DELETE /coupons/{}"),
        *("GET /coupons/{}/code", "GET /coupons/{}/events", "POST /auth/staff", "POST /redemptions/preview"),
        *("POST /redemptions", "POST /redemptions/{}/reversals", "GET /redemptions", "GET /redemptions/{}"),
        "POST /auth/admin",
    }
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)


class Links(HTMLParser):
    """Collects everything that a page would fetch, and everything inline."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Links, sources and handlers."""
        values = {name: value or "" for name, value in attrs}
        self.found += [values[name] for name in ("src", "href", "action", "data", "srcset") if name in values]
        self.inline += [name for name in values if name.startswith("on") or name == "style"]
        self._inside = tag if tag in ("script", "style") and "src" not in values else ""

    def handle_data(self, data: str) -> None:
        """Scripts and styles between tags."""
        if self._inside and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Out again."""
        self._inside = ""


async def test_the_page_of_the_document_needs_no_other_host(service: Service) -> None:
    client = service.client()
    page = await client.get(service.url + "/api/docs")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    links = Links()
    links.feed(page.text)
    assert not links.inline and len(links.found) >= 3
    texts = [page.text]
    for link in links.found:
        if link.startswith(("#", "data:")):
            continue
        assert link.startswith("/") and not link.startswith("//"), link
        part = await client.get(service.url + link)
        assert part.status_code == 200 and part.headers["x-content-type-options"] == "nosniff"
        if "json" not in part.headers["content-type"]:
            texts.append(part.text)
    for text in texts:
        assert not re.findall(r"(?:https?:)?//[\w-]+\.[\w.-]+", re.sub(r"^\s*//.*$", "", text, flags=re.M))
        assert not re.findall(r"@import|url\(\s*['\"]?(?!data:)\w+:", text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"https?:", policy) and "*" not in policy


# The log ------------------------------------------------------------------------------------------


async def test_every_line_of_the_log_is_one_json_object(pair: Service) -> None:
    service, citizen = pair, await pair.citizen()
    await citizen.http.get("/me", headers={"X-Request-Id": "trace-4711"})
    await service.fetch("ALTER TABLE coupons ADD CONSTRAINT broken CHECK (false) NOT VALID")
    problem(await citizen.claim(), 500, "internal_error")
    await service.fetch("ALTER TABLE coupons DROP CONSTRAINT broken")
    with socket.create_connection(("127.0.0.1", urlsplit(service.url).port or 0)) as connection:
        connection.sendall(b"\x16\x03\x01 garbage\r\n\r\n")
        connection.recv(100)
    psutil.Process(service.web_pids()[0]).kill()
    await _until(lambda: "worker_died" in service.log.read_text())
    service.wait_ready()
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert all(isinstance(line, dict) and line["event"] and line["level"] for line in lines)
    events = {line["event"] for line in lines}
    assert {"listening", "worker_ready", "request", "unhandled", "worker_died"} <= events
    (traced,) = [line for line in lines if line.get("request_id") == "trace-4711"]
    assert (traced["route"], traced["status"], traced["method"]) == ("/api/v1/me", 200, "GET")
    (mistake,) = [line for line in lines if line["event"] == "unhandled"]
    assert mistake["constraint_name"] == "broken" and mistake["request_id"]


# Processes that end, clients that dawdle ----------------------------------------------------------


async def test_a_killed_process_comes_back_and_the_service_never_stops(pair: Service) -> None:
    service, citizen = pair, await pair.citizen()
    for victim in service.web_pids():
        psutil.Process(victim).send_signal(signal.SIGKILL)
        begun = time.monotonic()
        await _until(partial(_is_gone, service, victim))
        # The connections of the dead process are gone with it; every new one is served.
        for _ in range(20):
            fresh = await service.client().get(service.url + "/healthz")
            assert fresh.status_code == 200
        await _until(lambda: len(service.web_pids()) == 2)
        assert time.monotonic() - begun < 10
    async with one_client_per_worker(service) as workers:
        assert len(workers) == 2
        for worker in workers.values():
            answer = await worker.get("/me", headers={"Authorization": citizen.http.headers["Authorization"]})
            assert answer.status_code == 200


DAWDLERS = 100
# The server looks every five seconds, and ends what was on its way for more than ten when it looked.
ENDED_WITHIN_S = 22.0


@pytest.mark.alone
async def test_a_hundred_dawdling_clients_slow_nobody_down_and_are_ended(single: Service) -> None:
    service = single
    port = urlsplit(service.url).port
    head = b"POST /api/v1/auth/citizen HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    kinds = {
        "half a header": (head + b"X-Slow: ", b""),
        "half a body": (head + b"Content-Length: 1000\r\n\r\n{", b""),
        "a header byte by byte": (head + b"X-Slow: ", b"a"),
        "a body byte by byte": (head + b"Content-Length: 1000\r\n\r\n{", b" "),
        "chunk by chunk": (head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    }
    each_kind = [kind for kind in kinds for _ in range(DAWDLERS // len(kinds))]
    begun = time.monotonic()
    dawdlers = [asyncio.create_task(_dawdle(port or 0, *kinds[kind])) for kind in each_kind]
    await asyncio.sleep(0.5)
    client = service.client()
    slowest = 0.0
    while time.monotonic() - begun < ENDED_WITHIN_S and not all(task.done() for task in dawdlers):
        asked = time.monotonic()
        assert (await client.get(service.url + "/healthz")).status_code == 200
        assert (await client.get("/offers?limit=1")).status_code == 200
        slowest = max(slowest, time.monotonic() - asked)
        await asyncio.sleep(0.1)
    ends: dict[str, set[int | None]] = {}
    for kind, task in zip(each_kind, dawdlers, strict=True):
        ends.setdefault(kind, set()).add(task.result() if task.done() else None)
        task.cancel()
    await asyncio.gather(*dawdlers, return_exceptions=True)
    assert slowest < 1.0
    # 0: the answer was lost because the dawdler went on sending; None: the connection is still open.
    assert all(408 in found and found <= {408, 0} for found in ends.values()), ends


async def _dawdle(port: int, first: bytes, each: bytes) -> int:
    """Send a request that never ends, a little every second; the status that ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(first)
        answer = asyncio.create_task(reader.read(100))
        while not (await asyncio.wait([answer], timeout=1))[0]:
            writer.write(each)
            await writer.drain()
        line = answer.result().split(b"\r\n")[0]
        return int(line.split()[1]) if line else 0
    except ConnectionError:
        return 0
    finally:
        writer.close()


def test_the_metrics_folder_is_the_services_own(service: Service) -> None:
    folder = Path(service.environment["PROMETHEUS_MULTIPROC_DIR"])
    pids = {int(re.findall(r"_(\d+)\.db", file.name)[0]) for file in folder.glob("*.db")}
    assert set(service.web_pids()) <= pids
