"""渠道: where citizens come from. Every channel keeps one contract; which ones exist is a setting."""

from citizens.channels.contract import (
    ChannelUnavailable,
    LegalPerson,
    Login,
    LoginChannel,
    LoginCodeInvalid,
    Messenger,
    Person,
    SendOutcome,
)

__all__ = [
    "ChannelUnavailable",
    "LegalPerson",
    "Login",
    "LoginChannel",
    "LoginCodeInvalid",
    "Messenger",
    "Person",
    "SendOutcome",
]
