"""The web processes: one listening socket, several workers, and none of them missing for long.

Sanic's own manager neither restarts a killed worker nor takes its workers along when it is killed.
Here the socket belongs to the supervisor, so connections that wait survive the death of a worker.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from common.processes import spawn
from server.listener import CannotListen, listen

# sysexits.h: something is misconfigured, so starting again won't help.
EX_CONFIG = os.EX_CONFIG

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# A worker that lives longer than this has not died "at once".
_SHORT_LIFE_S = 1.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_REPLACEMENT_PATIENCE_S = 60.0


def run(
    workers: int,
    host: str,
    port: int,
    *,
    command: Sequence[str],
    grace_s: float = 20.0,
    on_exit: Callable[[int], None] | None = None,
) -> int:
    """Keep `workers` processes serving at the address until SIGTERM or SIGINT; from the main thread.

    Each runs `command --listen-fd N --ready-fd M` with its number in WORKER_INDEX, accepts on N, and
    writes one byte to M when it serves. SIGHUP replaces them one after the other; whoever is started in
    the place of one that serves is told `--replaces`, and may refuse. Links in the path of the program and
    in PYTHONPATH are followed when a worker starts, so that it keeps its release when they move on.

    Args:
        grace_s: seconds a worker has between SIGTERM and SIGKILL.
        on_exit: told the process id of every worker that has ended.
    Returns:
        the exit code: 0, or 78 when the address or the workers' configuration is no good.
    """
    try:
        listener = listen(host, port)
    except CannotListen as problem:
        log_event("error", "cannot_listen", message=str(problem))
        return EX_CONFIG
    log_event("info", "listening", host=host, port=listener.getsockname()[1], workers=workers)
    with listener, contextlib.closing(_Supervisor(listener, command, workers, grace_s)) as supervisor:
        return supervisor.run(on_exit or (lambda pid: None))


@dataclass(eq=False)
class _Worker:
    """One process; `heard` is the end of the pipe on which it says that it serves."""

    index: int
    process: subprocess.Popen[bytes]
    heard: int
    born: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    kill_at: float = float("inf")

    @property
    def died_at_once(self) -> bool:
        return not self.is_ready or time.monotonic() - self.born < _SHORT_LIFE_S


class _Supervisor:
    def __init__(self, listener: socket.socket, command: Sequence[str], workers: int, grace_s: float) -> None:
        self._listener = listener
        self._command = list(command)
        self._grace_s = grace_s
        self._selector = selectors.DefaultSelector()
        self._serving: dict[int, _Worker] = {}
        self._leaving: list[_Worker] = []
        self._start_at = dict.fromkeys(range(workers), 0.0)
        self._short_lives = dict.fromkeys(range(workers), 0)
        self._to_replace: list[int] = []
        self._replacement: _Worker | None = None
        self._has_served = False
        self._exit_code: int | None = None
        self._signals: list[int] = []

    def close(self) -> None:
        self._selector.close()

    def run(self, on_exit: Callable[[int], None]) -> int:
        with self._signals_heard():
            while self._exit_code is None or self._alive():
                self._start_due()
                self._replace_next()
                for key, _ in self._selector.select(self._seconds_to_next()):
                    self._hear(key)
                self._obey_signals()
                for worker in [worker for worker in self._alive() if worker.process.poll() is not None]:
                    self._bury(worker)
                    on_exit(worker.process.pid)
                self._kill_overdue()
        log_event("info", "stopped", exit_code=self._exit_code)
        return self._exit_code

    def _alive(self) -> list[_Worker]:
        replacement = [self._replacement] if self._replacement else []
        return [*self._serving.values(), *self._leaving, *replacement]

    @contextlib.contextmanager
    def _signals_heard(self) -> Iterator[None]:
        """Signals wake the selector; what they ask for is done in the loop, never in a handler."""
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        woken.setblocking(False)
        before = {number: signal.signal(number, self._note_signal) for number in _SIGNALS}
        old_wake = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(woken, selectors.EVENT_READ)
        try:
            yield
        finally:
            self._selector.unregister(woken)
            signal.set_wakeup_fd(old_wake)
            for number, handler in before.items():
                signal.signal(number, handler)
            wake.close()
            woken.close()

    def _note_signal(self, number: int, frame: object) -> None:
        self._signals.append(number)

    def _obey_signals(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stop(0, signal.Signals(number).name)
            elif number == signal.SIGHUP and self._exit_code is None:
                log_event("info", "replacing_workers")
                self._to_replace = sorted(self._short_lives)

    def _hear(self, key: selectors.SelectorKey) -> None:
        if not isinstance(key.data, _Worker):
            with contextlib.suppress(BlockingIOError):
                key.fileobj.recv(4096)  # type: ignore[union-attr]  # the socket that signals write to
            return
        worker = key.data
        said = os.read(worker.heard, 1)
        self._stop_listening_to(worker)
        if said:
            self._is_serving(worker)

    def _is_serving(self, worker: _Worker) -> None:
        worker.is_ready = self._has_served = True
        log_event("info", "worker_ready", worker=worker.index, worker_pid=worker.process.pid)
        if worker is self._replacement:
            self._replacement = None
            worker.kill_at = float("inf")
            self._start_at.pop(worker.index, None)
            old = self._serving.get(worker.index)
            self._serving[worker.index] = worker
            if old:
                self._dismiss(old)

    def _start(self, index: int, *more: str) -> _Worker | None:
        """A new worker; None when the system has no room for a process now, which passes."""
        try:
            heard, ready = os.pipe()
        except OSError as problem:
            log_event("error", "worker_not_started", worker=index, message=str(problem))
            return None
        try:
            process = spawn(
                [
                    *(_followed(self._command[0]), *self._command[1:]),
                    *("--listen-fd", str(self._listener.fileno()), "--ready-fd", str(ready), *more),
                ],
                on_parent_death=signal.SIGTERM,
                env=_environment(index),
                pass_fds=[self._listener.fileno(), ready],
            )
        except (OSError, subprocess.SubprocessError) as problem:
            os.close(heard)
            log_event("error", "worker_not_started", worker=index, message=str(problem))
            return None
        finally:
            os.close(ready)
        worker = _Worker(index, process, heard)
        self._selector.register(heard, selectors.EVENT_READ, worker)
        log_event("info", "worker_started", worker=index, worker_pid=process.pid)
        return worker

    def _start_due(self) -> None:
        for index in [index for index, when in self._start_at.items() if when <= time.monotonic()]:
            if worker := self._start(index):
                del self._start_at[index]
                self._serving[index] = worker
            else:
                self._start_at[index] = time.monotonic() + _LONGEST_PAUSE_S

    def _replace_next(self) -> None:
        """One at a time: the one that was replaced has left before the next is started."""
        if self._to_replace and not self._replacement and not self._leaving:
            index = self._to_replace.pop(0)
            # Else a fresh one is due anyway.
            if index in self._serving and (worker := self._start(index, "--replaces")):
                worker.kill_at = time.monotonic() + _REPLACEMENT_PATIENCE_S
                self._replacement = worker

    def _bury(self, worker: _Worker) -> None:
        self._stop_listening_to(worker)
        code = worker.process.returncode
        facts = {"worker": worker.index, "worker_pid": worker.process.pid, "exit_code": code}
        if worker in self._leaving:
            self._leaving.remove(worker)
            log_event("info", "worker_left", **facts)
        elif worker is self._replacement:
            self._replacement = None
            self._to_replace.clear()
            log_event("error", "replacement_failed", **facts, message="The old workers go on serving.")
        else:
            del self._serving[worker.index]
            log_event("error", "worker_died", **facts)
            if code == EX_CONFIG and not self._has_served:
                self._stop(EX_CONFIG, "configuration")
            else:
                self._plan_restart(worker)

    def _plan_restart(self, worker: _Worker) -> None:
        lives = self._short_lives[worker.index] + 1 if worker.died_at_once else 0
        self._short_lives[worker.index] = lives
        pause_s = min(_FIRST_PAUSE_S * 2 ** min(lives - 1, 10), _LONGEST_PAUSE_S) if lives else 0.0
        self._start_at[worker.index] = time.monotonic() + pause_s

    def _stop(self, exit_code: int, reason: str) -> None:
        if self._exit_code is not None:
            return
        log_event("info", "stopping", reason=reason)
        self._exit_code = exit_code
        # Whoever comes now is refused at once instead of waiting for nobody.
        self._listener.close()
        self._start_at.clear()
        self._to_replace.clear()
        remaining = [worker for worker in self._alive() if worker not in self._leaving]
        self._serving.clear()
        self._replacement = None
        for worker in remaining:
            self._dismiss(worker)

    def _dismiss(self, worker: _Worker) -> None:
        worker.kill_at = time.monotonic() + self._grace_s
        self._leaving.append(worker)
        worker.process.send_signal(signal.SIGTERM)

    def _kill_overdue(self) -> None:
        for worker in self._alive():
            if worker.kill_at <= time.monotonic():
                log_event("error", "worker_killed", worker=worker.index, worker_pid=worker.process.pid)
                worker.kill_at = float("inf")
                worker.process.kill()

    def _seconds_to_next(self) -> float | None:
        ends = [*self._start_at.values(), *(worker.kill_at for worker in self._alive())]
        next_at = min(ends, default=float("inf"))
        return None if next_at == float("inf") else max(0.0, next_at - time.monotonic())

    def _stop_listening_to(self, worker: _Worker) -> None:
        if worker.heard >= 0:
            self._selector.unregister(worker.heard)
            os.close(worker.heard)
            worker.heard = -1


def _followed(program: str) -> str:
    """Its folder without links; the last part stays, since a virtual environment's python is one itself."""
    path = Path(program)
    return str(path.parent.resolve() / path.name) if path.is_absolute() else program


def _environment(index: int) -> dict[str, str]:
    """Ours, with its number, and with the release that PYTHONPATH means now."""
    path = os.environ.get("PYTHONPATH", "")
    release = os.pathsep.join(str(Path(part).resolve()) for part in path.split(os.pathsep) if part)
    return {**os.environ, "WORKER_INDEX": str(index), **({"PYTHONPATH": release} if release else {})}


def log_event(level: str, event: str, **facts: object) -> None:
    """Write one JSON line to stderr."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    line = {"timestamp": now, "level": level, "event": event, "pid": os.getpid(), **facts}
    with contextlib.suppress(OSError):  # a log that nobody reads any more is no reason to stop serving
        print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)
