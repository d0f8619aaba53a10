"""What every request and answer is made of: base classes, money, times and pages.

`In` is strict: unknown fields are refused and nothing is coerced. `Query` reads texts, as a URL holds
nothing else. `Out` writes times in China's offset with milliseconds.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from json import dumps, loads
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from common.clock import rfc3339
from common.money import MAX_FEN
from server.errors import CursorInvalid

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _read_moment(value: object) -> object:
    if isinstance(value, str):
        if not _RFC_3339.fullmatch(value):
            raise PydanticCustomError("invalid_format", "not RFC 3339 with offset")
        try:
            return _storable(datetime.fromisoformat(value.upper()))
        except ValueError:
            raise PydanticCustomError("invalid_format", "no such time") from None
    if isinstance(value, datetime) and value.tzinfo is None:
        raise PydanticCustomError("invalid_format", "without offset")
    return value


def _storable(moment: datetime) -> datetime:
    # At the ends of the calendar another offset overflows, and Shanghai's own was no round number of
    # minutes before 1901: both would be a 500 instead of a 422.
    if moment.tzinfo is None or not 1902 <= moment.year <= 9998:
        raise ValueError
    return moment


Moment = Annotated[
    datetime,
    BeforeValidator(_read_moment),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A point in time, RFC 3339 with offset in both directions; `In` and `Out` refuse a bare `datetime`."""

Fen = Annotated[int, Field(ge=0, le=MAX_FEN)]
"""Money in integer fen."""

RegionCode = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$", description="行政区划代码 / GB/T 2260 code")]
"""A region; `/regions` lists those that there are."""

Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
"""Why somebody does something; whom it is about may read it."""


class _Model(BaseModel):
    # Each is built at its first use, in about 1 ms: all of them at once were a sixth of a process's start.
    model_config = ConfigDict(defer_build=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        for name, field in cls.model_fields.items():
            if _has_bare_datetime(field.annotation, field.metadata):
                raise TypeError(f"{cls.__name__}.{name}: write Moment, a bare datetime has no agreed form")


def _has_bare_datetime(annotation: object, metadata: Iterable[object] = ()) -> bool:
    if annotation is datetime:
        return not any(isinstance(mark, PlainSerializer) for mark in metadata)
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return _has_bare_datetime(inner, marks)
    return any(_has_bare_datetime(argument) for argument in get_args(annotation))


class In(_Model):
    """A request body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def canonical(self, *without: str) -> bytes:
        """The values in one form, for the hash of a request: fields in their order, those left at their default not.

        A field that is added later, with a default, does not change the hash of what was sent before.
        """
        return self.model_dump_json(exclude=set(without), exclude_defaults=True).encode()


class Query(_Model):
    """The parameters after the question mark; repeated and unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Out(_Model):
    """An answer, or a part of one."""

    model_config = ConfigDict(
        frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True
    )


def left_out_when_none() -> Any:
    """A field of an answer that is there only when it has something to say."""
    return Field(default=None, exclude_if=lambda value: value is None)


ItemT = TypeVar("ItemT")


class Page(Out, Generic[ItemT]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[ItemT]
    next_cursor: str | None = None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`Page[OfferOut]` is called OfferPage in the document."""
        return f"{getattr(params[0], '__name__', 'Item').removesuffix('Out')}Page"


RowT = TypeVar("RowT")


def page_of(
    page: type[Page[ItemT]],
    found: Sequence[RowT],
    limit: int,
    show: Callable[[RowT], ItemT],
    position: Callable[[RowT], tuple[str | int | UUID | datetime, ...]],
) -> Page[ItemT]:
    """A page of a list that was read with one row more than it shows, to know whether there are more.

    Args:
        position: a row's place in the list, for the cursor that goes on from it.
    """
    shown = found[:limit]
    cursor = encode_cursor(position(shown[-1])) if len(found) > limit else None
    return page(items=[show(row) for row in shown], next_cursor=cursor)


class PageQuery(Query):
    """The parameters that every list takes."""

    limit: int = Field(default=20, ge=1, le=100, description="每页条数 / items per page")
    cursor: Annotated[str, Field(max_length=512, pattern=r"^[A-Za-z0-9_-]+$")] | None = Field(
        default=None, description="上一页的 next_cursor / next_cursor of the page before"
    )


def encode_cursor(position: tuple[str | int | UUID | datetime, ...]) -> str:
    """The place after the last row of a page, URL-safe; it holds nothing that the page does not."""
    parts = [part if isinstance(part, int) else _text(part) for part in position]
    return urlsafe_b64encode(dumps(parts, ensure_ascii=False).encode()).rstrip(b"=").decode()


def _text(part: str | UUID | datetime) -> str:
    # Microseconds are kept: a cursor that rounds would skip or repeat rows.
    return part.isoformat() if isinstance(part, datetime) else str(part)


def decode_cursor(cursor: str, types: tuple[type[Any], ...]) -> tuple[Any, ...]:
    """The position that `encode_cursor` was given.

    Args:
        types: what the parts are: `str`, `int`, `UUID` or `datetime` (with offset).

    Raises:
        CursorInvalid: another list's cursor, or none at all.
    """
    try:
        parts = loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list):
            raise TypeError
        return tuple(_read_part(part, kind) for part, kind in zip(parts, types, strict=True))
    except (ValueError, TypeError, RecursionError):
        raise CursorInvalid() from None


def _read_part(part: object, kind: type[Any]) -> object:
    if kind is int:
        # Beyond 64 bits the database would fail instead of finding nothing.
        if type(part) is not int or not -(2**63) <= part < 2**63:
            raise TypeError
        return part
    if not isinstance(part, str) or "\x00" in part:
        raise TypeError
    part.encode()  # a lone surrogate is no text for the database either
    if kind is datetime:
        return _storable(datetime.fromisoformat(part))
    return kind(part)
