"""`python -m sandbox run`, as `make run` starts it: killed in any way it leaves nothing behind and loses nothing."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from sandbox.embedded import Postgres
from tests.e2e.invariants import check
from tests.e2e.wire import Call, Line
from tests.service import Service, new_key

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "sandbox", "run"]
# Stands for `make`: waits for its only child.
PARENT = [sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"]


class Run:
    """One `make run` with a port and a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, under_a_parent: bool = False) -> None:
        """Start it, directly or as `make` does."""
        names = ("PATH", "HOME", "LANG", "TMPDIR")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*PARENT, *COMMAND] if under_a_parent else COMMAND,
                cwd=ROOT,
                env={**environment, "PORT": str(self.port), "DATA_DIR": str(self.data)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def service(self) -> Service:
        """To speak to it as to any service."""
        assert self.process is not None
        database = f"postgres://xinyi@/xinyi?host={self.data}/postgres/run"
        return Service(self.process, f"http://127.0.0.1:{self.port}", {"DATABASE_URL": database}, self.log)

    def family(self) -> list[psutil.Process]:
        """Every process of it."""
        assert self.process is not None
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    async def until_ready(self, within_s: float) -> float:
        """Wait until it serves; the seconds it took."""
        begun = time.monotonic()
        while time.monotonic() - begun < within_s:
            with suppress(OSError):
                line = await Line.open(self.service.url)
                try:
                    if (await line.ask(Call("GET", "/readyz"))).status == 200:
                        return time.monotonic() - begun
                except EOFError:
                    pass
                finally:
                    line.close()
            assert self.process is not None and self.process.poll() is None, self.log.read_text()[-3000:]
            await asyncio.sleep(0.05)
        raise AssertionError(f"not ready within {within_s} s:\n{self.log.read_text()[-3000:]}")

    def end(self) -> None:
        """Leave nothing to the next test, whatever happened."""
        if self.process is None or self.process.poll() is not None:
            return
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(10)


@pytest.fixture
def runs() -> Iterator[tuple[Run, Run]]:
    with (
        tempfile.TemporaryDirectory(prefix="xy-run-", ignore_cleanup_errors=True) as one,
        tempfile.TemporaryDirectory(prefix="xy-run-", ignore_cleanup_errors=True) as other,
    ):
        folders = [Path(one), Path(other)]
        for folder in folders:
            folder.chmod(0o755)
        both = (Run(folders[0]), Run(folders[1]))
        yield both
        for run in both:
            run.end()


async def all_gone(family: list[psutil.Process], within_s: float) -> None:
    until = time.monotonic() + within_s
    while left := [process for process in family if is_alive(process)]:
        assert time.monotonic() < until, f"still running: {[process.cmdline() for process in left]}"
        await asyncio.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def redeemed(service: Service) -> tuple[str, str, bytes]:
    """Claim and redeem: the code, the key, and the answer that was acknowledged."""
    citizen, clerk = await service.citizen(), await service.clerk()
    code, key = await citizen.code((await citizen.coupon())["id"]), new_key()
    done = await clerk.redeem(code, key)
    assert done.status_code == 201
    return code, key, done.content


async def test_killed_run_leaves_nothing_running_and_the_next_one_has_everything(
    runs: tuple[Run, Run],
) -> None:
    plain, made = runs
    plain.start()
    made.start(under_a_parent=True)
    # Side by side, both for the first time.
    await asyncio.gather(plain.until_ready(60), made.until_ready(60))
    acknowledged = [(await redeemed(run.service)) for run in runs]
    families = [run.family() for run in runs]
    # PostgreSQL, Valkey, web with two processes, worker, and what started them.
    assert all(len(family) >= 8 for family in families), families
    for run in runs:
        assert run.process is not None
        run.process.send_signal(signal.SIGKILL)
    await asyncio.gather(*(all_gone(family, 15) for family in families))
    assert all(run.process is not None and run.process.wait(5) for run in runs)
    plain.start()
    seconds = await plain.until_ready(30)
    assert seconds < 10, seconds
    code, key, body = acknowledged[0]
    again = await (await plain.service.clerk()).redeem(code, key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == body
    await check(plain.service.fetch)
    # Of the other one the database alone will do.
    postgres = Postgres.start(made.data / "postgres")
    try:
        rows = await made.service.fetch(
            "SELECT id FROM redemptions WHERE request_key = $1", acknowledged[1][1]
        )
        assert [str(row["id"]) for row in rows] == [json.loads(acknowledged[1][2])["id"]]
        await check(made.service.fetch)
    finally:
        postgres.stop()
    family = plain.family()
    assert plain.process is not None
    plain.process.send_signal(signal.SIGTERM)
    await all_gone(family, 15)
    assert plain.process.wait(5) == 0
