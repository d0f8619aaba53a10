"""The restore drill as a short test; the same, longer, is `make restore-drill`."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.drills.restore import Moment, NotHeld

ROOT = Path(__file__).parents[2]


def test_everything_comes_back_at_one_moment_and_the_ledger_verifies() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.drills.restore", "--seconds", "2.4"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.startswith("make verify-ledger … ")]
    assert lines[-1] == "everything held"
    # Figures for people: how much is lost, how long it takes.
    assert re.search(r"lost with the disk: \d+ redemptions, the last \d+\.\d s \(RPO", ran.stdout)
    assert re.search(r"back in service \d+\.\d s after the power cut \(RTO\)", ran.stdout)


def test_it_notices_what_is_lost_and_what_is_too_new() -> None:
    noted = Moment(
        datetime(2026, 11, 24, tzinfo=UTC), frozenset({"a", "b"}), frozenset({"a", "b", "on its way"})
    )
    noted.must_hold({"a", "b"})
    noted.must_hold({"a", "b", "on its way"})
    with pytest.raises(NotHeld, match="1 redemptions acknowledged"):
        noted.must_hold({"a"})
    with pytest.raises(NotHeld, match="1 redemptions sent after"):
        noted.must_hold({"a", "b", "later"})


def test_its_help_says_what_it_does() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.drills.restore", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "kill -9" in ran.stdout and "--seconds" in ran.stdout
