"""The service's own programs with something wrong inside: a process that dies at a step, a moved clock, a sick source.

`python -m tests.faults.launcher web` is `python -m server web`, and `… web-worker` and `… worker` likewise.
What is wrong is told by variables, each the path of a small file that the test may change while all runs:

- FAULT_ORDER: "redeem 7" ends the process at the seventh step after the beginning of a redemption. A step is
  every suspension and every resumption of any task of the process, so it does not matter who does the
  work: the request's own task, or another one for many requests together.
- FAULT_CLOCK: seconds (a double) that are added to the time of day.
- FAULT_SOURCE: the port where a credit source answers with a line.
- FAULT_GRADES: the codes of organisations whose grade is poor, a line each; all others are good.
"""

import asyncio
import os
import signal
import struct
import sys
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from functools import partial, wraps
from pathlib import Path
from typing import Any

from tests.warm import forking, loaded


class Steps:
    """Counts steps while an operation is under way, and ends the process by SIGKILL at the one it was told."""

    def __init__(self, order: Path) -> None:
        self._order = order
        self._remaining: int | None = None
        self._under_way = 0

    def counted(self, name: str, operation: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The operation, under way as long as it runs."""

        @wraps(operation)
        async def run(*values: Any, **named: Any) -> Any:
            self._take_order(name)
            self._under_way += 1
            try:
                return await operation(*values, **named)
            finally:
                self._under_way -= 1

        return run

    def _take_order(self, name: str) -> None:
        """Whoever can rename the file obeys it: one process, one operation."""
        if self._remaining is not None:
            return
        with suppress(FileNotFoundError):
            operation, number = self._order.read_text().split()
            if operation == name:
                self._order.rename(self._order.with_suffix(".taken"))
                self._remaining = int(number)

    def _step(self) -> None:
        if self._remaining is None or not self._under_way:
            return
        self._remaining -= 1
        if self._remaining <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @types.coroutine
    def _walked(self, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        sent: Any = None
        error: BaseException | None = None
        while True:
            try:
                awaited = work.send(sent) if error is None else work.throw(error)
            except StopIteration as end:
                return end.value
            self._step()
            sent, error = None, None
            try:
                sent = yield awaited
            except BaseException as raised:
                error = raised
            self._step()

    async def _walk(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await self._walked(work)

    async def count_tasks(self, *_: object) -> None:
        """Every task that begins from now on is counted."""

        def make(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
            return asyncio.Task(self._walk(work), loop=loop, **more)

        asyncio.get_running_loop().set_task_factory(make)


def die_at_a_step(order: Path) -> None:
    """Obey orders of the file; before anything of the server is imported."""
    from benefits import claims, redemptions

    steps = Steps(order)
    redemptions.redeem = steps.counted("redeem", redemptions.redeem)  # type: ignore[assignment]
    claims.claim = steps.counted("claim", claims.claim)  # type: ignore[assignment]
    from server import web_worker

    create = web_worker.create_app

    def create_app(*values: Any, **named: Any) -> Any:
        app = create(*values, **named)
        app.register_listener(steps.count_tasks, "before_server_start", priority=100)
        return app

    web_worker.create_app = create_app


def move_clock(file: Path) -> None:
    """Let the time of day be what the file says; before anything that asks for it is imported."""
    from common import clock

    real_time, real_now = time.time, clock.now

    def offset() -> float:
        moved: float = struct.unpack("d", file.read_bytes())[0]
        return moved

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=offset())

    time.time = lambda: real_time() + offset()
    clock.now = lambda: real_now() + timedelta(seconds=offset())
    from jwt import api_jwt

    api_jwt.datetime = Moved  # type: ignore[attr-defined]


def ask_source(port: int) -> None:
    """Look tiers up at a port of loopback."""
    from server import web_worker
    from tests.faults.line_source import LineSource

    web_worker.create_app = partial(web_worker.create_app, source=LineSource(port))


def grade(file: Path) -> None:
    """Let the jobs look organisations up in the file."""
    from server import jobs
    from tests.e2e.year import Grades

    jobs._organisation_source = lambda _: Grades(file)


def main() -> int:
    """Do what `python -m server` does, with the faults that the environment names."""
    if sys.argv[1] == "web":
        return _web()
    _go_wrong()
    from server.__main__ import main as serve

    return serve(sys.argv[1:])


def _go_wrong() -> None:
    if "FAULT_CLOCK" in os.environ:
        move_clock(Path(os.environ["FAULT_CLOCK"]))
    if "FAULT_ORDER" in os.environ:
        die_at_a_step(Path(os.environ["FAULT_ORDER"]))
    if "FAULT_SOURCE" in os.environ:
        ask_source(int(os.environ["FAULT_SOURCE"]))
    if "FAULT_GRADES" in os.environ:
        grade(Path(os.environ["FAULT_GRADES"]))


def _web() -> int:
    """The supervisor, whose web processes are forked with what is wrong inside."""
    with loaded(_go_wrong):
        from prometheus_client.multiprocess import mark_process_dead

        from common.metrics import prepared_folder
        from server import supervisor
        from server.config import load

        settings = load(os.environ)
        command = [sys.executable, "-m", "server", "web-worker"]
        with prepared_folder(), forking():
            return supervisor.run(
                settings.workers, settings.host, settings.port, command=command, on_exit=mark_process_dead
            )


if __name__ == "__main__":
    sys.exit(main())
