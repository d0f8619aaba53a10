"""Asking a channel's server: short limits, bounded answers, a breaker, and one word for what went wrong.

Every question has a connection of its own. One that is kept may be closed by the other side just as a one-time code
goes out, and nobody could say whether it was taken; a connection that could not be made has certainly taken nothing.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import httpx
import stamina
import structlog
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from citizens.channels.contract import ChannelUnavailable
from common.errors import DomainError
from models.enums import Channel

log = structlog.get_logger()

CONNECT_S = 1.0
TOTAL_S = 3.0
LARGEST_ANSWER = 1_000_000
FAILURES_TO_OPEN = 5
OPEN_FOR_S = 10.0
LATER_S = 2
# What a one-time code is made of; anything else was made by nobody, and is not worth asking about.
CODE = re.compile(r"[\x21-\x7e]{1,512}")
# A mainland mobile number without its country's code.
MOBILE = re.compile(r"1[3-9][0-9]{9}")

AnswerT = TypeVar("AnswerT")
MemberT = TypeVar("MemberT")


class Failed(Exception):
    """No answer to rely on; `result` says why in a word that holds nothing of anybody's."""

    def __init__(self, result: str) -> None:
        super().__init__(result)
        self.result = result


class NotReached(Failed):
    """No connection was made: nothing was sent, so that everything may be sent again."""


class Busy(Failed):
    """The channel says that it has done nothing, and asks to be asked again."""


class Throttled(Failed):
    """We ask too often; `retry_after_s` says when to come back. It is no sign of illness."""

    def __init__(self, result: str, retry_after_s: int) -> None:
        super().__init__(result)
        self.retry_after_s = retry_after_s


class Unreadable(Failed):
    """An answer of the right form about something that can't be: one person's, and no sign of illness either."""


def safe_again(*kinds: type[Failed]) -> Any:
    """Tries more after these, where nothing can have happened; all of them within the time limit of the whole.

    Whoever is told to wait, or is answered with what can't be, does not ask again at once.
    """

    def is_worth_it(error: Exception) -> bool:
        return isinstance(error, kinds) and not isinstance(error, Throttled | Unreadable)

    return stamina.retry_context(
        on=is_worth_it, attempts=3, timeout=None, wait_initial=0.1, wait_max=0.4, wait_jitter=0.1
    )


class ChannelServer:
    """One channel's server.

    Args:
        url: `https://host[:port][/path]`, without a slash at its end.
        total_s: how long one login or message may take in all, in seconds.
        connect_s: how long a connection may take to be made, in seconds.
        open_for_s: how long a sick server is left alone, in seconds.
    """

    def __init__(
        self,
        channel: Channel,
        url: str,
        total_s: float = TOTAL_S,
        connect_s: float = CONNECT_S,
        open_for_s: float = OPEN_FOR_S,
    ) -> None:
        self.channel = channel
        self.url = url.rstrip("/")
        self.total_s, self._connect_s, self._open_for_s = total_s, connect_s, open_for_s
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=FAILURES_TO_OPEN, default_ttl=open_for_s
        )

    async def guard(self, work: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """Do what one request of ours needs, within the time limit and the breaker.

        Raises:
            DomainError: the channel refused, as `work` found: a good answer.
            ChannelUnavailable: everything else; its cause is the `Failed`, or nothing when the breaker was open.
        """
        breaker = await self._breakers.get_breaker(self.channel)
        try:
            await breaker.__aenter__()
        except OpenedState as opened:
            opened.__traceback__ = None  # it is the same one each time, and would keep everybody's frames
            raise ChannelUnavailable(retry_after_s=max(1, round(self._open_for_s))) from None
        try:
            async with asyncio.timeout(self.total_s):
                answer = await work()
        except asyncio.CancelledError:
            raise  # who hangs up says nothing about the channel
        except DomainError:
            await breaker.__aexit__(None, None, None)
            raise
        except (Failed, TimeoutError) as error:
            failed = error if isinstance(error, Failed) else Failed("timeout")
            if not isinstance(failed, Throttled | Unreadable):
                await breaker.__aexit__(type(error), error, error.__traceback__)
            raise self._unavailable(failed) from failed
        await breaker.__aexit__(None, None, None)
        return answer

    def _unavailable(self, failed: Failed) -> ChannelUnavailable:
        log.warning("channel_failed", channel=self.channel, result=failed.result)
        return ChannelUnavailable(
            retry_after_s=failed.retry_after_s if isinstance(failed, Throttled) else LATER_S
        )

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Ask once; the body of the answer. No redirect is followed and no proxy of the environment used.

        Raises:
            NotReached, Throttled, Failed: no answer, or one that is no 2xx, packed, or larger than a megabyte.
        """
        request = httpx.Request(
            method,
            httpx.URL(self.url + path, params=dict(query) if query else None),
            content=body or None,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})},
            extensions={"timeout": httpx.Timeout(self.total_s, connect=self._connect_s).as_dict()},
        )
        try:
            # Not through httpx.AsyncClient, which logs every URL, and these hold secrets.
            async with httpx.AsyncHTTPTransport(verify=_certificates(), retries=0) as transport:
                response = await transport.handle_async_request(request)
                try:
                    return await _body_of(response)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise NotReached("not_reached") from None
        except httpx.TimeoutException:
            raise Failed("timeout") from None
        except (httpx.HTTPError, OSError):
            raise Failed("cut_off") from None


async def _body_of(response: httpx.Response) -> bytes:
    if response.status_code == 429:
        raise Throttled("429", _seconds(response.headers.get("retry-after", "")))
    is_good, is_refusal = (response.status_code // 100 == kind for kind in (2, 4))
    if not (is_good or is_refusal):
        raise Failed(str(response.status_code))
    # We ask for what is not packed: a few bytes may become as many as a memory holds.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Failed("packed")
    found = bytearray()
    async for part in response.aiter_raw():
        found += part
        if len(found) > LARGEST_ANSWER:
            raise Failed("too_large")
    if is_refusal:
        raise Failed(f"{response.status_code}_{_said(bytes(found))}")
    return bytes(found)


def _seconds(text: str) -> int:
    return min(int(text), 3600) if text.isascii() and text.isdigit() and len(text) < 9 and int(text) else 60


def _said(body: bytes) -> str:
    """What a gateway says of its refusal, for the operator: of the sentences that we know, and no other."""
    for sentence in (
        "Invalid signature",
        "Invalid access key",
        "Clock skew exceeded",
        "route_id is forbidden",
    ):
        if sentence.encode() in body:
            return sentence.lower().replace(" ", "_")
    return "refused"


@cache
def _certificates() -> ssl.SSLContext:
    # Loading the authorities takes 17 ms, once.
    return ssl.create_default_context()


def read_object(raw: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        Failed: it is anything else.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise Failed("not_json") from None
    if not isinstance(found, dict):
        raise Failed("not_an_object")
    return found


def member(found: Mapping[str, Any], name: str, kind: type[MemberT]) -> MemberT:
    """A member that has to be there and of one kind; a truth value is no number.

    Raises:
        Unreadable: it is not.
    """
    value = found.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Unreadable(f"wrong_{name}")
    return value


def text_of(found: Mapping[str, Any], name: str, longest: int = 256) -> str:
    """A text that has to be there, neither empty nor endless.

    Raises:
        Unreadable: it is not.
    """
    value = member(found, name, str)
    if not value.strip() or len(value) > longest or not value.isprintable():
        raise Unreadable(f"wrong_{name}")
    return value
