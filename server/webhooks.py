"""The part of the background process that tells webhooks: one lane for each, so that a slow till delays no other."""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from benefits import webhook_deliveries
from common.clock import now
from common.outbound import Reach, post
from common.tasks import end_tasks
from models import seals
from server.config import Settings

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
RETRY_S = 5.0
MOST_LANES = 100
# So many in a row; then the lane makes room for others.
RUN = 200


def reach_of(settings: Settings) -> Reach:
    """Only a sandbox may be told at its own machine."""
    return Reach(is_loopback_allowed=settings.sandbox)


async def tell_for_ever(settings: Settings) -> None:
    """Look every second for what is new and what is due, until cancelled; a fault only interrupts it."""
    lanes: dict[UUID, asyncio.Task[None]] = {}
    try:
        while True:
            is_well = await _look(settings, lanes)
            await asyncio.sleep(LOOK_EVERY_S if is_well else RETRY_S)
    finally:
        await end_tasks(lanes.values())


async def _look(settings: Settings, lanes: dict[UUID, asyncio.Task[None]]) -> bool:
    try:
        for webhook_id in [each for each, lane in lanes.items() if lane.done()]:
            lanes.pop(webhook_id)
        try:
            await webhook_deliveries.derive_new(now())
        except seals.SealingWaits as wait:
            log.warning("webhooks_wait_for_the_ledger", pids=wait.pids)
        for webhook_id in await webhook_deliveries.due(now()):
            if webhook_id not in lanes and len(lanes) < MOST_LANES:
                lanes[webhook_id] = asyncio.create_task(_tell(settings, webhook_id))
    except Exception:
        log.warning("webhooks_interrupted", exc_info=True)
        return False
    return True


async def _tell(settings: Settings, webhook_id: UUID) -> None:
    """One after the other until nothing is due or one was not taken."""
    send = partial(_send, reach_of(settings))
    try:
        for _ in range(RUN):
            if not await webhook_deliveries.deliver_next(webhook_id, settings.data_keys, send, now):
                return
    except Exception:
        log.warning("webhook_interrupted", webhook_id=str(webhook_id), exc_info=True)


async def _send(reach: Reach, url: str, body: bytes, headers: dict[str, str]) -> int:
    return await post(url, body, headers, reach)
