"""What the machine did during a run: CPU seconds by who used them, memory of a process, versions."""

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from common.processes import children_of

_TICKS = os.sysconf("SC_CLK_TCK")
_STEAL = 7


@dataclass
class Usage:
    """CPU seconds of each group of processes, and of the whole machine (`busy_s`), during `seconds`."""

    seconds: float = 0.0
    busy_s: float = 0.0
    groups: dict[str, float] = field(default_factory=dict)


@contextmanager
def watched(groups: Mapping[str, int]) -> Iterator[Usage]:
    """Count what each process of `groups` uses inside, with all its children, also those that end."""
    usage = Usage()
    before, busy, began = {name: tree_cpu_s(pid) for name, pid in groups.items()}, _busy_s(), time.monotonic()
    yield usage
    usage.seconds, usage.busy_s = time.monotonic() - began, _busy_s() - busy
    usage.groups = {name: tree_cpu_s(pid) - before[name] for name, pid in groups.items()}


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process, its children that live, and those that it has waited for."""
    return _own_cpu_s(pid) + sum(tree_cpu_s(child) for child in children_of(pid))


def _own_cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _busy_s() -> float:
    """All cores' time that was neither idle nor waiting nor taken by the host."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return sum(ticks[:_STEAL]) / _TICKS - (ticks[3] + ticks[4]) / _TICKS


def memory_of(pid: int) -> dict[str, float]:
    """A process's memory in MB: `rss`, `pss` (shared pages by share), `uss` (what would be free without it)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return {
        "rss": kb["Rss"] / 1024,
        "pss": kb["Pss"] / 1024,
        "uss": (kb["Private_Clean"] + kb["Private_Dirty"]) / 1024,
    }


def facts(postgres: str = "") -> dict[str, str]:
    """What the figures depend on; nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": f"{len(os.sched_getaffinity(0))} ({_processor()})",
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "Python": platform.python_version(),
        **{name: version(name) for name in ("sanic", "asyncpg", "uvloop")},
        **({"PostgreSQL": postgres} if postgres else {}),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.machine()
