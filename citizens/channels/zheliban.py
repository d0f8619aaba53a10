"""浙里办: single sign-on over the gateway of the provincial data platform (IRS), whose requests are signed (HMAC-SHA256).

The page hands over a ticket; it is exchanged for a token, and the token for who it is. A ticket by itself is nobody.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any
from unicodedata import normalize
from urllib.parse import parse_qsl, quote, urlsplit

from stdnum.cn import ric, uscc

from citizens.channels.contract import LegalPerson, Login, LoginCodeInvalid, Person
from citizens.channels.outside import (
    CODE,
    MOBILE,
    ChannelServer,
    Failed,
    NotReached,
    Unreadable,
    member,
    read_object,
    safe_again,
    text_of,
)
from common.clock import now
from models.enums import Channel

URL = "https://ibcdsg.zj.gov.cn:8443"
TOKEN_PATH = "/restapi/prod/IC33000020220329000007/uc/sso/access_token"  # noqa: S105 - a path
PERSON_PATH = "/restapi/prod/IC33000020220329000008/uc/sso/getUserInfo"

# The ticket is spent when the token turns out to be none, or nobody's: only a new ticket helps.
TICKETS_SPENT = frozenset(("C-USER-SSO-TICKET-INVALID", "C-USER-SSO-TOKEN-INVALID", "C-USER-SSO-USER-EMPTY"))
ERROR_CODE = re.compile(r"[A-Z0-9-]{1,64}")
USCC_FORM = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")

RESIDENT = frozenset(("ID_CARD", "GANG_AO_TAI_RESIDENCE_CART"))
# Numbers that somebody keeps for life, and the part of each that stays when the paper is made anew.
FOR_LIFE = {
    "MAINLAND_TRAVEL_PERMIT_FOR_HONGKONG_AND_MACAO_RESIDENTS": (
        "HKM",
        re.compile(r"([HM][0-9]{8})(?:[0-9]{2})?"),
    ),
    "MAINLAND_TRAVEL_PERMIT_FOR_TAIWAN_RESIDENTS": ("TWN", re.compile(r"([0-9]{8})(?:[0-9]{2})?")),
}


class ZhelibanChannel:
    """Exchanges a ticket for a natural person, or for the legal person that somebody acts for."""

    channel = Channel.ZHELIBAN

    def __init__(self, app_id: str, access_key: str, secret: str, server: ChannelServer) -> None:
        self._app_id, self._access_key, self._secret = app_id, access_key, secret
        self._server = server
        self._base_path = urlsplit(server.url).path

    async def exchange(self, code: str) -> Login:
        """See `LoginChannel.exchange`."""
        if not CODE.fullmatch(code):
            raise LoginCodeInvalid
        return await self._server.guard(lambda: self._login(code))

    async def _login(self, ticket: str) -> Login:
        asked = {"ticketId": ticket, "appId": self._app_id}
        token = text_of(await self._post(TOKEN_PATH, asked), "accessToken", 4096)
        return login_of(await self._post(PERSON_PATH, {"token": token}))

    async def _post(self, path: str, asked: Mapping[str, str]) -> dict[str, Any]:
        body = json.dumps(asked).encode()
        async for attempt in safe_again(NotReached):
            with attempt:
                signed = signature_headers(
                    "POST", self._base_path + path, "", self._access_key, self._secret, now()
                )
                headers = {**signed, "Content-Type": "application/json"}
                raw = await self._server.ask("POST", path, None, body, headers)
        answer = read_object(raw)
        if answer.get("success") is True:
            return member(answer, "data", dict)
        why = str(answer.get("errorCode"))
        if why in TICKETS_SPENT:
            raise LoginCodeInvalid
        raise Failed(f"refused_{why}" if ERROR_CODE.fullmatch(why) else "refused")


def signature_headers(
    method: str, path: str, query: str, access_key: str, secret: str, at: datetime
) -> dict[str, str]:
    """The gateway's headers; the date is RFC 7231's, and may be 90 seconds off. The body is not signed."""
    date_time = format_datetime(at.astimezone(UTC), usegmt=True)
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    ordered = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    text = f"{method}\n{path}\n{ordered}\n{access_key}\n{date_time}\n"
    return {
        "X-BG-HMAC-ACCESS-KEY": access_key,
        "X-BG-HMAC-ALGORITHM": "hmac-sha256",
        "X-BG-DATE-TIME": date_time,
        "X-BG-HMAC-SIGNATURE": base64.b64encode(
            hmac.digest(secret.encode(), text.encode(), "sha256")
        ).decode(),
    }


def login_of(data: Mapping[str, Any]) -> Login:
    """Who `getUserInfo` says it is.

    Raises:
        Unreadable: it says nobody, or somebody with a number that can't be one.
    """
    match data.get("userType"):
        case "PERSON":
            info = member(data, "personInfo", dict)
            return Login(text_of(info, "userId", 128), _person(info), phone=_phone(info))
        case "LEGAL_PERSON":
            info = member(data, "legalPersonInfo", dict)
            # The form alone: a rare real code fails its check digit, and the office has let its member join.
            code = uscc.compact(normalize("NFKC", text_of(info, "unifiedSocialId", 64)))
            if not USCC_FORM.fullmatch(code):
                raise Unreadable("wrong_unifiedSocialId")
            return Login(code, None, legal_person=LegalPerson(code, text_of(info, "name", 256)))
    raise Unreadable("wrong_userType")


def _person(info: Mapping[str, Any]) -> Person | None:
    """The natural person, where the paper has a number that is his and nobody else's for good.

    A passport's number changes with every new one and says nothing without its country; an officer's card, an old number
    of 15 digits and whatever we don't know are no better. Who has nothing else signs in without a verified name.
    """
    name, kind = text_of(info, "userName", 128), str(info.get("idType"))
    number = normalize("NFKC", text_of(info, "idNo", 64)).strip().upper()
    # What kind of paper it is, the number of a resident shows by itself; it has to be one where the paper says so.
    if is_resident_number(number):
        return Person(name, number)
    if kind in RESIDENT:
        raise Unreadable("wrong_idNo")
    if kind in FOR_LIFE:
        mark, form = FOR_LIFE[kind]
        found = form.fullmatch(number)
        return Person(name, f"{mark}:{found[1]}") if found else None
    return None


def is_resident_number(number: str) -> bool:
    """Whether it is a 公民身份号码 (GB 11643): 18 signs, a day of birth that was, the right check digit.

    Its first six digits are not looked up: a list of counties is always behind the newest ones, and the residence cards
    of people from Hong Kong, Macao, Taiwan and abroad begin with none.
    """
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number) or ric.calc_check_digit(number) != number[-1]:
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return born.year > 1850 and born <= now().date()


def _phone(info: Mapping[str, Any]) -> str | None:
    """The number if it is one of the mainland; a masked or foreign one is none."""
    value = info.get("phone")
    number = value.strip().removeprefix("+86").removeprefix("86-").strip() if isinstance(value, str) else ""
    return number if MOBILE.fullmatch(number) else None
