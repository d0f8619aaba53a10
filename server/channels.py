"""Which channels this installation has, made from its settings; each process makes its own."""

from dataclasses import dataclass, field

from citizens.channels import LoginChannel, Messenger, PhoneChannel
from citizens.channels import alipay as alipay_keys
from citizens.channels.alipay import AlipayChannel
from citizens.channels.outside import ChannelServer
from citizens.channels.wechat import WeChatChannel
from citizens.channels.zheliban import ZhelibanChannel
from models.enums import Channel
from server.config import Settings


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels by what they can do."""

    logins: dict[Channel, LoginChannel] = field(default_factory=dict)
    phones: dict[Channel, PhoneChannel] = field(default_factory=dict)
    messengers: dict[Channel, Messenger] = field(default_factory=dict)


def channels_of(settings: Settings) -> Channels:
    """Those whose variables are set, and the sandbox's own in a sandbox."""
    found, given = Channels(), settings.channels
    if settings.sandbox:
        from citizens.channels.sandbox import SandboxChannel

        found.logins[Channel.SANDBOX] = found.phones[Channel.SANDBOX] = SandboxChannel()
    if given.wechat_secret:
        server = ChannelServer(Channel.WECHAT, given.wechat_url)
        wechat = WeChatChannel(given.wechat_app_id, given.wechat_secret, server)
        found.logins[Channel.WECHAT] = found.phones[Channel.WECHAT] = wechat
        found.messengers[Channel.WECHAT] = wechat
    if given.alipay_private_key:
        server = ChannelServer(Channel.ALIPAY, given.alipay_url)
        keys = (
            alipay_keys.private_key(given.alipay_private_key),
            alipay_keys.public_key(given.alipay_public_key),
        )
        found.logins[Channel.ALIPAY] = AlipayChannel(given.alipay_app_id, *keys, server)
    if given.zheliban_secret:
        server = ChannelServer(Channel.ZHELIBAN, given.zheliban_url)
        found.logins[Channel.ZHELIBAN] = ZhelibanChannel(
            given.zheliban_app_id, given.zheliban_access_key, given.zheliban_secret, server
        )
    return found
