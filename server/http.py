"""Sets an app up for HTTP: request ids, problems, security headers and limits."""

import re
from collections.abc import Awaitable
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any, Protocol

from sanic import Request, Sanic
from sanic.compat import Header
from sanic.http import Http
from sanic.response.types import BaseHTTPResponse

from common.request_ids import current_request_id
from server.errors import BadRequest
from server.problems import ProblemHandler
from server.protocol import DeadlineProtocol
from server.request_log import access_logger
from server.responses import DEFAULT_HEADERS, JsonResponse

# Digits alone could be somebody's ID number or phone, and the log must not hold one.
_REQUEST_ID = re.compile(r"(?![0-9]+[Xx]?$)[0-9A-Za-z_-]{8,64}")

# Nothing secret: one number for each process and one for each of its requests.
_PROCESS = token_hex(8)
_COUNTER = count(1)

_BAD_NAME = re.compile(r"[^\n!#$%&'*+.^_`|~0-9A-Za-z-]|^\n|\n\n|\n$")

LIMITS: dict[str, object] = {
    "REQUEST_MAX_SIZE": 64 * 1024,
    "REQUEST_MAX_HEADER_SIZE": 16 * 1024,
    "REQUEST_TIMEOUT": 10,
    "RESPONSE_TIMEOUT": 30,
    # Longer than the usual 60 s of a proxy, so that it is never the server that closes first.
    "KEEP_ALIVE_TIMEOUT": 75,
    "AUTO_EXTEND": False,
    "ACCESS_LOG": False,
    "MOTD": False,
}


class Authenticate(Protocol):
    """Who is asking: one of `kinds`, or None where that is allowed; raises 401 and 403 itself."""

    def __call__(self, request: Request, /, *kinds: type, optional: bool) -> Awaitable[object]:
        """Find out; `optional` lets in who sends no token at all."""


class ApiRequest(Request):
    """A request that has its id from the first moment, also when it can't be parsed."""

    __slots__ = ("request_id", "started_at")

    def __init__(self, url_bytes: bytes, headers: Header, **rest: Any) -> None:
        given = headers.get("x-request-id", "")
        self.request_id = (
            given if given and _REQUEST_ID.fullmatch(given) else f"{_PROCESS}{next(_COUNTER):016x}"
        )
        self.started_at = perf_counter()
        current_request_id.set(self.request_id)
        # "NONE" is Sanic's stand-in for a request it could not read. Its URL may be what is broken, and
        # reading that again would end the connection without an answer.
        super().__init__(b"*" if rest.get("method") == "NONE" else url_bytes, headers, **rest)

    @property
    def id(self) -> str:
        """The caller's X-Request-Id if it is usable, otherwise one of our own."""
        return self.request_id


def refuse_ambiguous_head(request: Request) -> None:
    """One host and well-formed names (RFC 9112, 3.2 and 5.1): what two readers could read differently is no request.

    Raises:
        BadRequest: there is something else.
    """
    if request.method == "NONE":  # what could not be read is a problem of its own already
        return
    headers = request.headers
    hosts = len(headers.getall("host", []))
    # HTTP/1.0 knows no Host; an old load balancer's probe sends none.
    if hosts > 1 or (hosts == 0 and request.version == "1.1") or _BAD_NAME.search("\n".join(headers)):
        raise BadRequest


def finish(request: Request, response: BaseHTTPResponse) -> None:
    """Put the request's id and the security headers on an answer."""
    headers = response.headers
    headers["X-Request-Id"] = request.id
    if getattr(request.app.ctx, "is_stopping", False) and isinstance(request.stream, Http):
        # The client comes back to a process that stays; otherwise a busy connection would hold this one.
        request.stream.keep_alive = False
    if isinstance(request.stream, Http) and (response.status == 413 or request.stream.request_body):
        _answer_before_the_end(request.stream)
    if isinstance(response, JsonResponse):
        return  # brings the others itself
    for name, value in DEFAULT_HEADERS:
        headers.setdefault(name, value)


def _answer_before_the_end(stream: Http) -> None:
    """Whoever is still sending, a file for instance, is to read why nobody wants it; then the connection ends."""
    stream.keep_alive = False
    stream.expecting_continue = False
    if isinstance(stream.protocol, DeadlineProtocol):
        stream.protocol.lingers = True


def setup_http(app: Sanic[Any, Any], authenticate: Authenticate, *, is_access_log_on: bool = False) -> None:
    """Make an app answer as the whole API does; call it before the app starts.

    Args:
        authenticate: asked by every route that has an `actor`.
        is_access_log_on: write one line per request.
    """
    app.request_class = ApiRequest
    app.error_handler = ProblemHandler()
    app.ctx.authenticate = authenticate
    app.config.update(LIMITS)
    app.register_middleware(refuse_ambiguous_head, "request")
    app.register_middleware(finish, "response")
    if is_access_log_on:
        app.register_middleware(access_logger(_started_at), "response")


def _started_at(request: Request) -> float:
    return request.started_at if isinstance(request, ApiRequest) else perf_counter()
