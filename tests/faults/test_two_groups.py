"""Two groups of servers behind a proxy, one of them with a streaming replica for its lists, which comes and goes."""

import asyncio
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from common import database as db
from common import replica
from common.database import execute
from sandbox.embedded import Postgres, Valkey
from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.replicas import promote, sql, standby_of, wait_until_replayed
from tests.faults.traffic import Traffic
from tests.service import Service, new_key
from tests.stopping import frozen

LISTS = ("/redemptions?limit=5", "/admin/audit?limit=5", "/offers?limit=5")
READS = re.compile(r'^xinyi_list_reads_total\{server="replica"\} (\S+)', re.M)


@dataclass
class Region:
    """A primary and its standby, two groups of servers, and a proxy that gives each line to the next of them."""

    town: Town
    standby: Postgres
    groups: tuple[Service, Service]
    proxied: Service

    async def replica_reads(self, group: int = 1) -> float:
        """How many lists a group has had from the replica."""
        async with httpx.AsyncClient(trust_env=False) as client:
            found = READS.search((await client.get(self.groups[group].url + "/metrics")).text)
        return float(found[1]) if found else 0.0

    async def until_replica_reads(self) -> None:
        """Wait until the replica is used (again)."""
        before, until = await self.replica_reads(), time.monotonic() + 8
        while await self.replica_reads() <= before:
            assert time.monotonic() < until, "the replica is not used"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def proxy_to(*groups: Service) -> AsyncIterator[Service]:
    """The first group's service as seen through a proxy that gives each connection to the next group."""
    following = cycle(groups)
    lines: set[asyncio.Task[Any]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours: Any = asyncio.current_task()
        lines.add(ours)
        where = urlsplit(next(following).url)
        their_reader, their_writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            await asyncio.gather(carry(reader, their_writer), carry(their_reader, writer))
        except asyncio.CancelledError:
            return
        finally:
            writer.close()
            their_writer.close()
            lines.discard(ours)

    server = await asyncio.start_server(line, "127.0.0.1", 0)
    try:
        yield replace(groups[0], url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", offers={})
    finally:
        server.close()
        for each in tuple(lines):
            each.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed is let go of in the next round


@pytest.fixture(scope="module")
async def region(cluster: Path) -> AsyncIterator[Region]:
    """Everything runs; each test leaves it as it was, and those that break it come last."""
    with tempfile.TemporaryDirectory(prefix="xy-region-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(cluster / "data", folder / "postgres" / "data")
        town = Town(folder, Postgres.start(folder / "postgres"), Valkey.start(folder / "valkey"))
        standby = standby_of(town.postgres, folder / "standby")
        try:
            groups = (town.serve(WORKERS="1"), town.serve(WORKERS="1", DATABASE_REPLICA_URL=standby.url))
            async with proxy_to(*groups) as proxied:
                region = Region(town, standby, groups, proxied)
                yield region
                standby = region.standby
        finally:
            if standby.is_running:
                standby.kill()
            town.end()


@dataclass
class Readers:
    """People who look at lists all the time, through the proxy."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest_s: float = 0.0
    is_over: bool = False

    @asynccontextmanager
    async def reading(self, service: Service) -> AsyncIterator["Readers"]:
        """For as long as the block lasts."""
        # Signed in with the same keys: both groups know them.
        clients = {
            "/redemptions?limit=5": (await service.clerk()).http,
            "/admin/audit?limit=5": await service.admin(),
            "/offers?limit=5": service.client(),
        }
        going = [asyncio.create_task(self._read(client, path)) for path, client in clients.items()]
        try:
            yield self
        finally:
            self.is_over = True  # who waits now is waited for: how long is what counts
            await asyncio.gather(*going)

    async def _read(self, client: httpx.AsyncClient, path: str) -> None:
        while not self.is_over:
            begun = time.monotonic()
            # A new line each time, so that each group gets its share.
            answer = await client.get(path, headers={"Connection": "close"})
            self.statuses[answer.status_code] += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
            await asyncio.sleep(0.02)


async def test_lists_come_from_the_replica_and_nobody_notices_when_it_goes(region: Region) -> None:
    traffic, readers = Traffic(region.proxied), Readers()
    async with traffic.flowing(people=4), readers.reading(region.proxied):
        await region.until_replica_reads()
        await asyncio.sleep(1)
        region.standby.kill()
        await asyncio.sleep(1.5)
        away = await region.replica_reads()
        region.standby = Postgres.start(region.town.folder / "standby")
        await region.until_replica_reads()
        with frozen(region.standby):
            await asyncio.sleep(3)
        await region.until_replica_reads()
    assert set(readers.statuses) == {200} and readers.statuses[200] > 50, readers.statuses
    assert set(traffic.tally.statuses) <= {200, 201, 204}, traffic.tally.statuses
    # Who asked it as it froze waits for its limit, and then for the primary.
    assert readers.slowest_s < 5, readers.slowest_s
    assert away > 0 == await region.replica_reads(group=0)
    await until_used(region, "/admin/audit?limit=5", "audit_records_by_time")
    await check_all(region.town, traffic)
    # The copy is what the primary is: nothing was written anywhere else.
    wait_until_replayed(region.town.postgres, region.standby)
    for table in ("redemptions", "coupons", "attempts"):
        assert sql(region.standby, f"SELECT count(*) FROM {table}") == str(
            (await region.town.fetch(f"SELECT count(*) FROM {table}"))[0][0]
        )


async def until_used(region: Region, path: str, index: str) -> None:
    """Read a list until the replica itself says that it read an index for it; it says so some seconds later."""
    admin, until = await region.groups[1].admin(), time.monotonic() + 15
    used = f"SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{index}'"
    while int(sql(region.standby, used)) == 0:
        assert (await admin.get(path)).status_code == 200
        assert time.monotonic() < until, "the replica has not read it"
        await asyncio.sleep(0.1)


async def test_a_replica_that_is_frozen_behind_is_left_out(region: Region) -> None:
    group = region.groups[1]
    clerk, citizen = await group.clerk(), await group.citizen()
    await until_listed_from_replica(region, clerk.http)
    sql(region.standby, "SELECT pg_wal_replay_pause()")
    coupon = await citizen.coupon()
    done = await clerk.redeem(await citizen.code(coupon["id"]), new_key())
    assert done.status_code == 201, done.text
    begun = time.monotonic()
    while done.json()["id"] not in (listed := await clerk.http.get("/redemptions?limit=5")).text:
        assert listed.status_code == 200
        assert time.monotonic() - begun < replica.BEHIND_S + 1, "the list is older than it may be"
        await asyncio.sleep(0.1)
    # It was the replica's bound that was waited for, and the replica is asked nothing more.
    assert time.monotonic() - begun > replica.BEHIND_S - 2
    before = await region.replica_reads()
    assert (await clerk.http.get("/redemptions?limit=5")).status_code == 200
    assert await region.replica_reads() == before
    sql(region.standby, "SELECT pg_wal_replay_resume()")
    await until_listed_from_replica(region, clerk.http)
    assert done.json()["id"] in (await clerk.http.get("/redemptions?limit=5")).text


async def test_an_offer_that_is_paused_is_gone_within_two_seconds_however_far_behind_the_replica_is(
    region: Region,
) -> None:
    group = region.groups[1]
    admin = await group.admin()
    await until_listed_from_replica(region, group.client(), "/offers?limit=100")
    offer = (await group.client().get("/offers?limit=1")).json()["items"][0]["id"]
    sql(region.standby, "SELECT pg_wal_replay_pause()")
    for status, is_listed in (("paused", False), ("published", True)):
        changed = await admin.put(f"/admin/offers/{offer}/status", json={"status": status})
        assert changed.status_code == 204
        await asyncio.sleep(2)
        assert (offer in (await group.client().get("/offers?limit=100")).text) is is_listed
    sql(region.standby, "SELECT pg_wal_replay_resume()")


async def test_a_clerk_whose_store_was_taken_away_reads_nothing_of_it_though_the_replica_does_not_know(
    region: Region,
) -> None:
    clerk = await region.groups[1].clerk("demo-cashier-2")
    citizen = await region.groups[1].citizen()
    coupon = await citizen.coupon()
    assert (await clerk.redeem(await citizen.code(coupon["id"]))).status_code == 201
    wait_until_replayed(region.town.postgres, region.standby)
    await until_listed_from_replica(region, clerk.http)
    sql(region.standby, "SELECT pg_wal_replay_pause()")
    await region.town.fetch(
        "DELETE FROM staff_stores WHERE staff_id = $1::text::uuid", clerk.signed_in["staff"]["id"]
    )
    before = await region.replica_reads()
    listed = await clerk.http.get("/redemptions?limit=5")
    assert (listed.status_code, listed.json()["items"]) == (200, [])
    assert await region.replica_reads() > before
    sql(region.standby, "SELECT pg_wal_replay_resume()")


async def until_listed_from_replica(
    region: Region, client: httpx.AsyncClient, path: str = "/redemptions?limit=5"
) -> None:
    """Read a list until the replica gives it."""
    until = time.monotonic() + 8
    before = await region.replica_reads()
    while await region.replica_reads() <= before:
        assert (await client.get(path)).status_code == 200
        assert time.monotonic() < until, "the replica is not used"
        await asyncio.sleep(0.1)


@pytest.fixture
async def watched(region: Region) -> AsyncIterator[replica.Replica]:
    """This process as one that reads from the replica, which it has found fit."""
    await db.connect(region.town.postgres.url, pool_size=2)
    await replica.connect(region.town.postgres.url, region.standby.url, 2)
    watching = asyncio.create_task(replica.watch())
    found: Any = replica._replica
    try:
        async with asyncio.timeout(8):
            while not found.is_within(0.8):
                await asyncio.sleep(0.02)
        yield found
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await replica.disconnect()
        await db.disconnect()


async def server_of() -> str:
    """Who answers a read now."""
    rows = await replica.read(lambda fetch: fetch("SELECT pg_is_in_recovery() AS is_replica"), 2.0)
    return "replica" if rows[0]["is_replica"] else "primary"


async def test_a_quiet_primary_makes_no_replica_look_old(watched: replica.Replica) -> None:
    """The replay timestamp of a primary without writes grows old; positions don't."""
    await asyncio.sleep(2.5)
    assert watched.is_within(2.0) and await server_of() == "replica"


async def test_one_that_holds_still_is_read_no_more_until_it_has_caught_up(
    region: Region, watched: replica.Replica
) -> None:
    sql(region.standby, "SELECT pg_wal_replay_pause()")
    await execute("CREATE TABLE written_since (n int)")
    await asyncio.sleep(2.5)
    assert not watched.is_within(2.0) and await server_of() == "primary"
    sql(region.standby, "SELECT pg_wal_replay_resume()")
    async with asyncio.timeout(8):
        while await server_of() == "primary":
            await asyncio.sleep(0.05)


async def test_one_that_is_frozen_is_waited_for_no_longer_than_its_limit(
    region: Region, watched: replica.Replica
) -> None:
    await asyncio.gather(*(replica.read(lambda fetch: fetch("SELECT pg_sleep(0.1)")) for _ in range(2)))
    with frozen(region.standby):
        async with asyncio.timeout(replica.LIMIT_S + 2):
            assert set(await asyncio.gather(server_of(), server_of())) == {"primary"}
    async with asyncio.timeout(8):
        while await server_of() == "primary":
            await asyncio.sleep(0.05)


async def test_work_that_fails_half_way_is_done_again_at_the_primary(
    region: Region, watched: replica.Replica
) -> None:
    asked = []

    async def work(fetch: replica.FetchAll) -> str:
        rows = await fetch("SELECT pg_is_in_recovery() AS is_replica")
        asked.append(rows[0]["is_replica"])
        if rows[0]["is_replica"]:
            region.standby.kill()
        rows = await fetch("SELECT 'whole' AS it")
        return str(rows[0]["it"])

    assert await replica.read(work) == "whole"
    assert asked == [True, False]
    region.standby = Postgres.start(region.town.folder / "standby")


async def test_one_that_was_promoted_is_a_replica_no_more(region: Region, watched: replica.Replica) -> None:
    assert await server_of() == "replica"
    promote(region.standby)
    async with asyncio.timeout(8):
        while watched.is_within(60):
            await asyncio.sleep(0.05)
    assert await server_of() == "primary"
