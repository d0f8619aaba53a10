"""浙里办's gateway and its single sign-on.

Tickets are `<who>.<anything>`, each good once. `who` is one of the demo people (`demo-good.1`, `load-7.1`), a legal person
by its code (`uscc-91330106MA2AXXXX1B.1`), or `passport`, `hongkong`, `taiwan`, `misprinted`: people with other papers.
"""

import base64
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from sanic import HTTPResponse, Request, json

from citizens import sandbox_people
from sandbox.standins.moods import OneTime, StandIn

APP_ID, ACCESS_KEY, SECRET = "2002000001", "sandbox-access-key", "sandbox-secret-key"
SKEW = timedelta(seconds=90)
PHONE = "13700009050"
PAPERS = {
    "passport": ("PASSPORT", "E12345678"),
    "hongkong": ("MAINLAND_TRAVEL_PERMIT_FOR_HONGKONG_AND_MACAO_RESIDENTS", "H1234567801"),
    "taiwan": ("MAINLAND_TRAVEL_PERMIT_FOR_TAIWAN_RESIDENTS", "1234567801"),
    "misprinted": ("ID_CARD", "330106198003120010"),
}


class ZhelibanStandIn(StandIn):
    """One app's gateway."""

    # As the gateway says them: clock_off, other_signature, other_key, no_route; user_empty and token_lost after the
    # ticket was spent; strange: an error that is in no list; nobody: neither a person nor a legal person.
    own_moods = (
        *("clock_off", "other_signature", "other_key", "no_route"),
        *("user_empty", "token_lost", "strange", "nobody"),
    )

    def __init__(self) -> None:
        super().__init__("zheliban")
        self.tickets, self._tokens = OneTime(), dict[str, str]()
        base = "/restapi/prod/IC3300002022032900000"
        self.routes.add_route(self._access_token, f"{base}7/uc/sso/access_token", ["POST"])
        self.routes.add_route(self._user_info, f"{base}8/uc/sso/getUserInfo", ["POST"])

    def variables(self, url: str) -> dict[str, str]:
        """See `StandIn.variables`."""
        return {
            "ZHELIBAN_APP_ID": APP_ID,
            "ZHELIBAN_ACCESS_KEY": ACCESS_KEY,
            "ZHELIBAN_SECRET": SECRET,
            "ZHELIBAN_URL": url,
        }

    async def _access_token(self, request: Request) -> HTTPResponse:
        if refusal := self._gateway_refuses(request):
            return refusal
        asked = request.json or {}
        if asked.get("appId") != APP_ID:
            return failed("C-USER-SSO-APP-INVALID")
        who = self.tickets.use(str(asked.get("ticketId", "")))
        if who in ("", "stale", "used"):
            return failed("C-USER-SSO-TICKET-INVALID")
        if self.mood == "strange":
            return failed("C-USER-SSO-STRANGE")
        token = "debug_at_" + secrets.token_hex(16)
        self._tokens[token] = who
        return json(self.said({"success": True, "errorCode": None, "data": {"accessToken": token}}))

    async def _user_info(self, request: Request) -> HTTPResponse:
        if refusal := self._gateway_refuses(request):
            return refusal
        who = self._tokens.get(str((request.json or {}).get("token", "")))
        if who is None or self.mood == "token_lost":
            return failed("C-USER-SSO-TOKEN-INVALID")
        data = {} if self.mood == "user_empty" else info_of(who)
        if not data:
            return failed("C-USER-SSO-USER-EMPTY")
        if self.mood == "nobody":
            data["userType"] = "GOVERNMENT"
        return json(self.said({"success": True, "errorCode": None, "data": data}))

    def _gateway_refuses(self, request: Request) -> HTTPResponse | None:
        """Checks what the real gateway checks: key, clock, signature."""
        headers = {name: request.headers.get(f"X-BG-{name}", "") for name in ("HMAC-ACCESS-KEY", "DATE-TIME")}
        text = f"{request.method}\n{request.path}\n{request.query_string}\n" + "".join(
            f"{headers[name]}\n" for name in ("HMAC-ACCESS-KEY", "DATE-TIME")
        )
        expected = base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha256")).decode()
        is_hmac = request.headers.get("X-BG-HMAC-ALGORITHM") == "hmac-sha256"
        is_signed = is_hmac and hmac.compare_digest(
            expected.encode(), request.headers.get("X-BG-HMAC-SIGNATURE", "").encode()
        )
        if headers["HMAC-ACCESS-KEY"] != ACCESS_KEY or self.mood == "other_key":
            return refused("Invalid access key")
        if not _is_of_now(headers["DATE-TIME"]) or self.mood == "clock_off":
            return refused("Clock skew exceeded")
        if not is_signed or self.mood == "other_signature":
            return refused("Invalid signature")
        return refused("The route_id is forbidden.") if self.mood == "no_route" else None


def _is_of_now(text: str) -> bool:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return False
    return moment.tzinfo is not None and abs(moment - datetime.now(UTC)) <= SKEW


def info_of(who: str) -> dict[str, Any]:
    """What getUserInfo says of somebody; nothing of nobody."""
    if who.startswith("uscc-"):
        legal = {"name": "湖畔百货有限公司", "unifiedSocialId": who.removeprefix("uscc-"), "orgType": "01"}
        return {
            "userType": "LEGAL_PERSON",
            "legalPersonInfo": {**legal, "attnName": "经办人", "attnPhone": PHONE},
        }
    kind, number, name = "ID_CARD", "", "李念"
    if who in PAPERS:
        kind, number = PAPERS[who]
    elif person := sandbox_people.person_of(who):
        name, number = person.name, person.id_number
    if not number:
        return {}
    info = {"userId": f"u-{who}", "userName": name, "idType": kind, "idNo": number, "phone": PHONE}
    return {"userType": "PERSON", "personInfo": {**info, "gender": "1", "birthday": "1980-03-12"}}


def failed(error_code: str) -> HTTPResponse:
    """The sign-on's way to refuse."""
    return json({"success": False, "errorCode": error_code, "errorMsg": "stand-in", "data": None})


def refused(message: str) -> HTTPResponse:
    """The gateway's way to refuse."""
    return json({"message": message}, 401)
