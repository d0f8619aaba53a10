"""The embedded PostgreSQL: what was acknowledged survives, nothing outlives its launcher, logs stay clean."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import asyncpg
import psutil
import pytest

from sandbox.embedded import EmbeddedServerError, Postgres

ROOT = Path(__file__).parents[2]

LAUNCHER = """
import sys, time
from pathlib import Path
from sandbox.embedded import Postgres
print(Postgres.start(Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""

Start = Callable[..., Postgres]


@pytest.fixture
def start() -> Iterator[Start]:
    """Postgres.start, with everything it started killed at the end."""
    started: list[Postgres] = []

    def begin(folder: Path, **options: object) -> Postgres:
        started.append(Postgres.start(folder, **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for server in started:
        server.kill()


def query(server: Postgres, sql: str, *values: object) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(server.url)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    return asyncio.run(ask())


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(holds: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("major", [16, 18])
def test_new_cluster_is_durable_and_on_a_unix_socket_only(start: Start, tmp_path: Path, major: int) -> None:
    server = start(tmp_path / "postgres", major=major)
    wanted = {
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "max_connections": "100",
    }
    assert {name: query(server, "SELECT current_setting($1)", name) for name in wanted} == wanted
    assert str(query(server, "SHOW server_version")).startswith(str(major))
    assert query(server, "SELECT current_user || '@' || current_database()") == "xinyi@xinyi"
    assert psutil.Process(server.pid).net_connections("inet") == []
    assert server.run("psql", "-Atc", "SELECT 1") == "1\n"


def test_existing_cluster_keeps_its_version_and_its_rows(start: Start, tmp_path: Path) -> None:
    first = start(tmp_path / "postgres", major=16)
    query(first, "CREATE TABLE kept AS SELECT 7 AS n")
    first.stop()
    assert not first.is_running
    again = start(tmp_path / "postgres", major=18)
    assert again.major == 16
    assert query(again, "SELECT n FROM kept") == 7


@pytest.mark.parametrize("whole_family", [True, False])
def test_acknowledged_rows_survive_kill(start: Start, tmp_path: Path, whole_family: bool) -> None:
    server = start(tmp_path / "postgres")
    query(server, "CREATE TABLE numbers (n int)")
    acknowledged = asyncio.run(insert_until_killed(server, whole_family))
    again = start(tmp_path / "postgres")
    assert len(acknowledged) > 20
    assert query(again, "SELECT array_agg(n ORDER BY n) FROM numbers WHERE n = ANY($1)", acknowledged) == (
        acknowledged
    )


async def insert_until_killed(server: Postgres, whole_family: bool) -> list[int]:
    connection = await asyncpg.connect(server.url)
    acknowledged: list[int] = []
    try:
        for number in range(1_000_000):
            await connection.execute("INSERT INTO numbers VALUES ($1)", number)
            acknowledged.append(number)
            if number == 50 and whole_family:
                server.kill()
            elif number == 50:
                os.kill(server.pid, signal.SIGKILL)
    # The last is what asyncpg makes of a server that says goodbye while nobody asked.
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()
    return acknowledged


def test_killed_launcher_ends_it_in_order_and_frees_the_folder(start: Start, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path / "postgres")],
        cwd=ROOT,
        env={**os.environ, "SANDBOX": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as launcher:
        assert launcher.stdout
        postmaster = psutil.Process(int(launcher.stdout.readline()))
        family = [postmaster, *postmaster.children()]
        launcher.kill()
    # At once, while the old one may still be shutting down.
    again = start(tmp_path / "postgres")
    assert query(again, "SELECT 1") == 1
    until(lambda: not any(map(is_alive, family)))
    log = (tmp_path / "postgres" / "postgres.log").read_text()
    assert "database system is shut down" in log
    assert "not properly shut down" not in log


def test_kill_leaves_no_process(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "postgres")
    postmaster = psutil.Process(server.pid)
    family = [postmaster, *postmaster.children()]
    assert len(family) > 3
    server.kill()
    until(lambda: not any(map(is_alive, family)))


def test_closed_parent_stays_closed(start: Start, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = closed.stat()
    server = start(closed / "postgres")
    assert query(server, "SELECT 1") == 1
    after = closed.stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert psutil.Process(server.pid).uids().real != 0


def test_long_and_unusual_path_gets_a_short_socket_folder(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / f"数据,库 @{'x' * 100}" / "postgres")
    assert query(server, "SELECT 1") == 1
    assert len(os.fsencode(server.socket_dir / ".s.PGSQL.5432")) <= 107
    assert unquote(server.url) == server.url
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    server.stop()
    assert not server.socket_dir.exists()


def test_second_start_on_the_same_folder_is_refused(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "postgres")
    with pytest.raises(EmbeddedServerError, match="already running"):
        start(tmp_path / "postgres")
    assert query(server, "SELECT 1") == 1


def test_stale_files_of_a_killed_server_are_no_obstacle(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "postgres")
    server.kill()
    # Its number belongs to somebody else by now, as happens in containers.
    pid_file = server.data / "postmaster.pid"
    _, rest = pid_file.read_text().split("\n", 1)
    pid_file.write_text(f"{os.getpid()}\n{rest}")
    assert (server.socket_dir / ".s.PGSQL.5432").exists()
    assert query(start(tmp_path / "postgres"), "SELECT 1") == 1


def test_interrupted_creation_is_begun_again(start: Start, tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert query(start(tmp_path / "postgres"), "SELECT 1") == 1
    assert not half.exists()


def test_values_of_failed_statements_stay_out_of_the_log(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "postgres")
    query(server, "CREATE TABLE people (id_number text PRIMARY KEY CHECK (id_number <> 'wrong-8842'))")
    query(server, "INSERT INTO people VALUES ('secret-8842')")
    for statement in (
        "INSERT INTO people VALUES ('secret-8842')",
        "INSERT INTO people VALUES ('wrong-8842')",
        "SELECT 'secret-8842'::int",
    ):
        with pytest.raises(asyncpg.PostgresError):
            query(server, statement)
    with pytest.raises(asyncpg.PostgresError):
        query(server, "INSERT INTO people VALUES ($1)", "secret-8842")
    assert "8842" not in (tmp_path / "postgres" / "postgres.log").read_text()


def test_settings_of_the_caller_win(start: Start, tmp_path: Path) -> None:
    server = start(tmp_path / "postgres", settings={"max_connections": "7", "fsync": "off"})
    assert query(server, "SHOW max_connections") == "7"
    assert query(server, "SHOW fsync") == "off"


def test_failed_start_says_what_the_log_says(start: Start, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="no_such_setting"):
        start(tmp_path / "postgres", settings={"no_such_setting": "1"})
    assert query(start(tmp_path / "postgres"), "SELECT 1") == 1


def test_replica_is_made_with_the_programs_at_hand(start: Start, tmp_path: Path) -> None:
    primary = start(tmp_path / "primary")
    query(primary, "CREATE TABLE copied AS SELECT 7 AS n")
    copy = primary.folder / "copy" / "data"
    primary.run("pg_basebackup", "-D", copy, "-R", "--checkpoint=fast")
    copy.parent.rename(tmp_path / "replica")
    replica = start(tmp_path / "replica", settings={"hot_standby": "on"})
    assert query(replica, "SELECT n FROM copied") == 7
    query(primary, "UPDATE copied SET n = 8")
    until(lambda: query(replica, "SELECT n FROM copied") == 8)


def test_start_outside_the_main_thread_is_refused(tmp_path: Path) -> None:
    problems: list[Exception] = []

    def begin() -> None:
        try:
            Postgres.start(tmp_path / "postgres")
        except RuntimeError as problem:
            problems.append(problem)

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert "main thread" in str(problems[0])
