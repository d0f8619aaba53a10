"""Servers that a test may kill: a durable PostgreSQL, a Valkey and services of the test's own.

The cluster is made and filled once; each test gets a copy of its folder.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from sandbox.embedded import Postgres, Valkey
from tests.faults.proxy import Proxy
from tests.seeds import environment, seed
from tests.service import Service

only_in_the_long_form = pytest.mark.skipif("FAULTS" not in os.environ, reason="`make faults` runs it")


@dataclass
class Town:
    """One PostgreSQL with fsync on, one Valkey, and the services that use them."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    services: list[Service] = field(default_factory=list)
    standbys: list[Postgres] = field(default_factory=list)

    def serve(self, **more: str) -> Service:
        """Start a service of two web processes; with a FAULT_… variable by the launcher of faults."""
        variables = {"WORKERS": "2", **more}
        module = "tests.faults.launcher" if any(name.startswith("FAULT_") for name in more) else "server"
        service = Service.start(environment(self.postgres.url, self.valkey.url, **variables), module)
        self.services.append(service)
        return service

    async def serve_through(
        self, *, to_postgres: Proxy | None = None, to_valkey: Proxy | None = None
    ) -> Service:
        """Start a service that reaches PostgreSQL or Valkey by a proxy, while the proxy's loop goes on."""
        more = {}
        if to_postgres:
            more["DATABASE_URL"] = f"postgres://xinyi@127.0.0.1:{to_postgres.port}/xinyi"
        if to_valkey:
            more["REDIS_URL"] = f"redis://127.0.0.1:{to_valkey.port}/0"
        return await asyncio.to_thread(self.serve, **more)

    @property
    def postgres_socket(self) -> Path:
        """Where PostgreSQL listens."""
        return self.postgres.socket_dir / f".s.PGSQL.{self.postgres.port}"

    def logs(self) -> dict[str, str]:
        """Everything that every part has written, by part."""
        files = [service.log for service in self.services]
        files += [*self.folder.glob("*.log"), *self.folder.glob("*/*.log")]
        return {str(file): file.read_text(errors="replace") for file in files if file.exists()}

    def start_postgres(self) -> None:
        """Start PostgreSQL again in its folder; from the main thread."""
        self.postgres = Postgres.start(self.postgres.folder)

    def fail_over_to(self, standby: Postgres) -> None:
        """From now on this one is the town's PostgreSQL."""
        self.standbys.remove(standby)
        self.standbys.append(self.postgres)
        self.postgres = standby

    def start_valkey(self) -> None:
        """Start Valkey again, empty, on the same socket; from the main thread."""
        self.valkey = Valkey.start(self.folder / "valkey")

    async def fetch(self, sql: str, *values: object) -> list[asyncpg.Record]:
        """Look into the database; patient while it recovers."""
        connection = await self._connected(10.0)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    async def _connected(self, within_s: float) -> asyncpg.Connection:
        until = time.monotonic() + within_s
        while True:
            try:
                return await asyncpg.connect(self.postgres.url)
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.05)

    def end(self) -> None:
        """End everything, at once where it does not matter."""
        for service in self.services:
            if service.process.poll() is None:
                service.process.terminate()
        for service in self.services:
            service.process.wait(30)
        self.valkey.kill()
        for postgres in (self.postgres, *self.standbys):
            postgres.kill()


def found_town(cluster: Path, folder: Path) -> Town:
    """A town in an empty folder, with a copy of a stopped cluster."""
    folder.chmod(0o755)
    shutil.copytree(cluster / "data", folder / "postgres" / "data")
    return Town(folder, Postgres.start(folder / "postgres"), Valkey.start(folder / "valkey"))


@pytest.fixture(scope="session")
def cluster() -> Path:
    """The folder of a stopped cluster that is migrated and has the demo data."""
    return seed(18)


@pytest.fixture
def make_town(cluster: Path) -> Iterator[Callable[[], Town]]:
    """Makes towns that the test may break."""
    towns: list[Town] = []
    folders: list[tempfile.TemporaryDirectory[str]] = []

    def make() -> Town:
        temporary = tempfile.TemporaryDirectory(prefix="xy-town-", ignore_cleanup_errors=True)
        folders.append(temporary)
        towns.append(found_town(cluster, Path(temporary.name)))
        return towns[-1]

    yield make
    for town in towns:
        town.end()
    for temporary in folders:
        temporary.cleanup()


@pytest.fixture
def town(make_town: Callable[[], Town]) -> Town:
    """A town of the test's own."""
    return make_town()
