"""The folder of files: what a killed process left half written goes after a day, and nothing else does."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from common.files import FileStore
from tests.factories.moments import NOON


async def _pieces() -> AsyncIterator[bytes]:
    yield b"kind,name\n"


async def test_only_what_nobody_finished_for_a_day_is_deleted(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    assert await files.forget_abandoned(NOON) == 0  # there is no folder yet
    kept = await files.keep(_pieces(), "text/csv", 100)
    for name, age in (("old", timedelta(days=2)), ("fresh", timedelta(hours=1))):
        (tmp_path / "arriving" / name).write_bytes(b"half")
        at = (NOON - age).timestamp()
        os.utime(tmp_path / "arriving" / name, (at, at))
    os.utime(files.path(kept.sha256), (0, 0))
    assert await files.forget_abandoned(NOON - timedelta(days=1)) == 1
    assert {file.name for file in (tmp_path / "arriving").iterdir()} == {"fresh"}
    assert files.path(kept.sha256).exists()
