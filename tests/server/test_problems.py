"""Every error is a problem: its status, its members, its headers, whoever raised it and however early."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import asyncpg
import httpx
import pytest
from sanic import Blueprint, Sanic
from sanic.exceptions import ServerError
from tortoise.exceptions import DBConnectionError, OperationalError

from common.errors import (
    DomainError,
    Ended,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Refused,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from server.endpoints import endpoint
from server.errors import TITLES, DatabaseUnavailable, HttpError, status_of
from tests.server.kit import client_of, exchange, make_app, serve
from tests.server.things import SOME_ID, routes

LogLines = Callable[[], list[dict[str, Any]]]


class AlreadyDone(Refused):
    """A refusal with facts, as the domains raise them."""

    code = "already_done"
    zh = "已在 {done_at} 完成，共 {count} 次。"
    en = "Done at {done_at}, {count} times."
    shown: ClassVar[tuple[str, ...]] = ("done_at",)


class WordWrong(Invalid):
    """A value of a known field that breaks a rule of the business."""

    code = "word_wrong"
    pointer = "/word"
    zh = "换一个词。"
    en = "Take another word."


def app_raising(error: BaseException, **settings: Any) -> Sanic[Any, Any]:
    """An app whose /boom raises, read or sent to."""
    blueprint = Blueprint("boom")

    @endpoint(blueprint, "GET", "/boom", summary="Boom", answers={204: None}, refusals=(AlreadyDone,))
    async def boom() -> None:
        raise error

    @endpoint(blueprint, "POST", "/boom", summary="Send", answers={204: None}, refusals=(AlreadyDone,))
    async def send() -> None:
        raise error

    return make_app(blueprint, **settings)


async def answer_to(error: BaseException, **headers: str) -> httpx.Response:
    """The answer when a function raises."""
    async with client_of(app_raising(error)) as client:
        return await client.get("/boom", headers=headers)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Malformed, 400),
        (Unauthenticated, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Refused, 409),
        (Ended, 410),
        (Invalid, 422),
        (TooMany, 429),
        (Unavailable, 503),
    ],
)
async def test_a_kind_has_its_status(kind: type[DomainError], status: int) -> None:
    error = type("Some", (kind,), {"code": "some", "zh": "某", "en": "some"})()
    answer = await answer_to(error)
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, "some")
    assert answer.json()["type"] == "urn:xinyi:problem:some"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert answer.headers.get("retry-after") == ("1" if status in (429, 503) else None)
    assert ("errors" in answer.json()) == (status == 422)


def test_every_error_of_the_kit_has_a_title_and_both_sentences() -> None:
    def below(kind: type[DomainError]) -> list[type[DomainError]]:
        return [kind, *(each for child in kind.__subclasses__() for each in below(child))]

    own = [
        kind for kind in below(DomainError) if kind.__module__ == "server.errors" and kind is not HttpError
    ]
    assert len(own) > 15
    for kind in own:
        assert status_of(kind) in TITLES
        assert kind.code and kind.zh.endswith("。") and kind.en.endswith(".")


async def test_facts_fill_the_sentence_and_the_shown_ones_become_members() -> None:
    error = AlreadyDone(done_at=datetime(2026, 1, 1, 20, tzinfo=UTC), count=3)
    problem = (await answer_to(error)).json()
    assert problem["done_at"] == "2026-01-02T04:00:00.000+08:00"
    assert "3 次" in problem["detail"] and "count" not in problem


async def test_a_broken_rule_names_its_field() -> None:
    errors = (await answer_to(WordWrong(), **{"Accept-Language": "en"})).json()["errors"]
    assert errors == [{"pointer": "/word", "code": "word_wrong", "detail": "Take another word."}]


async def test_who_comes_too_often_learns_when_to_come_back() -> None:
    error = type("Slow", (TooMany,), {"code": "slow", "zh": "慢。", "en": "Slow."})(retry_after_s=17)
    assert (await answer_to(error)).headers["retry-after"] == "17"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh-CN"),
        ("en", "en"),
        ("EN-gb", "en"),
        ("fr, de", "zh-CN"),
        ("fr, en;q=0.2", "en"),
        ("en;q=0.8, zh", "zh-CN"),
        ("zh;q=0.3, en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("*", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("en;q=oops, ;;;,,=", "zh-CN"),
        ("en;q=nan", "zh-CN"),
    ],
)
async def test_the_language_is_chinese_unless_english_is_preferred(header: str, language: str) -> None:
    answer = await answer_to(WordWrong(), **{"Accept-Language": header})
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json()["detail"] == ("Take another word." if language == "en" else "换一个词。")


SECRET = "Mr. Wang, 330106199001011234"


def database_error(kind: type[Exception]) -> Exception:
    """An error with somebody's data in its message."""
    return kind(SECRET)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(SECRET),
        FileNotFoundError(SECRET),  # the socket's file is gone
        TimeoutError(),
        DBConnectionError(SECRET),
        database_error(asyncpg.InterfaceError),
        database_error(asyncpg.ConnectionDoesNotExistError),
        database_error(asyncpg.TooManyConnectionsError),
        database_error(asyncpg.CannotConnectNowError),
        database_error(asyncpg.AdminShutdownError),
        database_error(asyncpg.CrashShutdownError),
    ],
)
async def test_an_unreachable_database_is_503_with_retry_after(error: Exception, log_lines: LogLines) -> None:
    answer = await answer_to(error)
    assert (answer.status_code, answer.json()["code"]) == (503, DatabaseUnavailable.code)
    assert answer.headers["retry-after"] == "1"
    assert [line["event"] for line in log_lines()] == ["database_unavailable"]


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(SECRET), asyncio.CancelledError(), KeyError(SECRET)]
)
async def test_only_what_was_sent_may_have_been_done(error: BaseException) -> None:
    """A read that fails speaks of reading; what was sent may have been carried out, and says so."""
    async with client_of(app_raising(error)) as client:
        read, sent = [(await client.request(how, "/boom")).json() for how in ("GET", "POST")]
    assert read["code"] == sent["code"]
    assert "暂时读不到" in read["detail"] and "有没有办成" not in read["detail"]
    assert "有没有办成" in sent["detail"]


@pytest.mark.parametrize(
    ("constraint", "status"),
    [
        ("coupons_citizen_id_fkey", 401),
        ("credit_lookups_citizen_id_fkey", 401),
        ("coupons_offer_id_fkey", 500),
    ],
)
async def test_who_writes_for_an_account_that_was_joined_to_another_signs_in_again(
    constraint: str, status: int
) -> None:
    error = database_error(asyncpg.ForeignKeyViolationError)
    error.constraint_name = constraint  # type: ignore[attr-defined]
    answer = await answer_to(error)
    code = "unauthenticated" if status == 401 else "internal_error"
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        ValueError(SECRET),
        KeyError(SECRET),
        ServerError(SECRET),
        OperationalError(SECRET),
        asyncpg.DataError(SECRET),
        asyncpg.UniqueViolationError(SECRET),
    ],
)
async def test_our_own_mistake_is_500_without_internals(error: Exception, log_lines: LogLines) -> None:
    answer = await answer_to(error, **{"X-Request-Id": "trace-0001"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert SECRET not in answer.text and "Traceback" not in answer.text
    (line,) = log_lines()
    assert (line["event"], line["request_id"], line["route"]) == ("unhandled", "trace-0001", "/boom")
    assert any("boom" in frame for frame in line["frames"])
    assert SECRET not in str(line)


async def test_a_refusal_that_the_document_hides_is_logged(log_lines: LogLines) -> None:
    await answer_to(WordWrong())
    await answer_to(AlreadyDone(done_at=None, count=1))
    assert [(line["event"], line["code"]) for line in log_lines()] == [("undocumented_problem", "word_wrong")]


async def test_unknown_paths_and_methods_are_problems() -> None:
    async with client_of(make_app(routes())) as client:
        for method, path, allowed in (
            ("PUT", "/api/v1/things", "GET, HEAD, POST"),
            ("PUT", f"/api/v1/things/{SOME_ID}", "DELETE, GET, HEAD"),
            ("OPTIONS", "/api/v1/words/a", "GET, HEAD"),
            ("BREW", "/api/v1/words/a", "GET, HEAD"),
        ):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
            assert answer.headers["allow"] == allowed
        answer = await client.get("/api/v1/nothing")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        answer = await client.head("/api/v1/nothing")
        assert (answer.status_code, answer.content) == (404, b"")


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with client_of(make_app(routes()), "staff") as client:
        answer = await client.post("/api/v1/things", content=b"x" * 65_537)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"garbage\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "bad_request"),
        (b"GET http:// HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417, "expectation_failed"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 17_000 + b"\r\n\r\n", 431, "headers_too_large"),
    ],
)
async def test_what_is_no_http_still_gets_a_problem(raw: bytes, status: int, code: str) -> None:
    async with serve(make_app(routes())) as port:
        got, headers, body = await exchange(port, raw)
    assert got == status and f'"code":"{code}"'.encode() in body
    assert headers["content-type"] == "application/problem+json" and len(headers["x-request-id"]) == 32


async def test_a_request_that_never_ends_is_ended() -> None:
    async with serve(make_app(routes(), REQUEST_TIMEOUT=0.2)) as port:
        status, _, body = await exchange(port, b"GET / HTTP/1.1\r\nX: y")
    assert status == 408 and b'"code":"request_timeout"' in body


async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    blueprint = Blueprint("slow")

    @endpoint(blueprint, "GET", "/slow", summary="Slow", answers={204: None})
    async def slow() -> None:
        await asyncio.sleep(5)

    async with client_of(make_app(blueprint, RESPONSE_TIMEOUT=0.2)) as client:
        answer = await client.get("/slow")
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("given", "is_kept"), [("trace-0001", True), ("short", False), ("bad id 0001", False)]
)
async def test_every_answer_has_a_request_id(given: str, is_kept: bool) -> None:
    async with client_of(make_app(routes())) as client:
        for path in ("/api/v1/words/a", "/api/v1/nothing"):
            answer = await client.get(path, headers={"X-Request-Id": given})
            request_id = answer.headers["x-request-id"]
            assert (request_id == given) == is_kept and len(request_id) == (10 if is_kept else 32)
            assert answer.json().get("request_id", request_id) == request_id


async def test_every_answer_is_safe_to_show_and_not_to_be_kept() -> None:
    async with client_of(make_app(routes())) as client:
        for path in ("/api/v1/words/a", "/api/v1/nothing", "/api/v1/stream"):
            headers = (await client.get(path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["referrer-policy"] == "no-referrer"
            assert "includeSubDomains" in headers["strict-transport-security"]
