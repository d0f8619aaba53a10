"""Every error as `application/problem+json` (RFC 9457), whoever raised it and however early.

Nothing of an unexpected exception reaches the caller; the log has it under the same request id.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import asyncpg
import structlog
from pydantic_core import to_json
from sanic import HTTPResponse, Request
from sanic.constants import HTTP_METHODS
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic_routing.exceptions import NoMethod
from sanic_routing.exceptions import NotFound as NoRoute
from tortoise.exceptions import DBConnectionError

from common.clock import rfc3339
from common.database import constraint_of
from common.errors import DomainError, Invalid, NotFound
from models.citizen import NOT_ERASED
from server import errors
from server.errors import FieldError
from server.request_log import describe, method_of, route_of
from server.responses import JsonResponse

log = structlog.get_logger("server.problems")

_UNREACHABLE = (
    OSError,  # includes TimeoutError, which the pool raises when no connection becomes free
    DBConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says when the server dies in the middle of an answer
    asyncpg.InsufficientResourcesError,  # disk full, no memory, too many connections
    asyncpg.OperatorInterventionError,  # shut down, crashed, cancelled by the time limit
    asyncpg.TransactionRollbackError,  # deadlock or serialization failure: nothing was done
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections now
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica that is about to be promoted
)

READS = frozenset({"GET", "HEAD"})

_OF_STATUS: Mapping[int, type[DomainError]] = {
    400: errors.BadRequest,
    401: errors.NotSignedIn,
    403: errors.NotAllowed,
    404: NotFound,
    408: errors.RequestTimeout,
    413: errors.BodyTooLarge,
    414: errors.UriTooLong,
    417: errors.ExpectationFailed,
    503: errors.ServiceUnavailable,
}


def language_of(request: Request) -> str:
    """`en` if the caller prefers English to Chinese by Accept-Language, `zh` in every other case."""
    return _language(request.headers.get("accept-language", "")[:200])


def sentence_of(request: Request, said: tuple[str, str] | None) -> str | None:
    """Of a sentence in Chinese and in English the one that the caller reads; nothing where nothing is said."""
    return said and said[language_of(request) == "en"]


@lru_cache(1024)
def _language(wanted: str) -> str:
    weights = {"zh": 0.0, "en": 0.0}
    for choice in wanted.split(","):
        tag, _, parameters = choice.strip().lower().partition(";")
        language = "zh" if tag == "*" else tag.partition("-")[0]
        if language in weights:
            weights[language] = max(weights[language], _weight(parameters))
    return "en" if weights["en"] > weights["zh"] else "zh"


def _weight(parameters: str) -> float:
    name, _, value = parameters.replace(" ", "").partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0


def problem(request: Request, error: DomainError) -> HTTPResponse:
    """The answer for an error: what happened, what to do next, and the code that programs switch on."""
    status = errors.status_of(type(error))
    language = language_of(request)
    title_zh, title_en = errors.TITLES[status]
    members: dict[str, Any] = {name: _shown(error.facts.get(name)) for name in error.shown}
    members |= {
        "type": f"urn:xinyi:problem:{error.code}",
        "title": title_en if language == "en" else title_zh,
        "status": status,
        "detail": _detail(request, error, language),
        "code": error.code,
        "request_id": str(request.id),
    }
    fields = _fields(error)
    if status == 422 and not fields:  # it is about the request as a whole
        fields = (FieldError("", error.code, error.sentence("zh"), error.sentence("en")),)
    if fields:
        members["errors"] = [
            {"pointer": each.pointer, "code": each.code, "detail": each.en if language == "en" else each.zh}
            for each in fields
        ]
    headers = _headers(error, status, language)
    return JsonResponse(to_json(members), status, headers, "application/problem+json")


def _detail(request: Request, error: DomainError, language: str) -> str:
    said = errors.READING.get(type(error)) if method_of(request) in READS else None
    return said[language == "en"] if said else error.sentence(language)


def _shown(fact: object) -> object:
    return rfc3339(fact) if isinstance(fact, datetime) else fact


def _fields(error: DomainError) -> tuple[FieldError, ...]:
    if isinstance(error, errors.FieldsInvalid | errors.JsonInvalid):
        return error.errors
    if isinstance(error, Invalid) and error.pointer:
        return (FieldError(error.pointer, error.code, error.sentence("zh"), error.sentence("en")),)
    return ()


def _headers(error: DomainError, status: int, language: str) -> dict[str, str]:
    headers = {"Vary": "Accept-Language", "Content-Language": "en" if language == "en" else "zh-CN"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        headers["Retry-After"] = str(max(1, getattr(error, "retry_after_s", 1)))
    if isinstance(error, errors.MethodNotAllowed):
        headers["Allow"] = str(error.facts["allow"])
    return headers


def refused(request: Request, error: DomainError) -> HTTPResponse:
    """The problem for a refusal of a route; one that the document does not name is logged."""
    operation = getattr(request.route.ctx, "operation", None) if request.route else None
    if operation is not None and not isinstance(error, operation.problems):
        # The document promises a complete list: a missing line is a mistake of the route.
        log.warning("undocumented_problem", code=error.code, **_where(request))
    return problem(request, error)


class ProblemHandler(ErrorHandler):
    """Answers whatever was raised, also before there was a route or even a readable request."""

    def default(self, request: Request, exception: BaseException) -> HTTPResponse:
        """The problem for an exception; what is our own mistake is logged."""
        return refused(request, _known(request, exception))

    @staticmethod
    def log(request: Request, exception: BaseException) -> None:
        """Write an exception without its message."""
        log.error("unhandled", **_where(request), **describe(exception))


def _known(request: Request, exception: BaseException) -> DomainError:
    if isinstance(exception, DomainError):
        return exception
    if isinstance(exception, SanicException) and exception.status_code != 500:
        return _from_sanic(request, exception)
    if _is_of_nobody(exception):
        return errors.NotSignedIn()
    if isinstance(exception, asyncio.CancelledError):  # the server stops, or the caller is gone
        return errors.ServiceUnavailable()
    if is_unreachable(exception) or _is_not_migrated(request, exception):
        log.error("database_unavailable", **_where(request), **describe(exception))
        return errors.DatabaseUnavailable()
    ProblemHandler.log(request, exception)
    return errors.InternalError()


def _where(request: Request) -> dict[str, str]:
    return {"method": method_of(request), "route": route_of(request)}


def _is_of_nobody(exception: BaseException) -> bool:
    """His account was joined to another while he asked, or erased, and his session has ended with it (decision 0030)."""
    if isinstance(exception, asyncpg.CheckViolationError):
        return constraint_of(exception) == NOT_ERASED
    is_foreign_key = isinstance(exception, asyncpg.ForeignKeyViolationError)
    return is_foreign_key and constraint_of(exception).endswith("_citizen_id_fkey")


def _is_not_migrated(request: Request, exception: BaseException) -> bool:
    """A table is missing, and /readyz has not found the migrations complete yet: that passes."""
    is_missing = isinstance(exception, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError)
    return is_missing and not getattr(request.app.ctx, "is_migrated", False)


def is_unreachable(exception: BaseException) -> bool:
    """Whether the database is away, or refuses for a reason that passes."""
    # DataError is an InterfaceError too, but it is we who passed a wrong value.
    return isinstance(exception, _UNREACHABLE) and not isinstance(exception, asyncpg.DataError | ValueError)


def _from_sanic(request: Request, exception: SanicException) -> DomainError:
    status = exception.status_code
    if status == 405:
        return errors.MethodNotAllowed(allow=", ".join(allowed_methods(request)))
    if status == 413 and request.method == "NONE":  # not even the headers were read
        return errors.HeadersTooLarge()
    make: Callable[[], DomainError] = _OF_STATUS.get(status, errors.BadRequest)
    return make()


def allowed_methods(request: Request) -> list[str]:
    """The methods that the request's path takes; Sanic itself knows them for fixed paths only."""
    found = []
    for method in HTTP_METHODS:
        try:
            request.app.router.resolve(path=request.path, method=method)
        except (NoMethod, NoRoute):
            continue
        found.append(str(method))
    return sorted(found)
