"""The restore drill: real traffic, a backup under load, kill -9, and everything back at one moment.

`make restore-drill` runs it on this machine alone, with servers of its own in a temporary folder. Each step is
printed with how long it took; the last one is `make verify-ledger`. Exit code 0 only when everything held.
"""

import os

os.environ["SANDBOX"] = "1"

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from common import database as db
from common.clock import now
from common.processes import finish, spawn
from sandbox import demo
from sandbox.embedded import EmbeddedServerError, Postgres, Valkey
from sandbox.embedded.accounts import account_for
from server.config import load
from server.migrate import migrate
from tests.e2e.invariants import check
from tests.e2e.wire import Line, spread
from tests.faults.traffic import Tally, Traffic
from tests.service import Service, close_clients

ROOT = Path(__file__).parents[2]
PEOPLE = 4
ASKED_AGAIN = 50
SEALED_WITHIN_S = 20


class NotHeld(Exception):
    """What a restore promises and did not keep; the sentence says it."""


class _PowerCut(Exception):
    """Ends the traffic in the midst of what it does."""


@dataclass(frozen=True)
class Moment:
    """A time, what had been acknowledged by then, and what had been sent at all."""

    at: datetime
    acknowledged: frozenset[str]
    sent: frozenset[str]

    @classmethod
    def of(cls, tally: Tally) -> "Moment":
        """Now, without a pause in between."""
        return cls(datetime.now(UTC), frozenset(tally.redeemed), frozenset(tally.redeems))

    def must_hold(self, kept: set[str]) -> None:
        """Refuse a ledger that lacks what was acknowledged by then, or has what was sent afterwards.

        Raises:
            NotHeld: with how many.
        """
        if lost := self.acknowledged - kept:
            raise NotHeld(f"{len(lost)} redemptions acknowledged before {self.at} are not in the ledger")
        if early := kept - self.sent:
            raise NotHeld(f"{len(early)} redemptions sent after {self.at} are in the ledger")


@dataclass
class Drill:
    """One run, in a folder of its own."""

    folder: Path
    seconds: float
    archive_timeout_s: int = 1
    ends: ExitStack = field(default_factory=ExitStack)

    def run(self) -> None:
        """Everything, in order.

        Raises:
            NotHeld: a check failed; what was printed says after which step.
        """
        with self.ends:
            with _step("PostgreSQL with an archive, tables, demo data"):
                self._start_stores()
                asyncio.run(self._fill())
            with _step("service and worker"):
                self._serve()
            before, at_the_end, traffic = asyncio.run(self._live_and_die())
            killed_at = time.monotonic()
            with _step("restored to the end of the archive"):
                self._restore(self.postgres.folder / "latest")
                asyncio.run(self._look_at_latest(at_the_end))
            self._come_back(before)
            _say(f"back in service {time.monotonic() - killed_at:.1f} s after the power cut (RTO)")
            with _step("the ledger at that moment: all that was acknowledged, nothing of later"):
                asyncio.run(self._check(before, traffic))
            with _step("a seal that was handed out after the moment is missed"):
                self._must_miss_the_witnessed_seal()
            with _step("make verify-ledger"):
                code, said = self._make("verify-ledger")
                print(said, end="", flush=True)
                if code:
                    raise NotHeld(f"make verify-ledger ended with {code}")

    def _start_stores(self) -> None:
        self.scripts = self.folder / "backup"
        shutil.copytree(ROOT / "deploy" / "backup", self.scripts)  # where the server's user can reach them
        self.backups = self.folder / "postgres" / "backups"
        self.postgres = self._start_postgres(self.folder / "postgres")
        self.as_postgres("mkdir", "-p", self.backups / "wal")
        valkey = Valkey.start(self.folder / "valkey")
        self.ends.callback(valkey.stop)
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **{"SANDBOX": "1", "WORKERS": "2", "DATABASE_URL": self.postgres.url, "REDIS_URL": valkey.url},
        }

    def _start_postgres(self, folder: Path, *, archiving: bool = True) -> Postgres:
        archive = {
            "archive_mode": "on",
            "archive_command": f"{self.scripts}/archive-wal {self.backups} %p %f",
            "archive_timeout": str(self.archive_timeout_s),
        }
        # Not before it is whole: with a hot standby it answers, read only, in the midst of the recovery.
        settings = {"hot_standby": "off", **(archive if archiving else {})}
        # 16: the wheel's pg_verifybackup of 18 ends with a segmentation fault, whatever it is asked.
        postgres = Postgres.start(folder, major=16, settings=settings)
        self.ends.callback(lambda: postgres.is_running and postgres.kill())
        return postgres

    def as_postgres(self, *command: str | Path) -> str:
        """Run a command as PostgreSQL's user, with PostgreSQL's programs on the PATH."""
        return self.postgres.run("/usr/bin/env", f"PATH={self.postgres.bin}:{os.defpath}", *command)

    async def _back_up(self) -> str:
        """The base backup, while our own traffic goes on; what it said."""
        child = spawn(
            [self.scripts / "base-backup", self.backups],
            before_exec=account_for(self.postgres.folder).become,
            env={
                "PATH": f"{self.postgres.bin}:{os.defpath}",
                "PGHOST": str(self.postgres.socket_dir),
                "PGUSER": "xinyi",
            },
            cwd=self.postgres.folder,
            output=subprocess.PIPE,
        )
        while child.poll() is None:
            await asyncio.sleep(0.05)
        said = finish(child).strip()
        if child.returncode != 0:
            raise NotHeld(f"the base backup failed: {said}")
        return said

    async def _fill(self) -> None:
        await migrate(self.postgres.url, lambda _: None, is_sandbox=True)
        await db.connect(self.postgres.url, pool_size=2)
        await demo.load(now())
        await demo.bind_demo_clerk(load(self.environment).data_keys)
        await db.disconnect()

    def _serve(self) -> None:
        self.service = Service.start(self.environment)
        self.ends.callback(self.service.stop)
        self._start_worker()
        self.ends.callback(self._stop_worker)

    def _start_worker(self) -> None:
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "server", "worker"], env=self.environment, stdout=log, stderr=log
            )

    def _stop_worker(self) -> None:
        self.worker.terminate()
        self.worker.wait()

    async def _live_and_die(self) -> tuple[Moment, Moment, Traffic]:
        """Traffic, a backup under it, a time that is noted, more traffic, and the power cut."""
        traffic = Traffic(self.service)
        try:
            async with traffic.flowing(PEOPLE) as tally:
                await asyncio.sleep(self.seconds / 3)
                with _step("base backup under load") as told:
                    told.append(await self._back_up())
                # A backup is good from the next whole second on.
                await asyncio.sleep(1 + self.seconds / 3)
                before = Moment.of(tally)
                _say(f"noted {before.at.isoformat()}: {len(before.acknowledged)} redemptions acknowledged")
                await asyncio.sleep(self.seconds / 3 + self.archive_timeout_s)
                await self._hand_out_a_seal(before.at)
                at_the_end = Moment.of(tally)
                self.postgres.kill()
                shutil.rmtree(self.postgres.data)
                _say(f"kill -9, data folder gone: {len(at_the_end.acknowledged)} acknowledged by then")
                raise _PowerCut
        except _PowerCut:
            pass
        if tally.wrong:
            raise NotHeld(f"the service answered wrongly: {tally.wrong[:3]}")
        if not before.acknowledged < at_the_end.acknowledged:
            raise NotHeld("nobody redeemed anything; give it more --seconds")
        await close_clients()
        return before, at_the_end, traffic

    def _restore(self, folder: Path, at: datetime | None = None) -> None:
        time_ = [at.isoformat(sep=" ")] if at else []
        self.as_postgres(self.scripts / "restore", self.backups, folder / "data", *time_)

    async def _look_at_latest(self, at_the_end: Moment) -> None:
        postgres = self._start_postgres(self.postgres.folder / "latest", archiving=False)
        rows = await _fetch(postgres.url, "SELECT request_key, redeemed_at FROM redemptions")
        postgres.kill()
        kept = {row["request_key"] for row in rows}
        if kept - at_the_end.sent:
            raise NotHeld("the ledger has redemptions that nobody sent")
        lost = len(at_the_end.acknowledged - kept)
        age = (at_the_end.at - max(row["redeemed_at"] for row in rows)).total_seconds()
        _say(f"lost with the disk: {lost} redemptions, the last {age:.1f} s (RPO; archived every"
             f" {self.archive_timeout_s} s here)")  # fmt: skip

    def _come_back(self, before: Moment) -> None:
        with _step(f"restored to {before.at.isoformat()}"):
            self._restore(self.postgres.folder, before.at)
            self.postgres = self._start_postgres(self.postgres.folder)
        with _step("every process started anew"):  # they remember versions of offers
            self._stop_worker()
            self.service.stop()
            self.service.launch()
            self._start_worker()

    async def _check(self, before: Moment, traffic: Traffic) -> None:
        rows = await self.service.fetch("SELECT request_key FROM redemptions")
        before.must_hold({row["request_key"] for row in rows})
        await check(self.service.fetch)
        await self._ask_again(before, traffic)
        # It goes on: somebody new claims and redeems.
        citizen, clerk = await self.service.citizen("load-1"), await self.service.clerk()
        coupon = await citizen.coupon()
        redeemed = await clerk.redeem(await citizen.code(coupon["id"]))
        if redeemed.status_code != 201:
            raise NotHeld(f"the restored service does not redeem: {redeemed.text}")
        await close_clients()

    async def _ask_again(self, before: Moment, traffic: Traffic) -> None:
        """A phone that never got its answer asks again, and gets the answer of then."""
        keys = random.sample(sorted(before.acknowledged), min(len(before.acknowledged), ASKED_AGAIN))
        line = await Line.open(self.service.url)
        answers = await spread([line], [traffic.tally.redeems[key] for key in keys])
        line.close()
        for key, answer in zip(keys, answers, strict=True):
            if (answer.status, answer.body) != (201, traffic.tally.redeemed[key].body):
                raise NotHeld(f"the same key gets another answer: {answer.status} {answer.body!r}")

    async def _hand_out_a_seal(self, after: datetime) -> None:
        """Have the ledger sealed once more, and keep that seal as a witness does."""
        self._stop_worker()
        self._start_worker()  # seals at once
        async with asyncio.timeout(SEALED_WITHIN_S):
            while True:
                child = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "server", "witness-root"),
                    env=self.environment,
                    stdout=asyncio.subprocess.PIPE,
                )
                text = (await child.communicate())[0]
                # The ledger's head is the first line, the audit's the second.
                ledger = text.partition(b"\n")[0]
                if ledger and datetime.fromisoformat(json.loads(ledger)["sealed_at"]) > after:
                    (self.folder / "witness.json").write_bytes(text)
                    return

    def _must_miss_the_witnessed_seal(self) -> None:
        code, said = self._make("verify-ledger", f"WITNESS={self.folder / 'witness.json'}")
        words = [words for words in ("the ledger was cut", "history was rewritten") if words in said]
        if not code or not words:
            raise NotHeld(f"a seal newer than the ledger was not missed: {said}")
        _say(f"the verifier says: {words[0]}")

    def _make(self, *arguments: str) -> tuple[int, str]:
        ran = subprocess.run(
            ["make", "--no-print-directory", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr


async def _fetch(url: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


@contextmanager
def _step(name: str) -> Iterator[list[str]]:
    """Say how long it took, and what the caller adds."""
    begun = time.monotonic()
    told: list[str] = []
    yield told
    _say(f"{name} … {time.monotonic() - begun:.1f} s" + "".join(f" ({text})" for text in told))


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Run the drill; 0 when everything held, 1 when something did not."""
    parser = argparse.ArgumentParser(prog="make restore-drill", description=__doc__)
    parser.add_argument("--seconds", type=float, default=9.0, help="of traffic in all (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xy-drill-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            Drill(folder, options.seconds).run()
        except (NotHeld, EmbeddedServerError, AssertionError) as problem:
            print(f"NOT held: {problem}", file=sys.stderr)
            return 1
    _say("everything held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
