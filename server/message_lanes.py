"""The part of the background process that sends citizens messages: one lane for each channel, which goes easy on it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from citizens import messages
from citizens.channels import Messenger, SendOutcome
from citizens.messages import Desk
from citizens.subscriptions import Wordings
from common.clock import now
from common.tasks import end_tasks
from models.enums import Channel
from server.channels import channels_of
from server.config import Settings

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
RETRY_S = 5.0
# Of one process in one channel.
MOST_PER_S = 50
AT_ONCE = 8
# After trouble one message asks whether it is over, later and later.
FIRST_REST_S, LONGEST_REST_S = 5.0, 300.0
# Told to end, what was taken is sent: nobody could say of it later whether it was.
GRACE_S = 4.0

TROUBLE = (SendOutcome.TRY_LATER, SendOutcome.UNKNOWN)
WELL = (SendOutcome.SENT, SendOutcome.REFUSED, SendOutcome.NO_TEMPLATE, SendOutcome.TRY_TOMORROW)


async def send_for_ever(settings: Settings, messengers: Mapping[Channel, Messenger] | None = None) -> None:
    """Send what waits, until cancelled; a fault only interrupts it.

    Args:
        messengers: by default those of the settings.
    """
    if messengers is None:
        messengers = channels_of(settings).messengers
    lanes = [
        Lane(desks) for each in messengers.values() if (desks := desks_of(settings, each, settings.wordings))
    ]
    running = [asyncio.create_task(lane.run()) for lane in lanes]
    try:
        await asyncio.Event().wait()
    finally:
        await end_tasks(running, again_after_s=GRACE_S + 1)


def desks_of(settings: Settings, messenger: Messenger, wordings: Wordings) -> list[Desk]:
    """One for each kind of message of a channel."""
    offered = wordings.get(messenger.channel, {})
    return [
        Desk(messenger, template, wording, settings.data_keys, now) for template, wording in offered.items()
    ]


@dataclass
class Lane:
    """One channel's: `width` messages at once, one alone after trouble, and `rest_s` before it."""

    desks: list[Desk]
    width: int = AT_ONCE
    rest_s: float = 0.0
    _next_at: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                is_done = not await self.send_some()
                pause = self.rest_s or (LOOK_EVERY_S if is_done else 0.0)
            except Exception:
                log.warning("messages_interrupted", exc_info=True)
                pause = RETRY_S
            await asyncio.sleep(pause)

    async def send_some(self) -> bool:
        """A round through all kinds of messages; whether there was anything to do."""
        has_sent = False
        for desk in self.desks:
            done = await asyncio.gather(
                *(self._send(desk) for _ in range(self.width)), return_exceptions=True
            )
            for each in done:
                if isinstance(each, BaseException):
                    raise each
            has_sent |= any(each is not None for each in done)
            if any(each in WELL for each in done):
                self.width, self.rest_s = AT_ONCE, 0.0
            elif any(each in TROUBLE for each in done):
                self.width = 1
                self.rest_s = min(max(FIRST_REST_S, 2 * self.rest_s), LONGEST_REST_S)
                return has_sent
        return has_sent

    async def _send(self, desk: Desk) -> object:
        # In the order in which they come, so far apart.
        at = self._next_at = max(self._next_at + 1 / MOST_PER_S, time.monotonic())
        await asyncio.sleep(at - time.monotonic())
        sending = asyncio.create_task(messages.send_next(desk))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait({sending}, timeout=GRACE_S)
            raise
