"""The clients' build beside `make run`: its steps and its end are told once, and nothing of it outlives the service."""

import os

os.environ["SANDBOX"] = "1"

import signal
import subprocess
import time
from pathlib import Path

import pytest

from common.processes import is_alive
from sandbox.client_build import BEGUN, STEPS, ClientBuild

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8000"


def begun(command: str) -> int:
    """A child that leads a group, as the Makefile starts one; only its number is known, as after an exec."""
    child = subprocess.Popen(["sh", "-c", command], start_new_session=True)
    child.returncode = 0  # it is waited for by whom this test is about
    return child.pid


def news_of(build: ClientBuild) -> list[str]:
    """All that is said until its end, within five seconds."""
    said = []
    for _ in range(500):
        said += build.news(URL)
        if build._pid is None:
            return said
        time.sleep(0.01)
    raise AssertionError("the end was not noticed")


@pytest.mark.parametrize(
    ("command", "logged", "said"),
    [
        ("true", f"{BEGUN}mobile …\n", f"{URL}/"),
        ("exit 2", f"{BEGUN}mobile …\nerror\n", "build.log"),
        ("exit 127", "", "build.log"),
        ("true", "", None),
    ],
)
def test_the_end_is_told_once(tmp_path: Path, command: str, logged: str, said: str | None) -> None:
    log = tmp_path / "build.log"
    log.write_text(logged, encoding="utf-8")
    build = ClientBuild(begun(command), log)
    told = news_of(build)
    assert not told if said is None else said in told[-1]
    assert ("make clients" in "".join(told)) == (said == "build.log")
    assert build.news(URL) == []
    build.stop()


def test_each_step_is_told_when_it_is_begun_and_once(tmp_path: Path) -> None:
    log, go_on = tmp_path / "build.log", tmp_path / "go_on"
    first, second = f"{STEPS[1]}mobile is built with …", f"{BEGUN}mobile …"
    waiting = f"until test -e {go_on}; do sleep 0.01; done"
    build = ClientBuild(
        begun(
            f"echo '{first}' >{log}; echo 'some compiler: note' >>{log}; {waiting}; echo '{second}' >>{log}"
        ),
        log,
    )
    told: list[str] = []
    for _ in range(500):
        told += build.news(URL)
        if told:
            break
        time.sleep(0.01)
    assert told == [f"  {first}"]
    assert build.news(URL) == []
    go_on.touch()
    assert news_of(build)[:-1] == [f"  {second}"]
    build.stop()


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM; "])
def test_a_stop_ends_the_whole_group(tmp_path: Path, stubborn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.client_build._GRACE_S", 0.3)
    grandchild = tmp_path / "pid"
    leader = begun(f"{stubborn}sleep 600 & echo $! >{grandchild}.new; mv {grandchild}.new {grandchild}; wait")
    build = ClientBuild(leader)
    for _ in range(500):
        if grandchild.exists():
            break
        time.sleep(0.01)
    assert build.news(URL) == []
    build.stop()
    pid = int(grandchild.read_text())
    for _ in range(500):
        if not is_alive(pid) and not is_alive(leader):
            break
        time.sleep(0.01)
    assert not is_alive(pid) and not is_alive(leader)
    build.stop()


def test_a_process_that_is_no_child_of_ours_is_left_alone() -> None:
    other = subprocess.Popen(["sh", "-c", "setsid sleep 600 >/dev/null & echo $!"], stdout=subprocess.PIPE)
    assert other.stdout is not None
    pid = int(other.stdout.readline())
    other.communicate()
    try:
        ClientBuild.from_environment({"CLIENTS_BUILD": str(pid)}).stop()
        assert is_alive(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("text", ["", "0", "1", "-1", "make", "12x"])
def test_without_a_build_nothing_is_said_or_ended(text: str) -> None:
    build = ClientBuild.from_environment({"CLIENTS_BUILD": text})
    assert build.news(URL) == []
    build.stop()


def test_the_makefile_says_what_is_looked_for_in_its_log() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f'echo "{step}' in makefile for step in STEPS)
