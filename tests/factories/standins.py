"""The outside world at ports of loopback, in this process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from sandbox.standins.alipay import AlipayStandIn
from sandbox.standins.moods import WELL, StandIn, app_of
from sandbox.standins.wechat import WeChatStandIn
from sandbox.standins.zheliban import ZhelibanStandIn
from tests.server.kit import serve

_numbers = count(1)


@dataclass
class Outside:
    """One stand-in of each channel, and where it is."""

    wechat: WeChatStandIn = field(default_factory=WeChatStandIn)
    alipay: AlipayStandIn = field(default_factory=AlipayStandIn)
    zheliban: ZhelibanStandIn = field(default_factory=ZhelibanStandIn)
    variables: dict[str, str] = field(default_factory=dict)

    def of(self, channel: str) -> StandIn:
        """The stand-in of a channel."""
        standin: StandIn = getattr(self, channel)
        return standin

    def recover(self) -> None:
        """All are well, and have not been called."""
        for standin in (self.wechat, self.alipay, self.zheliban):
            standin.become(WELL)
            standin.calls.clear()


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """The three channels' stand-ins; `variables` lead a service to them."""
    world = Outside()
    async with AsyncExitStack() as stack:
        for standin in (world.wechat, world.alipay, world.zheliban):
            port = await stack.enter_async_context(serve(app_of(f"standin-{next(_numbers)}", standin)))
            world.variables |= standin.variables(f"http://127.0.0.1:{port}")
        yield world
        world.recover()  # nobody is left hanging
