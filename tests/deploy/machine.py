"""A machine for the operator's page: `sudo`, `systemctl` and `journalctl` over real processes in one folder.

There is no systemd in a test. This does with a unit what its lines say: ExecStart with its environment, ExecReload,
and a stop that tells every process of the group; PostgreSQL is the embedded one, as its own user.
"""

import os

os.environ["SANDBOX"] = "1"

import json
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from sandbox.embedded import Postgres
from sandbox.embedded.accounts import account_for

ROOT = Path(__file__).parents[2]
COMMANDS = ("sudo", "systemctl", "journalctl")


@dataclass(frozen=True)
class Machine:
    """Where everything is; the folder holds a link or a copy of each path that the page names."""

    folder: str
    pg_bin: str
    sockets: str

    @classmethod
    def make(cls, folder: Path) -> "Machine":
        """Lay out the folders, a PostgreSQL that is stopped, and the commands in `bin`."""
        for part in ("bin", "log", "etc/xinyi", "srv/xinyi/releases", "units"):
            (folder / part).mkdir(parents=True)
        # 16: the wheel's pg_verifybackup of 18 does not run.
        postgres = Postgres.start(folder / "pg", major=16)
        postgres.stop()
        machine = cls(str(folder), str(postgres.bin), str(postgres.socket_dir))
        postgres.run("/usr/bin/env", "mkdir", "-p", machine.sockets)
        (folder / "machine.json").write_text(json.dumps(asdict(machine)))
        for name in COMMANDS:
            command = [sys.executable, "-m", "tests.deploy.machine", str(folder), name]
            script = folder / "bin" / name
            script.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {shlex.join(command)} "$@"\n')
            script.chmod(0o755)
        return machine

    @property
    def url(self) -> str:
        """The database's, for the service."""
        return f"postgres://xinyi@/xinyi?host={self.sockets}"

    def environment(self, *, of_postgres: bool) -> dict[str, str]:
        """What a command starts with: nothing of ours."""
        path = os.pathsep.join([f"{self.folder}/bin", self.pg_bin, os.defpath])
        names = {"PGHOST": self.sockets, "PGUSER": "xinyi"} if of_postgres else {}
        return {"PATH": path, "LANG": "C.UTF-8", "HOME": self.folder, **names}

    def run_as(self, user: str, command: list[str]) -> None:
        """Become the command, as PostgreSQL's user or as we are."""
        if user == "postgres":
            os.chdir(f"{self.folder}/pg")
            account = account_for(Path(self.folder) / "pg")
            # The interpreter and its packages may lie where this user may not look.
            (account.let_through() or account).become()
        environment = self.environment(of_postgres=user == "postgres")
        os.execvpe(command[0], command, environment)  # noqa: S606 - as sudo does

    def sudo(self, *arguments: str) -> int:
        """`sudo [-u user] command …`."""
        user, command = (arguments[1], arguments[2:]) if arguments[0] == "-u" else ("root", arguments)
        self.run_as(user, list(command))
        return 1

    def journalctl(self, *arguments: str) -> int:
        """Everything that a unit wrote."""
        print(self._log(arguments[arguments.index("-u") + 1]).read_text(), end="")
        return 0

    def systemctl(self, *arguments: str) -> int:
        """start, stop, restart, reload; `enable --now` is a start."""
        action, *units = [word for word in arguments if not word.startswith("-")]
        for unit in units:
            if unit == "postgresql":
                code = self._postgresql(action)
            elif unit.endswith(".timer"):
                code = 0
            else:
                code = getattr(self, f"_{action}")(unit)
            if code:
                return int(code)
        return 0

    def _postgresql(self, action: str) -> int:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.sockets}"
        command = ["pg_ctl", f"--pgdata={self.folder}/pg/data", "--wait", f"--log={self.folder}/pg/log"]
        command += ["--mode=fast", f"--options={options}", action]
        # One that was killed leaves its number behind, which may be somebody else's by now.
        environment = self.environment(of_postgres=False)
        return subprocess.run(
            ["sudo", "-u", "postgres", *command], env=environment, stdout=2, check=False
        ).returncode

    def _start(self, unit: str) -> int:
        lines = self._lines(unit)
        environment = self.environment(of_postgres=lines["User"] == "postgres")
        if "EnvironmentFile" in lines:
            environment |= _variables(Path(lines["EnvironmentFile"]).read_text())
        environment |= _variables(lines.get("Environment", ""))
        command = shlex.split(lines["ExecStart"])
        if lines["User"] == "postgres":
            names = [f"{name}={value}" for name, value in environment.items() if name != "PATH"]
            command = ["sudo", "-u", "postgres", "env", *names, *command]
        with self._log(unit).open("ab") as log:
            process = subprocess.Popen(
                command, env=environment, cwd=lines.get("WorkingDirectory"), stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        if lines["Type"] == "oneshot":
            code = process.wait()
            print(self._log(unit).read_text() if code else "", end="", file=sys.stderr)
            return code
        self._pid_file(unit).write_text(str(process.pid))
        return 0

    _enable = _start

    def _stop(self, unit: str) -> int:
        group = self._group(unit)
        for process in group:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(group, timeout=float(self._lines(unit)["TimeoutStopSec"]))
        for process in left:
            process.kill()
        self._pid_file(unit).unlink(missing_ok=True)
        return len(left)

    def _restart(self, unit: str) -> int:
        return self._stop(unit) or self._start(unit)

    def _reload(self, unit: str) -> int:
        command = self._lines(unit)["ExecReload"].replace("$MAINPID", self._pid_file(unit).read_text())
        return subprocess.run(shlex.split(command), check=False).returncode

    def _group(self, unit: str) -> list[psutil.Process]:
        if not self._pid_file(unit).exists():
            return []
        try:
            main = psutil.Process(int(self._pid_file(unit).read_text()))
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _lines(self, unit: str) -> dict[str, str]:
        """A unit's settings; of one that stands several times all values."""
        name, at, instance = unit.removesuffix(".service").partition("@")
        text = (Path(self.folder) / "units" / f"{name}{at}.service").read_text()
        found: dict[str, str] = {}
        for line in text.replace("%i", instance).splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found[key] = f"{found[key]} {value}" if key in found else value
        return found

    def _log(self, unit: str) -> Path:
        return Path(self.folder) / "log" / f"{unit}.log"

    def _pid_file(self, unit: str) -> Path:
        return Path(self.folder) / "log" / f"{unit}.pid"

    def end(self) -> None:
        """Whatever a test left running."""
        for unit in ("xinyi-web", "xinyi-worker"):
            for process in self._group(unit):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        data = Path(self.folder) / "pg" / "data"
        if (data / "postmaster.pid").exists():
            self._postgresql("stop")


def _variables(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in shlex.split(text, comments=True))


if __name__ == "__main__":
    os.environ["PATH"] = os.pathsep.join([f"{sys.argv[1]}/bin", os.environ["PATH"]])
    machine = Machine(**json.loads((Path(sys.argv[1]) / "machine.json").read_text()))
    sys.exit(getattr(machine, sys.argv[2])(*sys.argv[3:]))
