"""The log: JSON lines, one request id, and nobody's data."""

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
import pytest
import structlog

from common.request_ids import current_request_id
from server.request_log import access_logger, describe
from tests.server.kit import client_of, make_app
from tests.server.things import SOME_ID, routes

LogLines = Callable[[], list[dict[str, Any]]]
SECRET = "330106199001011234"


def unique_violation() -> asyncpg.UniqueViolationError:
    """What the database says about a second row, with the row in it."""
    fields = {"M": f"duplicate {SECRET}", "C": "23505", "n": "uq_citizen", "D": f"Key ({SECRET}) exists."}
    error = asyncpg.PostgresError.new(fields)
    assert isinstance(error, asyncpg.UniqueViolationError)
    return error


def fail(secret: str) -> None:
    """Raise with something private in a local and in the message."""
    local = secret
    try:
        raise unique_violation()
    except asyncpg.UniqueViolationError as error:
        raise RuntimeError(local) from error


def test_an_exception_is_written_as_types_and_frames(log_lines: LogLines) -> None:
    with pytest.raises(RuntimeError) as caught:
        fail(SECRET)
    structlog.get_logger("test").error("failed", exc_info=caught.value)
    (line,) = log_lines()
    assert line["error"] == "RuntimeError"
    assert any(frame.endswith(" fail") for frame in line["frames"])
    (cause,) = line["causes"]
    assert (cause["sqlstate"], cause["constraint_name"]) == ("23505", "uq_citizen")
    assert SECRET not in str(line)


def test_groups_are_opened() -> None:
    facts = describe(ExceptionGroup(SECRET, [ValueError(SECRET), unique_violation()]))
    assert facts["group"][0]["error"] == "ValueError"
    assert SECRET not in str(facts)


def test_the_libraries_log_into_the_same_lines(log_lines: LogLines) -> None:
    logging.getLogger("sanic.root").info("Listening on %s", "a socket")
    logging.getLogger("tortoise.db_client").debug("SELECT %s", SECRET)
    (line,) = log_lines()
    assert (line["event"], line["logger"], line["level"]) == ("Listening on a socket", "sanic.root", "info")
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sanic.root", f"Request: GET http://127.0.0.1/coupons/{SECRET} stopped. Transport is closed."),
        ("sanic.error", f"<Request: POST /citizens/{SECRET}> body not consumed."),
        ("sanic.root", f'It will not be sent for the following exception:"{SECRET}". A previous one has.'),
        ("sanic.root", f"Message body set in response on /citizens/{SECRET}. A 204 has none."),
        ("asyncio", f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{SECRET}')>"),
    ],
)
def test_paths_and_messages_in_lines_of_the_libraries_are_cut_off(
    name: str, message: str, log_lines: LogLines
) -> None:
    logging.getLogger(name).error(message)
    (line,) = log_lines()
    assert line["event"].endswith("…") and SECRET not in str(line)


def test_a_library_that_logs_the_exception_itself_tells_no_more(log_lines: LogLines) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        logging.getLogger("sanic.error").exception(error, exc_info=True)
    (line,) = log_lines()
    assert line["error"] == "ValueError" and SECRET not in str(line)


def test_what_is_no_plain_value_is_named_by_its_type(log_lines: LogLines) -> None:
    structlog.get_logger("test").info("odd", value=ValueError(SECRET))
    assert log_lines()[0]["value"] == "ValueError"


def test_an_exception_that_ends_the_process_is_written_too(log_lines: LogLines) -> None:
    error = ValueError(SECRET)
    sys.excepthook(type(error), error, None)
    assert log_lines()[0]["event"] == "uncaught" and SECRET not in str(log_lines())


async def test_lines_of_a_request_carry_its_id(log_lines: LogLines) -> None:
    async def work(request_id: str) -> None:
        current_request_id.set(request_id)
        await asyncio.sleep(0)
        structlog.get_logger("test").info("worked", expected=request_id)

    await asyncio.gather(*(asyncio.create_task(work(f"request-{number}")) for number in range(3)))
    lines = log_lines()
    assert len(lines) == 3 and all(line["request_id"] == line["expected"] for line in lines)


async def test_an_access_line_holds_the_template_and_not_the_path(log_lines: LogLines) -> None:
    app = make_app(routes())
    app.register_middleware(access_logger(lambda _: 0.0), "response")
    async with client_of(app) as client:
        await client.get(f"/api/v1/things/{SOME_ID}?token={SECRET}")
        await client.request("SECRET", "/api/v1/nothing")
    lines = [line for line in log_lines() if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/api/v1/things/<thing_id>", 200),
        ("(other)", "(no route)", 404),
    ]
    assert all(set(line) >= {"duration_ms", "request_id"} for line in lines)
    assert SECRET not in str(lines) and SOME_ID not in str(lines) and "127.0.0.1" not in str(lines)
