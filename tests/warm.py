"""Services that are forked from a process which has everything imported: a start costs a tenth of what it does else.

`python -m server web` imports the service in its supervisor and again in each web process: four seconds of a core for
two of them, and hundreds are started in a run. Here one process per pytest process imports it once; it knows no
settings, opens no socket and starts no thread. Its forks do what `python -m server` does, each with an environment
and signals of its own. How the real command starts is looked at by the tests of the command line, the supervisor, the
units, the upgrade, the two pages and `sandbox run`.
"""

import asyncio
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
MOST_BYTES = 1 << 18


@contextmanager
def loaded(first: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Have everything imported, after `first`; gives a folder for the counts that nobody asks for."""
    from common.processes import collect_rarely

    collect_rarely()
    named = os.environ.pop(METRICS, None)
    with tempfile.TemporaryDirectory(prefix="xy-warm-", ignore_cleanup_errors=True) as nowhere:
        # Looked for when metrics are imported; where each process counts is looked for when it does.
        os.environ[METRICS] = nowhere
        first()
        import server.__main__
        import server.supervisor
        import server.web_worker
        import server.worker  # noqa: F401
        from server import passwords

        # Each process makes it at its first sign-in.
        passwords._nobodys_hash()
        os.environ.pop(METRICS)
        os.environ.update({METRICS: named} if named else {})
        gc.freeze()
        yield nowhere


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
    """The process that has everything imported, asked by messages of JSON."""

    def __init__(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(its.fileno())],
                env={**os.environ, "SANDBOX": "1"},
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._socket = ours
        self._lock = threading.Lock()

    def serve(self, environment: Mapping[str, str], log: Path, command: str = "web") -> Started:
        """Start `python -m server web`, or `worker`, with this environment and nothing else of ours."""
        with Path(os.devnull).open("rb") as nothing, log.open("ab") as written:
            files = (nothing.fileno(), written.fileno(), written.fileno())
            return Started(self, self.start(environment, [command], files))

    def start(
        self, environment: Mapping[str, str], arguments: Sequence[str], files: tuple[int, int, int]
    ) -> int:
        """Start `python -m server …` with these as its standard files; its pid."""
        return int(self.ask({"environment": dict(environment), "arguments": list(arguments)}, files))

    def ask(self, question: dict[str, Any], files: Sequence[int] = ()) -> Any:
        """Its answer."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(question).encode()], files)
            return json.loads(self._socket.recv(MOST_BYTES))

    def end(self) -> None:
        """Let it end, and whatever it has started."""
        self._socket.close()
        self._process.wait(10)


@cache
def hearth() -> Hearth:
    """The one of this process; ends with it."""
    made = Hearth()
    atexit.register(made.end)
    return made


class Command:
    """A command with pipes: as much of asyncio's `Process` as tests use."""

    def __init__(
        self, pid: int, stdin: int, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader
    ) -> None:
        self._started = Started(hearth(), pid)
        self._stdin = stdin
        self.pid, self.stdout, self.stderr = pid, stdout, stderr
        self.send_signal, self.kill = self._started.send_signal, self._started.kill

    @classmethod
    async def start(cls, environment: Mapping[str, str], *arguments: str) -> "Command":
        """Start `python -m server …`."""
        (its_in, our_in), (our_out, its_out), (our_err, its_err) = os.pipe(), os.pipe(), os.pipe()
        try:
            pid = hearth().start(environment, arguments, (its_in, its_out, its_err))
        finally:
            for fd in (its_in, its_out, its_err):
                os.close(fd)
        return cls(pid, our_in, await _reader(our_out), await _reader(our_err))

    @property
    def returncode(self) -> int | None:
        """Its exit code, once it has ended."""
        return self._started.poll()

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        if (code := self.returncode) is not None:
            return code
        ended = os.pidfd_open(self.pid)
        has_ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(ended, has_ended.set)
        try:
            await has_ended.wait()
        finally:
            asyncio.get_running_loop().remove_reader(ended)
            os.close(ended)
        return self._started.wait()

    async def communicate(self, typed: bytes = b"") -> tuple[bytes, bytes]:
        """Type something, and what it says until it ends."""
        if self._stdin >= 0:
            with suppress(BrokenPipeError), os.fdopen(self._stdin, "wb") as stdin:
                stdin.write(typed)
            self._stdin = -1
        said = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return said[0], said[1]


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    return reader


def _keep(fd: int) -> None:
    with loaded() as nowhere, socket.socket(fileno=fd) as line:
        children: dict[int, Forked] = {}
        while True:
            message, files, _, _ = socket.recv_fds(line, MOST_BYTES, 3)
            if not message:
                return
            question = json.loads(message)
            if "poll" in question:
                answer = children[question["poll"]].poll()
            else:
                answer = _start({METRICS: nowhere} | question["environment"], question["arguments"], files)
                children[answer] = Forked(answer)
            for file in files:
                os.close(file)
            line.send(json.dumps(answer).encode())


def _start(environment: Mapping[str, str], arguments: list[str], files: list[int]) -> int:
    from common import metrics
    from common.processes import signal_me_when_parent_dies
    from server.__main__ import main

    parent = os.getpid()

    def before() -> None:
        # A test run that is killed closes our line, and we end: nothing that it has started goes on.
        signal_me_when_parent_dies(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        os.environ.clear()
        os.environ.update(environment)
        for number, file in enumerate(files):
            os.dup2(file, number)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, encoding="utf-8", buffering=1, closefd=False)
            for number, mode in enumerate(("r", "w", "w"))
        )
        metrics._PID = os.getpid()

    def run() -> int:
        with forking():
            return main(arguments)

    return fork(run, (), before)


if __name__ == "__main__":
    _keep(int(sys.argv[1]))
