"""The log: one JSON line per event on stderr, with the request id and without anybody's data.

Exceptions are written as type and frames, never with their message or the values of variables: a message
of the database quotes whole rows. Access lines hold the route's template, never the path that was called.
"""

import logging
import re
import sys
from collections.abc import Callable
from time import perf_counter
from traceback import walk_tb
from types import TracebackType
from typing import Any, TextIO

import structlog
from sanic import Request
from sanic.constants import HTTP_METHODS
from sanic.response.types import BaseHTTPResponse
from structlog.typing import EventDict, Processor, WrappedLogger

from common.request_ids import current_request_id

_MOST_FRAMES = 25
_MOST_CAUSES = 4

# Sanic writes paths and messages of exceptions into some of its lines, asyncio the repr of a task with
# its exception into the second line: everything from there on is cut off.
_PRIVATE_PARTS = {
    "sanic": re.compile("Request: [A-Z]+ |<Request: |set in response on |for uri: |following exception:"),
    "asyncio": re.compile("\n|exception="),
}


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Route structlog and the standard library's loggers to one JSON line per event.

    Args:
        level: the least level that is written.
        stream: stderr unless told otherwise.
    """
    chain: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _add_request_id,
        _cut_private_parts,
        _describe_exception,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *chain,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_json_lines(chain))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(True)
    # At DEBUG it writes every statement together with its values.
    logging.getLogger("tortoise.db_client").setLevel(logging.INFO)
    for name in ("httpx", "httpcore"):  # every URL, with what is in its query
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught


def _json_lines(chain: list[Processor]) -> logging.Formatter:
    # What is no plain value is named by its type: a repr may hold anything.
    render = structlog.processors.JSONRenderer(default=lambda value: type(value).__name__, ensure_ascii=False)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=chain,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    request_id = current_request_id.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def _cut_private_parts(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    private = _PRIVATE_PARTS.get(str(event.get("logger", "")).partition(".")[0])
    text = str(event["event"])
    match = private.search(text) if private else None
    if match:
        event["event"] = text[: match.end()].strip() + " …"
    return event


def _describe_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.update(describe(error))
        if event["event"] == str(error):  # some loggers pass the exception itself as the message
            event["event"] = "exception"
    return event


def describe(error: BaseException) -> dict[str, Any]:
    """What may be written about an exception: types, frames, SQLSTATE and the name of a constraint."""
    facts = _own_facts(error)
    causes: list[dict[str, Any]] = []
    cause = _cause(error)
    while cause is not None and len(causes) < _MOST_CAUSES:
        causes.append(_own_facts(cause))
        cause = _cause(cause)
    return {**facts, "causes": causes} if causes else facts


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _own_facts(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    facts: dict[str, Any] = {
        "error": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
        "frames": _frames(error.__traceback__),
    }
    for name in ("sqlstate", "constraint_name"):
        value = getattr(error, name, None)
        if isinstance(value, str):
            facts[name] = value
    if isinstance(error, BaseExceptionGroup):
        facts["group"] = [_own_facts(member) for member in error.exceptions[:_MOST_CAUSES]]
    return facts


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(traceback)
    ]
    return frames[-_MOST_FRAMES:]


def _log_uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("server").critical("uncaught", **describe(error))


def route_of(request: Request) -> str:
    """The template of the route that serves the request, such as `/offers/<offer_id>`."""
    return (request.uri_template or "(no route)").replace(":str>", ">")


def method_of(request: Request) -> str:
    """The request's method; a word that is none may be anything, so it is not repeated."""
    return request.method if request.method in HTTP_METHODS else "(other)"


def access_logger(started_at: Callable[[Request], float]) -> Callable[[Request, BaseHTTPResponse], None]:
    """A response middleware that writes one line per request: no path, no query, no address, no body.

    Args:
        started_at: when the request arrived, on the clock of `perf_counter`.
    """
    log = structlog.get_logger("server.access")

    def write(request: Request, response: BaseHTTPResponse) -> None:
        log.info(
            "request",
            method=method_of(request),
            route=route_of(request),
            status=response.status,
            duration_ms=round((perf_counter() - started_at(request)) * 1000, 2),
        )

    return write
