"""The supervisor over real sockets and signals: workers come back, nothing that waits is lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from server.supervisor import EX_CONFIG

ROOT = Path(__file__).parents[2]

SUPERVISOR = """
import json, sys
from server.supervisor import run
workers, port, grace_s, *command = sys.argv[1:]
sys.exit(run(int(workers), "127.0.0.1", int(port), command=command, grace_s=float(grace_s)))
"""

# Answers every connection with its process id; the line "slow" takes it half a second; SIGTERM lets it
# finish what it has begun.
WORKER = """
import os, select, signal, socket, sys, time
values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
listener = socket.socket(fileno=int(values["--listen-fd"]))
listener.setblocking(False)
leaving = []
signal.signal(signal.SIGTERM, lambda *_: leaving.append(1))
os.write(int(values["--ready-fd"]), b"1")
while not leaving:
    if not select.select([listener], [], [], 0.02)[0]:
        continue
    try:
        client, _ = listener.accept()
    except BlockingIOError:
        continue
    client.setblocking(True)
    if client.recv(100) == b"slow\\n":
        time.sleep(0.5)
    client.sendall(f"{os.getpid()} {os.environ['WORKER_INDEX']}".encode())
    client.close()
"""


class Running:
    """A supervisor in a process of its own, with what it logs."""

    def __init__(self, workers: int, command: list[str], port: int = 0, grace_s: float = 20.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(workers), str(port), str(grace_s), *command],
            cwd=ROOT,
            env={**os.environ},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: list[dict[str, object]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        with self.process.stderr as log:
            for line in log:
                self.events.append(json.loads(line))

    def seen(self, event: str) -> list[dict[str, object]]:
        return [found for found in list(self.events) if found["event"] == event]

    def wait_for(self, event: str, times: int = 1) -> list[dict[str, object]]:
        until(lambda: len(self.seen(event)) >= times)
        return self.seen(event)

    @property
    def port(self) -> int:
        return int(str(self.wait_for("listening")[0]["port"]))

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(self, what: bytes = b"hello\n") -> tuple[int, int]:
        """The process id and the number of the worker that answers."""
        with self.connect() as client:
            client.sendall(what)
            return read_answer(client)

    def close(self) -> None:
        if self.process.poll() is None:
            workers = self.workers
            self.process.kill()
            for worker in workers:
                if worker.is_running():
                    worker.kill()
        self.process.wait(10)
        self._reader.join(10)


def read_answer(client: socket.socket) -> tuple[int, int]:
    pid, index = client.recv(100).split()
    return int(pid), int(index)


def until(holds: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


Start = Callable[..., Running]


@pytest.fixture
def worker_command(tmp_path: Path) -> list[str]:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    return [sys.executable, "-S", "-E", str(script)]


@pytest.fixture
def start(worker_command: list[str]) -> Iterator[Start]:
    running: list[Running] = []

    def begin(workers: int = 2, command: list[str] | None = None, **options: float) -> Running:
        running.append(Running(workers, command or worker_command, **options))  # type: ignore[arg-type]
        return running[-1]

    yield begin
    for one in running:
        one.close()


def test_workers_have_numbers_and_answer(start: Start) -> None:
    supervisor = start(2)
    assert {event["worker"] for event in supervisor.wait_for("worker_ready", 2)} == {0, 1}
    pid, index = supervisor.ask()
    assert index in (0, 1)
    assert pid in {worker.pid for worker in supervisor.workers}


@pytest.mark.alone
def test_killed_worker_comes_back_at_once(start: Start) -> None:
    supervisor = start(2)
    supervisor.wait_for("worker_ready", 2)
    time.sleep(1.1)  # so that this is not a death right after the start
    victim, index = supervisor.ask()
    begun = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    again = supervisor.wait_for("worker_ready", 3)[-1]
    assert time.monotonic() - begun < 1
    assert again["worker"] == index
    assert supervisor.seen("worker_died")[0]["exit_code"] == -signal.SIGKILL


def test_connection_that_waits_survives_the_death_of_the_only_worker(start: Start) -> None:
    supervisor = start(1)
    supervisor.wait_for("worker_ready")
    victim = supervisor.workers[0]
    victim.suspend()
    with supervisor.connect() as client:
        client.sendall(b"hello\n")
        victim.kill()
        pid, _ = read_answer(client)
    assert pid != victim.pid


def test_sigterm_finishes_what_was_begun(start: Start) -> None:
    supervisor = start(2)
    supervisor.wait_for("worker_ready", 2)
    workers = supervisor.workers
    with supervisor.connect() as client:
        client.sendall(b"slow\n")
        time.sleep(0.1)
        supervisor.process.terminate()
        assert read_answer(client)
    assert supervisor.process.wait(5) == 0
    assert not any(worker.is_running() for worker in workers)
    assert not supervisor.seen("worker_killed")


def test_worker_that_ignores_sigterm_is_killed_after_the_grace(start: Start) -> None:
    deaf = (
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "os.write(int(sys.argv[4]), b'1'); time.sleep(60)"
    )
    supervisor = start(1, [sys.executable, "-S", "-E", "-c", deaf], grace_s=0.3)
    supervisor.wait_for("worker_ready")
    supervisor.process.terminate()
    assert supervisor.process.wait(5) == 0
    assert supervisor.seen("worker_killed")


def test_killed_supervisor_leaves_no_worker(start: Start) -> None:
    supervisor = start(2)
    supervisor.wait_for("worker_ready", 2)
    workers = supervisor.workers
    supervisor.process.kill()
    until(lambda: not any(worker.is_running() for worker in workers))


def test_taken_port_is_refused_with_the_variable_to_change(start: Start) -> None:
    first = start(1)
    first.wait_for("worker_ready")
    second = start(1, port=first.port)
    assert second.process.wait(5) == EX_CONFIG
    assert "PORT" in str(second.wait_for("cannot_listen")[0]["message"])
    assert not second.seen("worker_started")


def test_wrong_configuration_at_the_first_start_ends_it(start: Start) -> None:
    supervisor = start(2, [sys.executable, "-S", "-E", "-c", f"raise SystemExit({EX_CONFIG})"])
    assert supervisor.process.wait(5) == EX_CONFIG


def test_worker_that_dies_at_once_is_started_ever_more_slowly(start: Start) -> None:
    supervisor = start(1, [sys.executable, "-S", "-E", "-c", "raise SystemExit(1)"])
    time.sleep(1.5)
    # At 0, 0.1, 0.3, 0.7 and 1.5 seconds, and later where starting takes its time.
    assert 3 <= len(supervisor.seen("worker_started")) <= 5
    supervisor.process.terminate()
    assert supervisor.process.wait(5) == 0


def test_sighup_replaces_every_worker_and_drops_nothing(start: Start) -> None:
    supervisor = start(2)
    supervisor.wait_for("worker_ready", 2)
    before = {worker.pid for worker in supervisor.workers}
    answers: list[int] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            answers.append(supervisor.ask()[0])

    asking = threading.Thread(target=keep_asking)
    asking.start()
    supervisor.process.send_signal(signal.SIGHUP)
    supervisor.wait_for("worker_left", 2)
    asked = len(answers)
    until(lambda: len(answers) > asked + 5)
    done.set()
    asking.join(10)
    after = {worker.pid for worker in supervisor.workers}
    assert len(after) == 2 and not before & after
    assert set(answers[-5:]) <= after
    assert not supervisor.seen("worker_died")


def test_failed_replacement_leaves_the_old_worker_serving(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "changing.py"
    script.write_text(WORKER)
    supervisor = start(1, [sys.executable, "-S", "-E", str(script)])
    supervisor.wait_for("worker_ready")
    old, _ = supervisor.ask()
    script.write_text("raise SystemExit(1)")
    supervisor.process.send_signal(signal.SIGHUP)
    supervisor.wait_for("replacement_failed")
    assert supervisor.ask() == (old, 0)
