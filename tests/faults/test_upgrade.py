"""An upgrade and the way back, as the operator's page says: no request fails, whatever he forgets."""

import asyncio
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx

from tests.factories.releases import NEWER, environment_of, make_release
from tests.faults.afterwards import check_all
from tests.faults.conftest import Town
from tests.faults.traffic import Traffic
from tests.server.commands import run
from tests.service import Service


class Released(Service):
    """A service that runs the release that a link names, as the units do."""

    def launch(self) -> None:
        """Start it by the link, from a folder that is no release."""
        current = Path(self.environment["PYTHONPATH"])
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [current / ".venv" / "bin" / "python", "-m", "server", "web"],
                env=self.environment,
                cwd=current.parent,
                stdout=log,
                stderr=log,
            )
        self.wait_ready()

    def releases(self) -> Counter[str]:
        """How many web processes run the code of which release."""
        found: Counter[str] = Counter()
        for pid in self.web_pids():
            with suppress(OSError):  # it is just ending
                for variable in Path(f"/proc/{pid}/environ").read_text().split("\0"):
                    if variable.startswith("PYTHONPATH="):
                        found[variable.rpartition("/")[2]] += 1
        return found


def switch(current: Path, release: Path) -> None:
    """What `ln -sfn` and `mv -T` do: the link names one release or the other at every moment."""
    fresh = current.with_name("current.new")
    fresh.symlink_to(release)
    fresh.rename(current)


async def reloaded(service: Released, release: str) -> bool:
    """Reload and wait until only this release serves; whether both were seen side by side."""
    service.process.send_signal(signal.SIGHUP)
    seen_both = False
    until = time.monotonic() + 20
    while (found := service.releases()) != {release: 2}:
        assert time.monotonic() < until, found
        seen_both |= {"old", "new"} <= set(found)
        await asyncio.sleep(0.02)
    return seen_both


async def readiness(service: Service) -> set[int]:
    """What the web processes say of themselves, on connections of their own."""
    async with httpx.AsyncClient(trust_env=False, headers={"Connection": "close"}) as client:
        return {(await client.get(service.url + "/readyz")).status_code for _ in range(12)}


async def test_upgrade_and_roll_back_under_load_fail_no_request(town: Town, tmp_path: Path) -> None:
    old = make_release(tmp_path / "old")
    new = make_release(tmp_path / "new", with_migration=True)
    current = tmp_path / "current"
    switch(current, old)
    environ = {"SANDBOX": "1", "DATABASE_URL": town.postgres.url, "REDIS_URL": town.valkey.url}
    service = Released.start({**environ, **environment_of(current), "WORKERS": "2"})
    town.services.append(service)
    traffic = Traffic(service)
    async with traffic.flowing(3) as tally:
        # Too early: the new code does not serve on the old schema, and the old code goes on.
        before = service.web_pids()
        switch(current, new)
        service.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(20):
            while "replacement_failed" not in service.log.read_text():
                await asyncio.sleep(0.05)
        assert service.web_pids() == before and service.releases() == {"old": 2}
        assert NEWER in service.log.read_text()
        # As it should be: first the schema, then the processes.
        ran = await run({**environ, **environment_of(new)}, "migrate")
        assert ran.code == 0 and f"applying {NEWER}" in ran.out, ran.err
        assert await readiness(service) == {200}, "old code serves on the newer schema"
        await asyncio.sleep(0.3)
        assert await reloaded(service, "new")
        await asyncio.sleep(0.3)
        assert await readiness(service) == {200}
        # Back: the older code is started on the newer schema.
        switch(current, old)
        assert await reloaded(service, "old")
        assert await readiness(service) == {200}
        await asyncio.sleep(0.3)
    assert set(tally.statuses) <= {200, 201, 204, "cut kept line"}, tally.statuses
    assert len(tally.redeemed) > 20
    await check_all(town, traffic)
