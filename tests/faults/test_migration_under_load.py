"""Migrations and a rolling restart of both processes while everybody claims and redeems: no request fails.

Each migration is one transaction, and each here changes one busy table: one that locks two of them, one after
the other, meets statements that hold the second and want the first, and PostgreSQL ends one of the two as a
deadlock (a clean 503 that a retry heals, or a migration that has to be started again).
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.test_stopped import background_process, until_it_hears
from tests.faults.traffic import Traffic, until_served
from tests.service import Service

ROOT = Path(__file__).parents[2]
# What versions to come might bring, one migration each: columns, a constraint, a table, an index.
NEWCOMERS = (
    "ALTER TABLE coupons ADD COLUMN added_under_load text NOT NULL DEFAULT 'x',"
    " ADD CONSTRAINT added_under_load CHECK (length(added_under_load) > 0)",
    "ALTER TABLE redemptions ADD COLUMN added_under_load int",
    "ALTER TABLE offer_terms ADD COLUMN added_under_load int",
    "ALTER TABLE consents ADD COLUMN added_under_load int",
    "ALTER TABLE sessions ADD COLUMN added_under_load int",
    "CREATE TABLE added_under_load (id bigint PRIMARY KEY, coupon_id uuid REFERENCES coupons (id))",
    "CREATE INDEX added_under_load_by_citizen ON coupons (citizen_id, added_under_load)",
)
TEXT = '''"""Added under load."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """After all that are there."""

    dependencies = [("models", "{before}")]
    operations = [ops.RunSQL("{statement}", "SELECT 1")]
'''


def newer_version(folder: Path) -> Path:
    """A folder with our migrations and some more."""
    shutil.copytree(ROOT / "migrations", folder / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    before = max(path.stem for path in (ROOT / "migrations").glob("0*.py"))
    for number, statement in enumerate(NEWCOMERS, 9001):
        name = f"{number}_under_load"
        text = TEXT.replace("{before}", before).replace("{statement}", statement)
        (folder / f"migrations/{name}.py").write_text(text)
        before = name
    return folder


def migrate(service: Service, version: Path) -> str:
    """`python -m server migrate` of that version; what it said."""
    command = [sys.executable, "-P", "-c", "from server.__main__ import main; main(['migrate'])"]
    environment = {**service.environment, "PYTHONPATH": os.pathsep.join([str(version), str(ROOT)])}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=version)
    return ran.stdout + ran.stderr


@pytest.mark.alone  # no answer takes long
async def test_migration_and_rolling_restart_under_load_fail_nobody(town: Town) -> None:
    service = town.serve()
    background = background_process(town, service)
    traffic = Traffic(service)
    version = newer_version(town.folder / "newer")
    before = set(service.web_pids())
    async with traffic.flowing() as tally:
        await asyncio.sleep(1.0)
        said = await asyncio.to_thread(migrate, service, version)
        assert said.count("_under_load") == len(NEWCOMERS), said
        # The old processes go on with the new tables; then the new ones take over, one after the other.
        await asyncio.sleep(0.7)
        service.process.send_signal(signal.SIGHUP)
        await until_it_hears(background.pid, signal.SIGTERM)
        background.terminate()
        assert await asyncio.to_thread(background.wait, 10) == 0
        background = background_process(town, service)
        until = time.monotonic() + 20
        while set(service.web_pids()) & before or len(service.web_pids()) != 2:
            assert time.monotonic() < until, "the old processes are still there"
            await asyncio.sleep(0.05)
        await until_served(service, 3)
        await until_it_hears(background.pid, signal.SIGTERM)
        await asyncio.sleep(0.7)
        background.terminate()
        assert await asyncio.to_thread(background.wait, 10) == 0
    assert set(tally.statuses) <= {200, 201, 204, "cut kept line"}, tally.statuses
    assert tally.statuses["cut kept line"] <= 8 * 2
    assert max(tally.seconds) < 3, max(tally.seconds)
    rows = await town.fetch("SELECT count(*) AS n FROM coupons WHERE added_under_load = 'x'")
    assert rows[0]["n"] == len(tally.claimed)
    await check_all(town, traffic)
