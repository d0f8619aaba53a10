"""What the parts of the report are made of: aims, tables, the cells of one side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.plots import shown

Found = dict[str, Any]


@dataclass(frozen=True)
class Aim:
    """One line of the summary: what was found, and whether it is what was aimed at."""

    what: str
    aim: str
    found: str
    is_kept: bool | None


@dataclass(frozen=True)
class Section:
    """A measurement's part of the report; `plots` are SVG texts by file name."""

    text: str
    aims: Sequence[Aim] = ()
    plots: dict[str, str] = field(default_factory=dict)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    marks = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


SIDE = ("a second", "p50 ms", "p99 ms", "load µs", "service µs", "PostgreSQL µs", "cores busy", "elsewhere")


def side_cells(side: Found) -> list[str]:
    """The cells of one side under `SIDE`."""
    cpu = side["cpu_us"]
    return [
        shown(side["per_second"]),
        shown(side["ms"]["0.5"]),
        shown(side["ms"]["0.99"]),
        *(shown(cpu[name]) if name in cpu else "" for name in ("load", "service", "postgres")),
        f"{side['cores_busy']:.2f}",
        f"{side['cores_elsewhere']:.2f}",
    ]


def what_limits(side: Found, workers: int, cores: int) -> str:
    """What was full while a side was as fast as it could be."""
    if side["cores_busy"] >= 0.92 * cores:
        others = side["cores_elsewhere"]
        return "every core is busy" + (f", {others:.1f} of them elsewhere" if others >= 0.2 else "")
    if side["cores"].get("service", 0) >= 0.9 * workers:
        return "the web process fills its core"
    return "waiting (commit to disk, locks)"
