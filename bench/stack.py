"""Starts what a bench needs: a durable PostgreSQL, Valkey, the service with demo data, bare Sanic."""

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from bench.load import LoadFailed
from common import database
from common.processes import end, spawn
from sandbox.embedded import Postgres, Valkey
from server.config import Settings, load

FOLDER = Path(os.environ.get("DATA_DIR") or ".data") / "bench"
# Two services with several workers and pgbench with 64 connections, all at once.
POSTGRES = MappingProxyType({"max_connections": "200"})


@dataclass(frozen=True)
class Server:
    """Something that listens: its address, and the process whose children do the work."""

    address: tuple[str, int]
    pid: int


@dataclass
class Stack:
    """Running servers and the settings that the service runs with."""

    folder: Path
    postgres: Postgres
    settings: Settings
    environment: dict[str, str]

    def sql(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine with the database connected."""

        async def connected() -> Any:
            await database.connect(self.settings.database_url, pool_size=4, statement_timeout="0")
            try:
                return await work()
            finally:
                await database.disconnect()

        return asyncio.run(connected())

    def restart(self, settings: Mapping[str, str] = POSTGRES) -> None:
        """Stop PostgreSQL in order and start it with other settings, over the same data."""
        self.postgres.stop()
        self.postgres = Postgres.start(self.folder / "postgres", settings=settings)

    def service(self, workers: int) -> AbstractContextManager[Server]:
        """The service with this many web processes, ready; a context manager that gives a `Server`."""
        metrics = self.folder / f"metrics-{uuid4().hex[:8]}"
        extra = {"WORKERS": str(workers), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        return self._listening("server", ["web"], extra, "/readyz")

    def bare(self, size: int, status: int = 200, workers: int = 1) -> AbstractContextManager[Server]:
        """Bare Sanic that answers everything with a body of `size` bytes."""
        kind = "application/json" if status < 400 else "application/problem+json"
        wanted = ["--bytes", str(size), "--status", str(status), "--workers", str(workers)]
        wanted += ["--content-type", kind]
        return self._listening("bench.bare", wanted, {}, "/")

    @contextmanager
    def _listening(
        self, module: str, arguments: list[str], extra: Mapping[str, str], path: str
    ) -> Iterator[Server]:
        port = _free_port()
        if module == "bench.bare":
            arguments = [*arguments, "--port", str(port)]
        with (self.folder / "web.log").open("ab") as log:
            process = spawn(
                [sys.executable, "-m", module, *arguments],
                env={**self.environment, **extra, "PORT": str(port)},
                output=log,
            )
        try:
            _wait_ready(port, path, process, self.folder / "web.log")
            yield Server(("127.0.0.1", port), process.pid)
        finally:
            if not end(process, signal.SIGTERM, 30):
                end(process, signal.SIGKILL, 10)


@contextmanager
def started(folder: Path = FOLDER, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Stack]:
    """PostgreSQL, Valkey and a fresh database with demo data; gone afterwards."""
    folder = folder.resolve()
    with _alone(folder):
        yield from _started(folder, settings)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else empties the folder meanwhile.

    Raises:
        LoadFailed: another bench is running there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LoadFailed("another bench is running here: wait for it, or set DATA_DIR") from None
        yield


def _started(folder: Path, settings: Mapping[str, str]) -> Iterator[Stack]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    postgres = Postgres.start(folder / "postgres", settings={**POSTGRES, **settings})
    try:
        valkey = Valkey.start(folder / "valkey")
        try:
            environment = {
                **os.environ,
                "DATABASE_URL": postgres.url,
                "REDIS_URL": valkey.url,
                # No run of a bench is longer: nobody has to sign in again half way.
                "ACCESS_TOKEN_S": "3600",
            }
            for command in (["server", "migrate"], ["sandbox", "demo"]):
                subprocess.run(
                    [sys.executable, "-m", *command], env=environment, check=True, stdout=subprocess.DEVNULL
                )
            stack = Stack(folder, postgres, load(environment), environment)
            try:
                yield stack
            finally:
                postgres = stack.postgres
        finally:
            valkey.stop()
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_ready(port: int, path: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        with (
            suppress(OSError, HTTPException),
            closing(HTTPConnection("127.0.0.1", port, timeout=2)) as connection,
        ):
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    lines = log.read_text(errors="replace").splitlines()[-3:]
    raise LoadFailed("a server did not get ready; its log ends: " + " / ".join(lines))
