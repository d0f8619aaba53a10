"""A full disk under PostgreSQL: writes are refused cleanly, what was acknowledged stays, and with room it goes on.

Two ways to be full, with two ways out. A data file that can't grow costs the statement that needs it: a
clean 503, and as soon as there is room the next one succeeds, without a hand. A log (WAL) that can't be
written ends PostgreSQL itself, which acknowledges nothing that it can't keep: it comes up again once there is
room, started by whoever keeps it (systemd's Restart=, the sandbox's own upkeep), and the services find it.
"""

import asyncio
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from common.processes import children_of
from tests.faults.afterwards import check_all
from tests.faults.conftest import Town, only_in_the_long_form
from tests.faults.traffic import Traffic, until_served

DISK = "160m"
FULL_WITHIN_S = 15.0
RECOVERED_WITHIN_S = 8.0
CLEAN = {200, 201, 204, 503}


@contextmanager
def small_disk(town: Town, what: str) -> Iterator[Path]:
    """A part of the stopped cluster lies on a file system of its own, of a fixed size; as root only."""
    disk, part = town.folder / "disk", town.postgres.data / what
    disk.mkdir(mode=0o755)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(disk)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        town.postgres.stop()
        subprocess.run(["cp", "-a", str(part), str(disk)], check=True)
        shutil.rmtree(part)
        part.symlink_to(disk / what)
        town.start_postgres()
        yield disk
    finally:
        town.end()
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free; the file that took them."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            continue
    return ballast


async def refused(traffic: Traffic) -> None:
    """Wait until nobody's write is acknowledged any more, and everybody is told so."""
    until = time.monotonic() + FULL_WITHIN_S
    while not traffic.tally.statuses[503]:
        assert time.monotonic() < until, "the disk is full, and nobody notices"
        await asyncio.sleep(0.05)


async def served_again(town: Town, traffic: Traffic) -> float:
    """The seconds until somebody is served."""
    begun = time.monotonic()
    await until_served(traffic.service, RECOVERED_WITHIN_S)
    while traffic.tally.answered_at < begun:
        assert time.monotonic() - begun < RECOVERED_WITHIN_S, "there is room, and nobody is served"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def test_data_that_cannot_grow_is_a_clean_503_until_there_is_room(town: Town) -> None:
    with small_disk(town, "base") as disk:
        service = town.serve()
        traffic = Traffic(service)
        async with traffic.flowing() as tally:
            await asyncio.sleep(1.0)
            ballast = fill(disk)
            await refused(traffic)
            await asyncio.sleep(1.0)
            assert town.postgres.is_running
            ballast.unlink()
            assert await served_again(town, traffic) < RECOVERED_WITHIN_S
            await asyncio.sleep(0.5)
        assert set(tally.statuses) <= CLEAN, tally.statuses
        await check_all(town, traffic)


async def use_up_the_log(town: Town) -> None:
    """Move on to the next file of the log until there is no next one and PostgreSQL has ended."""
    until = time.monotonic() + FULL_WITHIN_S
    while town.postgres.is_running:
        assert time.monotonic() < until, "the log always finds room"
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await asyncpg.connect(town.postgres.url, timeout=2)
            async with asyncio.timeout(2):
                await connection.execute("SELECT pg_switch_wal()")
                await connection.close()
        await asyncio.sleep(0.02)


async def goes_on_after_its_end(town: Town, traffic: Traffic) -> None:
    before = len(traffic.tally.redeemed)
    assert before > 0
    await refused(traffic)
    town.start_postgres()
    assert await served_again(town, traffic) < RECOVERED_WITHIN_S
    await asyncio.sleep(0.5)
    assert len(traffic.tally.redeemed) > before


@only_in_the_long_form
async def test_log_on_a_full_disk_ends_postgresql_and_loses_nothing(town: Town) -> None:
    with small_disk(town, "pg_wal") as disk:
        traffic = Traffic(town.serve())
        async with traffic.flowing() as tally:
            await asyncio.sleep(1.0)
            ballast = fill(disk)
            await use_up_the_log(town)
            ballast.unlink()
            await goes_on_after_its_end(town, traffic)
        assert set(tally.statuses) <= CLEAN, tally.statuses
        await check_all(town, traffic)


def limit_files(town: Town) -> None:
    """From now on PostgreSQL may write no file beyond its first 64 kB; as PostgreSQL's own user only."""
    try:
        for pid in (town.postgres.pid, *children_of(town.postgres.pid)):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 16, hard))
    except PermissionError:
        pytest.skip("PostgreSQL is another user's here; a full disk is tried instead")


async def test_log_that_may_not_grow_ends_postgresql_and_loses_nothing(town: Town) -> None:
    """The same where no file system can be mounted."""
    traffic = Traffic(town.serve())
    async with traffic.flowing() as tally:
        await asyncio.sleep(1.0)
        limit_files(town)
        await use_up_the_log(town)
        await goes_on_after_its_end(town, traffic)
    assert set(tally.statuses) <= CLEAN, tally.statuses
    await check_all(town, traffic)
