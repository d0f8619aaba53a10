"""Alipay's gateway: alipay.system.oauth.token, signed with RSA2 in both directions.

Auth codes are `<who>.<anything>`, each good once: `wang.1` is the user id of wang; `open-wang.1` has an open id alone.
"""

import base64
import json as plain_json
import secrets
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from sanic import HTTPResponse, Request, raw

from common.clock import SHANGHAI, now
from sandbox.standins.moods import OneTime, StandIn

APP_ID = "2021000000000001"
SKEW = timedelta(seconds=90)
GOOD, BAD = "alipay_system_oauth_token_response", "error_response"


class AlipayStandIn(StandIn):
    """One app's gateway, with keys that are made when it starts."""

    # forged: signed with a key that is nobody's; unsigned; other_answer: somebody else's answer under this signature;
    # twice: the signed answer, and another one of the same name after it.
    own_moods = ("too_often", "busy", "forged", "unsigned", "other_answer", "twice")

    def __init__(self) -> None:
        super().__init__("alipay")
        self.codes = OneTime()
        self._app_key, self._alipay_key, self._nobodys_key = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)
        )
        self.routes.add_route(self._gateway, "/gateway.do", ["POST"])

    def variables(self, url: str) -> dict[str, str]:
        """See `StandIn.variables`."""
        theirs = self._alipay_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {
            "ALIPAY_APP_ID": APP_ID,
            "ALIPAY_PRIVATE_KEY": _text_of(self._app_key),
            "ALIPAY_PUBLIC_KEY": base64.b64encode(theirs).decode(),
            "ALIPAY_URL": f"{url}/gateway.do",
        }

    def other_key(self) -> str:
        """A key that is not the app's."""
        return _text_of(self._nobodys_key)

    async def _gateway(self, request: Request) -> HTTPResponse:
        asked = {name: values[0] for name, values in {**request.args, **(request.form or {})}.items()}
        if asked.get("app_id") != APP_ID:
            return self._error("40002", "isv.invalid-app-id")
        if not self._is_signed(asked):
            return self._error("40002", "isv.invalid-signature")
        if not _is_of_now(asked.get("timestamp", "")):
            return self._error("40002", "isv.invalid-timestamp")
        if (
            asked.get("method") != "alipay.system.oauth.token"
            or asked.get("grant_type") != "authorization_code"
        ):
            return self._error("40002", "isv.invalid-method")
        if self.mood in ("too_often", "busy"):
            why = ("40005", "isp.call-limited") if self.mood == "too_often" else ("20000", "isp.unknow-error")
            return self._error(*why)
        who = self.codes.use(asked.get("code", ""))
        if who in ("", "stale", "used"):
            return self._error("40002", "isv.code-invalid")
        return self._answer(who)

    def _is_signed(self, asked: dict[str, str]) -> bool:
        text = "&".join(f"{name}={asked[name]}" for name in sorted(asked) if name != "sign" and asked[name])
        try:
            signature = base64.b64decode(asked.get("sign", ""))
            self._app_key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return asked.get("sign_type") == "RSA2"

    def _answer(self, who: str) -> HTTPResponse:
        node = self._node(who)
        key = self._nobodys_key if self.mood == "forged" else self._alipay_key
        sign = base64.b64encode(key.sign(node.encode(), PKCS1v15(), SHA256())).decode()
        shown = self._node("somebody-else") if self.mood == "other_answer" else node
        parts = [f'"{GOOD}":{shown}']
        if self.mood == "twice":
            parts.append(f'"{GOOD}":{self._node("somebody-else")}')
        if self.mood != "unsigned":
            parts.append(f'"sign":"{sign}"')
        return raw("{" + ",".join(parts) + "}", 200, {}, "text/html;charset=utf-8")

    def _node(self, who: str) -> str:
        """With the blanks and escapes that no JSON library of ours would write: the signature is over the text."""
        answer = self.said(
            {
                "open_id" if who.startswith("open-") else "user_id": f"2088-{who}",
                "access_token": "authbseB" + secrets.token_hex(16),
                "auth_start": now().astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
                "expires_in": 1296000,
                "re_expires_in": 2592000,
                "refresh_token": "authbseB" + secrets.token_hex(16),
            }
        )
        return plain_json.dumps(answer, separators=(", ", " : ")).replace("/", "\\/")

    def _error(self, code: str, sub_code: str) -> HTTPResponse:
        node = plain_json.dumps({"code": code, "msg": "Invalid Arguments", "sub_code": sub_code})
        sign = base64.b64encode(self._alipay_key.sign(node.encode(), PKCS1v15(), SHA256())).decode()
        return raw(f'{{"{BAD}":{node},"sign":"{sign}"}}', 200, {}, "text/html;charset=utf-8")


def _text_of(key: rsa.RSAPrivateKey) -> str:
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return base64.b64encode(der).decode()


def _is_of_now(text: str) -> bool:
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return False
    return abs(moment - now()) <= SKEW
