"""Servers that are started again when they die: at once the first time, then ever more slowly."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common.processes import end, spawn
from sandbox.embedded import EmbeddedServerError

# More than the supervisor gives its workers.
_GRACE_S = 25.0
_SHORT_LIFE_S = 2.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


class Server(Protocol):
    """What is kept: PostgreSQL, Valkey, or one of our own programs."""

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""

    def stop(self) -> None:
        """End it in order and wait for the end; nothing where it has ended already."""


class Program:
    """One of our own long-running commands."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.process = spawn(command, on_parent_death=signal.SIGTERM, env=env)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.process.poll() is None

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace."""
        if not end(self.process, signal.SIGTERM, _GRACE_S):
            end(self.process, signal.SIGKILL, 10)


@dataclass
class Kept:
    """A server and how to start it again."""

    name: str
    begin: Callable[[], Server]
    server: Server
    _born: float = field(default_factory=time.monotonic)
    _short_lives: int = 0
    _due_at: float | None = None

    def revive(self) -> Iterator[str]:
        """Start it again if it is gone and its pause is over; yields what a person should know."""
        if self._due_at is None:
            if self.server.is_running:
                return
            self.server.stop()
            self._due_at = time.monotonic() + self._pause_s()
            yield f"{self.name} 意外结束，将重新启动 / {self.name} ended and is started again"
        if time.monotonic() < self._due_at:
            return
        self._born = time.monotonic()
        try:
            self.server = self.begin()
        except (EmbeddedServerError, OSError) as problem:
            self._due_at = time.monotonic() + _LONGEST_PAUSE_S
            yield str(problem)
        else:
            self._due_at = None

    def _pause_s(self) -> float:
        is_short = time.monotonic() - self._born < _SHORT_LIFE_S
        self._short_lives = self._short_lives + 1 if is_short else 0
        if not self._short_lives:
            return 0.0
        return min(_FIRST_PAUSE_S * 2.0 ** min(self._short_lives - 1, 10), _LONGEST_PAUSE_S)
