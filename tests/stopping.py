"""Processes that stand still (SIGSTOP), and go on afterwards."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from common.processes import children_of
from sandbox.embedded import Postgres


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """The processes stand still, and hold whatever they hold."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def frozen(postgres: Postgres) -> AbstractContextManager[None]:
    """Every process of a PostgreSQL stands still."""
    return stopped(postgres.pid, *children_of(postgres.pid))
