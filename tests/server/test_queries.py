"""What stands after the question mark, pages and cursors, and routes that can't be right."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sanic import Blueprint

from server.endpoints import endpoint
from server.errors import CursorInvalid
from server.schemas import In, Moment, Out, PageQuery, decode_cursor, encode_cursor
from tests.server.things import SOME_ID, ThingOut, found, get


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "{'limit': 20}"),
        ("?q=", "{'limit': 20, 'q': ''}"),
        ("?q=%E4%BF%A1+1&limit=100", "{'limit': 100, 'q': '信 1'}"),
        ("?size=-12&is_good=true", "{'limit': 20, 'size': -12, 'is_good': True}"),
    ],
)
async def test_a_query_is_read_from_text(query: str, name: str) -> None:
    answer = await get(f"/things{query}")
    assert (answer.status_code, answer.json()["items"][0]["name"]) == (200, name)
    assert answer.json()["next_cursor"] is None


async def test_a_parameter_may_have_a_name_that_python_reserves() -> None:
    answer = await get("/things?from=2026-01-01T00:00:00%2B08:00")
    assert answer.json()["items"][0]["at"] == "2026-01-01T00:00:00.000+08:00"


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("limit=0", [("/limit", "too_small")]),
        ("limit=101", [("/limit", "too_large")]),
        ("limit=", [("/limit", "wrong_type")]),
        ("limit=%201", [("/limit", "wrong_type")]),
        ("limit=1_0", [("/limit", "wrong_type")]),
        ("limit=1.0", [("/limit", "wrong_type")]),
        ("limit=" + "9" * 5000, [("/limit", "wrong_type")]),
        ("is_good=yes", [("/is_good", "wrong_type")]),
        ("limit=1&limit=2", [("/limit", "repeated")]),
        ("page=2", [("/page", "unknown_field")]),
        ("q=a%00", [("/q", "bad_character")]),
        ("cursor=***", [("/cursor", "pattern_mismatch")]),
        ("from=2026-01-01", [("/from", "invalid_format")]),
    ],
)
async def test_a_query_is_held_to_its_schema(query: str, errors: list[tuple[str, str]]) -> None:
    answer = await get(f"/things?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert found(answer) == errors


@pytest.mark.parametrize("query", ["q=%ff", "&".join(f"a{number}=1" for number in range(60))])
async def test_a_query_that_can_not_be_decoded_is_refused(query: str) -> None:
    answer = await get(f"/things?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "query_invalid")


def test_a_cursor_comes_back_exactly_as_it_was_given() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, timezone(timedelta(hours=8)))
    position = (moment, UUID(SOME_ID), 7, "信惠联")
    cursor = encode_cursor(position)
    assert decode_cursor(cursor, (datetime, UUID, int, str)) == position
    PageQuery(cursor=cursor)  # it passes the pattern that a query demands


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "YQ",
        "e30",
        encode_cursor(("a", "b")),
        encode_cursor((2**70, "b")),
        encode_cursor((1, "a\x00")),
        encode_cursor((True, "a")),
        "W" * 511,
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        decode_cursor(cursor, (int, str))


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+08:00", "tomorrow"])
def test_a_time_in_a_cursor_needs_an_offset_and_a_place_in_the_calendar(text: str) -> None:
    with pytest.raises(CursorInvalid):
        decode_cursor(encode_cursor((text,)), (datetime,))


def test_a_bare_datetime_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="Moment"):
        type("Bad", (Out,), {"__annotations__": {"at": datetime | None}})
    with pytest.raises(ValidationError):
        ThingOut(name="a", by="b", at=datetime(2026, 1, 1))


def test_a_time_is_written_in_the_offset_of_china() -> None:
    out = ThingOut(name="a", by="b", at=datetime(2026, 1, 1, 20, tzinfo=UTC))
    assert '"2026-01-02T04:00:00.000+08:00"' in out.model_dump_json()


class _Body(In):
    at: Moment


async def _no_annotation(body) -> None:  # type: ignore[no-untyped-def]
    """A parameter that can't be filled."""


async def _wrong_path(thing_id: UUID) -> None:
    """A parameter that the path doesn't have."""


async def _wrong_key(key: str) -> None:
    """A key that isn't one."""


async def _number(number: int) -> None:
    """A kind of path parameter that isn't read."""


@pytest.mark.parametrize(
    ("path", "handler"),
    [("/a", _no_annotation), ("/a", _wrong_path), ("/a", _wrong_key), ("/<number>", _number)],
)
def test_a_route_that_can_not_work_is_refused_at_import(path: str, handler: Any) -> None:
    with pytest.raises(TypeError, match=r"^POST /"):
        endpoint(Blueprint("bad"), "POST", path, summary="Bad", answers={204: None})(handler)


def test_a_route_needs_an_answer_for_success() -> None:
    async def handler(body: _Body) -> None:
        """Fine by itself."""

    with pytest.raises(TypeError, match="no answer"):
        endpoint(Blueprint("bad"), "POST", "/a", summary="Bad", answers={})(handler)


class _Order(In):
    code: str
    uses: int = 1
    note: str | None = None


@pytest.mark.parametrize(
    "sent",
    [
        b'{"code":"a"}',
        b'{"uses":1,"code":"a"}',
        b'{"note":null,"code":"\\u0061","uses":1}',
    ],
)
def test_the_same_values_are_the_same_request_however_they_are_sent(sent: bytes) -> None:
    assert _Order.model_validate_json(sent).canonical() == b'{"code":"a"}'


@pytest.mark.parametrize("sent", [b'{"code":"b"}', b'{"code":"a","uses":2}', b'{"code":"a","note":""}'])
def test_any_other_value_is_another_request(sent: bytes) -> None:
    assert _Order.model_validate_json(sent).canonical() != b'{"code":"a"}'


def test_a_value_can_be_left_out_of_what_lasts() -> None:
    one, other = _Order(code="a", note="x"), _Order(code="a", note="y")
    assert one.canonical("note") == other.canonical("note") == b'{"code":"a"}'
