"""What every test can ask for: real servers, a database of its own, a running service.

One PostgreSQL (the oldest embedded one) and one Valkey serve the whole run; `TEST_DATABASE_URL` and
`TEST_REDIS_URL` name others. A test's database is a copy of a migrated template: some 50 ms.
"""

import os

os.environ["SANDBOX"] = "1"

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from benefits import terms
from common import database as db
from sandbox.embedded import Postgres, Valkey
from server.migrate import migrate
from tests.seeds import (
    DEMO,
    EMPTY,
    copy_seed,
    environment,
    fill_with_demo,
    open_folder,
    remove_folder,
    run_sql,
)
from tests.service import Service, close_clients


@dataclass(frozen=True)
class Servers:
    """Where the tests' PostgreSQL (its maintenance database) and Redis are; `is_ours`: they end with the run."""

    database_url: str
    redis_url: str
    is_ours: bool = False

    def database(self, name: str) -> str:
        """The URL of another database of the same server."""
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{name}"))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        open_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        remove_folder()


@pytest.fixture(autouse=True)
async def _no_open_clients() -> AsyncIterator[None]:
    yield
    await close_clients()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Running servers; ours end with the session."""
    outside = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    if outside[0] and outside[1]:
        yield Servers(*outside)  # type: ignore[arg-type]
        return
    with tempfile.TemporaryDirectory(prefix="xy-tests-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        # Durability is not what these tests are about; the fault tests start servers of their own.
        copy_seed(16, folder / "pg")
        postgres = Postgres.start(folder / "pg", settings={"fsync": "off", "max_connections": "300"})
        valkey = Valkey.start(folder / "valkey")
        try:
            yield Servers(postgres.url, valkey.url, is_ours=True)
        finally:
            valkey.stop()
            postgres.stop()


@pytest.fixture(scope="session")
def templates(servers: Servers) -> Iterator[Callable[[str, bool], str]]:
    """Makes a database: `make(name, with_demo)` gives the URL of a fresh migrated copy."""
    empty, filled = (EMPTY, DEMO) if servers.is_ours else asyncio.run(_foreign_templates(servers))
    made: list[str] = []

    def make(name: str, with_demo: bool) -> str:
        database = f"{name}_{uuid4().hex[:8]}"
        statement = f"CREATE DATABASE {database} TEMPLATE {filled if with_demo else empty}"
        _in_a_loop_of_its_own(run_sql(servers.database_url, statement))
        made.append(database)
        return servers.database(database)

    yield make
    if servers.is_ours:
        return  # they go with it
    drops = [f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in (*made, empty, filled)]
    asyncio.run(run_sql(servers.database_url, *drops))


async def _foreign_templates(servers: Servers) -> tuple[str, str]:
    mark = uuid4().hex[:8]
    empty, filled = f"empty_{mark}", f"demo_{mark}"
    await run_sql(servers.database_url, f"CREATE DATABASE {empty}")
    await migrate(servers.database(empty), lambda _: None, is_sandbox=True)
    await run_sql(servers.database_url, f"CREATE DATABASE {filled} TEMPLATE {empty}")
    await fill_with_demo(servers.database(filled))
    return empty, filled


def _in_a_loop_of_its_own(work: object) -> None:
    """Fixtures are made inside the tests' event loop; this one must not wait for it."""
    import threading

    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)  # type: ignore[arg-type]
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


async def _connected(url: str) -> AsyncIterator[str]:
    terms._kept.clear()
    await db.connect(url, pool_size=8)
    try:
        yield url
    finally:
        await db.disconnect()


@pytest.fixture
async def database(templates: Callable[[str, bool], str]) -> AsyncIterator[str]:
    """A migrated, empty database of the test's own, connected in this process; its URL."""
    async for url in _connected(templates("t", False)):
        yield url


@pytest.fixture
async def demo_database(templates: Callable[[str, bool], str]) -> AsyncIterator[str]:
    """The same with the demo data."""
    async for url in _connected(templates("d", True)):
        yield url


def _maker(servers: Servers, templates: Callable[[str, bool], str]) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def make(workers: int = 2, **more: str) -> Service:
        url = more.pop("DATABASE_URL", None) or templates("s", True)
        redis_url = more.pop("REDIS_URL", None) or servers.redis_url
        service = Service.start(environment(url, redis_url, WORKERS=str(workers), **more))
        started.append(service)
        return service

    yield make
    for service in started:
        service.process.terminate()
    for service in started:
        service.stop()


@pytest.fixture(scope="module")
def make_service(servers: Servers, templates: Callable[[str, bool], str]) -> Iterator[Callable[..., Service]]:
    """Starts services: `make_service(workers=2, **environment)`, each with a demo database of its own.

    They end with the module: thirty of them that only look whether somebody signed out keep a core busy.
    """
    yield from _maker(servers, templates)


@pytest.fixture(scope="session")
def make_shared_service(
    servers: Servers, templates: Callable[[str, bool], str]
) -> Iterator[Callable[..., Service]]:
    """The same for those that serve many modules."""
    yield from _maker(servers, templates)


@pytest.fixture(scope="session")
def service(make_shared_service: Callable[..., Service]) -> Service:
    """One running service (two web processes) with demo data, shared by all tests that don't disturb it."""
    return make_shared_service()
