"""Measurements in their smallest form: they run, and their figures are there. How fast anything is, is not judged.

`python -m bench --quick` runs all of them; here are those that are worth their seconds.
"""

import asyncio
import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import IO, Any
from unittest.mock import patch

import asyncpg
import pytest

import bench.stack
from bench import claim, flash, memory, offers, program, redeem, seal, storage
from bench.load import LoadFailed
from bench.program import Measure, Options
from bench.rows import Numbers, check_stock, make_citizens, make_coupons, make_offers
from bench.stack import POSTGRES, Stack, started
from bench.yardstick import redeem_script
from benefits.ledger import LEDGER
from common import database
from common.clock import now
from common.database_url import tortoise_config
from models import seals
from sandbox.embedded import Postgres, Valkey
from server.config import load
from tests.seeds import DEMO, copy_seed
from tests.warm import Started, hearth

SMALLEST = Options(seconds=0.2, scale=0.0001, connections=(2,), workers=(1,), is_quick=True)


@pytest.fixture(scope="module", autouse=True)
def _services_are_forked() -> Iterator[None]:
    """A measurement starts up to eight services, whose start is no part of it."""
    real = bench.stack.spawn

    def spawn(command: list[str], *, env: dict[str, str], output: IO[bytes]) -> Popen[bytes] | Started:
        if command[1:] == ["-m", "server", "web"]:
            return hearth().serve(env, Path(output.name))
        return real(command, env=env, output=output)

    with patch.object(bench.stack, "spawn", spawn):
        yield


@pytest.fixture(scope="module")
def servers_of_a_bench() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="xy-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        copy_seed(18, folder / "postgres")
        # Durability is not what is looked at here.
        postgres = Postgres.start(folder / "postgres", settings={**POSTGRES, "fsync": "off"})
        valkey = Valkey.start(folder / "valkey")
        try:
            environment = {**os.environ, "DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
            yield Stack(folder, postgres, load(environment), environment)
        finally:
            valkey.stop()
            postgres.stop()


@pytest.fixture
def stack(servers_of_a_bench: Stack) -> Stack:
    """With a database that nothing was measured in yet."""
    asyncio.run(
        _maintain(
            servers_of_a_bench, "DROP DATABASE xinyi WITH (FORCE)", f"CREATE DATABASE xinyi TEMPLATE {DEMO}"
        )
    )
    return servers_of_a_bench


async def _maintain(stack: Stack, *statements: str) -> None:
    parts = tortoise_config(stack.settings.database_url)["connections"]["default"]["credentials"]
    connection = await asyncpg.connect(
        host=parts["host"], port=parts["port"], user=parts["user"], database="postgres"
    )
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def sides_of(found: Any) -> list[dict[str, Any]]:
    """Every side's figures, wherever they are."""
    if isinstance(found, list):
        return [side for each in found for side in sides_of(each)]
    if not isinstance(found, dict):
        return []
    return [found] if "per_second" in found and "ms" in found else sides_of(list(found.values()))


@pytest.mark.parametrize(
    ("measure", "sides"),
    [(redeem.measure, 4), (claim.measure, 3), (flash.measure, 8), (offers.measure, 2)],
    ids=["redeem", "claim", "flash", "offers"],
)
def test_a_measurement_gives_its_figures(
    stack: Stack, measure: Measure, sides: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measure(stack, SMALLEST)
    assert len(measured := sides_of(found)) == sides
    assert all(side["count"] > 0 and side["cpu_us"]["load"] >= 0 for side in measured)
    assert program.keep("it", found, tmp_path).exists()  # plain enough for JSON
    assert capsys.readouterr().out.count("…") >= 2


def test_memory_is_looked_at_all_the_way(stack: Stack) -> None:
    found = memory.measure(stack, dataclasses.replace(SMALLEST, scale=0.001))
    assert [point["requests"] for point in found["points"]] == [0, 200, 400, 600, 800, 1000]
    assert all(0 < point["uss"] <= point["pss"] <= point["rss"] for point in found["points"])


def test_sealing_is_measured_against_a_copy_that_knows_nothing_of_it(stack: Stack) -> None:
    found = seal.measure(stack, SMALLEST)
    assert len(measured := sides_of(found)) == 6 and all(side["count"] > 0 for side in measured)
    with_entry = "SELECT count(*) FROM information_schema.columns WHERE table_name IN ('redemptions', 'reversals') AND column_name = 'entry'"
    columns = [stack.postgres.run("psql", "-qAtc", with_entry, name) for name in (seal.PLAIN, "xinyi")]
    assert [text.strip() for text in columns] == ["0", "2"]
    # pgbench's first transactions may be in no log, those of the service are all counted.
    beside = sum(found[key]["sealed"]["count"] for key in ("pgbench", "service"))
    assert beside <= found["records"] <= beside + 10
    assert 0 < found["cpu_ms_per_thousand"] < 10_000
    # The sealer had sealed what was there before it, and saw to the rest before it was ended.
    assert stack.sql(lambda: seals.unsealed_since(LEDGER)) is None


def with_environment(stack: Stack, **changed: str) -> Stack:
    return dataclasses.replace(stack, environment={**stack.environment, **changed})


def test_a_sealer_that_does_not_seal_is_no_figure_and_nobody_is_told_of_seals(stack: Stack) -> None:
    stack.sql(lambda: make_citizens(10))
    stack.sql(lambda: make_coupons(1, 2, 10))
    place = tuple(stack.sql(redeem._first_store).values())
    stack.postgres.run("psql", "-qc", redeem_script(*place, now(), "1"), "xinyi")
    broken = seal.Sealer(with_environment(stack, LEDGER_SIGNING_KEY="none"))
    with (
        pytest.raises(LoadFailed, match="not sealed; the worker's log ends: .*LEDGER_SIGNING_KEY"),
        broken.beside(),
    ):
        pytest.fail("it runs without a sealer")
    # No address: the worker would not start if it were given to it.
    sealer = seal.Sealer(with_environment(stack, LEDGER_WITNESS_URL="none"))
    with sealer.beside():
        assert stack.sql(lambda: seals.unsealed_since(LEDGER)) is None
        stack.postgres.run("psql", "-qc", redeem_script(*place, now(), "2"), "xinyi")
    # What was there before doesn't count, what was written last does.
    assert sealer.records == 1


def test_storing_leaves_the_tables_as_they_were(stack: Stack) -> None:
    before = stack.sql(schema)
    stack.sql(lambda: storage.fill(500, 120))
    assert stack.sql(schema) == before
    rows = stack.sql(
        lambda: database.fetch_all(
            "SELECT c.number, c.status, count(r.id) AS redemptions FROM coupons c"
            " LEFT JOIN redemptions r ON r.coupon_id = c.id GROUP BY c.id ORDER BY c.number"
        )
    )
    assert [row["number"] for row in rows] == list(range(1, 621))
    fresh = [row["number"] for row in rows if row["status"] == "claimed"]
    assert fresh == list(storage.fresh_numbers(500, 120))
    assert all(row["redemptions"] == (row["number"] not in fresh) for row in rows)


async def schema() -> list[tuple[str, str]]:
    """All constraints and indexes, apart from whether old rows were looked at."""
    rows = await database.fetch_all(
        "SELECT conname AS name, replace(pg_get_constraintdef(oid), ' NOT VALID', '') AS definition FROM pg_constraint"
        " UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


def test_a_stock_that_is_not_what_was_claimed_is_no_figure(stack: Stack) -> None:
    stack.sql(lambda: make_citizens(3))
    stack.sql(lambda: make_offers(1, 2, 10))
    assert stack.sql(lambda: check_stock(1, 2)) == {"issued": 0, "coupons": 0}
    stack.sql(
        lambda: database.execute(
            "UPDATE offer_stock SET issued = 1 WHERE offer_id = lpad('2', 32, '0')::uuid"
        )
    )
    with pytest.raises(LoadFailed, match="1 offer"):
        stack.sql(lambda: check_stock(1, 2))


def test_no_room_on_the_disk_is_said_before_anything_is_stored() -> None:
    with pytest.raises(LoadFailed, match="are free: make room"):
        storage._must_have_room(10**18)


def test_a_bench_begins_with_an_empty_folder_that_no_other_bench_empties() -> None:
    with tempfile.TemporaryDirectory(prefix="xy-bench-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "bench"
        folder.mkdir()
        (folder / "of_an_earlier_one").touch()
        with started(folder, settings={"fsync": "off"}) as stack:
            assert not (folder / "of_an_earlier_one").exists()
            assert stack.sql(lambda: database.fetch_all("SELECT 1 FROM offers LIMIT 1"))
            with pytest.raises(LoadFailed, match="another bench is running"), started(folder):
                pytest.fail("it began beside the other")
            assert stack.postgres.is_running
        assert not folder.exists()


def test_numbers_are_handed_out_once() -> None:
    numbers = Numbers(1, 10)
    assert numbers.take(4) == range(1, 5)
    numbers.give_back(1)
    assert numbers.take(7) == range(4, 11)
    with pytest.raises(LoadFailed, match="used up"):
        numbers.take(1)
