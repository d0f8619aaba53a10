"""The report: tables from the figures that are there, what is missing or failed by name, others' sections kept."""

import re
import xml.etree.ElementTree as ElementTree
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import plots, program, report
from bench.load import Figures
from bench.machine import Usage
from bench.sections import SECTIONS
from bench.sides import Side
from bench.tables import what_limits

MACHINE = {
    "machine": {"cores": "2 (a processor)", "memory": "8 GB", "Python": "3.11"},
    "took_s": 5,
    "is_quick": False,
}
FAULTS = "<!-- faults:begin -->\n## Faults\n\n| kill -9 | 0.2 s |\n\\1 (a backslash)\n<!-- faults:end -->"


def side(per_second: float, latency_s: float = 0.004) -> dict[str, Any]:
    """A run of 10 s."""
    count = int(per_second * 10)
    figures = Figures(10.0, array("d", [latency_s]) * count, Counter({201: count}), 1.0)
    measured = Side()
    measured.add(figures, Usage(10.0, 19.0, {"service": 9.5, "postgres": 6.0}))
    return measured.as_json()


def redeem_row(workers: int, service: float) -> dict[str, Any]:
    return {
        "connections": 16,
        "workers": workers,
        "service": side(service),
        "pgbench": side(1000),
        "ratio": service / 1000,
        "rate": 0.7 * service,
        "service_at": side(0.7 * service, 0.010),
        "pgbench_at": side(0.7 * service, 0.002),
        "p99_ratio": 5.0,
        "worker_shares": [1.0] if workers == 1 else [0.6, 0.4],
    }


def compared(key: str, other: str, ratio: float) -> dict[str, Any]:
    return {
        "connections": 16,
        "workers": 1,
        "bytes": 100,
        key: side(1000 * ratio),
        other: side(1000),
        "ratio": ratio,
    }


def three_ways(*rates: float) -> dict[str, Any]:
    """Without entries, with them, with a sealer too."""
    plain, entries, sealed = rates
    return {
        **{name: side(rate) for name, rate in zip(("plain", "entries", "sealed"), rates, strict=True)},
        "of_entries": {"median": entries / plain, "least": 0.9, "most": 1.1},
        "of_sealing": {"median": sealed / entries, "least": 0.9, "most": 1.1},
        "of_both": {"median": sealed / plain, "least": 0.93, "most": 1.02},
    }


SAMPLES: dict[str, dict[str, Any]] = {
    "redeem": {"rows": [redeem_row(1, 600), redeem_row(2, 400)], "air": 0.7},
    "claim": {
        "rows": [compared("one", "spread", 0.9) | {"pgbench": side(900)}],
        "pieces": 1_000_000,
        "offers": 1000,
        "stock": {"one": {"issued": 9, "coupons": 9}, "spread": {"issued": 7, "coupons": 7}},
    },
    "flash": {
        "rows": [
            compared("service", "bare", 0.25)
            | {"alone": side(300), "redeem_beside": side(300), "sale_beside": side(800), "p99_ratio": 1.5}
            | {"apart": {"alone": side(300), "redeem_beside": side(300), "p99_ratio": 1.2}}
        ],
        "pieces": 100,
        "stock": {"issued": 100, "coupons": 100},
        "beside": 0.3,
    },
    "offers": {"rows": [compared("service", "bare", 0.75)], "path": "/api/v1/offers"},
    "storage": {
        "stored": {"few": 10_000, "many": 10_000_000, "fresh": 400_000},
        "bytes": {"few": 2**28, "many": 2**33},
        "few": side(1000),
        "many": side(950),
        "ratio": 0.95,
        "p99_ratio": 1.1,
    },
    "seal": {
        "connections": 16,
        "workers": 1,
        "every_s": 0.5,
        "service": three_ways(1000, 990, 970),
        "pgbench": three_ways(2000, 1960, 1880),
        "records": 12_345,
        "cpu_ms_per_thousand": 23.4,
    },
    "memory": {
        "points": [
            {"requests": n, "rss": 90 + n / 1e5, "pss": 70.0, "uss": 60.0}
            for n in (0, 10_000, 500_000, 1_000_000)
        ],
        "ratio": 1.12,
        "uss_ratio": 1.0,
        "first": 10_000,
        "per_second": 4000.0,
    },
    "profile": {
        "rows": [
            {
                "route": "redeem",
                **side(1000),
                "counted": 100,
                "statements": [
                    {"text": "SELECT a | b", "calls": 25, "ms": 5.0},
                    {"text": "rare", "calls": 0, "ms": 1.0},
                ],
                "samples": {
                    "count": 50,
                    "packages": {"asyncpg": 0.5},
                    "functions": {"redeem (benefits/redemptions.py)": 0.9},
                },
            }
        ]
    },
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for name, found in SAMPLES.items():
        program.keep(name, {**MACHINE, **found}, folder)
    return folder


def rendered(results: Path) -> str:
    return report.render(results, results.parent).read_text(encoding="utf-8")


def line_of(text: str, begin: str) -> str:
    (found,) = [line for line in text.splitlines() if line.startswith(begin)]
    return found


def test_every_measurement_has_its_sample() -> None:
    assert set(SAMPLES) == set(SECTIONS)


def test_tables_say_what_was_measured_and_whether_the_aim_is_kept(results: Path) -> None:
    text = rendered(results)
    assert line_of(text, "| redeem, 16 connections, 1 worker(s), against pgbench |") == (
        "| redeem, 16 connections, 1 worker(s), against pgbench | ≥ 0.5 | 0.60 | yes |"
    )
    assert "| 0.40 | **no** |" in line_of(text, "| redeem, 16 connections, 2 worker(s), against pgbench |")
    assert "| 5.0× | **no** |" in line_of(text, "| redeem p99 at 70 %, 16 connections, 1 worker(s)")
    assert "0.67; every core is busy" in line_of(text, "| redeem, 16 connections: 2 workers against one |")
    assert "the workers' shares 60% : 40%" in line_of(
        text, "| 16 connections, 2 worker(s): service | **0.40** |"
    )
    assert "| 0.25 | **no** |" in line_of(text, "| sold-out answers, 1 worker(s)")
    assert "| 1.5× | yes |" in line_of(text, "| redeem p99 beside the sale")
    assert "| 0.95 | yes |" in line_of(text, "| redeem with 10,000,000 stored against 10,000 |")
    assert "| 1.12 | **no** |" in line_of(text, "| memory (RSS) after 1,000,000 requests against 10,000 |")
    kept = "| sealing: rate of the service with everything against without |"
    assert line_of(text, kept) == f"{kept} ≥ 0.95 | 0.970 | yes |"
    missed = "| sealing: rate of the guarded statement with everything against without |"
    assert line_of(text, missed) == f"{missed} ≥ 0.95 | 0.940 | **no** |"
    assert line_of(text, "| sealer's CPU for 1,000 records |").endswith("| 23.4 ms |  |")
    assert "| **0.990** | 0.90 to 1.10 | 0.990 | 990 |" in line_of(text, "| the service: with entries |")
    # 15.5 s of CPU for 10,000 redemptions are 1,550 µs, for 9,700 they are 1,598, and the sealer's 23.4 for each.
    sealed = line_of(text, "| the service: with entries and a sealer |")
    assert "| **0.970** | 0.93 to 1.02 | 0.956 | 970 |" in sealed
    # 600 a second for 10 s: 1 s of load, 9.5 s of service, 6 s of PostgreSQL, 19 of 20 core seconds busy.
    row = line_of(text, "| 16 connections, 1 worker(s): service | **0.60** |")
    assert "| 600 | 4.00 | 4.00 | 167 | 1,583 | 1,000 | 1.90 | 0.25 |" in row
    assert "| redeem | 0.25 | 200 | `SELECT a ¦ b…` |" in text and "rare" not in text


def test_each_table_says_with_which_command_and_on_what(results: Path) -> None:
    text = rendered(results)
    for _, module, _ in SECTIONS.values():
        assert f"`python -m {module}`, 20" in text
    assert text.count("cores 2 (a processor), memory 8 GB") == len(SECTIONS)


def test_what_is_missing_or_failed_is_named_and_loses_nothing_else(results: Path) -> None:
    (results / "offers.json").unlink()
    (results / "memory.json").write_text("{", encoding="utf-8")
    program.keep("storage", {"failed": "20 GB of disk are needed"}, results)
    text = rendered(results)
    assert "Not measured yet: run `python -m bench.offers`." in text
    assert "failed: 20 GB of disk are needed" in text and "failed: memory.json holds no figures" in text
    assert line_of(text, "| 优惠列表 / The list of offers |").endswith("| not measured |  |")
    assert "| redeem, 16 connections, 1 worker(s), against pgbench | ≥ 0.5 | 0.60 | yes |" in text


def test_a_smoke_run_says_so(results: Path) -> None:
    assert "smoke run" not in rendered(results)
    program.keep("offers", {**MACHINE, **SAMPLES["offers"], "is_quick": True}, results)
    assert rendered(results).count("A smoke run") == 1


def test_the_section_of_another_program_stays_as_it_is(results: Path) -> None:
    before = rendered(results)
    assert "<!-- faults:begin -->\n<!-- faults:end -->" in before
    (results.parent / "report.md").write_text(
        re.sub(r"<!-- faults:begin -->.*<!-- faults:end -->", lambda _: FAULTS, before, flags=re.DOTALL),
        encoding="utf-8",
    )
    assert FAULTS in rendered(results)
    assert rendered(results) == rendered(results)


def test_the_notes_are_those_of_the_file_and_never_older_ones(results: Path) -> None:
    notes = results.parent / "notes.md"
    notes.write_text("## first words", encoding="utf-8")
    assert "<!-- notes:begin -->\n## first words\n<!-- notes:end -->" in rendered(results)
    notes.write_text("## second words", encoding="utf-8")
    assert "second words" in (text := rendered(results)) and "first words" not in text


def test_every_plot_is_linked_and_is_svg_with_its_figures(results: Path) -> None:
    text = rendered(results)
    linked = set(re.findall(r"\(plots/([a-z-]+\.svg)\)", text))
    folder = results.parent / "plots"
    assert linked == {path.name for path in folder.iterdir()} and len(linked) >= 7
    for path in folder.iterdir():
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith("svg") and not re.search("script|href", path.read_text(encoding="utf-8"))
    words = {
        each.text for each in ElementTree.parse(folder / "redeem.svg").iter() if each.tag.endswith("text")
    }
    assert {"pgbench", "1 worker(s)", "2 worker(s)", "16 connections", "1,000", "600", "400"} <= words


@pytest.mark.parametrize("value", [0.0, 0.7, 1.0, 9.9, 10.0, 12_345.0])
def test_no_bar_leaves_its_plot(value: float) -> None:
    root = ElementTree.fromstring(plots.bars("t", "u", ["a"], {"s": [value]}))
    heights = [float(each.get("y", 0)) for each in root.iter() if each.tag.endswith("rect")]
    assert all(0 < y <= plots.HEIGHT - plots.BOTTOM for y in heights)
    assert all(y >= plots.TOP for y in heights if y != 36)


def test_what_limits_tells_the_machine_from_the_process_and_from_waiting() -> None:
    usage = {"cores_busy": 1.9, "cores": {"service": 0.9}, "cores_elsewhere": 0.0}
    assert what_limits(usage, 1, 2) == "every core is busy"
    assert what_limits({**usage, "cores_elsewhere": 0.5}, 1, 2).endswith("0.5 of them elsewhere")
    assert what_limits({**usage, "cores_busy": 1.5}, 1, 2) == "the web process fills its core"
    assert what_limits({**usage, "cores_busy": 1.5}, 2, 2).startswith("waiting")
