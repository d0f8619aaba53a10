"""`python -m bench.report`: renders `bench/report.md` and its plots from the figures that are there.

A measurement can be repeated alone: the others' figures stay. What stands between the markers of another
program (`<!-- faults:begin -->` … `<!-- faults:end -->`) is kept as it is.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from bench.program import RESULTS
from bench.sections import SECTIONS
from bench.tables import Aim, Section, table

FOLDER = Path(__file__).parent
FOREIGN = ("faults",)
INTRODUCTION = """# 性能测量 / What was measured

由 `make bench` 写成，请勿手改；数字都是同一次运行里两方相比的比值。

Written by `make bench` from the figures of `bench/results/`; not edited by hand. Every figure that counts is a
ratio of two sides measured in turn in the same run, on a machine where PostgreSQL, the service and the load share
the cores. "load µs", "service µs" and "PostgreSQL µs" are the CPU time of each for one request; "cores busy" is the
whole machine and "elsewhere" the part of it that none of the three used: the larger it is, the less the rates say.
"""


def main() -> int:
    """Render; returns the exit code."""
    argparse.ArgumentParser(
        prog="python -m bench.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    path = render(RESULTS, FOLDER)
    print(f"written: {path.parent.name}/{path.name}")
    return 0


def render(results: Path, folder: Path) -> Path:
    """Write `report.md` and `plots/` in a folder, where `notes.md` and the report of before may be.

    Args:
        results: the folder of the measurements' figures.
    """
    report, plots = folder / "report.md", folder / "plots"
    before = report.read_text(encoding="utf-8") if report.exists() else ""
    aims: list[Aim] = []
    parts: list[str] = []
    for name, (title, module, section_of) in SECTIONS.items():
        found = _read(results / f"{name}.json")
        section = _section(found, module, section_of)
        aims += section.aims or [Aim(title, "", "not measured", None)] * (name != "profile")
        pictures = []
        for file, svg in section.plots.items():
            plots.mkdir(exist_ok=True)
            (plots / file).write_text(svg, encoding="utf-8")
            pictures.append(f"![{file.removesuffix('.svg')}](plots/{file})")
        parts.append("\n\n".join([f"## {title}", section.text, *pictures]))
    notes = folder / "notes.md"
    told = notes.read_text(encoding="utf-8").strip() if notes.exists() else ""
    text = "\n\n".join(
        [
            INTRODUCTION.strip(),
            "## 一览 / Summary\n\n" + _summary(aims),
            *parts,
            *(_kept(before, name) for name in FOREIGN),
            f"<!-- notes:begin -->\n{told}\n<!-- notes:end -->",
        ]
    )
    report.write_text(text + "\n", encoding="utf-8")
    return report


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {"failed": f"{path.name} holds no figures: measure again", "taken_at": "?"}
    return found


def _section(found: dict[str, Any] | None, module: str, section_of: Any) -> Section:
    command = f"`python -m {module}`"
    if found is None:
        return Section(f"Not measured yet: run {command}.")
    if "failed" in found:
        return Section(f"failed: {found['failed']} ({found['taken_at']}; again: {command})")
    section: Section = section_of(found)
    warning = "**A smoke run (`--quick`): its figures say nothing.** " if found.get("is_quick") else ""
    facts = ", ".join(f"{name} {value}" for name, value in found["machine"].items())
    head = f"{warning}{command}, {found['taken_at']}, {found['took_s']} s; {facts}."
    return Section(f"{head}\n\n{section.text}", section.aims, section.plots)


def _summary(aims: list[Aim]) -> str:
    marks = {True: "yes", False: "**no**", None: ""}
    return table(
        ("", "aim", "found", "kept"), [[aim.what, aim.aim, aim.found, marks[aim.is_kept]] for aim in aims]
    )


def _kept(before: str, name: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    match = re.search(f"{begin}.*?{end}", before, re.DOTALL)
    return match[0] if match else f"{begin}\n{end}"


if __name__ == "__main__":
    sys.exit(main())
