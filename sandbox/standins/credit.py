"""A stand-in of the credit platform behind the 浙里办 gateway: people's scores and organisations' grades over HTTP.

It checks what the gateway checks (signature, clock, that no question is put twice) and signs its answers. `POST /control`
with `{"behaviour": …}` makes it misbehave (`BEHAVIOURS`) until it is told `honest` again; `first` limits that to so many
questions. Start one with `python -m sandbox.standins.credit`.
"""

import asyncio
import hmac
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from json import dumps
from typing import Any
from uuid import UUID

from sanic import HTTPResponse, Request, Sanic
from sanic.response import json as answered
from sanic.response import raw

from citizens import sandbox_people
from common.clock import local_day, now
from common.gateway_signature import ALGORITHM, SKEW_S, moment_of, signature
from common.ids import new_id
from common.signed_gateway import ANSWER_SIGNATURE, answer_signature
from merchants.organisation_sources.sandbox import SandboxOrganisationSource

Answer = dict[str, Any]
SCHEME = "zj-demo"
ACCESS_KEY, SECRET = "standin-access-key", "standin secret, known to everybody"
ANSWER_KEY = b"the stand-in's key for its answers"
HANGS_S = 60
PORT = 8091


@dataclass
class Keys:
    """What the stand-in and who asks it share."""

    access_key: str = ACCESS_KEY
    secret: str = SECRET
    answer_key: bytes = ANSWER_KEY


@dataclass
class State:
    """What it was told, and what it remembers."""

    behaviour: str = "honest"
    first: int | None = None
    asked: int = 0
    signatures: set[str] = field(default_factory=set)
    kept: tuple[bytes, str] | None = None


def _with(**changes: Any) -> Callable[[Answer], Answer]:
    return lambda answer: {**answer, **changes}


def _without(name: str) -> Callable[[Answer], Answer]:
    return lambda answer: {key: value for key, value in answer.items() if key != name}


def _day(days: int) -> str:
    return (local_day(now()) + timedelta(days=days)).isoformat()


# Lies that are signed well: what they do to an honest answer.
LIES: Mapping[str, Callable[[Answer], Answer]] = {
    "off_scale": _with(score=1001),
    "below_scale": _with(score=-1),
    "huge_score": _with(score=10**30),
    "unknown_scheme": _with(schemeCode="nobody-s"),
    "future_date": lambda answer: {**answer, "dataDate": _day(1)},
    "old_date": lambda answer: {**answer, "dataDate": _day(-63)},
    "no_such_date": _with(dataDate="2026-02-30"),
    "score_as_text": _with(score="880"),
    "score_as_float": _with(score=880.0),
    "score_as_bool": _with(score=True),
    "score_null": _with(score=None),
    "found_as_text": _with(found="yes"),
    "found_without_score": _without("score"),
    "nothing_with_score": _with(found=False),
    "other_request": lambda answer: {**answer, "requestId": str(new_id())},
    "without_request": _without("requestId"),
    "record_id_with_markup": _with(recordId="<script>"),
    # Rule 15: it would be kept as it is.
    "record_id_of_a_person": _with(recordId="330106198003120013"),
    "record_id_with_a_person": _with(recordId="zj:330106198003120013.7"),
    # Rule 11.
    **{
        f"with_{name}": _with(**{name: value})
        for name, value in {
            **{"income": 300_000, "deposits": 1, "religion": "x", "genes": "x", "fingerprints": "x"},
            **{"bloodType": "A", "illness": "x", "收入": 1, "name": "王大友"},
        }.items()
    },
}
# What is wrong with the message and not with what it says.
FAULTS = (
    *("hang", "throttle", "error", "refuse", "redirect", "cut", "garbage", "not_json", "list", "too_large"),
    *("unsigned", "wrong_signature", "other_signature", "kept_answer"),
)
BEHAVIOURS = ("honest", *FAULTS, *LIES)


def create_app(keys: Keys | None = None, name: str = "credit_standin") -> Sanic[Any, Any]:
    """The little server."""
    app: Sanic[Any, Any] = Sanic(name, configure_logging=False)
    app.ctx.keys, app.ctx.state = keys or Keys(), State()
    app.add_route(_persons, "/persons", methods=["POST"])
    app.add_route(_organisations, "/organisations", methods=["POST"])
    app.add_route(_control, "/control", methods=["POST"])
    return app


async def _control(request: Request) -> HTTPResponse:
    told = request.json or {}
    if told.get("behaviour") not in BEHAVIOURS:
        return answered({"message": f"one of {', '.join(BEHAVIOURS)}"}, status=422)
    state: State = request.app.ctx.state
    state.behaviour, state.first, state.asked = told["behaviour"], told.get("first"), 0
    return answered({"behaviour": state.behaviour})


async def _persons(request: Request) -> HTTPResponse:
    score = sandbox_people.score_of((request.json or {}).get("idNumber", ""))
    answer: Answer = {"found": score is not None, "schemeCode": SCHEME, "dataDate": _day(-1)}
    if score is not None:
        answer |= {"score": score, "recordId": f"r-{new_id().hex[:12]}"}
    return await _answer(request, answer)


async def _organisations(request: Request) -> HTTPResponse:
    uscc = (request.json or {}).get("uscc", "")
    record = await SandboxOrganisationSource().look_up(uscc)
    answer: Answer = {"uscc": uscc, "grade": record.grade, "isDishonest": record.is_dishonest}
    return await _answer(request, {**answer, "dataDate": _day(-1), "recordId": record.record_id})


async def _answer(request: Request, answer: Answer) -> HTTPResponse:
    keys: Keys = request.app.ctx.keys
    state: State = request.app.ctx.state
    if (refused := _refusal(request, keys, state)) is not None:
        return answered({"message": refused}, status=401)
    state.asked += 1
    behaviour = state.behaviour if state.first is None or state.asked <= state.first else "honest"
    request_id = UUID(request.json["requestId"])
    answer = {"requestId": str(request_id), **answer}
    if behaviour in LIES:
        answer = LIES[behaviour](answer)
    body = _body(behaviour, answer)
    signed = answer_signature(keys.answer_key, request_id, body)
    if behaviour in ("honest", "kept_answer"):
        state.kept = state.kept or (body, signed)
    if behaviour == "kept_answer":
        body, signed = state.kept or (body, signed)
    return await _sent(request, behaviour, body, signed, keys)


def _refusal(request: Request, keys: Keys, state: State) -> str | None:
    """As the gateway says it, or nothing."""
    given = {name: request.headers.get(f"x-bg-{name}", "") for name in ("hmac-signature", "date-time")}
    if request.headers.get("x-bg-hmac-access-key") != keys.access_key:
        return "Invalid access key"
    try:
        skew = abs((now() - moment_of(given["date-time"])).total_seconds())
    except ValueError:
        return "Clock skew exceeded"
    if skew > SKEW_S:
        return "Clock skew exceeded"
    expected = signature(
        request.method, request.path, request.query_string, keys.access_key, keys.secret, given["date-time"]
    )
    is_named = request.headers.get("x-bg-hmac-algorithm") == ALGORITHM
    if not is_named or not hmac.compare_digest(expected.encode(), given["hmac-signature"].encode()):
        return "Invalid signature"
    if expected in state.signatures or request.args.get("requestId") != request.json.get("requestId"):
        return "Invalid signature"
    state.signatures.add(expected)
    return None


def _body(behaviour: str, answer: Answer) -> bytes:
    return {
        "garbage": b"\x00\xff\xfe" * 100,
        "not_json": "<html>系统维护</html>".encode(),
        "list": b"[]",
        "too_large": dumps({**answer, "padding": "x" * 2_000_000}).encode(),
    }.get(behaviour, dumps(answer).encode())


async def _sent(request: Request, behaviour: str, body: bytes, signed: str, keys: Keys) -> HTTPResponse:
    if behaviour == "hang":
        await asyncio.sleep(HANGS_S)
    if behaviour == "cut":
        request.transport.close()
    statuses = {"throttle": 429, "error": 500, "refuse": 403, "redirect": 302}
    signatures = {
        "unsigned": "",
        "wrong_signature": answer_signature(b"another key", UUID(request.json["requestId"]), body),
        "other_signature": answer_signature(keys.answer_key, new_id(), body),
    }
    return raw(
        body,
        status=statuses.get(behaviour, 200),
        headers={ANSWER_SIGNATURE: signatures.get(behaviour, signed), "Location": "/persons"},
        content_type="application/json",
    )


def main() -> int:
    """Serve on this machine alone; never beside real data."""
    if os.environ.get("SANDBOX", "1") != "1":
        print("A stand-in needs SANDBOX=1: never where real data is.", file=sys.stderr)
        return os.EX_CONFIG
    create_app().run(host="127.0.0.1", port=PORT, single_process=True, access_log=False, motd=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
