"""Reads JSON without guessing: what two readers could understand differently is refused.

Repeated keys, NaN and Infinity, numbers beyond 64 bits, deep nesting, NUL characters and lone
surrogates are all accepted by one common reader or another, and all harm one further down the line.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from server.errors import FieldError, FieldsInvalid, JsonInvalid
from server.field_errors import field_error

_DEEPEST = 32
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
_LONGEST_INTEGER = 19
_MOST_FLAWS = 20
_NOT_JSON = frozenset({"duplicate_key", "not_json", "too_deep"})

Path = tuple[str | int, ...]


class _Flaw(Exception):
    """Something to be named; found while reading, where the place in the text is not known."""


def check_json(raw: bytes) -> Any:
    """The value in `raw`, for the messages; the models read the bytes themselves.

    Raises:
        JsonInvalid: it is no JSON, or ambiguous.
        FieldsInvalid: a number or a text that can't be stored.
    """
    # Deep nesting and bad characters can be ruled out from the bytes alone, nearly always.
    is_suspect = b"\\u" in raw or raw.count(b"{") + raw.count(b"[") > _DEEPEST
    try:
        text = raw.decode()
        try:
            value = _DECODER.decode(text)
        except _Flaw:
            is_suspect = True
            value = _MARKING_DECODER.decode(text)
    except RecursionError:
        raise JsonInvalid(field_error("too_deep", ())) from None
    except ValueError:
        raise JsonInvalid() from None
    if is_suspect:
        _refuse(dict.fromkeys(_flaws(value)))
    return value


def _refuse(found: Iterable[FieldError]) -> None:
    first = tuple(islice(found, _MOST_FLAWS))
    if any(flaw.code in _NOT_JSON for flaw in first):
        raise JsonInvalid(*first)
    if first:
        raise FieldsInvalid(*first)


def _flaws(value: object, path: Path = ()) -> Iterator[FieldError]:
    if len(path) > _DEEPEST:
        yield field_error("too_deep", ())
    elif isinstance(value, _Marked):
        yield field_error(value.code, path, "不能超过 64 位", "at most 64 bits")
    elif isinstance(value, str):
        if _BAD_TEXT.search(value):
            yield field_error("bad_character", path)
    elif isinstance(value, dict):
        for key, member in value.items():
            if _BAD_TEXT.search(key):
                yield field_error("bad_character", path)
            yield from _flaws(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _flaws(member, (*path, index))


class _Marked:
    """Stands in the place of a flaw when the text is read a second time, to find out where it is."""

    def __init__(self, code: str) -> None:
        self.code = code


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Flaw
    return members


def _constant(_: str) -> float:
    raise _Flaw


def _integer(text: str) -> int:
    if len(text) >= _LONGEST_INTEGER and not _fits(text):
        raise _Flaw
    return int(text)


def _fits(text: str) -> bool:
    return len(text) <= _LONGEST_INTEGER + 1 and -(2**63) <= int(text) < 2**63


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Flaw
    return number


def _marked_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, member in pairs:
        members[key] = _Marked("duplicate_key") if key in members else member
    return members


def _marked_number(text: str) -> object:
    return 0 if len(text) < _LONGEST_INTEGER or _fits(text) else _Marked("too_large")


def _marked_float(text: str) -> object:
    return _Marked("too_large") if abs(float(text)) == float("inf") else 0.0


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
)
_MARKING_DECODER = json.JSONDecoder(
    object_pairs_hook=_marked_object,
    parse_constant=lambda _: _Marked("not_json"),
    parse_int=_marked_number,
    parse_float=_marked_float,
)
