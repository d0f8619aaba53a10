"""Reads keys, paths, queries and bodies into checked values, or says what is wrong with them.

Everything that can be decided from a model is decided once, when the route is defined; a request only
runs the checks.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, NewType, get_args, get_origin
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sanic import Request

from common.errors import NotFound
from server.errors import (
    FieldError,
    FieldsInvalid,
    IdempotencyKeyInvalid,
    IdempotencyKeyRequired,
    QueryInvalid,
    UnsupportedMediaType,
)
from server.field_errors import field_error, field_errors
from server.json_text import check_json
from server.schemas import In

IdempotencyKey = NewType("IdempotencyKey", str)
"""The text that makes a repeated call the same call; it belongs to the actor and the route."""

_KEY = re.compile(r"[0-9A-Za-z_-]{8,64}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# What a URL may hold for these types. pydantic alone also takes " 1", "1_0", "1.0" and "yes", which
# the document does not promise.
_TEXT_OF_TYPE = {int: re.compile(r"-?(0|[1-9][0-9]{0,17})"), bool: re.compile("true|false")}
_MOST_PARAMETERS = 50


def read_key(request: Request) -> IdempotencyKey:
    """The `Idempotency-Key` header: exactly one, 8 to 64 of [0-9A-Za-z_-].

    Raises:
        IdempotencyKeyRequired: it is missing or empty.
        IdempotencyKeyInvalid: another form, or several.
    """
    keys: list[str] = request.headers.getall("idempotency-key", [])
    if not keys or keys == [""]:
        raise IdempotencyKeyRequired()
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise IdempotencyKeyInvalid()
    return IdempotencyKey(keys[0])


def path_reader(kind: type) -> Callable[[str], UUID | str]:
    """How to read a path parameter; what can't be one of ours is simply not there (404)."""
    return _read_uuid if kind is UUID else _read_segment


def _read_uuid(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise NotFound()
    return UUID(text)


def _read_segment(text: str) -> str:
    if "%" not in text:
        return text
    try:
        segment = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise NotFound() from None
    if "\x00" in segment:
        raise NotFound()
    return segment


def body_reader(model: type[BaseModel]) -> Callable[[Request], BaseModel]:
    """How to read a JSON body as `model`, strictly."""
    validate = model.model_validate_json

    def read(request: Request) -> BaseModel:
        _check_type(request)
        data = check_json(request.body)
        try:
            return validate(request.body)
        except ValidationError as error:
            found = field_errors(error, data)
        # Outside of the except block: pydantic's error holds what was sent and must not be chained.
        raise FieldsInvalid(*found)

    return read


class _Nothing(In):
    """What a route without a body may be sent: an empty object, as some clients do."""


_read_nothing = body_reader(_Nothing)


def refuse_body(request: Request) -> None:
    """Let nothing pass, or an empty object, where no body belongs: what was sent was meant to do something.

    Raises:
        FieldsInvalid, JsonInvalid, UnsupportedMediaType: as for a body with no fields.
    """
    if request.body:
        _read_nothing(request)


def _check_type(request: Request) -> None:
    headers = request.headers
    content_type = headers.get("content-type", "")
    if content_type != "application/json":
        kind, *parameters = content_type.lower().replace(" ", "").split(";")
        if kind != "application/json" or not set(parameters) <= {"", "charset=utf-8", 'charset="utf-8"'}:
            raise UnsupportedMediaType()
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType()


def query_reader(model: type[BaseModel]) -> Callable[[Request], BaseModel]:
    """How to read the query string as `model`; blanks are kept, repeated parameters are refused."""
    validate = model.model_validate_strings
    patterns = {
        field.alias or name: _TEXT_OF_TYPE[kind]
        for name, field in model.model_fields.items()
        for kind in _TEXT_OF_TYPE
        if _is_of(kind, field.annotation)
    }

    def read(request: Request) -> BaseModel:
        values, found = _read_pairs(request.query_string, patterns)
        if not found:
            try:
                return validate(values)
            except ValidationError as error:
                found = field_errors(error, values)
        raise FieldsInvalid(*found)

    return read


def _is_of(kind: type, annotation: object) -> bool:
    if annotation is kind:
        return True
    arguments = get_args(annotation)
    inner = arguments[:1] if get_origin(annotation) is Annotated else arguments
    return any(_is_of(kind, argument) for argument in inner)


def _read_pairs(
    query: str, patterns: dict[str, re.Pattern[str]]
) -> tuple[dict[str, Any], tuple[FieldError, ...]]:
    values: dict[str, Any] = {}
    if not query:
        return values, ()
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise QueryInvalid() from None
    found = []
    for name, value in pairs:
        if name in values:
            found.append(field_error("repeated", [name]))
        elif "\x00" in value or "\x00" in name:
            found.append(field_error("bad_character", [name]))
        elif name in patterns and not patterns[name].fullmatch(value):
            found.append(field_error("wrong_type", [name]))
        values[name] = value
    return values, tuple(found)
