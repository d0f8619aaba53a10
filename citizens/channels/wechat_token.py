"""WeChat's access token (stable_token): kept in the process, renewed before it ends, by one at a time.

Each process has its own copy: WeChat gives the same one to everybody who asks for the stable one.
"""

import asyncio
import json
from collections.abc import Mapping
from time import monotonic
from typing import Any

from citizens.channels.outside import (
    Busy,
    ChannelServer,
    Failed,
    Throttled,
    Unreadable,
    member,
    read_object,
    safe_again,
    text_of,
)

# What WeChat says of a token that it does not take (any more).
INVALID = frozenset((40001, 40014, 42001))
LONGEST_LIFE_S = 7200
# In its last five minutes a token has a successor already, and both are good.
RENEW_BEFORE_S = 300
LONGEST_TOKEN = 4096


class TokenInvalid(Failed):
    """WeChat does not take the token."""


class NoToken(Failed):
    """There is none: what needs one was not asked for."""


def errcode_of(answer: Mapping[str, Any]) -> int:
    """What WeChat says went wrong; 0 is nothing, and a success may leave it out.

    Raises:
        Unreadable: it is no number.
    """
    return member(answer, "errcode", int) if "errcode" in answer else 0


class AccessToken:
    """The token, and the one who renews it."""

    def __init__(self, app_id: str, secret: str, server: ChannelServer) -> None:
        self._asked = {"grant_type": "client_credential", "appid": app_id, "secret": secret}
        self._server = server
        self._token, self._renew_at = "", 0.0
        self._renewing: asyncio.Task[str] | None = None

    async def get(self, instead_of: str = "") -> str:
        """The token, asked for if need be; whoever comes meanwhile waits for the same answer.

        Args:
            instead_of: the token that WeChat did not take.

        Raises:
            NoToken: there is none to be had.
        """
        if self._token and self._token != instead_of and monotonic() < self._renew_at:
            return self._token
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(instead_of))
            self._renewing.add_done_callback(self._renewed)
        try:
            # Who hangs up ends his own waiting, and nobody else's.
            return await asyncio.shield(self._renewing)
        except Throttled:
            raise
        except (Failed, TimeoutError) as failed:
            raise NoToken(f"no_token_{failed.result if isinstance(failed, Failed) else 'timeout'}") from None

    def _renewed(self, done: asyncio.Task[str]) -> None:
        self._renewing = None
        if not done.cancelled():
            done.exception()  # may be nobody's any more

    async def _renew(self, instead_of: str) -> str:
        # A little before those who wait for it give up, so that they know that they have asked for nothing.
        async with asyncio.timeout(self._server.total_s * 0.9):
            token, lives_s = await self._ask(is_new=False)
            if token == instead_of:
                # The stable one is the refused one: only now by force, which WeChat allows a few times a day.
                token, lives_s = await self._ask(is_new=True)
        self._token = token
        self._renew_at = monotonic() + max(lives_s - RENEW_BEFORE_S, lives_s / 2)
        return token

    async def _ask(self, *, is_new: bool) -> tuple[str, int]:
        """A token and its life in seconds. Asking twice does no harm: whatever fails is tried again."""
        body = json.dumps({**self._asked, "force_refresh": is_new}).encode()
        headers = {"Content-Type": "application/json"}
        async for attempt in safe_again(Failed):
            with attempt:
                answer = read_object(
                    await self._server.ask("POST", "/cgi-bin/stable_token", None, body, headers)
                )
                if errcode := errcode_of(answer):
                    raise (Busy if errcode == -1 else Unreadable)(f"errcode_{errcode}")
                lives_s = member(answer, "expires_in", int)
                if not 0 < lives_s <= LONGEST_LIFE_S:
                    raise Unreadable("wrong_expires_in")
                token = text_of(answer, "access_token", LONGEST_TOKEN)
        return token, lives_s
