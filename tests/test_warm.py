"""What is forked ends with whoever forked it, also when that one is killed."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from common.processes import is_alive
from tests.conftest import Servers
from tests.seeds import environment
from tests.warm import _start, fork

ENDS_WITHIN_S = 10.0


def pid_from(pipe: int) -> int:
    """The process id that somebody writes to a pipe."""
    with os.fdopen(pipe) as heard:
        return int(heard.readline())


def must_end(pid: int) -> None:
    until = time.monotonic() + ENDS_WITHIN_S
    try:
        while is_alive(pid):
            assert time.monotonic() < until, "it outlives whoever has started it"
            time.sleep(0.01)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_command_ends_with_the_process_that_keeps_it_warm(servers: Servers, tmp_path: Path) -> None:
    """As after a test run that was killed: its end of the line is closed, and the warm process ends."""
    heard, told = os.pipe()
    stdin, kept_open = os.pipe()
    environ = environment(servers.database_url, servers.redis_url)
    with (tmp_path / "said").open("wb") as said:
        files = [stdin, said.fileno(), said.fileno()]

        def keep() -> int:
            # It waits for its password, which nobody types.
            pid = _start(environ, ["create-admin", "--login", "x", "--password-stdin"], files)
            os.write(told, f"{pid}\n".encode())
            return 0

        keeper = fork(keep, (told, *files))
    os.close(told)
    pid = pid_from(heard)
    assert os.waitpid(keeper, 0)[1] == 0
    must_end(pid)
    os.close(stdin)
    os.close(kept_open)
