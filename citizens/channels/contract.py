"""What a channel promises: a one-time code in, a subject id out, and the person behind it where it knows him."""

import unicodedata
from dataclasses import dataclass
from typing import Protocol

from common.errors import Unauthenticated, Unavailable
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
class Login:
    """Who logged in: the channel's own subject id, and the person where the channel verifies people."""

    subject: str
    person: Person | None


class LoginChannel(Protocol):
    """One channel."""

    @property
    def channel(self) -> Channel:
        """Its name."""

    async def exchange(self, code: str) -> Login:
        """Exchange a one-time code, once.

        Raises:
            LoginCodeInvalid: unknown, used or stale.
            ChannelUnavailable: no answer within the channel's time limit.
        """
