"""Prometheus metrics as every package counts with them."""

import os

from prometheus_client import Counter, Histogram, values

__all__ = ["Counter", "Histogram"]

if values.ValueClass._multiprocess:
    # The library asks the system for the process's number at every count, in case it was forked: a twelfth of
    # what a redemption costs. Our processes are spawned, each with an interpreter of its own, never forked.
    _PID = os.getpid()
    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call]
        process_identifier=lambda: _PID
    )
