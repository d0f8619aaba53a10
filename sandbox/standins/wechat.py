"""WeChat's server for a mini-program: login, stable token, phone number, subscribe messages.

Login codes are `<who>.<anything>`, each good once: `wang.1` is the openid of wang. Codes for a phone number are
`<number>.<anything>`, with a country's code before a dash where it is not 86: `13700009050.1`, `852-51234567.1`.
"""

import secrets
import time
from typing import Any

from sanic import HTTPResponse, Request, json

from sandbox.standins.moods import OneTime, StandIn

APP_ID, SECRET = "wx5and60x00000001", "sandbox-secret-of-the-mini-program"
LIVES_S = 7200


class WeChatStandIn(StandIn):
    """One mini-program's WeChat."""

    # too_often, busy and blocked in WeChat's own words; other_app: a phone number of another mini-program's user;
    # no_token: every access token is refused.
    own_moods = ("too_often", "busy", "blocked", "other_app", "no_token", "unwanted", "no_template")

    def __init__(self) -> None:
        super().__init__("wechat")
        self.codes, self.tokens = OneTime(), set[str]()
        self.sent: list[dict[str, Any]] = []
        self.has_unionid = False
        add = self.routes.add_route
        add(self._session, "/sns/jscode2session", ["GET"])
        add(self._stable_token, "/cgi-bin/stable_token", ["POST"])
        add(self._phone, "/wxa/business/getuserphonenumber", ["POST"])
        add(self._message, "/cgi-bin/message/subscribe/send", ["POST"])

    def variables(self, url: str) -> dict[str, str]:
        """See `StandIn.variables`."""
        return {"WECHAT_APP_ID": APP_ID, "WECHAT_SECRET": SECRET, "WECHAT_URL": url}

    def forget_tokens(self) -> None:
        """As WeChat does when the secret is changed."""
        self.tokens.clear()

    def _ill(self) -> HTTPResponse | None:
        errcode = {"too_often": 45011, "busy": -1, "blocked": 40226}.get(self.mood)
        return error(errcode) if errcode else None

    async def _session(self, request: Request) -> HTTPResponse:
        asked = {name: request.args.get(name, "") for name in ("appid", "secret", "js_code", "grant_type")}
        if refusal := _refused(asked["appid"], asked["secret"]) or self._ill():
            return refusal
        if asked["grant_type"] != "authorization_code":
            return error(40002)
        who = self.codes.use(asked["js_code"])
        if who in ("", "stale", "used"):
            return error(40163 if who == "used" else 40029)
        # As the real one: no errcode when all is well, a unionid once the app is bound to an open platform account.
        bound = {"unionid": f"u-{who}"} if self.has_unionid else {}
        return json(self.said({"openid": f"o-{who}", "session_key": secrets.token_urlsafe(16), **bound}))

    async def _stable_token(self, request: Request) -> HTTPResponse:
        asked = request.json or {}
        if refusal := _refused(asked.get("appid"), asked.get("secret")) or self._ill():
            return refusal
        if asked.get("grant_type") != "client_credential":
            return error(40002)
        if not self.tokens or asked.get("force_refresh"):
            # Longer than the documents said for years.
            self.tokens.add(secrets.token_urlsafe(450))
        return json(self.said({"access_token": next(iter(self.tokens)), "expires_in": LIVES_S}))

    def _token_refused(self, request: Request) -> HTTPResponse | None:
        is_good = request.args.get("access_token", "") in self.tokens and self.mood != "no_token"
        return None if is_good else error(40001)

    async def _phone(self, request: Request) -> HTTPResponse:
        if refusal := self._token_refused(request) or self._ill():
            return refusal
        who = self.codes.use(str((request.json or {}).get("code", "")))
        if who in ("", "stale", "used"):
            return error(40163 if who == "used" else 40029)
        country, dash, number = who.rpartition("-")
        info = {
            "phoneNumber": number,
            "purePhoneNumber": number,
            # A number or a text, as it comes.
            "countryCode": country if dash else 86,
            "watermark": {
                "timestamp": int(time.time()),
                "appid": "wx-of-somebody-else" if self.mood == "other_app" else APP_ID,
            },
        }
        return json(self.said({"errcode": 0, "errmsg": "ok", "phone_info": info}))

    async def _message(self, request: Request) -> HTTPResponse:
        if refusal := self._token_refused(request) or self._ill():
            return refusal
        if errcode := {"unwanted": 43101, "no_template": 40037}.get(self.mood):
            return error(errcode)
        self.sent.append(request.json)
        return json({"errcode": 0, "errmsg": "ok", "msgid": 1})


def _refused(app_id: object, secret: object) -> HTTPResponse | None:
    if app_id != APP_ID:
        return error(40013)
    return error(40125) if secret != SECRET else None


def error(errcode: int) -> HTTPResponse:
    """WeChat's way to refuse: 200, and a number."""
    return json({"errcode": errcode, "errmsg": "rid: stand-in"})
