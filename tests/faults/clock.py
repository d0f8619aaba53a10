"""A time of day that a test moves; `tests.faults.launcher` reads it."""

import struct
from pathlib import Path


class Clock:
    """The time of day of every process that was started with it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.move(0.0)

    def move(self, seconds: float) -> None:
        """So many seconds from the real one, from now on."""
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(struct.pack("d", seconds))
        fresh.rename(self.file)
