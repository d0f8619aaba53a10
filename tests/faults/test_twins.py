"""What the fault tests rest on, taken away: each check fails then, so that it is known to look."""

import asyncio
import random
from pathlib import Path

import pytest

from citizens.sandbox_people import person_of
from sandbox.embedded import Postgres
from tests.faults.afterwards import check_nobody_is_named
from tests.faults.conftest import Town
from tests.faults.long import BEGIN, END, write_section
from tests.faults.saboteur import KILLS, kinds
from tests.faults.traffic import Traffic, check_written, until_served

# Not written by itself within the test: nothing but a commit that waits for it brings the log to the disk.
LAZY = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}


async def test_postgresql_that_does_not_wait_for_its_disk_loses_and_is_found_out(town: Town) -> None:
    town.postgres.stop()
    town.postgres = Postgres.start(town.folder / "postgres", settings=LAZY)
    service = town.serve()
    traffic = Traffic(service)
    async with traffic.flowing() as tally:
        await asyncio.sleep(1.0)
    assert len(tally.redeemed) > 5
    town.postgres.kill()
    town.start_postgres()
    await until_served(service, 10)
    tally.wrong.clear()
    with pytest.raises(AssertionError, match="acknowledged redemptions are not in the ledger"):
        await check_written(tally, town.fetch)


def test_name_or_number_in_a_log_is_found() -> None:
    person = person_of("load-7")
    assert person is not None
    check_nobody_is_named({"web": '{"event": "request"} 330106199001180034'}, ["load-7"])
    for leaked in (person.id_number, person.name, "\\u538b\\u6d4b7"):
        with pytest.raises(AssertionError, match="web"):
            check_nobody_is_named({"web": f'{{"event": "x", "who": "{leaked}"}}'}, ["load-7"])


def test_seed_chooses_the_same_faults() -> None:
    first, again, other = ([*kinds(random.Random(seed), 40)] for seed in (3, 3, 4))
    assert first == again != other
    assert sum(kind in KILLS for kind in first) == 40 and set(first) > set(KILLS)


def test_report_keeps_what_others_wrote(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    write_section(report, "one")
    report.write_text(report.read_text().replace("# 性能", "# 别人写的\n\n# 性能") + "\n## 后面的\n")
    write_section(report, "two")
    text = report.read_text()
    assert f"{BEGIN}\ntwo\n{END}" in text and "one" not in text
    assert text.startswith("# 别人写的") and text.endswith("## 后面的\n")
    report.write_text("只有别人的\n")
    write_section(report, "three")
    assert report.read_text() == f"只有别人的\n\n{BEGIN}\nthree\n{END}\n"
