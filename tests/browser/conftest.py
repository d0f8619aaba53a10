"""One service as `make run` starts it, and windows of a phone, of a clerk's phone with a camera, and of a desk."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.async_api import Browser, Playwright, async_playwright

from sandbox.embedded.postgres import running_url
from tests.browser import rooms
from tests.browser.desks import Desks
from tests.browser.rooms import DESK, PHONE, Window
from tests.service import Service

READY_WITHIN_S = 90.0

Opener = Callable[..., Awaitable[Window]]


@dataclass
class Stack(Service):
    """Everything that `make run` starts, with its data in a folder of its own."""

    def web_pids(self) -> list[int]:
        """The process ids of the web processes: the children of the one that `server web` is."""
        return [child.pid for child in self._part("web").children()]

    @asynccontextmanager
    async def worker_stopped(self, when: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
        """Hold the background process still from the moment that something is so, asked for all the time."""
        worker = self._part("worker")
        async with asyncio.timeout(30):
            while not await when():
                await asyncio.sleep(0.005)
        worker.suspend()
        try:
            yield
        finally:
            worker.resume()

    def _part(self, name: str) -> psutil.Process:
        """The process that `python -m server NAME` is."""
        own = psutil.Process(self.process.pid)
        [found] = [one for one in own.children() if one.cmdline()[-1:] == [name]]
        return found


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The running service; a test leaves it running."""
    missing = rooms.what_is_missing()
    if missing:
        pytest.exit(missing, returncode=3)
    with tempfile.TemporaryDirectory(prefix="xy-browser-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the embedded servers don't run as root
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            **{"PORT": str(port), "DATA_DIR": str(folder / "data"), "SANDBOX": "1", "WORKERS": "2"},
        }
        log = folder / "log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", "run"], env=environment, stdout=out, stderr=out
            )
        running = Stack(process, f"http://127.0.0.1:{port}", environment, log)
        try:
            running.wait_ready(READY_WITHIN_S)
            environment["DATABASE_URL"] = running_url(folder / "data" / "postgres") or ""
            yield running
        finally:
            running.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest.fixture(scope="session")
async def browser(playwright: Playwright, stack: Stack) -> AsyncIterator[Browser]:
    """The browser of everybody who needs no camera."""
    one = await rooms.launch(playwright)
    yield one
    await one.close()


@pytest.fixture
async def phone(browser: Browser, stack: Stack) -> AsyncIterator[Opener]:
    """Opens a citizen's phone; each is another person's. What went wrong in one fails the test."""
    opened: list[Window] = []

    async def open_phone(**options: object) -> Window:
        options = {"permissions": ["geolocation"], "geolocation": HANGZHOU, "has_touch": True, **options}
        opened.append(await Window.open(browser, stack.url, PHONE, **options))
        return opened[-1]

    yield open_phone
    for window in opened:
        await window.close()


@pytest.fixture
async def desk(browser: Browser, stack: Stack) -> AsyncIterator[Opener]:
    """Opens a window of the alliance's office."""
    opened: list[Window] = []

    async def open_desk(**options: object) -> Window:
        opened.append(await Window.open(browser, stack.url, DESK, accept_downloads=True, **options))
        return opened[-1]

    yield open_desk
    for window in opened:
        await window.close()


@pytest.fixture(scope="module")
async def kept_desks(browser: Browser, stack: Stack) -> AsyncIterator[Desks]:
    kept = Desks(browser, stack.url)
    yield kept
    await kept.close()


@pytest.fixture
def desks(kept_desks: Desks) -> Iterator[Desks]:
    """Desks whose people sign in once for all tests of a file. What went wrong in one fails the test."""
    yield kept_desks
    kept_desks.accept_no_troubles()


@pytest.fixture
async def counter(playwright: Playwright, stack: Stack) -> AsyncIterator[Opener]:
    """Opens a clerk's phone whose camera sees `film`: a browser of its own, for a camera belongs to the process."""
    opened: list[tuple[Browser, Window]] = []

    async def open_counter(film: Path, **options: object) -> Window:
        own = await rooms.launch(playwright, *rooms.camera(film))
        options = {"permissions": ["camera"], "has_touch": True, **options}
        opened.append((own, await Window.open(own, stack.url, PHONE, **options)))
        return opened[-1][1]

    yield open_counter
    for own, window in opened:
        try:
            await window.close()
        finally:
            await own.close()


HANGZHOU = {"latitude": 30.2741, "longitude": 120.1551}


def wait_until(true: Callable[[], bool], within_s: float) -> None:
    """Wait for something outside the browser."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if true():
                return
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s")


async def wait_for(true: Callable[[], Awaitable[bool]], within_s: float) -> None:
    """Wait for what a question to the service or its database tells."""
    async with asyncio.timeout(within_s):
        while not await true():
            await asyncio.sleep(0.2)
