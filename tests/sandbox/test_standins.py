"""`python -m sandbox wechat` and its like: what they print leads a service to them, and production has none of them."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def test_a_stand_in_serves_at_its_port_and_says_how_to_find_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port, said = probe.getsockname()[1], tmp_path / "said"
    command = [sys.executable, "-m", "sandbox", "zheliban", "--port", str(port)]
    with said.open("wb") as out:
        process = subprocess.Popen(command, env=BARE, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + 20
        while True:
            try:
                control = httpx.get(url + "/control", trust_env=False).json()
                break
            except httpx.HTTPError:
                assert time.monotonic() < until and process.poll() is None, said.read_text()
                time.sleep(0.05)
        assert control["mood"] == "well" and "clock_off" in control["moods"]
        told = httpx.put(url + "/control", json={"mood": "failing"}, trust_env=False)
        assert told.json()["mood"] == "failing"
        assert httpx.put(url + "/control", json={"mood": "angry"}, trust_env=False).status_code == 400
        assert httpx.post(url + "/restapi/x", trust_env=False).status_code == 503
        shell = subprocess.run(
            ["sh", "-c", f". {said}; env"], env=BARE, capture_output=True, text=True, check=True
        )
        assert f"ZHELIBAN_URL={url}" in shell.stdout and re.search("^ZHELIBAN_SECRET=.+", shell.stdout, re.M)
    finally:
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    "program",
    [["-m", "sandbox", "wechat"], ["-c", "import sandbox.standins.wechat"]],
)
def test_production_has_none(program: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, *program],
        env={**BARE, "SANDBOX": "0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0 and "SANDBOX=1" in ran.stderr
