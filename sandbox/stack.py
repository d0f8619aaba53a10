"""Everything the service needs on one machine, started in order, kept alive, and ended in order."""

import contextlib
import fcntl
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from common.processes import finish, signal_me_when_parent_dies, spawn
from sandbox.client_build import ClientBuild
from sandbox.embedded import EmbeddedServerError, Postgres, Valkey
from sandbox.options import OPEN_TO_OTHERS, WELCOME, OptionError, Options
from sandbox.upkeep import Kept, Program, Server
from server.listener import CannotListen, listen

_READY_WITHIN_S = 60.0
# What a run that was killed needs to let go of the port.
_PORT_PATIENCE_S = 2.0

_S = TypeVar("_S", bound=Server)


class NotStarted(Exception):
    """The stack can't be started; the sentence says why and what to do."""

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class StopRequested(BaseException):
    """A signal asked to stop; not an `Exception`, so that nothing on the way takes it for a failure."""


def main(environ: Mapping[str, str]) -> int:
    """Run until SIGTERM, SIGINT, SIGHUP or the death of the parent; returns the exit code."""
    begun = time.monotonic()
    client_build = ClientBuild.from_environment(environ)
    stack: Stack | None = None
    _ask_for_signals()
    try:
        stack = Stack(Options.from_environment(environ), environ)
        stack.start()
        _say(WELCOME.format(seconds=time.monotonic() - begun, url=stack.options.url, data_dir=stack.data))
        if not stack.options.is_for_this_machine_only:
            _say(OPEN_TO_OTHERS.format(host=stack.options.host))
        stack.watch(client_build)
    except (OptionError, CannotListen) as problem:
        _say(str(problem))
        return os.EX_CONFIG
    except EmbeddedServerError as problem:
        _say(str(problem))
        return 1
    except NotStarted as problem:
        _say(str(problem))
        return problem.exit_code
    except StopRequested as request:
        _say(f"正在停止 / stopping ({request}) …")
    finally:
        _ignore_signals()
        client_build.stop()
        if stack:
            stack.stop()
    return 0


class Stack:
    """PostgreSQL, Valkey, the web processes and the worker, over one data folder."""

    def __init__(self, options: Options, environ: Mapping[str, str]) -> None:
        self.options = options
        self.data = options.data_dir
        self._kept: list[Kept] = []
        self._environment = {
            **environ,
            "SANDBOX": "1",
            "HOST": options.host,
            "PORT": str(options.port),
            "WORKERS": str(options.workers),
            "DATA_DIR": str(options.data_dir),
            "FILES_DIR": str(options.data_dir / "files"),
            "DATABASE_URL": options.database_url,
            "REDIS_URL": options.redis_url,
            "PROMETHEUS_MULTIPROC_DIR": str(options.data_dir / "metrics"),
        }

    def start(self) -> None:
        """Start everything and wait until it serves.

        Raises:
            NotStarted, EmbeddedServerError, CannotListen: with the reason.
        """
        self._take_folder()
        # Before the database: the usual mistake should not take a second to be found.
        self._await_port()
        self._empty_metrics()
        self._start_stores()
        self._do("migrate", "-m", "server", "migrate")
        self._do("demo data", "-m", "sandbox", "demo")
        with _Timed("web, worker"):
            for name in ("worker", "web"):
                self._keep(name, partial(self._program, "-m", "server", name))
            self._await_ready()

    def watch(self, client_build: ClientBuild) -> None:
        """Keep everything alive and say how far the clients are built; ends by `StopRequested` only."""
        while True:
            signal.sigtimedwait({signal.SIGCHLD}, 0.25)
            self._revive()
            for sentence in client_build.news(self.options.url):
                _say(sentence)

    def stop(self) -> None:
        """End everything in the opposite order: whoever takes requests goes first."""
        while self._kept:
            self._kept.pop().server.stop()

    def _take_folder(self) -> None:
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            # Held for as long as this process lives; the children don't inherit it.
            self._lock = os.open(self.data / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise NotStarted(
                f"Another `make run` is using {self.data}: stop it, or choose another DATA_DIR (and PORT)."
            ) from problem
        except OSError as problem:
            raise NotStarted(f"DATA_DIR={self.data} can't be used: {problem}.", os.EX_CONFIG) from problem

    def _await_port(self) -> None:
        deadline = time.monotonic() + _PORT_PATIENCE_S
        while True:
            try:
                listen(self.options.host, self.options.port).close()
            except CannotListen:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _start_stores(self) -> None:
        if not self.options.redis_url:
            with _Timed("Valkey"):
                valkey = self._keep("Valkey", partial(Valkey.start, self.data / "valkey"))
            self._environment["REDIS_URL"] = valkey.url
        if not self.options.database_url:
            with _Timed("PostgreSQL"):
                postgres = self._keep("PostgreSQL", partial(Postgres.start, self.data / "postgres"))
            self._environment["DATABASE_URL"] = postgres.url

    def _keep(self, name: str, begin: Callable[[], _S]) -> _S:
        server = begin()
        self._kept.append(Kept(name, begin, server))
        return server

    def _program(self, *arguments: str) -> Program:
        return Program([sys.executable, *arguments], self._environment)

    def _do(self, name: str, *arguments: str) -> None:
        """Run a command to its end; what it says is shown only when it fails."""
        with _Timed(name):
            child = spawn(
                [sys.executable, *arguments],
                on_parent_death=signal.SIGKILL,
                env=self._environment,
                output=subprocess.PIPE,
            )
            said = finish(child)
        if child.returncode != 0:
            raise NotStarted(
                f"{said.rstrip()}\n{name} failed with {child.returncode}.", max(child.returncode, 1)
            )

    def _empty_metrics(self) -> None:
        folder = Path(self._environment["PROMETHEUS_MULTIPROC_DIR"])
        folder.mkdir(exist_ok=True)
        for left_over in folder.glob("*.db"):
            left_over.unlink()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._is_ready():
            for kept in self._kept:
                if isinstance(kept.server, Program) and kept.server.process.poll() == os.EX_CONFIG:
                    raise NotStarted(f"{kept.name} refuses its configuration; see above.", os.EX_CONFIG)
            if time.monotonic() > deadline:
                raise NotStarted(f"{self.options.url}/readyz does not answer 200; see the lines above.")
            self._revive()
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        asked = http.client.HTTPConnection(self.options.reached_at, self.options.port, timeout=5)
        try:
            asked.request("GET", "/readyz")
            return asked.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    def _revive(self) -> None:
        for kept in self._kept:
            for sentence in kept.revive():
                _say(sentence)


class _Timed(contextlib.ContextDecorator):
    """Says how long a step took, once it is done."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._begun = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            _say(f"{self._name} … {time.monotonic() - self._begun:.1f} s")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads any more; that is no reason to stop serving
        print(text, flush=True)


def _ask_for_signals() -> None:
    parent = os.getppid()

    def stop(number: int, frame: object) -> None:
        _ignore_signals()
        raise StopRequested(signal.Signals(number).name)

    def stop_if_orphan(number: int, frame: object) -> None:
        if os.getppid() != parent:  # else only the thread that started us has ended
            stop(number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup was asked to survive the terminal
        signal.signal(signal.SIGHUP, stop)
    signal.signal(signal.SIGUSR1, stop_if_orphan)
    signal_me_when_parent_dies(signal.SIGUSR1)
    # Waited for in `watch`; `spawn` gives children an empty mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})


def _ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
