"""The backup scripts on their own: nothing is overwritten, nothing is half there, and every refusal says what to do."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "deploy" / "backup"
NAME = "000000010000000000000007"


def run(script: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / script, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive with one file of WAL, and two base backups."""
    (tmp_path / "wal").mkdir()
    (tmp_path / "pg_wal").write_bytes(b"first" * 1000)
    assert run("archive-wal", tmp_path, tmp_path / "pg_wal", NAME).returncode == 0
    for moment in ("20261124T033000Z", "20261125T033000Z"):
        (tmp_path / "base" / moment).mkdir(parents=True)
        (tmp_path / "base" / moment / "PG_VERSION").write_text("16\n")
        (tmp_path / "base" / moment / "which").write_text(moment)
    return tmp_path


def test_archived_file_is_never_overwritten(archive: Path) -> None:
    (archive / "pg_wal").write_bytes(b"other" * 1000)
    ran = run("archive-wal", archive, archive / "pg_wal", NAME)
    assert ran.returncode == 1 and "must not share one archive" in ran.stderr
    assert (archive / "wal" / NAME).read_bytes() == b"first" * 1000


def test_same_file_again_is_fine(archive: Path) -> None:
    """PostgreSQL asks again when it did not hear of the success."""
    assert run("archive-wal", archive, archive / "pg_wal", NAME).returncode == 0
    assert [path.name for path in (archive / "wal").iterdir()] == [NAME]


def test_whoever_comes_in_between_is_not_overwritten_either(archive: Path, tmp_path: Path) -> None:
    """The name appears between the look and the link: here a `cp` that lets it happen."""
    name = NAME[:-1] + "8"
    (tmp_path / "bin").mkdir()
    cp = tmp_path / "bin" / "cp"
    cp.write_text(f'#!/bin/sh\n/bin/cp "$@" && echo of another server > {archive}/wal/{name}\n')
    cp.chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    ran = run("archive-wal", archive, archive / "pg_wal", name, PATH=path)
    assert ran.returncode != 0
    assert (archive / "wal" / name).read_text() == "of another server\n"


def test_copy_that_fails_leaves_no_file_of_that_name(archive: Path) -> None:
    ran = run("archive-wal", archive, archive / "not there", NAME[:-1] + "9")
    assert ran.returncode != 0
    assert [path.name for path in (archive / "wal").iterdir()] == [NAME]


def test_file_and_name_are_on_the_disk_before_it_says_so(archive: Path, tmp_path: Path) -> None:
    """What is synced, in order: the copy, then its name in the folder."""
    (tmp_path / "bin").mkdir()
    sync = tmp_path / "bin" / "sync"
    sync.write_text(
        f'#!/bin/sh\nls -A {archive}/wal | tr "\\n" " " >> {tmp_path}/synced\necho "$@" >> {tmp_path}/synced\n'
    )
    sync.chmod(0o755)
    name = NAME[:-1] + "A"
    assert run(
        "archive-wal", archive, archive / "pg_wal", name, PATH=f"{tmp_path}/bin:{os.environ['PATH']}"
    ).returncode == 0  # fmt: skip
    first, second = (tmp_path / "synced").read_text().splitlines()
    assert f"/wal/.{name}." in first and f" {name} " not in first
    assert second.endswith(f"{archive}/wal/{name} {archive}/wal")


def test_restore_takes_the_newest_backup_that_was_whole_by_then(archive: Path) -> None:
    for time, moment in {
        "2026-11-25 11:30:00+08": "20261125T033000Z",
        "2026-11-25 11:29:59+08": "20261124T033000Z",
        "2026-11-24T03:30:00Z": "20261124T033000Z",
        "": "20261125T033000Z",
    }.items():
        data = archive / f"data of {time}"
        ran = run("restore", archive, data, *([time] if time else []))
        assert ran.returncode == 0, ran.stderr
        assert (data / "which").read_text() == moment
        settings = (data / "postgresql.auto.conf").read_text()
        assert ("recovery_target_time" in settings) is bool(time)
        assert (data / "recovery.signal").exists() and data.stat().st_mode & 0o077 == 0


def test_time_keeps_its_fraction_and_its_zone(archive: Path) -> None:
    assert run("restore", archive, archive / "data", "2026-11-25 12:00:00.123456+08").returncode == 0
    settings = (archive / "data" / "postgresql.auto.conf").read_text()
    assert "recovery_target_time = '2026-11-25 04:00:00.123456+00'" in settings


def test_target_of_an_earlier_restore_is_forgotten(archive: Path) -> None:
    told = "work_mem = '8MB'\nrestore_command = 'x'\nrecovery_target_time = '2020-01-01 00:00:00+00'\n"
    (archive / "base" / "20261125T033000Z" / "postgresql.auto.conf").write_text(told)
    assert run("restore", archive, archive / "data").returncode == 0
    settings = (archive / "data" / "postgresql.auto.conf").read_text()
    assert "work_mem" in settings and "2020" not in settings and settings.count("restore_command") == 1


@pytest.mark.parametrize(
    ("time", "says"),
    [
        ("2026-11-25 12:00:00", "say the zone too"),
        ("yesterday-ish +08", "is no time"),
        ("2026-11-24 11:29:59+08", "The oldest is 20261124T033000Z"),
    ],
)
def test_restore_refuses_a_time_that_it_can_not_reach(archive: Path, time: str, says: str) -> None:
    ran = run("restore", archive, archive / "data", time)
    assert ran.returncode == 65 and says in ran.stderr
    assert not (archive / "data").exists()


def test_restore_never_writes_over_data(archive: Path) -> None:
    (archive / "data").mkdir()
    (archive / "data" / "mine").write_text("mine")
    ran = run("restore", archive, archive / "data")
    assert ran.returncode == 65 and "is not empty" in ran.stderr
    assert [path.name for path in (archive / "data").iterdir()] == ["mine"]


@pytest.mark.parametrize("script", ["archive-wal", "base-backup", "restore", "restore-drill"])
def test_called_wrongly_it_says_how(script: str) -> None:
    ran = run(script)
    assert ran.returncode == 64 and ran.stderr.startswith("usage: " + script)


def test_drill_of_a_backup_that_is_none_fails_and_clears_up(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    ran = run("restore-drill", archive, "true", TMPDIR=str(tmp_path / "tmp"), TEXTFILES=str(tmp_path))
    assert ran.returncode != 0
    assert list((tmp_path / "tmp").iterdir()) == [] and not (tmp_path / "xinyi_restore_drill.prom").exists()
