"""Prometheus metrics of all processes together: each writes its own file, `/metrics` adds them up."""

from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sanic import Request, Sanic
from sanic.response.types import BaseHTTPResponse

from common.metrics import Counter, Histogram
from server.http import ApiRequest
from server.request_log import method_of, route_of

REQUESTS = Counter("xinyi_requests", "Requests by route and status", ["method", "route", "status"])
SECONDS = Histogram(
    "xinyi_request_seconds",
    "Time to answer by route",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


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
