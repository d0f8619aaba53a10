"""What a route reads and answers: who asks, keys, paths, strict JSON bodies, and answers."""

from typing import Any

import pytest

from tests.server.kit import client_of, exchange, make_app, serve
from tests.server.things import SOME_ID, found, get, post, routes


async def test_a_body_an_actor_and_a_key_reach_the_function() -> None:
    answer = await post({"name": "lamp", "at": "2026-05-06T07:08:09Z", "owner": SOME_ID, "colour": "red"})
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-made"] == "yes"
    assert "idempotency-replayed" not in answer.headers
    expected = {"name": "lamp", "at": "2026-05-06T15:08:09.000+08:00", "by": "StaffActor", "key": "key-0001"}
    assert answer.json() == expected


async def test_a_stored_answer_says_that_it_is_one() -> None:
    assert (await post({"name": "again"})).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("/name", "required")]),
        ({"name": "a", "nmae": "b"}, [("/nmae", "unknown_field")]),
        ({"name": 1}, [("/name", "wrong_type")]),
        ({"name": "a", "is_good": 1}, [("/is_good", "wrong_type")]),
        ({"name": "a", "lines": [{"amount_fen": "1"}]}, [("/lines/0/amount_fen", "wrong_type")]),
        ({"name": "a", "lines": [{"amount_fen": True}]}, [("/lines/0/amount_fen", "wrong_type")]),
        ({"name": "a", "lines": [{"amount_fen": 1.0}]}, [("/lines/0/amount_fen", "wrong_type")]),
        ({"name": "a", "lines": [{"amount_fen": -1}]}, [("/lines/0/amount_fen", "too_small")]),
        ({"name": "a", "lines": [{"amount_fen": 1_000_000_001}]}, [("/lines/0/amount_fen", "too_large")]),
        ({"name": "a", "lines": [{"amount_fen": 2**70}]}, [("/lines/0/amount_fen", "too_large")]),
        ({"name": "a", "lines": [{"amount_fen": 1, "note": ""}]}, [("/lines/0/note", "too_short")]),
        ({"name": "a", "lines": [{"amount_fen": 1, "note": "abcdef"}]}, [("/lines/0/note", "too_long")]),
        ({"name": "a", "lines": [{"amount_fen": 1, "note": "a b"}]}, [("/lines/0/note", "pattern_mismatch")]),
        ({"name": "a", "lines": {}}, [("/lines", "wrong_type")]),
        ({"name": "a", "colour": "green"}, [("/colour", "not_allowed")]),
        ({"name": "a", "owner": "green"}, [("/owner", "invalid_format")]),
        ({"name": "a", "at": "2026-05-06T07:08:09"}, [("/at", "invalid_format")]),
        ({"name": "a", "at": "1700000000"}, [("/at", "invalid_format")]),
        ({"name": "a", "at": "0001-01-01T00:00:00+14:00"}, [("/at", "invalid_format")]),
        ({"name": "a", "at": "2026-02-30T00:00:00Z"}, [("/at", "invalid_format")]),
        ({"name": "a\x00"}, [("/name", "bad_character")]),
        ({"name": "a", "a/b~c": 1}, [("/a~1b~0c", "unknown_field")]),
    ],
)
async def test_a_body_is_held_to_its_schema(body: dict[str, Any], errors: list[tuple[str, str]]) -> None:
    answer = await post(body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert found(answer) == errors


async def test_what_was_sent_is_never_repeated() -> None:
    answer = await post({"name": "a", "owner": "6222-secret", "colour": "secret", "lines": "secret"})
    assert answer.status_code == 422 and "secret" not in answer.text


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        (b"", None),
        (b"{", None),
        (b'\xff{"name":"a"}', None),
        (b'\xef\xbb\xbf{"name":"a"}', None),
        (b'{"name":"a",}', None),
        (b'{"name":"a"} x', None),
        (b'{"name":"a","name":"b"', None),
        (b'{"name":"a\nb"}', None),
        (b'{"name":"a","name":"b"}', [("/name", "duplicate_key")]),
        (
            b'{"name":"a","lines":[{"amount_fen":1,"amount_fen":2}]}',
            [("/lines/0/amount_fen", "duplicate_key")],
        ),
        (b'{"name":"a","weight":NaN}', [("/weight", "not_json")]),
        (b'{"name":"a","weight":-Infinity}', [("/weight", "not_json")]),
        (b"[" * 40 + b"]" * 40, [("", "too_deep")]),
        (b"[" * 60_000, [("", "too_deep")]),
    ],
)
async def test_json_that_has_to_be_guessed_is_refused(
    raw: bytes, errors: list[tuple[str, str]] | None
) -> None:
    answer = await post(raw)
    assert (answer.status_code, answer.json()["code"]) == (400, "json_invalid")
    assert (found(answer) if "errors" in answer.json() else None) == errors


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        (b'{"name":"\\ud800"}', [("/name", "bad_character")]),
        (b'{"name":"a","lines":[{"note":"\\u0000"}]}', [("/lines/0/note", "bad_character")]),
        (b'{"name":"a","\\u0000":1}', [("", "bad_character")]),
        (b'{"name":"a","weight":1e999}', [("/weight", "too_large")]),
        (b'{"name":"a","weight":' + b"9" * 5000 + b"}", [("/weight", "too_large")]),
        (b"[]", [("", "wrong_type")]),
        (b"null", [("", "wrong_type")]),
    ],
)
async def test_json_that_can_not_be_stored_is_refused(raw: bytes, errors: list[tuple[str, str]]) -> None:
    answer = await post(raw)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert found(answer) == errors


async def test_text_of_every_kind_that_can_be_stored_is_taken() -> None:
    answer = await post(b'{"name":"\\ud83c\\udfee \xe4\xbf\xa1\xe6\x83\xa0\\u8054"}')
    assert answer.json()["name"] == "🏮 信惠联"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=UTF-8", 201),
        ('Application/JSON;charset="utf-8"', 201),
        ("application/json; charset=gbk", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_only_json_in_utf_8_is_read(content_type: str, status: int) -> None:
    assert (await post(b'{"name":"a"}', **{"Content-Type": content_type})).status_code == status


async def test_a_compressed_body_is_not_read() -> None:
    answer = await post({"name": "a"}, **{"Content-Encoding": "gzip"})
    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 400, "idempotency_key_required"),
        ("", 400, "idempotency_key_required"),
        ("short", 400, "idempotency_key_invalid"),
        ("k" * 65, 400, "idempotency_key_invalid"),
        ("with blank", 400, "idempotency_key_invalid"),
        ("k" * 64, 201, None),
    ],
)
async def test_a_key_is_required_in_its_form(key: str | None, status: int, code: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    async with client_of(make_app(routes()), "staff") as client:
        answer = await client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_two_keys_are_refused() -> None:
    body = b'{"name":"a"}'
    lines = [
        b"POST /api/v1/things HTTP/1.1",
        b"Host: test",
        b"Authorization: Bearer staff",
        b"Content-Type: application/json",
    ]
    lines += [b"Idempotency-Key: key-0001", b"Idempotency-Key: key-0002", b"Connection: close"]
    async with serve(make_app(routes())) as port:
        head = b"\r\n".join([*lines, b"Content-Length: %d" % len(body)])
        status, _, answer = await exchange(port, head + b"\r\n\r\n" + body)
    assert status == 400 and b"idempotency_key_invalid" in answer


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [("", 401, "unauthenticated"), ("wrong", 401, "unauthenticated"), ("staff", 403, "forbidden")],
)
async def test_who_asks_is_judged_before_anything_else(token: str, status: int, code: str) -> None:
    answer = await get("/things/no-id", token, "DELETE")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("token", "by"), [("", "NoneType"), ("citizen", "CitizenActor"), ("staff", "StaffActor")]
)
async def test_an_optional_actor_may_be_nobody(token: str, by: str) -> None:
    assert (await get(f"/things/{SOME_ID}", token)).json()["by"] == by


@pytest.mark.parametrize("text", ["1", "x" * 36, SOME_ID.replace("-", ""), f"{{{SOME_ID}}}", SOME_ID + "0"])
async def test_a_text_that_is_no_id_is_not_found(text: str) -> None:
    answer = await get(f"/things/{text}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("raw", "status"), [("%E4%BF%A1", 200), ("%ff", 404), ("a%00", 404)])
async def test_a_word_in_the_path_is_decoded(raw: str, status: int) -> None:
    answer = await get(f"/words/{raw}")
    assert answer.status_code == status and (status == 404 or answer.json()["name"] == "信")


async def test_nothing_to_say_is_204_without_a_body() -> None:
    answer = await get(f"/things/{SOME_ID}", "citizen", "DELETE")
    assert (answer.status_code, answer.content) == (204, b"") and "content-type" not in answer.headers


async def test_head_is_get_without_a_body() -> None:
    answer = await get(f"/things/{SOME_ID}", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"") and int(answer.headers["content-length"]) > 0


async def test_a_stream_is_sent_piece_by_piece_and_has_no_head() -> None:
    answer = await get("/stream")
    assert answer.text == "data: 1\n\n" and answer.headers["x-request-id"]
    assert (await get("/stream", method="HEAD")).status_code == 405
