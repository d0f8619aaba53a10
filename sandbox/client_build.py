"""The build of the clients that `make run` begins beside the service: its steps are told, and it ends with the service."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

LOG = Path("clients/build.log")
# Written by the Makefile where something is built; a build with nothing to do is not worth a word.
BEGUN = "building clients/"
STEPS = (BEGUN, "installing what clients/", "installing Node ")
_GRACE_S = 5.0
_READY = "页面建好了，可以打开 {url}/ / The pages are built: open {url}/"
_FAILED = (
    "页面没有建成，接口照常服务。原因在 {log}，改好后运行 `make clients`。\n"
    "The pages could not be built; the API is served as ever. {log} says why; then run `make clients`."
)


class ClientBuild:
    """A child that leads a process group of its own, in which everything it starts is."""

    def __init__(self, pid: int | None, log: Path = LOG) -> None:
        self._pid = pid
        self._log = log
        self._told = 0

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ClientBuild":
        """The one that `CLIENTS_BUILD` names, if this process was started together with one."""
        text = environ.get("CLIENTS_BUILD", "")
        return cls(int(text) if text.isascii() and text.isdigit() and int(text) > 1 else None)

    def news(self, url: str) -> list[str]:
        """What a person should know since this was last asked: the steps that were begun, and once how it ended.

        Args:
            url: where the pages are served.
        """
        if self._pid is None:
            return []
        status = self._status()
        steps = self._steps()
        news = [f"  {step}" for step in steps[self._told :]]
        self._told = len(steps)
        if status is None:
            return news
        self._pid = None
        if status != 0:
            return [*news, _FAILED.format(log=self._log)]
        has_built = any(step.startswith(BEGUN) for step in steps)
        return [*news, _READY.format(url=url)] if has_built else news

    def _steps(self) -> list[str]:
        """The lines that the Makefile wrote, whole ones only."""
        if not self._log.exists():
            return []
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        return [line.rstrip() for line in lines if line.startswith(STEPS) and line.endswith("\n")]

    def stop(self) -> None:
        """End it with all that it started, if it is still there."""
        if self._pid is not None and self._status() is None:
            self._tell(signal.SIGTERM)
            deadline = time.monotonic() + _GRACE_S
            while self._status() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            # Whoever of the group did not care for the first word.
            self._tell(signal.SIGKILL)
        self._pid = None

    def _status(self) -> int | None:
        """How it ended; None as long as it runs."""
        assert self._pid is not None
        try:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:  # no child of this process
            return 0
        return os.waitstatus_to_exitcode(status) if pid else None

    def _tell(self, wanted: signal.Signals) -> None:
        assert self._pid is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, wanted)
