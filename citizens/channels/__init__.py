"""渠道: where citizens come from. Every channel keeps one contract; which ones exist is a setting."""

from citizens.channels.contract import ChannelUnavailable, Login, LoginChannel, LoginCodeInvalid, Person

__all__ = ["ChannelUnavailable", "Login", "LoginChannel", "LoginCodeInvalid", "Person"]
