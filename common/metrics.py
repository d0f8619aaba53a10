"""Prometheus metrics as every package counts with them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prometheus_client import Counter, Histogram, values

__all__ = ["Counter", "Histogram", "prepared_folder"]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

if values.ValueClass._multiprocess:
    # The library asks the system for the process's number at every count, in case it was forked: a twelfth of
    # what a redemption costs. Our processes are spawned, each with an interpreter of its own, never forked.
    _PID = os.getpid()
    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call]
        process_identifier=lambda: _PID
    )


@contextmanager
def prepared_folder() -> Iterator[None]:
    """The folder of the processes' files, empty; around the life of the first process that counts.

    One of our own is gone afterwards; one that the environment names stays.
    """
    with ExitStack() as ours:
        if FOLDER not in os.environ:
            made = tempfile.TemporaryDirectory(prefix="xinyi-metrics-", ignore_cleanup_errors=True)
            os.environ[FOLDER] = ours.enter_context(made)
        folder = Path(os.environ[FOLDER])
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.db"):
            old.unlink()
        yield
