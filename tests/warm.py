"""Services that are forked from a process which has everything imported: a start costs a tenth of what it does else.

`python -m server web` imports the service in its supervisor and again in each web process: four seconds of a core for
two of them, and hundreds are started in a run. Here one process per pytest process imports it once; it knows no
settings, opens no socket and starts no thread. Its forks do what `python -m server` does, each with an environment
and signals of its own. How the real command starts is looked at by the tests of the command line, the supervisor, the
units, the upgrade, the two pages and `sandbox run`.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

METRICS = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def loading() -> Iterator[None]:
    """Import everything in here, once; what this process counts goes nowhere."""
    from common.processes import collect_rarely

    collect_rarely()
    named = os.environ.get(METRICS)
    with tempfile.TemporaryDirectory(prefix="xy-warm-") as folder:
        # Looked for when metrics are made first; each fork has its own.
        os.environ[METRICS] = folder
        yield
        import server.__main__
        import server.supervisor
        import server.web_worker  # noqa: F401
    os.environ.pop(METRICS)
    if named is not None:
        os.environ[METRICS] = named
    gc.freeze()


def fork(run: Callable[[], int], keep: Collection[int], before: Callable[[], None] = lambda: None) -> int:
    """Let a child run as if it had been started: the signals' usual handlers, no file of ours but `keep`; its pid."""
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        before()
        for fd in {int(file.name) for file in Path("/proc/self/fd").iterdir()} - {0, 1, 2, *keep}:
            with suppress(OSError):
                os.close(fd)
        code = run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class Forked:
    """As much of a `Popen` as the supervisor uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)


def spawn(
    command: Sequence[str],
    *,
    on_parent_death: signal.Signals,
    env: Mapping[str, str],
    pass_fds: Collection[int],
) -> Forked:
    """What the supervisor starts its web processes with, in place of `common.processes.spawn`."""
    from common import metrics
    from common.processes import signal_me_when_parent_dies
    from server.__main__ import main

    parent, arguments = os.getpid(), command[command.index("-m") + 2 :]

    def before() -> None:
        signal_me_when_parent_dies(on_parent_death)
        if os.getppid() != parent:
            os._exit(1)
        os.environ.clear()
        os.environ.update(env)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)

        metrics._PID = os.getpid()

    return Forked(fork(lambda: main(arguments), pass_fds, before))


@contextmanager
def forking() -> Iterator[None]:
    """Let the supervisor of this process fork its web processes, when everything is imported."""
    from server import supervisor

    real, supervisor.spawn = supervisor.spawn, spawn  # type: ignore[assignment]
    try:
        yield
    finally:
        supervisor.spawn = real


class Started:
    """A service's supervisor, a child of the process that forks them: as much of a `Popen` as tests use."""

    def __init__(self, hearth: "Hearth", pid: int) -> None:
        self._hearth = hearth
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        if self.returncode is None:
            self.returncode = self._hearth.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code.

        Raises:
            TimeoutExpired: it has not ended within these seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("web", timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """As an operator would."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)


class Hearth:
    """The process that has everything imported, asked by lines of JSON."""

    def __init__(self) -> None:
        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(its.fileno())],
                env={**os.environ, "SANDBOX": "1"},
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._lines = ours.makefile("rw", encoding="utf-8")
        self._socket = ours
        self._lock = threading.Lock()

    def start(self, environment: Mapping[str, str], log: Path) -> Started:
        """Start `python -m server web` with this environment and nothing else of ours."""
        return Started(self, int(self.ask({"environment": dict(environment), "log": str(log)})))

    def ask(self, question: dict[str, Any]) -> Any:
        """Its answer."""
        with self._lock:
            self._lines.write(json.dumps(question) + "\n")
            self._lines.flush()
            return json.loads(self._lines.readline())

    def end(self) -> None:
        """Let it end; what it has started goes on."""
        self._lines.close()
        self._socket.close()
        self._process.wait(10)


@cache
def hearth() -> Hearth:
    """The one of this process; ends with it."""
    made = Hearth()
    atexit.register(made.end)
    return made


def _keep(fd: int) -> None:
    with loading():
        pass
    with socket.socket(fileno=fd) as line, line.makefile("rw", encoding="utf-8") as lines:
        children: dict[int, Forked] = {}
        for asked in lines:
            question = json.loads(asked)
            if "poll" in question:
                answer = children[question["poll"]].poll()
            else:
                answer = _start(question["environment"], question["log"])
                children[answer] = Forked(answer)
            lines.write(json.dumps(answer) + "\n")
            lines.flush()


def _start(environment: Mapping[str, str], log: str) -> int:
    def before() -> None:
        os.environ.clear()
        os.environ.update(environment)
        written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(written, 1)
        os.dup2(written, 2)
        os.close(written)

    return fork(_serve, (), before)


def _serve() -> int:
    from server.__main__ import main

    with forking():
        return main(["web"])


if __name__ == "__main__":
    _keep(int(sys.argv[1]))
