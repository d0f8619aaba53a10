"""The embedded Valkey: on a unix socket, bounded in memory, gone with its launcher."""

import asyncio
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from redis import asyncio as aioredis

from sandbox.embedded import EmbeddedServerError, Valkey

ROOT = Path(__file__).parents[2]

LAUNCHER = """
import sys, time
from pathlib import Path
from sandbox.embedded import Valkey
print(Valkey.start(Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""

Start = Callable[..., Valkey]


@pytest.fixture
def start() -> Iterator[Start]:
    """Valkey.start, with everything it started killed at the end."""
    started: list[Valkey] = []

    def begin(folder: Path, **options: object) -> Valkey:
        started.append(Valkey.start(folder, **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for server in started:
        server.kill()


def command(server: Valkey, *words: str) -> object:
    async def ask() -> object:
        client = aioredis.from_url(server.url, decode_responses=True)
        try:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            await client.aclose()

    return asyncio.run(ask())


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def configured(server: Valkey, name: str) -> object:
    found = command(server, "CONFIG", "GET", name)
    assert isinstance(found, (dict, list))
    return found[name] if isinstance(found, dict) else found[1]


def test_answers_on_its_socket_only_and_bounds_its_memory(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "valkey")
    assert command(server, "PING")
    assert configured(server, "maxmemory") == str(256 << 20)
    assert configured(server, "maxmemory-policy") == "allkeys-lru"
    assert configured(server, "appendonly") == "no"
    assert configured(server, "save") == ""
    assert psutil.Process(server.pid).net_connections("inet") == []
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    assert psutil.Process(server.pid).uids().real != 0


def test_settings_of_the_caller_win(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "valkey", settings={"maxmemory": "32mb"})
    assert configured(server, "maxmemory") == str(32 << 20)


def test_starts_again_empty_after_kill(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "valkey")
    command(server, "SET", "key", "value")
    server.kill()
    assert not server.is_running
    again = start(tmp_path / "valkey")
    assert command(again, "GET", "key") is None


def test_stop_ends_it(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "valkey")
    process = psutil.Process(server.pid)
    server.stop()
    assert not process.is_running()
    assert not server.socket.exists()


def test_killed_launcher_leaves_nothing_and_frees_the_folder(start: Start, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path / "valkey")],
        cwd=ROOT,
        env={**os.environ, "SANDBOX": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as launcher:
        assert launcher.stdout
        process = psutil.Process(int(launcher.stdout.readline()))
        launcher.kill()
    deadline = time.monotonic() + 5
    while is_alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert command(start(tmp_path / "valkey"), "PING")


def test_second_start_on_the_same_folder_is_refused(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "valkey")
    with pytest.raises(EmbeddedServerError, match="already running"):
        start(tmp_path / "valkey")
    assert command(server, "PING")


def test_long_path_gets_a_short_socket_folder(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / ("x" * 120) / "valkey")
    assert command(server, "PING")
    assert len(os.fsencode(server.socket)) <= 107
    server.stop()
    assert not server.socket.parent.exists()


def test_failed_start_says_what_the_log_says(start: Start, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="no-such-setting"):
        start(tmp_path / "valkey", settings={"no-such-setting": "1"})
