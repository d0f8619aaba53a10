"""The WeChat mini-program: login, the bound mobile number, subscribe messages (developers.weixin.qq.com/miniprogram)."""

import json
from collections.abc import Mapping
from typing import Any

from citizens.channels import wechat_token
from citizens.channels.contract import (
    ChannelUnavailable,
    Login,
    LoginBlocked,
    LoginCodeInvalid,
    PhoneCodeInvalid,
    PhoneNotMainland,
    SendOutcome,
)
from citizens.channels.outside import (
    CODE,
    MOBILE,
    Busy,
    ChannelServer,
    Failed,
    NotReached,
    Throttled,
    Unreadable,
    member,
    read_object,
    safe_again,
    text_of,
)
from citizens.channels.wechat_token import AccessToken, TokenInvalid
from models.enums import Channel

URL = "https://api.weixin.qq.com"

BUSY = -1
CODES_SPENT = frozenset((40029, 40163, 41008))
BLOCKED = 40226
# Of one person a minute, of the app a minute, of the app a day.
TOO_OFTEN = {45011: 60, 45009: 3600}
SPENT_TODAY = 45009
NOT_WANTED = frozenset((43101, 40003))
NOT_FITTING = frozenset((40037, 47003, 41030))


class WeChatChannel:
    """Exchanges the code of `wx.login` for an openid.

    The openid is the subject, also where there is a unionid: whether one is sent depends on how the app is bound to an
    open platform account, and binding it later must not turn everybody into somebody else.
    """

    channel = Channel.WECHAT

    def __init__(self, app_id: str, secret: str, server: ChannelServer) -> None:
        self._app_id, self._secret, self._server = app_id, secret, server
        self._token = AccessToken(app_id, secret, server)

    async def exchange(self, code: str) -> Login:
        """See `LoginChannel.exchange`."""
        if not CODE.fullmatch(code):
            raise LoginCodeInvalid
        return Login(subject=await self._server.guard(lambda: self._openid(code)), person=None)

    async def _openid(self, code: str) -> str:
        query = {
            **{"appid": self._app_id, "secret": self._secret},
            **{"js_code": code, "grant_type": "authorization_code"},
        }
        # Busy is a refusal before anything was done; after any other failure the code may have been used.
        async for attempt in safe_again(NotReached, Busy):
            with attempt:
                answer = read_object(await self._server.ask("GET", "/sns/jscode2session", query))
                errcode = wechat_token.errcode_of(answer)
                if errcode in CODES_SPENT:
                    raise LoginCodeInvalid
                if errcode == BLOCKED:
                    raise LoginBlocked
                _refuse(errcode)
        return text_of(answer, "openid", 128)

    async def phone(self, code: str) -> str:
        """See `PhoneChannel.phone`."""
        if not CODE.fullmatch(code):
            raise PhoneCodeInvalid
        return await self._server.guard(lambda: self._phone(code))

    async def _phone(self, code: str) -> str:
        answer = await self._with_token("/wxa/business/getuserphonenumber", {"code": code})
        errcode = wechat_token.errcode_of(answer)
        if errcode in CODES_SPENT:
            raise PhoneCodeInvalid
        _refuse(errcode)
        info = member(answer, "phone_info", dict)
        if text_of(member(info, "watermark", dict), "appid") != self._app_id:
            raise Unreadable("watermark_of_another_app")
        # It comes as a number or as a text.
        if str(info.get("countryCode")) != "86":
            raise PhoneNotMainland
        number = text_of(info, "purePhoneNumber", 32)
        if not MOBILE.fullmatch(number):
            raise Unreadable("wrong_purePhoneNumber")
        return number

    async def send(self, subject: str, template_id: str, page: str, data: Mapping[str, str]) -> SendOutcome:
        """See `Messenger.send`."""
        message = {
            "touser": subject,
            "template_id": template_id,
            "page": page,
            "data": {name: {"value": value} for name, value in data.items()},
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        }
        try:
            return await self._server.guard(lambda: self._send(message))
        except ChannelUnavailable as unavailable:
            is_untaken = unavailable.__cause__ is None or isinstance(
                unavailable.__cause__, NotReached | Throttled | wechat_token.NoToken
            )
            return SendOutcome.TRY_LATER if is_untaken else SendOutcome.UNKNOWN

    async def _send(self, message: Mapping[str, object]) -> SendOutcome:
        errcode = wechat_token.errcode_of(await self._with_token("/cgi-bin/message/subscribe/send", message))
        if errcode in NOT_WANTED:
            return SendOutcome.REFUSED
        if errcode in NOT_FITTING:
            return SendOutcome.NO_TEMPLATE
        if errcode == SPENT_TODAY:
            return SendOutcome.TRY_TOMORROW
        # Every other number says that it was not taken.
        return SendOutcome.TRY_LATER if errcode else SendOutcome.SENT

    async def _with_token(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Post with the access token. One that WeChat does not take was refused before anything was done, so that the
        same may be posted once more with a new one."""
        token = await self._token.get()
        answer = await self._post(path, token, body)
        if wechat_token.errcode_of(answer) in wechat_token.INVALID:
            answer = await self._post(path, await self._token.get(instead_of=token), body)
        return answer

    async def _post(self, path: str, token: str, body: Mapping[str, object]) -> dict[str, Any]:
        packed = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        async for attempt in safe_again(NotReached):
            with attempt:
                answer = await self._server.ask("POST", path, {"access_token": token}, packed, headers)
        return read_object(answer)


def _refuse(errcode: int) -> None:
    if errcode == BUSY:
        raise Busy("busy")
    if errcode in TOO_OFTEN:
        raise Throttled(f"errcode_{errcode}", TOO_OFTEN[errcode])
    if errcode in wechat_token.INVALID:
        raise TokenInvalid(f"errcode_{errcode}")
    if errcode:
        raise Failed(f"errcode_{errcode}")
