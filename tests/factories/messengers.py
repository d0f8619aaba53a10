"""A channel's sending over a real socket: a messenger that speaks WeChat's wire format, and answers for a `Till`."""

from collections.abc import Mapping
from json import dumps, loads
from typing import Any

import httpx

from citizens.channels import SendOutcome
from citizens.message_wordings import Wording
from models.citizen_enums import MessageTemplate
from models.enums import Channel
from tests.factories.tills import Answer, Till, says

LIMIT_S = 0.3
OUTCOMES = {
    0: SendOutcome.SENT,
    43101: SendOutcome.REFUSED,
    40037: SendOutcome.NO_TEMPLATE,
    47003: SendOutcome.NO_TEMPLATE,
    -1: SendOutcome.TRY_LATER,
    45009: SendOutcome.TRY_TOMORROW,
}
WORDINGS = {
    MessageTemplate.COUPON_CLAIMED: Wording("tmpl-claimed", {"thing1": "offer", "time2": "until"}),
    MessageTemplate.COUPON_REDEEMED: Wording(
        "tmpl-redeemed",
        {"thing1": "offer", "thing2": "store", "time3": "at", "amount4": "saved", "thing5": "hint"},
    ),
    MessageTemplate.COUPON_EXPIRING: Wording("tmpl-expiring", {"thing1": "offer", "date2": "until"}),
    MessageTemplate.ANSWERED: Wording(
        "tmpl-answered", {"thing1": "matter", "phrase2": "result", "date3": "at"}
    ),
}


def errcode(number: int) -> Answer:
    """Answer as WeChat does."""
    body = dumps({"errcode": number, "errmsg": "…"}).encode()
    return says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def garbage() -> Answer:
    """Answer 200 with what is no JSON."""
    return says(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")


class SocketMessenger:
    """Posts to a `Till` as the real ones post to their channels."""

    channel = Channel.SANDBOX

    def __init__(self, till: Till) -> None:
        self._till = till

    @property
    def sent(self) -> list[Any]:
        """What arrived, in order."""
        return [loads(body) for body in self._till.bodies]

    async def send(self, subject: str, template_id: str, page: str, data: Mapping[str, str]) -> SendOutcome:
        """See `Messenger.send`."""
        body = {
            "touser": subject,
            "template_id": template_id,
            "page": page,
            "data": {name: {"value": value} for name, value in data.items()},
        }
        async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as client:
            try:
                answer = await client.post(self._till.url, json=body)
                return OUTCOMES.get(answer.json()["errcode"], SendOutcome.UNKNOWN)
            except httpx.ConnectError:
                return SendOutcome.TRY_LATER
            except (httpx.HTTPError, ValueError):
                return SendOutcome.UNKNOWN
