"""A database that answers and takes no writes: the service says so until it is promoted."""

from sandbox.embedded import Postgres
from tests.faults.conftest import Town
from tests.faults.traffic import until_served


async def test_standby_is_not_ready_and_a_promoted_one_is(town: Town) -> None:
    service = town.serve()
    town.postgres.stop()
    town.postgres.run("/usr/bin/env", "touch", town.postgres.data / "standby.signal")
    town.postgres = Postgres.start(town.folder / "postgres")
    client = service.client()
    refused = await client.get(service.url + "/readyz")
    assert refused.status_code == 503 and "standby" in refused.json()["missing"]
    # Whoever comes all the same is told to come back, and nothing is half done.
    answer = await client.post("/auth/citizen", json={"channel": "sandbox", "code": "load-1"})
    assert answer.status_code == 503 and answer.headers["retry-after"].isdigit()
    town.postgres.run("psql", "-c", "SELECT pg_promote()")
    await until_served(service, 10)
    assert (await client.post("/auth/citizen", json={"channel": "sandbox", "code": "load-1"})).is_success
