"""What a channel promises: a one-time code in, a subject id out, and the person behind it where it knows him."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from common.errors import Forbidden, Invalid, Refused, Unauthenticated, Unavailable
from models.enums import Channel


class LoginCodeInvalid(Unauthenticated):
    """The channel does not know the code, or it was used."""

    code = "login_code_invalid"
    zh = "登录凭证无效或已使用。请返回小程序重新进入。"
    en = "The login code is not valid or was used. Go back to the mini-program and open it again."


class ChannelUnavailable(Unavailable):
    """The channel does not answer, or this installation does not have it."""

    code = "channel_unavailable"
    zh = "登录渠道暂时没有响应，请稍后再试，或换一个渠道登录。"
    en = "The login channel does not answer; try again later, or log in another way."


class LoginBlocked(Forbidden):
    """The channel itself keeps this account from logging in anywhere."""

    code = "login_blocked"
    zh = "渠道限制了您的账号登录。请先在该渠道里查看账号状态，或换一个渠道登录。"
    en = "The channel keeps your account from logging in. See there what is wrong, or log in another way."


class NaturalPersonRequired(Forbidden):
    """A legal person's login where a citizen signs in."""

    code = "natural_person_required"
    zh = "这是法人账号。请切换到个人账号后再登录；商户请从商户入口登录。"
    en = "This is a legal person's account. Switch to your own and sign in again; members have an entrance of theirs."


class LegalPersonRequired(Forbidden):
    """A natural person's login where a member signs in."""

    code = "legal_person_required"
    zh = "这是个人账号。请切换到本单位的法人账号后再登录，或用店员账号和密码登录。"
    en = "This is a natural person's account. Switch to the member's legal person, or sign in with login and password."


class PhoneCodeInvalid(Invalid):
    """The channel does not know the code for a phone number, or it was used."""

    code = "phone_code_invalid"
    pointer = "/code"
    zh = "手机号授权码无效或已使用。请再点一次“授权手机号”。"
    en = "The code for the phone number is not valid or was used. Press the button for the number once more."


class PhoneNotMainland(Refused):
    """The account's number is of another country or region: none that we keep."""

    code = "phone_not_mainland"
    zh = "这个账号绑定的不是中国大陆手机号。请先在该渠道换绑大陆手机号，再来授权。"
    en = "The account's number is not of the Chinese mainland. Bind one there first, then come back."


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person as a channel has verified him.

    The ID number in one spelling: the channels differ in the case of the check character X, and one person
    must not become two.
    """

    name: str
    id_number: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "id_number", unicodedata.normalize("NFKC", self.id_number).strip().upper())


@dataclass(frozen=True, slots=True)
class LegalPerson:
    """A legal person as a channel has verified it: 统一社会信用代码 and name; who may act for it signs in with it."""

    uscc: str
    name: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who logged in: the channel's own subject id, and the person where the channel verifies people.

    `phone` is a mainland number without its country's code, where the channel has verified one. A login of a legal
    person has no natural person: it is no citizen's.
    """

    subject: str
    person: Person | None
    phone: str | None = None
    legal_person: LegalPerson | None = None


class LoginChannel(Protocol):
    """One channel."""

    @property
    def channel(self) -> Channel:
        """Its name."""

    async def exchange(self, code: str) -> Login:
        """Exchange a one-time code, once.

        Raises:
            LoginCodeInvalid: unknown, used or stale.
            LoginBlocked: the channel itself keeps the account out.
            ChannelUnavailable: no answer within the channel's time limit.
        """


class PhoneChannel(Protocol):
    """A channel that tells the number that its account is bound to (手机号授权)."""

    @property
    def channel(self) -> Channel:
        """Its name."""

    async def phone(self, code: str) -> str:
        """Exchange a one-time code for a mainland number without its country's code, once.

        Raises:
            PhoneCodeInvalid: unknown, used or stale.
            PhoneNotMainland: there is one, of somewhere else.
            ChannelUnavailable: no answer within the channel's time limit.
        """


class SendOutcome(StrEnum):
    """What became of a message: only what is to be tried may be sent again; of `UNKNOWN` nobody can say whether it arrived.

    `TRY_TOMORROW`: the channel's limit for a day is used up (WeChat 45009).
    """

    SENT = "sent"
    REFUSED = "refused"
    NO_TEMPLATE = "no_template"
    TRY_LATER = "try_later"
    TRY_TOMORROW = "try_tomorrow"
    UNKNOWN = "unknown"


class Messenger(Protocol):
    """A channel that can tell its people something (订阅消息)."""

    @property
    def channel(self) -> Channel:
        """Its name."""

    async def send(self, subject: str, template_id: str, page: str, data: Mapping[str, str]) -> SendOutcome:
        """Send one message, once.

        Args:
            subject: the channel's own id of the person.
            page: the mini-program's page that it opens.
            data: the template's fields by name.

        Returns:
            `REFUSED` when the person does not want it or has no quota left, `NO_TEMPLATE` when template or data don't
            fit, `TRY_LATER` or `TRY_TOMORROW` when it certainly was not taken, `UNKNOWN` when the answer was lost.
        """
