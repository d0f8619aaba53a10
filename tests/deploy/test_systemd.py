"""The units: systemd takes them, their commands are there, and what they promise of processes holds."""

import asyncio
import configparser
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from server.__main__ import _parser
from tests.e2e.workbench import crowd, row_held
from tests.factories.releases import make_release
from tests.service import Service, new_key

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "systemd"
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictSUIDSGID": "yes",
    "CapabilityBoundingSet": "",
}


def read(name: str) -> dict[str, dict[str, str]]:
    """A unit's sections; of a key that stands several times, all values."""

    class Values(dict):  # type: ignore[type-arg]
        def __setitem__(self, key: str, value: object) -> None:
            if isinstance(value, list) and key in self:
                value = [*self[key], *value]
            super().__setitem__(key, value)

    parser = configparser.RawConfigParser(strict=False, dict_type=Values, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FOLDER / name, encoding="utf-8")
    return {section: dict(parser[section]) for section in parser.sections()}


@pytest.mark.parametrize("name", SERVICES)
def test_every_unit_kills_its_whole_group_and_is_locked_in(name: str) -> None:
    service = read(name)["Service"]
    assert service["KillMode"] == "control-group"
    assert {key: service.get(key) for key in HARDENED} == HARDENED
    assert service["User"] in ("xinyi", "postgres")


@pytest.mark.parametrize("name", ["xinyi-web.service", "xinyi-worker.service"])
def test_what_serves_is_always_started_again_but_for_a_bad_configuration(name: str) -> None:
    from server.web_worker import GRACE_S

    service = read(name)["Service"]
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", str(os.EX_CONFIG))
    assert int(service["TimeoutStopSec"]) > 20 > GRACE_S, "the supervisor's grace, and a process's"
    assert read(name)["Unit"]["StartLimitIntervalSec"] == "0"


@pytest.mark.parametrize("name", SERVICES)
def test_every_command_is_the_products(name: str) -> None:
    known = next(action.choices for action in _parser()._actions if action.choices)
    words = read(name)["Service"]["ExecStart"].split()
    if "deploy/backup" in words[0]:
        script = ROOT / words[0].removeprefix("/srv/xinyi/current/")
        assert os.access(script, os.X_OK)
        return
    assert words[0].endswith("/.venv/bin/python") and words[1:3] == ["-m", "server"]
    assert words[3] in known


def test_every_timer_has_its_service() -> None:
    timers = {path.stem for path in FOLDER.glob("*.timer")}
    assert timers == {"xinyi-backup", "xinyi-restore-drill"}
    assert timers <= {Path(name).stem for name in SERVICES}


def test_systemd_takes_them(tmp_path: Path) -> None:
    """With the paths of a real release, so that it looks for the commands too."""
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd is not installed here; keys and commands were checked above")
    release = make_release(tmp_path / "release")
    units = []
    for path in FOLDER.iterdir():
        name = path.name.replace("@.", "@1.")
        text = re.sub(r"/srv/xinyi/(current|releases/%i)", str(release), path.read_text(encoding="utf-8"))
        (tmp_path / name).write_text(text, encoding="utf-8")
        units.append(tmp_path / name)
    ran = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in ran.stderr.splitlines() if "xinyi" in line]
    assert (ran.returncode, ours) == (0, []), ran.stderr


def family(pid: int) -> list[psutil.Process]:
    main = psutil.Process(pid)
    return [main, *main.children(recursive=True)]


async def all_ended(processes: list[psutil.Process], within_s: float) -> None:
    until = time.monotonic() + within_s
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
        assert time.monotonic() < until, processes
        await asyncio.sleep(0.05)


async def test_stop_that_tells_the_whole_group_still_answers_what_is_in_flight(
    make_service: Callable[..., Service],
) -> None:
    """KillMode=control-group: the supervisor and its processes get SIGTERM in one moment."""
    service = make_service()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    code, key = await citizen.code(coupon["id"]), new_key()
    group = family(service.process.pid)
    async with row_held(service.environment["DATABASE_URL"], "coupons", coupon["id"]) as holder:
        redeeming = asyncio.create_task(clerk.redeem(code, key))
        await crowd(holder.fetch, 1)
        # From systemd and from their supervisor, at whatever moment: told many times is told once.
        for process in group * 300:
            with suppress(psutil.NoSuchProcess):  # who has nothing to answer may be gone already
                process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
    assert (await redeeming).status_code == 201
    await asyncio.to_thread(service.process.wait, 20)
    assert service.process.returncode == 0
    await all_ended(group, 10)


async def test_killed_main_process_leaves_nobody_that_its_group_would_not_have(
    make_service: Callable[..., Service],
) -> None:
    service = make_service()
    group = family(service.process.pid)
    assert len(group) == 3
    service.process.kill()
    service.process.wait(10)
    await all_ended(group, 15)
    service.launch()
    assert len(service.web_pids()) == 2
