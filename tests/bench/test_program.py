"""The benches as programs: a measurement that fails says why and loses nothing else."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as every
from bench import program
from bench.load import LoadFailed
from bench.sections import SECTIONS

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RESULTS", tmp_path)


def kept(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def test_a_process_that_dies_without_a_word_is_said_to_have_failed(tmp_path: Path) -> None:
    program.keep("nothing", {"rows": []})
    assert not every._measured("nothing", is_quick=False)  # there is no such module
    assert kept(tmp_path, "nothing")["failed"] == "its process ended with 1"


def test_a_failure_is_kept_as_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def never() -> Iterator[None]:
        raise LoadFailed("a server did not get ready")
        yield

    monkeypatch.setattr(program, "started", never)
    monkeypatch.setattr(sys, "argv", ["bench.it", "--quick"])
    assert program.run("it", "What it does.", lambda stack, options: {}, "a minute") == 1
    assert kept(tmp_path, "it")["failed"] == "a server did not get ready"
    assert capsys.readouterr().err == "it failed: a server did not get ready\n"


@pytest.mark.parametrize("name", SECTIONS)
def test_every_measurement_says_what_it_does(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, module, _ = SECTIONS[name]
    monkeypatch.setattr(sys, "argv", ["bench", "--help"])
    with pytest.raises(SystemExit, match="0"):
        program._options(name, importlib.import_module(module).__doc__)
    assert (
        f"usage: python -m {module}" in (said := capsys.readouterr().out)
        and f"`python -m {module}`: " in said
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seconds", "60"], "60: 0.2 to 20 seconds are needed"),
        (["--seconds", "soon"], "soon: 0.2 to 20 seconds are needed"),
        (["--connections", "0"], "0: a whole number from 1 to 64 is needed"),
        (["--workers", "two"], "two: a whole number from 1 to 64 is needed"),
    ],
)
def test_a_wrong_argument_gets_a_sentence(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit, match="2"):
        program._options("redeem", "What it does.")
    assert sentence in capsys.readouterr().err


def test_a_measurement_that_is_none_is_refused_before_anything_runs() -> None:
    asked = [sys.executable, "-m", "bench", "nonsense"]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and "no such measurement: nonsense; there are redeem, claim" in ran.stderr
