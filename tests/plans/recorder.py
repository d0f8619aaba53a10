"""A PostgreSQL that writes down every statement it is sent, and by whom."""

import json
import re
import time
from pathlib import Path

from sandbox.embedded import Postgres
from tests.faults.replicas import sql

WRITTEN_WITHIN_S = 10.0
_LOG = "statements"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    # A large database is made beside: nothing shall read or write it once more meanwhile.
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "6GB",
    "shared_buffers": "512MB",
    "maintenance_work_mem": "256MB",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_filename": _LOG,
    "log_statement": "all",
}
# `execute <name of the prepared statement>: …` or `statement: …`
_MESSAGE = re.compile(r"(?:execute [^:]*|statement): (.*)", re.DOTALL)


def start(folder: Path) -> Postgres:
    """Start one on the oldest embedded version; it is no place for real data."""
    return Postgres.start(folder, major=16, settings=SETTINGS)


def statements(postgres: Postgres, user: str) -> set[str]:
    """Everything that somebody has sent so far, each text once, blanks made even."""
    return set(sent(postgres, user))


def sent(postgres: Postgres, user: str, since: int = 0) -> list[str]:
    """What somebody has sent since a place in the log, in order, as often as it was sent."""
    entries = [json.loads(line) for line in _written(postgres)[since:].splitlines() if line]
    found = [_MESSAGE.fullmatch(entry["message"]) for entry in entries if entry.get("user") == user]
    return [even(match[1]) for match in found if match]


def place(postgres: Postgres) -> int:
    """Where the log ends now."""
    return len(_written(postgres))


def _written(postgres: Postgres) -> str:
    sql(postgres, mark := f"SELECT 'everything before {time.monotonic_ns()}'")
    until = time.monotonic() + WRITTEN_WITHIN_S
    log = postgres.data / "log" / f"{_LOG}.json"
    while mark not in (text := log.read_text()):
        assert time.monotonic() < until, "the log is not written"
        time.sleep(0.05)
    return text


def even(statement: str) -> str:
    """The text with single blanks."""
    return " ".join(statement.split())
