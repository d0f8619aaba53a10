"""In which order the processes of a run take the tests."""

from collections.abc import Sequence

import pytest

# What takes longest, the longest first: half a minute to two.
LONGEST = (
    "tests/bench/test_measurements.py",
    "tests/api/test_schemathesis.py",
    "tests/server/test_migrate.py",
    "tests/plans/test_every_plan.py",
    "tests/e2e/test_year.py",
    "tests/test_operations_page.py",
    "tests/faults/test_at_each_await.py",
    "tests/drills/test_restore.py",
    "tests/test_readme.py",
    "tests/faults/test_upgrade.py",
    "tests/e2e/test_state_machine.py",
    "tests/sandbox/test_demo_load.py",
)


def longest_first(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """The same tests, so that each process begins with some of the longest files.

    Each is given an equal share, in order (`--dist worksteal`), and steals from the ends of the others' when it is done:
    what is begun last should be short, else one process is left alone with it while the others have nothing to do.
    """
    long: dict[str, list[pytest.Item]] = {name: [] for name in LONGEST}
    short: list[pytest.Item] = []
    for item in items:
        long.get(item.nodeid.partition("::")[0], short).append(item)
    begins: list[list[pytest.Item]] = [[] for _ in range(processes)]
    for number, of_a_file in enumerate(long.values()):
        begins[number % processes] += of_a_file
    ordered: list[pytest.Item] = []
    for number, begin in enumerate(begins):
        share = (len(items) - len(ordered)) // (processes - number)
        more = max(0, share - len(begin))
        ordered += [*begin, *short[:more]]
        short = short[more:]
    return ordered + short
