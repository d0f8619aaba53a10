"""Fixtures for the tests of the HTTP layer."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from server.request_log import configure_logging


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The log as the service writes it: call it for the lines so far, each read back from JSON."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    written = StringIO()
    configure_logging("INFO", written)
    try:
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        root.handlers[:], root.level = before
        logging.captureWarnings(False)
        structlog.reset_defaults()
