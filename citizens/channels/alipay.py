"""The Alipay mini-program: alipay.system.oauth.token over the open platform's gateway, signed in both directions (RSA2)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from citizens.channels.contract import Login, LoginCodeInvalid
from citizens.channels.outside import (
    CODE,
    Busy,
    ChannelServer,
    Failed,
    NotReached,
    Throttled,
    read_object,
    safe_again,
    text_of,
)
from common.clock import SHANGHAI, now
from models.enums import Channel

URL = "https://openapi.alipay.com/gateway.do"
METHOD = "alipay.system.oauth.token"
ANSWER, ERROR = "alipay_system_oauth_token_response", "error_response"
LEAST_BITS = 2048

CODES_SPENT = frozenset(("isv.code-invalid", "isv.code-is-null", "isv.code-expired", "isv.code-used"))
GOOD = "10000"
BLANKS = re.compile(r"[ \t\r\n]*")


class AlipayChannel:
    """Exchanges an auth code for a user id.

    The subject is `user_id`, or `open_id` where the app is given none: an app of old that is sent both keeps knowing its
    people by what it has always known them by.
    """

    channel = Channel.ALIPAY

    def __init__(
        self, app_id: str, private_key: RSAPrivateKey, alipay_key: RSAPublicKey, server: ChannelServer
    ) -> None:
        self._app_id, self._private_key, self._alipay_key = app_id, private_key, alipay_key
        self._server = server

    async def exchange(self, code: str) -> Login:
        """See `LoginChannel.exchange`."""
        if not CODE.fullmatch(code):
            raise LoginCodeInvalid
        return Login(subject=await self._server.guard(lambda: self._subject(code)), person=None)

    async def _subject(self, code: str) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
        async for attempt in safe_again(NotReached):
            with attempt:
                body = urlencode(self.signed(code, now())).encode()
                raw = await self._server.ask("POST", "", None, body, headers)
        answer = read_answer(raw, self._alipay_key)
        return text_of(answer, "user_id" if answer.get("user_id") else "open_id", 128)

    def signed(self, code: str, at: datetime) -> dict[str, str]:
        """The gateway's parameters, with their signature; its clock shows the time of Shanghai."""
        parameters = {
            "app_id": self._app_id,
            "method": METHOD,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "grant_type": "authorization_code",
            "code": code,
        }
        signature = self._private_key.sign(text_to_sign(parameters), PKCS1v15(), SHA256())
        return {**parameters, "sign": base64.b64encode(signature).decode()}


def text_to_sign(parameters: Mapping[str, str]) -> bytes:
    """`name=value` joined by &, in the order of the names, without the signature and without what is empty."""
    given = sorted((name, value) for name, value in parameters.items() if value and name != "sign")
    return "&".join(f"{name}={value}" for name, value in given).encode()


def read_answer(raw: bytes, alipay_key: RSAPublicKey) -> dict[str, Any]:
    """What the gateway answers, once its signature over that very text is seen to be Alipay's.

    An error needs none: it lets nobody in, and the gateway signs no answer to a request that it can't attribute.

    Raises:
        LoginCodeInvalid: it says that the code is unknown, used or stale.
        Throttled, Busy, Failed: it says something else, or is nothing that Alipay has signed.
    """
    try:
        text = raw.decode()
        parts = raw_members(text)
    except (ValueError, RecursionError):
        raise Failed("not_json") from None
    if ERROR in parts:
        _refuse(read_object(parts[ERROR].encode()))
    if ANSWER not in parts:
        raise Failed("no_answer")
    answer = read_object(parts[ANSWER].encode())
    if str(answer.get("code", GOOD)) != GOOD:
        _refuse(answer)
    _must_be_signed(parts[ANSWER], parts.get("sign", ""), alipay_key)
    return answer


def _must_be_signed(text: str, quoted: str, alipay_key: RSAPublicKey) -> None:
    try:
        signature = base64.b64decode(json.loads(quoted or '""'), validate=True)
        alipay_key.verify(signature, text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError, TypeError):
        raise Failed("wrong_signature") from None


def raw_members(text: str) -> dict[str, str]:
    """The members of a JSON object, each value as the text that it is written with: what a signature is over.

    Raises:
        ValueError: it is no object, or has a member twice, so that two readers could read two things.
    """
    decoder, found = json.JSONDecoder(), dict[str, str]()
    at = _past(text, 0, "{")
    while text[at : at + 1] != "}":
        if found:
            at = _past(text, at, ",")
        name, at = decoder.raw_decode(text, at)
        begin = _past(text, at, ":")
        _, end = decoder.raw_decode(text, begin)
        if not isinstance(name, str) or name in found:
            raise ValueError("a member that is no name or comes twice")
        found[name] = text[begin:end]
        at = _past(text, end)
    if text[at + 1 :].strip():
        raise ValueError("more than one value")
    return found


def _past(text: str, at: int, mark: str = "") -> int:
    """Where the next thing begins after blanks, after a mark that has to be there, and after blanks again."""
    at = _blanks_end(text, at)
    if not text.startswith(mark, at):
        raise ValueError("no JSON object")
    return _blanks_end(text, at + len(mark))


def _blanks_end(text: str, at: int) -> int:
    found = BLANKS.match(text, at)
    return found.end() if found else at


def _refuse(answer: Mapping[str, Any]) -> None:
    why = str(answer.get("sub_code") or answer.get("code") or "")
    if why in CODES_SPENT:
        raise LoginCodeInvalid
    if why in ("isp.call-limited", "isv.app-call-limited", "40005"):
        raise Throttled("call_limited", 60)
    if why in ("isp.unknow-error", "aop.unknow-error", "20000"):
        raise Busy("busy")
    is_known = CODE.fullmatch(why) and len(why) <= 64
    raise Failed(f"refused_{why}" if is_known else "refused")


def private_key(text: str) -> RSAPrivateKey:
    """An RSA key of 2048 bits or more, as PEM or as its DER in base64 (what Alipay's key tool gives).

    Raises:
        ValueError: it is none.
    """
    try:
        key = serialization.load_der_private_key(_der(text), None)
    except (UnsupportedAlgorithm, TypeError):
        raise ValueError("no RSA key") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise ValueError("no RSA key of 2048 bits")
    return key


def public_key(text: str) -> RSAPublicKey:
    """The same of Alipay's public key, which Alipay shows once ours was uploaded.

    Raises:
        ValueError: it is none.
    """
    try:
        key = serialization.load_der_public_key(_der(text))
    except (UnsupportedAlgorithm, TypeError):
        raise ValueError("no RSA key") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise ValueError("no RSA key of 2048 bits")
    return key


def _der(text: str) -> bytes:
    """Also of a PEM whose line ends a file of variables has written as two signs."""
    lines = text.replace("\\n", "\n").split("\n")
    return base64.b64decode("".join(line.strip() for line in lines if "-----" not in line), validate=True)
