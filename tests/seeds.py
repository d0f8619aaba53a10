"""A cluster that is migrated and has the demo data: made once for a whole run, copied by whoever needs one.

Making one takes several seconds, copying it a fraction of one. The processes of a run share a folder, whose name is
in the environment; the first one that comes makes it while the others wait.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
import threading
from json import dumps
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from argon2 import PasswordHasher

from common import database as db
from common.clock import now
from common.database_url import tortoise_config
from sandbox import demo
from sandbox.embedded import Postgres
from server.config import load
from server.migrate import migrate

FOLDER = "TEST_SEEDS"
# Two kinds of messages that citizens can accept; nothing sends them.
TEMPLATES = dumps(
    {
        "coupon_expiring": {"id": "tmpl-expiring", "fields": {"thing1": "offer", "date2": "until"}},
        "coupon_redeemed": {"id": "tmpl-redeemed", "fields": {"thing1": "offer", "amount2": "saved"}},
    }
)
# Besides the database that the server is asked for by default, which has the demo data.
EMPTY, DEMO = "seed_empty", "seed_demo"
# A hash names its own cost; the tests' people need none.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
MEMORY = Path("/dev/shm")  # noqa: S108 - nobody else's files are read
ROOM_NEEDED = 6 * 2**30


def work_in_memory() -> None:
    """Let what the tests write lie in memory where there is room for it, unless TMPDIR says otherwise.

    A database is some 700 files: copying it takes 0.03 s there and 0.2 s on a disk.
    """
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_NEEDED:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def open_folder() -> Path | None:
    """Begin a run: make the folder that its processes share, unless whoever started it has made one for several."""
    made = None if FOLDER in os.environ else Path(tempfile.mkdtemp(prefix="xy-seeds-"))
    folder = Path(os.environ.setdefault(FOLDER, str(made)))
    folder.chmod(0o755)
    return made


def seed(major: int) -> Path:
    """The cluster's folder; whoever asks first makes it."""
    made = Path(os.environ[FOLDER]) / str(major)
    made.mkdir(mode=0o755, exist_ok=True)
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "done").exists():
            shutil.rmtree(made / "postgres", ignore_errors=True)
            make_seed(made, major)
            (made / "done").touch()
    return made / "postgres"


def copy_seed(major: int, folder: Path) -> None:
    """Put a copy of the cluster into a new folder, to be started there."""
    shutil.copytree(seed(major) / "data", folder / "data")


def make_seed(folder: Path, major: int = 18) -> Path:
    """Make the cluster, and stop it; where it is."""
    postgres = Postgres.start(folder / "postgres", major=major, settings={"fsync": "off"})
    try:
        asyncio.run(_fill(postgres.url))
    finally:
        postgres.stop()
    return folder / "postgres"


async def _fill(url: str) -> None:
    # Nobody may be connected to what is copied.
    elsewhere = urlunsplit(urlsplit(url)._replace(path="/postgres"))
    await migrate(url, lambda _: None, is_sandbox=True)
    await run_sql(elsewhere, f"CREATE DATABASE {EMPTY} TEMPLATE xinyi")
    await fill_with_demo(url)
    await run_sql(elsewhere, f"CREATE DATABASE {DEMO} TEMPLATE xinyi")


async def fill_with_demo(url: str) -> None:
    """Load the demo data into a migrated database; its people sign in thousands of times in a run."""
    await db.connect(url, pool_size=2)
    with patch.object(demo, "PasswordHasher", lambda: QUICK_HASHER):
        await demo.load(now())
    await demo.bind_demo_clerk(load(environment(url, "redis://127.0.0.1:1")).data_keys)
    await db.execute("ANALYZE")
    await db.disconnect()


async def connected(url: str) -> asyncpg.Connection:
    """A connection of one's own."""
    parts = tortoise_config(url)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database", "ssl")
    return await asyncpg.connect(**{name: parts[name] for name in wanted if name in parts})


async def run_sql(url: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await connected(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


class Copies:
    """Copies a server's template databases, and drops the copies, on one connection in a thread of its own.

    Fixtures are made inside the tests' event loop, which nothing here waits for.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def make(self, name: str, template: str) -> str:
        """The name of a fresh copy."""
        database = f"{name}_{uuid4().hex[:8]}"
        # Copied as files: through the log it would be written twice.
        self._run(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")
        return database

    def drop(self, database: str) -> None:
        """Whoever is still connected is thrown out."""
        self._run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def close(self) -> None:
        """Let go of the server."""
        if self._connection is not None:
            asyncio.run_coroutine_threadsafe(self._connection.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, statement: str) -> None:
        asyncio.run_coroutine_threadsafe(self._execute(statement), self._loop).result()

    async def _execute(self, statement: str) -> None:
        if self._connection is None:
            self._connection = await connected(self._url)
        await self._connection.execute(statement)


def environment(database_url: str, redis_url: str, **more: str) -> dict[str, str]:
    """What a sandbox process of the service needs to know."""
    return {
        **{"SANDBOX": "1", "DATABASE_URL": database_url, "REDIS_URL": redis_url},
        **{"WECHAT_TEMPLATES": TEMPLATES, **more},
    }
