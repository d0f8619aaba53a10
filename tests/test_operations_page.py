"""The operator's page: its commands run, in their order, on a machine of the test's own; both languages have them."""

import os

os.environ["SANDBOX"] = "1"

import json
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.deploy.machine import Machine
from tests.factories.releases import NEWER, make_release

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/operations.md", "docs/operations.zh-CN.md")
WITHIN_S = 120
_MARKED = re.compile(
    r"<!-- (run|machine): ([^>]+) -->\n(?:\*[^\n]+\*\n\n)?```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_ANY = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DONE = "=== done {} ==="


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Every block of commands: whether it is run, its name or why it is not, the commands."""
    return _MARKED.findall((ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_says_why_not(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = blocks(page)
    assert [commands for _, _, commands in found] == _ANY.findall(text)
    reasons = [name for kind, name, _ in found if kind == "machine"]
    assert len(found) > 9 and len(reasons) <= 2 and all(len(reason) > 10 for reason in reasons)
    assert len(re.findall(r"^\*(?:Not in the test|测试里不运行)[^\n]+\*$", text, re.MULTILINE)) == len(
        reasons
    )


def test_both_languages_have_the_same_commands_and_parts() -> None:
    english, chinese = (blocks(page) for page in PAGES)
    assert english == chinese
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    for mark in (r"^#+ ", r"<a id=\"[^\"]+\">", r"^\| `[A-Z_]+`", r"^\| `/[^|]+\|", r"^- |^\d\. "):
        english_parts, chinese_parts = (re.findall(mark, text, re.MULTILINE) for text in texts)
        assert english_parts == chinese_parts, mark
    assert len(set(re.findall(r"`[^`\n]+`", texts[0])) ^ set(re.findall(r"`[^`\n]+`", texts[1]))) <= 8


class Operator:
    """Types what the page says."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.folder = folder
        self.machine = Machine.make(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.redis_url = redis_url
        self.time = ""
        releases = folder / "srv" / "xinyi" / "releases"
        make_release(releases / "0.1.0")
        make_release(releases / "0.2.0", with_migration=True)
        (folder / "srv" / "xinyi" / "current").symlink_to(releases / "0.1.0")
        for unit in (ROOT / "deploy" / "systemd").iterdir():
            text = self.here(unit.read_text(encoding="utf-8"))
            (folder / "units" / unit.name).write_text(text, encoding="utf-8")
        self.shell("sudo systemctl start postgresql")

    def here(self, commands: str) -> str:
        """The same commands with the places of this machine."""
        for there, ours in {
            "/srv/xinyi": f"{self.folder}/srv/xinyi",
            "/etc/xinyi": f"{self.folder}/etc/xinyi",
            "/var/backups/xinyi": f"{self.folder}/pg/backups",
            "/var/lib/postgresql/16/main": f"{self.folder}/pg/data",
            "/var/lib/prometheus/node-exporter": f"{self.folder}/pg",
            "TMPDIR=/var/tmp": f"TMPDIR={self.folder}/pg",
            "postgres://xinyi:password@127.0.0.1:5432/xinyi": self.machine.url,
            "REDIS_URL='redis://127.0.0.1:6379/0'": f"REDIS_URL='{self.redis_url}'\nPORT={self.port}",
            "http://127.0.0.1:8000": f"http://127.0.0.1:{self.port}",
            "2026-11-24 12:00:00+08": self.time,
        }.items():
            commands = commands.replace(there, ours)
        return commands

    def shell(self, commands: str) -> str:
        """What they print; the first that fails ends the test."""
        ran = subprocess.run(
            ["bash", "-c", "set -euo pipefail\n" + self.here(commands)],
            env={**self.machine.environment(of_postgres=False), "no_proxy": "*"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert ran.returncode == 0, f"{commands}\nended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def type(self, name: str) -> None:
        """Run a block of the page and compare with what it shows after `#=>`."""
        (block,) = [commands for kind, found, commands in blocks(PAGES[0]) if (kind, found) == ("run", name)]
        shown = re.findall(r"^#=> ?(.*)$", block, re.MULTILINE)
        script = "".join(
            f"printf '\\n%s\\n' '{_DONE.format(number)}'\n{part}"
            for number, part in enumerate(re.split(r"^#=>.*$", block, flags=re.M))
        )
        begun = time.monotonic()
        said = re.split(r"^=== done \d+ ===$", self.shell(script), flags=re.MULTILINE)[1:]
        print(f"{name}: {time.monotonic() - begun:.1f} s")
        for expected, was in zip(shown, said, strict=False):
            pattern = ".*".join(re.escape(part) for part in expected.split("…"))
            last = was.strip().splitlines()[-1:]
            assert last and re.fullmatch(pattern, last[0]), f"{name}: shown {expected!r}, was {was!r}"

    def get(self, path: str) -> httpx.Response:
        """Ask the service."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False, timeout=10)

    def sql(self, statement: str) -> str:
        """Ask the database."""
        return self.shell(f"sudo -u postgres psql -At -q -c {json.dumps(statement)}").strip()

    def releases(self, wanted: str) -> None:
        """Wait until both web processes run this release."""
        until = time.monotonic() + 30
        main = int((self.folder / "log" / "xinyi-web.pid").read_text())
        while True:
            lines = [
                line
                for line in (self.folder / "log" / "xinyi-web.log").read_text().splitlines()
                if "{" in line
            ]
            events = [json.loads(line) for line in lines]
            last = [
                e for e in events if e["event"] in ("replacing_workers", "worker_left", "replacement_failed")
            ]
            if [e["event"] for e in last[-3:]] == ["replacing_workers", "worker_left", "worker_left"]:
                break
            assert time.monotonic() < until, events[-5:]
            time.sleep(0.1)
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        assert len(children) == 2
        for pid in children:
            assert f"releases/{wanted}" in Path(f"/proc/{pid}/environ").read_text()


@pytest.fixture
def operator(servers: object) -> Iterator[Operator]:
    """A machine on which nothing was done yet."""
    with tempfile.TemporaryDirectory(prefix="xy-machine-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        typist = Operator(folder, servers.redis_url)  # type: ignore[attr-defined]
        try:
            yield typist
        finally:
            typist.machine.end()


def test_commands_run_in_their_order(operator: Operator) -> None:
    operator.type("configure")
    operator.type("start")
    assert operator.sql("SELECT login FROM admins") == "first-admin"
    assert operator.sql("SELECT is_sandbox FROM installation") == "f"
    operator.type("upgrade")
    operator.releases("0.2.0")
    operator.type("watch")
    assert NEWER in operator.sql("SELECT name FROM tortoise_migrations")
    operator.type("roll back")
    operator.releases("0.1.0")
    assert operator.get("/readyz").status_code == 200
    operator.type("archive")
    operator.sql("CREATE TABLE before_the_moment (n int)")
    time.sleep(0.1)
    operator.time = datetime.now(UTC).isoformat(sep=" ")
    time.sleep(0.1)
    operator.sql("CREATE TABLE after_the_moment (n int)")
    last = operator.sql("SELECT pg_walfile_name(pg_switch_wal())")
    operator.type("logs")
    until = time.monotonic() + 10
    # This one: the service goes on writing, and where it writes by now is archived later.
    while operator.sql(f"SELECT last_archived_wal >= '{last}' FROM pg_stat_archiver") != "t":
        assert time.monotonic() < until
        time.sleep(0.1)
    operator.type("restore")
    tables = operator.sql("SELECT tablename FROM pg_tables WHERE tablename LIKE '%the_moment'")
    assert tables == "before_the_moment"
    assert operator.sql("SELECT login FROM admins") == "first-admin"
    operator.type("drill")
    for metric in ("xinyi_backup_finished", "xinyi_restore_drill_passed"):
        files = "".join(path.read_text() for path in (operator.folder / "pg").glob("*.prom"))
        assert re.search(rf"^{metric}_timestamp_seconds \d+$", files, re.MULTILINE)
    assert not list((operator.folder / "pg").glob("tmp.*")), "the drill leaves nothing behind"
