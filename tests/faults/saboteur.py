"""Who breaks one thing after the other under a rush, and measures how long nobody is served."""

import asyncio
import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
import psutil
import redis

from common.processes import children_of
from tests.faults.conftest import Town
from tests.faults.rush import Rush
from tests.faults.test_stopped import background_process
from tests.service import Service

RECOVERED_WITHIN_S = 15.0
AWAY_S = 0.3
FROZEN_S = 1.0
# A process that dies younger than this makes the supervisor wait longer and longer before the next one.
GROWN_UP_S = 1.5
# By what is done, how often of a hundred times.
KILLS = {"web process": 52, "background process": 8, "PostgreSQL": 14, "PostgreSQL backend": 10, "Redis": 16}
OTHERS = {
    "lines cut by a proxy": 35,
    "sessions of PostgreSQL cut": 25,
    "PostgreSQL frozen for 1 s": 10,
    "Redis frozen for 1 s": 15,
    "Redis flushed": 15,
}
# So many of a hundred faults are kills.
KILL_SHARE = 75


@dataclass
class Saboteur:
    """Breaks one thing after the other."""

    town: Town
    service: Service
    rush: Rush
    dice: random.Random
    background: subprocess.Popen[bytes]
    recovered: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def strike(self, kind: str) -> None:
        """One fault, and the time until somebody is served whose question came after it."""
        deeds: dict[str, Callable[[], None]] = {
            "web process": self._kill_web_process,
            "background process": self._kill_background,
            "PostgreSQL": self._kill_postgres,
            "PostgreSQL backend": self._kill_backend,
            "Redis": self._kill_redis,
            "sessions of PostgreSQL cut": lambda: self._sql("pg_terminate_backend(pid)"),
            "lines cut by a proxy": self._watched(self.rush.cut),
            "PostgreSQL frozen for 1 s": lambda: self._freeze(self.town.postgres.pid),
            "Redis frozen for 1 s": lambda: self._freeze(self.town.valkey.pid),
            "Redis flushed": self._flush_redis,
        }
        deeds[kind]()
        until = time.monotonic() + RECOVERED_WITHIN_S
        while not self.rush.book.recovered_at:
            if time.monotonic() > until or self.rush.is_over:
                raise SystemExit(f"after {kind}: nobody was served within {RECOVERED_WITHIN_S} s")
            time.sleep(0.005)
        self.recovered[kind].append(self.rush.book.recovered_at - self.rush.book.watched_from)

    def _watched(self, deed: Callable[[], object]) -> Callable[[], None]:
        def do() -> None:
            deed()
            self.rush.book.watch()

        return do

    def _kill(self, pid: int) -> None:
        self._watched(lambda: os.kill(pid, signal.SIGKILL))()

    def _kill_web_process(self) -> None:
        while True:
            grown_up = [pid for pid in self.service.web_pids() if _age_s(pid) > GROWN_UP_S]
            if grown_up:
                return self._kill(self.dice.choice(sorted(grown_up)))
            time.sleep(0.02)

    def _kill_background(self) -> None:
        self._watched(self.background.kill)()
        self.background.wait()
        self.background = background_process(self.town, self.service)

    def _kill_postgres(self) -> None:
        self._watched(self.town.postgres.kill)()
        time.sleep(AWAY_S)
        self.town.start_postgres()

    def _kill_backend(self) -> None:
        rows = self._sql("pid")
        self._kill(self.dice.choice(sorted(row["pid"] for row in rows)))

    def _kill_redis(self) -> None:
        self._watched(self.town.valkey.kill)()
        time.sleep(AWAY_S)
        self.town.start_valkey()

    def _flush_redis(self) -> None:
        client = redis.Redis(unix_socket_path=str(self.town.valkey.socket))
        self._watched(client.flushall)()
        client.close()

    def _freeze(self, pid: int) -> None:
        family = [pid, *children_of(pid)]
        for each in family:
            os.kill(each, signal.SIGSTOP)
        self.rush.book.watch()
        time.sleep(FROZEN_S)
        for each in family:
            os.kill(each, signal.SIGCONT)

    def _sql(self, expression: str) -> Sequence[asyncpg.Record]:
        rows = asyncio.run(
            self.town.fetch(
                f"SELECT {expression} FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )
        self.rush.book.watch()
        return rows


def _age_s(pid: int) -> float:
    with suppress(psutil.NoSuchProcess):
        return time.time() - psutil.Process(pid).create_time()
    return 0.0


def kinds(dice: random.Random, kills: int) -> Iterator[str]:
    """Faults by their shares, until there were so many kills."""
    done = 0
    while done < kills:
        is_kill = dice.randrange(100) < KILL_SHARE
        shares = KILLS if is_kill else OTHERS
        done += is_kill
        yield dice.choices(list(shares), weights=list(shares.values()))[0]
