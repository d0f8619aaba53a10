"""Prometheus metrics of all processes together: each writes its own file, `/metrics` adds them up."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sanic import Request, Sanic
from sanic.response.types import BaseHTTPResponse

from common.metrics import Counter, Histogram
from server.http import ApiRequest
from server.request_log import method_of, route_of

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

REQUESTS = Counter("xinyi_requests", "Requests by route and status", ["method", "route", "status"])
SECONDS = Histogram(
    "xinyi_request_seconds",
    "Time to answer by route",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
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


def exposition() -> bytes:
    """All processes' metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def setup_metrics(app: Sanic[Any, Any]) -> None:
    """Count every answer; a label's child is looked up once and kept."""
    requests: dict[tuple[str, str, int], Counter] = {}
    seconds: dict[tuple[str, str], Histogram] = {}

    def count(request: Request, response: BaseHTTPResponse) -> None:
        method, route = method_of(request), route_of(request)
        key = (method, route, response.status)
        counter = requests.get(key)
        if counter is None:
            counter = requests[key] = REQUESTS.labels(method, route, str(response.status))
        counter.inc()
        histogram = seconds.get(key[:2])
        if histogram is None:
            histogram = seconds[key[:2]] = SECONDS.labels(method, route)
        if isinstance(request, ApiRequest):
            histogram.observe(perf_counter() - request.started_at)

    app.register_middleware(count, "response")
