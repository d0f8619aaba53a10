"""One decorator turns a plain function into a route that is checked, documented and answered.

    @endpoint(
        blueprint, "POST", "/redemptions",
        summary="核销优惠码 / Redeem a code",
        answers={201: RedemptionOut},
        refusals=(CodeMalformed, AlreadyRedeemed),
    )
    async def create(actor: StaffActor, body: RedemptionIn, key: IdempotencyKey) -> Answer: ...

What the function gets is read once, from the names and annotations of its parameters:

- `actor`: who may call; `CitizenActor | None` also lets in who sends no token. Without it: public. A route for an
  admin or for a member's owner names in `may` what it does: `alliance.permissions` says which roles may.
- `body`, `query`: a model of `server.schemas`.
- `actor` again: somebody who acts for a citizen (a guardian, a helper) is let in only by a route that names his kind in
  `for_agents`; what is new is closed to him.
- `upload`: a file instead of a body (`server.uploads`), of one of the media types in `takes`.
- `key`: the `Idempotency-Key` header, required.
- `request`: the request itself, where nothing else will do.
- the names in `<...>` of the path, as `UUID` or `str`.

It returns a model (the one 2xx of `answers`), an `Answer`, None (204, or nothing more to say after
`request.respond`), or a ready response for pictures and streams.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_type_hints
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json
from sanic import Blueprint, HTTPResponse, Request

from citizens.agents import ActingEnded
from common.actors import Actor, CitizenActor
from common.errors import DomainError, NotFound
from common.files import FileEmpty, FileNotAsSaid, FileTooLarge
from models.citizen_enums import AgentKind
from server import errors, permits
from server.inputs import IdempotencyKey, body_reader, path_reader, query_reader, read_key, refuse_body
from server.problems import refused
from server.responses import JsonResponse
from server.schemas import PageQuery
from server.uploads import upload_reader

__all__ = ["ALWAYS_POSSIBLE", "ANY_AGENT", "Answer", "IdempotencyKey", "Operation", "endpoint"]

MediaTypes = Mapping[str, type[BaseModel] | None]
Answers = Mapping[int, type[BaseModel] | MediaTypes | None]

HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[object]])

STREAMED = frozenset({"text/event-stream", "application/x-ndjson"})
# Guardians and helpers alike, for `for_agents`.
ANY_AGENT: frozenset[str] = frozenset(AgentKind)
_SPECIAL = frozenset({"actor", "body", "query", "key", "request", "upload"})
# What any route may answer with, whatever its function does.
ALWAYS_POSSIBLE: tuple[type[DomainError], ...] = (
    errors.BadRequest,
    errors.RequestTimeout,
    errors.BodyTooLarge,
    errors.ExpectationFailed,
    errors.TooManyRequests,
    errors.HeadersTooLarge,
    errors.InternalError,
    errors.DatabaseUnavailable,
    errors.ServiceUnavailable,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a status or headers of its own; `replayed` marks a stored one given again."""

    status: int
    model: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: Sanic hashes what a route carries
class Operation:
    """What is known about a route before it is ever called; the document is made from it."""

    method: str
    summary: str
    answers: Answers
    refusals: tuple[type[DomainError], ...]
    name: str
    description: str
    actors: tuple[type, ...]
    is_public: bool
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    needs_key: bool
    path_parameters: Mapping[str, type]
    problems: tuple[type[DomainError], ...]
    may: str | None = None
    takes: frozenset[str] = frozenset()
    for_agents: frozenset[str] = frozenset()

    @property
    def is_stream(self) -> bool:
        """Whether the answer is sent piece by piece, and its end is not known when it begins."""
        answers = self.answers.values()
        return any(isinstance(answer, Mapping) and not STREAMED.isdisjoint(answer) for answer in answers)


def endpoint(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    summary: str,
    answers: Answers,
    refusals: tuple[type[DomainError], ...] = (),
    may: str | None = None,
    takes: frozenset[str] = frozenset(),
    for_agents: frozenset[str] = frozenset(),
) -> Callable[[HandlerT], HandlerT]:
    """Register the function below as a route; it stays an ordinary function itself.

    Args:
        path: below the blueprint's prefix, parameters as `<name>`.
        answers: per status a model, None for no body, or a mapping of media types to models.
        refusals: the errors the function may raise beyond those every route has.
        may: the action that an admin's or an owner's role has to allow (`alliance.permissions`).
        takes: the media types of the file that `upload` reads.
        for_agents: which of those who act for a citizen may do this for him (`models.citizen_enums.AgentKind`).

    Raises:
        TypeError: a parameter that can't be filled, at import.
    """

    def register(handler: HandlerT) -> HandlerT:
        operation = _describe(handler, method, path, summary, answers, refusals, may, takes)
        operation = replace(operation, for_agents=for_agents)
        # HEAD is GET without a body; a stream has nothing to tell without one.
        methods = ["GET", "HEAD"] if method == "GET" and not operation.is_stream else [method]
        serve = _serve(handler, operation)
        blueprint.add_route(
            serve,
            path,
            methods,
            name=handler.__name__,
            error_format="json",
            stream=bool(takes),
            ctx_operation=operation,
        )
        return handler

    return register


def _describe(
    handler: Callable[..., Awaitable[object]],
    method: str,
    path: str,
    summary: str,
    answers: Answers,
    refusals: tuple[type[DomainError], ...],
    may: str | None,
    takes: frozenset[str],
) -> Operation:
    hints = get_type_hints(handler)
    hints.pop("return", None)
    kinds = get_args(hints["actor"]) or (hints["actor"],) if "actor" in hints else (NoneType,)
    operation = Operation(
        method=method,
        summary=summary,
        answers=answers,
        refusals=refusals,
        name=handler.__name__,
        description=(handler.__doc__ or "").strip(),
        actors=tuple(kind for kind in kinds if kind is not NoneType),
        is_public=NoneType in kinds,
        body=hints.get("body"),
        query=hints.get("query"),
        needs_key="key" in hints,
        path_parameters={name: kind for name, kind in hints.items() if name not in _SPECIAL},
        problems=refusals + _implied_problems(hints, method),
        may=may,
        takes=takes,
    )
    _check(operation, path, hints, frozenset(signature(handler).parameters))
    return operation


def _implied_problems(hints: Mapping[str, Any], method: str) -> tuple[type[DomainError], ...]:
    """What the kit itself may raise around a function with these parameters."""
    found: list[type[DomainError]] = [*ALWAYS_POSSIBLE]
    if "actor" in hints:
        found += [errors.NotSignedIn, errors.NotAllowed]
        if CitizenActor in (hints["actor"], *get_args(hints["actor"])):
            found += [errors.NotForAgents, ActingEnded]
    if not _SPECIAL.issuperset(hints):
        found.append(NotFound)
    if "key" in hints:
        found += [errors.IdempotencyKeyRequired, errors.IdempotencyKeyInvalid]
    if "query" in hints:
        found += [errors.QueryInvalid, errors.FieldsInvalid]
        if issubclass(hints["query"], PageQuery):
            found.append(errors.CursorInvalid)
    if "upload" in hints:
        found += [errors.UnsupportedMediaType, FileTooLarge, FileEmpty, FileNotAsSaid]
    elif "body" in hints or method != "GET":
        found += [errors.JsonInvalid, errors.UnsupportedMediaType, errors.FieldsInvalid]
    return tuple(dict.fromkeys(found))


def _check(operation: Operation, path: str, hints: Mapping[str, Any], names: frozenset[str]) -> None:
    # A mistake in a route shows when the module is imported, not when somebody calls it.
    where = f"{operation.method} {path}: "
    in_path = {part[1:-1] for part in path.split("/") if part.startswith("<")}
    if in_path != set(operation.path_parameters):
        raise TypeError(f"{where}the path has {sorted(in_path)}, not {sorted(operation.path_parameters)}")
    if names != set(hints):
        raise TypeError(f"{where}parameters without annotation: {sorted(names - set(hints))}")
    if not set(operation.path_parameters.values()) <= {UUID, str}:
        raise TypeError(f"{where}a path parameter is UUID or str")
    if operation.needs_key and hints["key"] is not IdempotencyKey:
        raise TypeError(f"{where}key is an IdempotencyKey")
    if bool(operation.takes) != ("upload" in hints):
        raise TypeError(f"{where}`takes` goes with an upload")
    if operation.may not in permits.actions_for(operation.actors):
        raise TypeError(f"{where}`may` names an action of alliance.permissions, for admins and members alone")
    if not any(200 <= status < 300 for status in operation.answers):
        raise TypeError(f"{where}no answer for success")


Serve = Callable[..., Coroutine[Any, Any, HTTPResponse | None]]


def _serve(handler: Callable[..., Awaitable[object]], operation: Operation) -> Serve:
    collect = _collector(operation, "request" in signature(handler).parameters)
    statuses = [status for status in operation.answers if 200 <= status < 300]
    # With several statuses the function has to say which: it returns an Answer.
    status = statuses[0] if len(statuses) == 1 else None

    async def serve(request: Request, **path: str) -> HTTPResponse | None:
        try:
            arguments = await collect(request, path)
            result = await handler(**arguments)
        except DomainError as refusal:
            if request.responded:
                raise
            # An answer like any other: Sanic's way for exceptions starts a task of its own for each.
            return refused(request, refusal)
        return _answer(request, result, status)

    return serve


def _collector(
    operation: Operation, wants_request: bool
) -> Callable[[Request, Mapping[str, str]], Awaitable[dict[str, object]]]:
    actors, optional = operation.actors, operation.is_public
    path_readers = [(name, path_reader(kind)) for name, kind in operation.path_parameters.items()]
    read_body = body_reader(operation.body) if operation.body else None
    read_query = query_reader(operation.query) if operation.query else None
    read_upload = upload_reader(operation.takes) if operation.takes else None
    takes_none = operation.method != "GET"

    async def let_in_again(request: Request, actor: Actor, path: Mapping[str, str]) -> None:
        actor = await request.app.ctx.authenticate.anew(actor)
        if operation.may is not None:
            await permits.must_be_allowed(actor, operation.may, path)

    async def collect(request: Request, path: Mapping[str, str]) -> dict[str, object]:
        arguments: dict[str, object] = {}
        # Who asks comes first: nobody learns about forms or ids before he is known.
        if actors:
            actor = arguments["actor"] = await request.app.ctx.authenticate(
                request, *actors, optional=optional
            )
            if (
                isinstance(actor, CitizenActor)
                and actor.agent
                and actor.agent.kind not in operation.for_agents
            ):
                raise errors.NotForAgents
            if operation.may is not None:
                await permits.must_be_allowed(actor, operation.may, path)
        for name, read in path_readers:
            arguments[name] = read(path[name])
        if operation.needs_key:
            arguments["key"] = read_key(request)
        if read_query:
            arguments["query"] = read_query(request)
        if read_upload:
            arguments["upload"] = read_upload(request, partial(let_in_again, request, actor, path))
        elif read_body:
            arguments["body"] = read_body(request)
        elif takes_none:
            refuse_body(request)
        if wants_request:
            arguments["request"] = request
        return arguments

    return collect


def _answer(request: Request, result: object, status: int | None) -> HTTPResponse | None:
    if isinstance(result, BaseModel):
        if status is None:
            raise TypeError("several answers are possible: return an Answer with its status")
        return JsonResponse(to_json(result), status)
    if isinstance(result, Answer):
        body = None if result.model is None else to_json(result.model)
        if result.headers:  # which may be other than the default ones
            response = HTTPResponse(body, result.status, dict(result.headers), "application/json")
        else:
            response = JsonResponse(body, result.status)
        if result.replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response
    if result is None:
        # After request.respond the answer is already on its way.
        return None if request.responded else HTTPResponse(status=204)
    return cast(HTTPResponse, result)
