"""Starts what a bench needs: a durable PostgreSQL, Valkey, the service with demo data; and stops it again."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from common import database
from sandbox.embedded import Postgres, Valkey
from server.config import Settings, load

FOLDER = Path(".data/bench")


@dataclass
class Stack:
    """Running servers and the settings that the service runs with."""

    postgres: Postgres
    settings: Settings
    environment: dict[str, str]

    def sql(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine with the database connected."""

        async def connected() -> Any:
            await database.connect(self.settings.database_url, pool_size=2, statement_timeout="0")
            try:
                return await work()
            finally:
                await database.disconnect()

        return asyncio.run(connected())

    @contextmanager
    def service(self, workers: int) -> Iterator[tuple[str, int]]:
        """The service with this many web processes; its address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {**self.environment, "PORT": str(port), "WORKERS": str(workers)}
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "web"], env=environment, stderr=(FOLDER / "web.log").open("ab")
        )
        try:
            _wait_ready(port)
            yield "127.0.0.1", port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@contextmanager
def started() -> Iterator[Stack]:
    """PostgreSQL, Valkey and a fresh database with demo data."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    postgres = Postgres.start(FOLDER.resolve() / "postgres")
    valkey = Valkey.start(FOLDER.resolve() / "valkey")
    try:
        environment = {
            **os.environ,
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "PROMETHEUS_MULTIPROC_DIR": str(FOLDER.resolve() / "metrics"),
        }
        for command in (["server", "migrate"], ["sandbox", "demo"]):
            subprocess.run(
                [sys.executable, "-m", *command], env=environment, check=True, stdout=subprocess.DEVNULL
            )
        yield Stack(postgres, load(environment), environment)
    finally:
        valkey.stop()
        postgres.stop()


def _wait_ready(port: int) -> None:
    for _ in range(300):
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"the service did not get ready; see {FOLDER / 'web.log'}")
