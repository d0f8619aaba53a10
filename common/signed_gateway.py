"""Asking a credit source through the 浙里办 gateway: one signed question, one answer whose own signature is checked.

The gateway signs no bodies. So the source signs its answer for the very question (`X-Answer-Signature`: base64 of the
HMAC-SHA256 of the question's id, a newline and the body), and an answer that was forged, swapped or kept is none.
"""

import base64
import hmac
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from json import dumps
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import stamina

from common.clock import now
from common.gateway_signature import http_date, sign, sorted_query
from common.ids import new_id

ANSWER_SIGNATURE = "X-Answer-Signature"
MOST_BYTES = 65_536
TIMEOUT = httpx.Timeout(1.5, connect=1.0)


class GatewayFailed(ConnectionError):
    """No answer to rely on. `result` says why in a word, without anything that was asked or answered.

    `is_passing`: the same question may be put again at once.
    """

    def __init__(self, result: str, *, is_passing: bool = False) -> None:
        super().__init__(result)
        self.result, self.is_passing = result, is_passing


def answer_signature(key: bytes, request_id: UUID, body: bytes) -> str:
    """What stands in `X-Answer-Signature`."""
    return base64.b64encode(hmac.digest(key, f"{request_id}\n".encode() + body, "sha256")).decode()


@dataclass(frozen=True, slots=True)
class SignedGateway:
    """One address behind the gateway, with the keys to ask and to believe the answer."""

    url: str
    access_key: str
    secret: str = field(repr=False)
    answer_key: bytes = field(repr=False)

    async def ask(self, question: Mapping[str, str]) -> tuple[UUID, bytes]:
        """The answer's body, which the source signed for the question whose id comes with it.

        A look-up is safe to repeat: it is tried twice, each time as a question of its own, so that neither the
        gateway's signature nor the answer's is good for another one.

        Raises:
            GatewayFailed: no answer, or one that is not to be believed.
        """
        retries = stamina.retry_context(
            on=lambda error: isinstance(error, GatewayFailed) and error.is_passing,
            attempts=2,
            timeout=None,
            wait_initial=0.05,
            wait_max=0.1,
            wait_jitter=0.05,
        )
        async for attempt in retries:
            with attempt:
                request_id = new_id()
                answer, signature = await self._post(request_id, question)
        if not hmac.compare_digest(signature, answer_signature(self.answer_key, request_id, answer).encode()):
            raise GatewayFailed("answer_not_signed")
        return request_id, answer

    async def _post(self, request_id: UUID, question: Mapping[str, str]) -> tuple[bytes, bytes]:
        # In the query too, which is signed: no two questions have the same signature.
        query = sorted_query({"requestId": str(request_id)})
        path = urlsplit(self.url).path
        headers = sign("POST", path, query, self.access_key, self.secret, http_date(now()))
        # Unpacked, a small answer could be a large one.
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        body = dumps({"requestId": str(request_id), **question}).encode()
        # No proxy of the environment, no redirect, no connection that is kept for another address.
        async with httpx.AsyncClient(timeout=TIMEOUT, verify=_certificates(), trust_env=False) as client:
            try:
                async with client.stream(
                    "POST", f"{self.url}?{query}", content=body, headers=headers
                ) as response:
                    _refuse_status(response.status_code)
                    answer = await _bounded(response)
            except httpx.TimeoutException:
                raise GatewayFailed("timeout") from None
            except (httpx.HTTPError, ssl.SSLError):
                raise GatewayFailed("not_reached", is_passing=True) from None
        return answer, response.headers.get(ANSWER_SIGNATURE, "").encode()


def _refuse_status(status: int) -> None:
    if status != httpx.codes.OK:
        raise GatewayFailed(str(status), is_passing=status in (500, 502, 503, 504))


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MOST_BYTES:
            raise GatewayFailed("answer_too_large")
    return bytes(body)


@cache
def _certificates() -> ssl.SSLContext:
    # Loading the authorities takes 17 ms, once.
    return ssl.create_default_context()
