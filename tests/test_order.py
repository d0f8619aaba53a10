"""The order in which several processes take the tests."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.order import LONGEST, longest_first

ROOT = Path(__file__).parents[1]


def test_the_longest_files_are_there() -> None:
    assert [name for name in LONGEST if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("processes", [1, 2, 3, 5, 40])
def test_every_test_is_taken_once_and_each_process_begins_with_a_long_file(processes: int) -> None:
    files = ["tests/a.py", LONGEST[2], "tests/b.py", LONGEST[0], LONGEST[1], "tests/c.py"]
    items: list[Any] = [SimpleNamespace(nodeid=f"{file}::test_{n}") for file in files for n in range(20)]
    ordered = longest_first(items, processes)
    assert sorted(map(id, ordered)) == sorted(map(id, items))
    if processes == 3:
        assert [ordered[begin].nodeid for begin in (0, 40, 80)] == [f"{name}::test_0" for name in LONGEST[:3]]
