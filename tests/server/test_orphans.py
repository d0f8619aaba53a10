"""A web process never outlives its supervisor, whatever moment that one is killed at."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from common.processes import is_alive
from tests.conftest import Servers
from tests.seeds import environment

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 10.0

# Starts one as the supervisor does, says its number, and waits to be killed.
SUPERVISOR = """
import signal, sys
from common.processes import spawn
listener, ready, *command = sys.argv[1:]
fds = [int(listener), int(ready)]
print(spawn(command, on_parent_death=signal.SIGTERM, pass_fds=fds).pid, flush=True)
signal.pause()
"""

# A web process that kills its supervisor while it hears no SIGTERM: Sanic ignores it before it has a handler for it.
WORKER = """
import os, signal, sys, time
from sanic.server import runners
from server.__main__ import main

parent, set_up = os.getppid(), runners._setup_system_signals

def ignore(number, handler):
    signal.signal(number, handler)
    if number == signal.SIGTERM:
        os.kill(parent, signal.SIGKILL)
        while os.getppid() == parent:
            time.sleep(0.001)

def set_up_meanwhile(*values):
    runners.signal_func = ignore
    set_up(*values)

runners._setup_system_signals = set_up_meanwhile
sys.exit(main(sys.argv[1:]))
"""


def test_a_web_process_whose_supervisor_is_killed_while_it_hears_no_signal_ends(
    database: str, servers: Servers
) -> None:
    served, ready = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fds = (listener.fileno(), ready)
        options = ("--listen-fd", str(fds[0]), "--ready-fd", str(fds[1]))
        command = [sys.executable, "-c", WORKER, "web-worker", *options]
        supervisor = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, *map(str, fds), *command],
            env={**os.environ, **environment(database, servers.redis_url, WORKER_INDEX="0")},
            cwd=ROOT,
            pass_fds=fds,
            stdout=subprocess.PIPE,
        )
    os.close(ready)
    with supervisor, os.fdopen(served, "rb") as said:
        assert supervisor.stdout
        pid = int(supervisor.stdout.readline())
        try:
            assert supervisor.wait(30) == -signal.SIGKILL
            assert said.read() == b"r", "it got as far as serving"
            until = time.monotonic() + ENDS_WITHIN_S
            while is_alive(pid):
                assert time.monotonic() < until, "it outlives its supervisor"
                time.sleep(0.01)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
