"""What every stand-in can be told to do: to be well, or to be ill in one of many ways.

`PUT /control {"mood": "hanging"}` sets the mood until the next one; `GET /control` shows it, the moods that there are, and
how often each path was called. `POST /control/forgetting` forgets the tokens that were given out.
"""

import asyncio
import gzip
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from sanic import Blueprint, HTTPResponse, Request, Sanic, json, raw

WELL = "well"
# Ill in the same way whatever is asked.
MOODS = (
    *("hanging", "dribbling", "truncated", "cutting", "failing", "throttling", "moved"),
    *("garbage", "array", "huge", "bomb", "deep"),
)
# Ill in what it says: its own kind of answer, spoilt before it is signed.
SPOILT = ("missing_fields", "wrong_types", "empty_texts")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
DRIBBLE_S = 0.2

App = Sanic[Any, Any]


class StandIn:
    """One stand-in: its routes, its mood and its count of calls."""

    own_moods: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.mood = WELL
        self.calls: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self.routes = Blueprint(name)
        self.routes.add_route(self._control, "/control", ["GET", "PUT"], name="control")
        self.routes.add_route(self._forgetting, "/control/forgetting", ["POST"], name="forgetting")

    @property
    def moods(self) -> tuple[str, ...]:
        """Every mood that it knows."""
        return (WELL, *MOODS, *SPOILT, *self.own_moods)

    def variables(self, url: str) -> dict[str, str]:
        """The environment of a service that is to speak with it at `url`."""
        raise NotImplementedError

    def forget_tokens(self) -> None:
        """Forget the tokens that were given out; most give out none that last."""

    def become(self, mood: str) -> None:
        """Set the mood; whoever was left hanging is let go.

        Raises:
            ValueError: it knows no such mood.
        """
        if mood not in self.moods:
            raise ValueError(f"no such mood; there are {', '.join(self.moods)}")
        self.mood = mood
        self._changed.set()
        self._changed = asyncio.Event()

    def said(self, answer: dict[str, Any]) -> dict[str, Any]:
        """A good answer, spoilt as the mood is."""
        return spoilt(answer, self.mood) if self.mood in SPOILT else answer

    async def _control(self, request: Request) -> HTTPResponse:
        if request.method == "PUT":
            try:
                self.become(str((request.json or {}).get("mood")))
            except (ValueError, AttributeError) as error:
                return json({"error": str(error)}, 400)
        return json({"mood": self.mood, "moods": self.moods, "calls": dict(self.calls)})

    async def _forgetting(self, _: Request) -> HTTPResponse:
        self.forget_tokens()
        return json({})

    async def misbehave(self, request: Request) -> HTTPResponse | None:
        """Answer in place of the routes, as ill as the mood is."""
        if request.path.startswith("/control"):
            return None
        self.calls[request.path] += 1
        match self.mood:
            case "failing":
                return json({"error": "internal"}, 503)
            case "throttling":
                return json({"error": "too many"}, 429, {"Retry-After": "7"})
            case "moved":
                return raw(b"", 302, {"Location": "/elsewhere"})
            case "garbage":
                return raw(b"<html>\xff\xfe maintenance</html>", 200, {}, "text/html")
            case "array":
                return json([{"openid": "x"}])
            case "huge":
                return raw(b'{"openid":"' + b"a" * 3_000_000 + b'"}', 200, {}, "application/json")
            case "deep":
                return raw(b"[" * 200_000, 200, {}, "application/json")
            case "bomb":
                return raw(_bomb(), 200, {"Content-Encoding": "gzip"}, "application/json")
            case "hanging":
                await self._changed.wait()
                await _cut(request)
            case "cutting":
                await _cut(request)
            case "truncated":
                await _cut(request, HEAD % 500 + b'{"openid":"abc')
            case "dribbling":
                await self._dribble(request)
        return None

    async def _dribble(self, request: Request) -> None:
        transport, mood = request.transport, self._changed
        transport.write(HEAD % 100_000 + b'{"openid":"')  # type: ignore[attr-defined]
        while not transport.is_closing() and not mood.is_set():
            transport.write(b"a")  # type: ignore[attr-defined]
            await asyncio.sleep(DRIBBLE_S)
        await _cut(request)


async def _cut(request: Request, last_words: bytes = b"") -> None:
    """Say a part of an answer, or nothing, and hang up."""
    if last_words:
        request.transport.write(last_words)  # type: ignore[attr-defined]
    request.transport.close()
    await asyncio.Event().wait()  # until the server sees that the connection is gone and ends this


def spoilt(answer: dict[str, Any], mood: str) -> dict[str, Any]:
    """An answer without what matters, or with it in another type."""
    if mood == "missing_fields":
        return {name: value for name, value in answer.items() if name in ("errcode", "errmsg", "success")}
    return {name: _other(value, mood) for name, value in answer.items()}


def _other(value: Any, mood: str) -> Any:
    if isinstance(value, dict):
        return spoilt(value, mood)
    if isinstance(value, str):
        return "" if mood == "empty_texts" else {"of": [value]}
    return value


@cache
def _bomb() -> bytes:
    return gzip.compress(b'{"openid":"' + b"a" * 20_000_000 + b'"}', 1)


def app_of(name: str, standin: StandIn) -> App:
    """Its server."""
    app: App = Sanic(name, configure_logging=False)
    app.config.ACCESS_LOG = False
    app.config.TOUCHUP = False  # it rewrites the methods of every app of the process
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.blueprint(standin.routes)
    app.register_middleware(standin.misbehave, "request")
    return app


def split_code(code: str) -> str:
    """Whose a code is: `who.anything`, so that every developer can make as many as he needs."""
    return code.rpartition(".")[0]


class OneTime:
    """Which codes were used; one that begins with `stale` is too old already."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def use(self, code: str) -> str:
        """Use it; whose it is, `stale` or `used` when it is not good (any more), or nothing."""
        who = split_code(code)
        if code in self._used:
            return "used"
        self._used.add(code)
        return "stale" if who.startswith("stale") else who


def listed(variables: Iterable[tuple[str, str]]) -> str:
    """Variables as a shell takes them."""
    return "\n".join(f"export {name}='{value}'" for name, value in variables)
