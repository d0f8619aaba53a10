"""渠道: where citizens come from. Every channel keeps one contract; which ones exist is a setting."""

from citizens.channels.contract import (
    ChannelUnavailable,
    LegalPerson,
    LegalPersonRequired,
    Login,
    LoginBlocked,
    LoginChannel,
    LoginCodeInvalid,
    Messenger,
    NaturalPersonRequired,
    Person,
    PhoneChannel,
    PhoneCodeInvalid,
    PhoneNotMainland,
    SendOutcome,
)

__all__ = [
    "ChannelUnavailable",
    "LegalPerson",
    "LegalPersonRequired",
    "Login",
    "LoginBlocked",
    "LoginChannel",
    "LoginCodeInvalid",
    "Messenger",
    "NaturalPersonRequired",
    "Person",
    "PhoneChannel",
    "PhoneCodeInvalid",
    "PhoneNotMainland",
    "SendOutcome",
]
