"""What every test can ask for: real servers, a database of its own, a running service.

One PostgreSQL (the oldest embedded one) and one Valkey serve the whole run; `TEST_DATABASE_URL` and
`TEST_REDIS_URL` name others. A test's database is a copy of a migrated template: some 30 ms.
"""

import os

os.environ["SANDBOX"] = "1"

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from benefits import terms
from common import database as db
from common.processes import collect_rarely, keep_what_is_loaded
from sandbox.embedded import Postgres, Valkey
from server.migrate import migrate
from tests.order import longest_first
from tests.seeds import (
    DEMO,
    EMPTY,
    Copies,
    copy_seed,
    environment,
    fill_with_demo,
    open_folder,
    run_sql,
    work_in_memory,
)
from tests.service import Service, close_clients, connections_kept

# The folder of the clusters that are copied, where this run has made it.
_OURS = pytest.StashKey[Path | None]()


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
    collect_rarely()
    if not hasattr(config, "workerinput"):
        work_in_memory()
        config.stash[_OURS] = open_folder()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, none is left alone with a long one."""
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items, config.workerinput["workercount"])


def pytest_collection_finish() -> None:
    """Thousands of tests stay to the end: nobody looks through them for garbage."""
    keep_what_is_loaded()


def pytest_unconfigure(config: pytest.Config) -> None:
    if folder := config.stash.get(_OURS, None):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
async def _no_open_clients() -> AsyncIterator[None]:
    yield
    await close_clients()


@pytest.fixture(scope="module", autouse=True)
async def _connections_are_kept() -> AsyncIterator[None]:
    async with connections_kept():
        yield


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


class Templates:
    """Makes databases: `templates(name, with_demo)` gives the URL of a fresh migrated copy."""

    def __init__(self, servers: Servers, copies: Copies, empty: str, filled: str) -> None:
        self._servers, self._copies = servers, copies
        self._empty, self._filled = empty, filled
        self._made: list[str] = []

    def __call__(self, name: str, with_demo: bool) -> str:
        database = self._copies.make(name, self._filled if with_demo else self._empty)
        self._made.append(database)
        return self._servers.database(database)

    def drop(self, url: str) -> None:
        """Give the room back; what is not dropped is dropped at the end of the run."""
        database = urlsplit(url).path[1:]
        if database in self._made:
            self._made.remove(database)
            self._copies.drop(database)

    def drop_all(self) -> None:
        """At the end of the run, the templates themselves too."""
        for database in (*self._made, self._empty, self._filled):
            self._copies.drop(database)


@pytest.fixture(scope="session")
def templates(servers: Servers) -> Iterator[Templates]:
    """Makes databases."""
    empty, filled = (EMPTY, DEMO) if servers.is_ours else asyncio.run(_foreign_templates(servers))
    copies = Copies(servers.database_url)
    made = Templates(servers, copies, empty, filled)
    yield made
    if not servers.is_ours:  # ours go with their server
        made.drop_all()
    copies.close()


async def _foreign_templates(servers: Servers) -> tuple[str, str]:
    mark = uuid4().hex[:8]
    empty, filled = f"empty_{mark}", f"demo_{mark}"
    await run_sql(servers.database_url, f"CREATE DATABASE {empty}")
    await migrate(servers.database(empty), lambda _: None, is_sandbox=True)
    await run_sql(servers.database_url, f"CREATE DATABASE {filled} TEMPLATE {empty}")
    await fill_with_demo(servers.database(filled))
    return empty, filled


async def _connected(templates: Templates, with_demo: bool) -> AsyncIterator[str]:
    url = templates("t", with_demo)
    terms._kept.clear()
    await db.connect(url, pool_size=8)
    try:
        yield url
    finally:
        await db.disconnect()
        templates.drop(url)


@pytest.fixture
async def database(templates: Templates) -> AsyncIterator[str]:
    """A migrated, empty database of the test's own, connected in this process; its URL."""
    async for url in _connected(templates, False):
        yield url


@pytest.fixture
async def demo_database(templates: Templates) -> AsyncIterator[str]:
    """The same with the demo data."""
    async for url in _connected(templates, True):
        yield url


def _maker(servers: Servers, templates: Templates) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def make(workers: int = 2, **more: str) -> Service:
        is_lasting = "DATABASE_URL" not in more
        url = more.pop("DATABASE_URL", None) or templates("s", True)
        redis_url = more.pop("REDIS_URL", None) or servers.redis_url
        service = Service.start(environment(url, redis_url, WORKERS=str(workers), **more))
        service.is_lasting = is_lasting
        started.append(service)
        return service

    yield make
    for service in started:
        service.process.terminate()
    for service in started:
        service.stop()
        templates.drop(service.environment["DATABASE_URL"])


@pytest.fixture(scope="module")
def make_service(servers: Servers, templates: Templates) -> Iterator[Callable[..., Service]]:
    """Starts services: `make_service(workers=2, **environment)`, each with a demo database of its own.

    They end with the module: thirty of them that only look whether somebody signed out keep a core busy.
    """
    yield from _maker(servers, templates)


@pytest.fixture(scope="session")
def make_shared_service(servers: Servers, templates: Templates) -> Iterator[Callable[..., Service]]:
    """The same for those that serve many modules."""
    yield from _maker(servers, templates)


@pytest.fixture(scope="session")
def service(make_shared_service: Callable[..., Service]) -> Service:
    """One running service (two web processes) with demo data, shared by all tests that don't disturb it."""
    return make_shared_service()
