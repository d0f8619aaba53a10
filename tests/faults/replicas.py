"""A streaming standby of an embedded PostgreSQL, on its own socket: to read from, to freeze, to promote."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sandbox.embedded import Postgres
from sandbox.embedded.places import Place

NAME = "standby"
STREAMING_WITHIN_S = 30.0
_NOTHING: Mapping[str, str] = MappingProxyType({})


def standby_of(
    postgres: Postgres,
    folder: Path,
    *,
    is_synchronous: bool = False,
    name: str = NAME,
    settings: Mapping[str, str] = _NOTHING,
) -> Postgres:
    """Copy a running cluster into `folder` and start it as a hot standby that streams from it.

    What it needs to find its primary again is kept in its folder: `Postgres.start(folder)` continues it.
    A slot on the primary keeps the WAL that it still needs. Call it from the main thread.

    Args:
        is_synchronous: the primary's commits wait until the standby has them on its disk; from then on,
            with the standby away, no commit of the primary returns (see `let_go`).
        settings: of the standby, over those of the sandbox; `max_connections` not below the primary's.
    """
    place = Place.prepare(folder)
    source = f"host={postgres.socket_dir} port={postgres.port} user=xinyi application_name={name}"
    postgres.run(
        "pg_basebackup",
        f"--dbname={source}",
        f"--pgdata={place.folder / 'data'}",
        "--write-recovery-conf",
        "--checkpoint=fast",
        "--no-sync",  # a copy that a power cut would spoil can be made again
        "--wal-method=stream",
        *("--create-slot", f"--slot={name}"),
    )
    standby = Postgres.start(folder, settings=settings)
    try:
        _wait_for(postgres, f"SELECT state = 'streaming' FROM pg_stat_replication WHERE {_named(name)}")
        if is_synchronous:
            sql(postgres, f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
            sql(postgres, "SELECT pg_reload_conf()")
            _wait_for(postgres, f"SELECT sync_state = 'sync' FROM pg_stat_replication WHERE {_named(name)}")
    except BaseException:
        standby.kill()
        raise
    return standby


def promote(standby: Postgres) -> None:
    """Make it a primary that takes writes, for good; returns when it does."""
    sql(standby, "SELECT pg_promote(true, 60)")
    _wait_for(standby, "SELECT NOT pg_is_in_recovery()")


def let_go(postgres: Postgres) -> None:
    """The primary's commits wait for no standby any more."""
    sql(postgres, "ALTER SYSTEM RESET synchronous_standby_names")
    sql(postgres, "SELECT pg_reload_conf()")


def wait_until_replayed(postgres: Postgres, standby: Postgres) -> None:
    """Return when the standby shows everything that the primary had committed when this was called."""
    position = sql(postgres, "SELECT pg_current_wal_flush_lsn()")
    _wait_for(standby, f"SELECT pg_last_wal_replay_lsn() >= '{position}'")


def sql(postgres: Postgres, statement: str) -> str:
    """Run one statement as superuser; its single value as text."""
    return postgres.run("psql", "-X", "-A", "-t", "-q", "-c", statement).strip()


def _named(name: str) -> str:
    return f"application_name = '{name}'"


def _wait_for(postgres: Postgres, question: str) -> None:
    until = time.monotonic() + STREAMING_WITHIN_S
    while (answer := sql(postgres, question)) != "t":
        if time.monotonic() > until:
            raise AssertionError(f"{question}: {answer!r} after {STREAMING_WITHIN_S:.0f} s")
        time.sleep(0.05)
