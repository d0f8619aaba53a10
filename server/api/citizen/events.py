"""Server-sent events: the phone learns of the scan while it still shows the code."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sanic import Blueprint, Request

from benefits import coupon_events, coupons
from common import events
from common.actors import CitizenActor
from common.clock import now
from server.endpoints import endpoint
from server.errors import TooManyRequests

routes = Blueprint("coupon_events")

HEARTBEAT_S = 15
# Without Redis the stream looks for itself.
LOOK_EVERY_S = 3
# More than a person's phones show at once: each open stream holds memory for half an hour.
MOST_PER_CITIZEN = 20

_open: Counter[UUID] = Counter()
# A page that stays open longer asks again; a stream that nobody reads ends by itself.
LONGEST_S = 1800


@endpoint(
    routes,
    "GET",
    "/coupons/<coupon_id>/events",
    summary="核销通知 / Redeemed and reversed, as they happen",
    answers={200: {"text/event-stream": None}},
)
async def stream(request: Request, actor: CitizenActor, coupon_id: UUID) -> None:
    """`redeemed` and `reversed` within a second of the scan; `status` at first, and whenever one may have been missed.

    When it breaks, GET the coupon and come back.
    """
    await coupons.coupon_of(actor.id, coupon_id, now())
    async with _one_of_few(actor.id), events.subscription(coupon_events.channel(coupon_id)) as queue:
        response = await request.respond(
            content_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        assert response is not None

        async def send_status() -> None:
            coupon = await coupons.coupon_of(actor.id, coupon_id, now())
            await response.send(_event("status", {"status": coupon.status, "uses_left": coupon.uses_left}))

        # Read after subscribing: whatever happens from here on arrives as an event.
        await send_status()
        ends_at = asyncio.get_running_loop().time() + LONGEST_S
        while (left := ends_at - asyncio.get_running_loop().time()) > 0:
            if actor.session_id in request.app.ctx.authenticate.revoked:
                break
            is_listening = events.is_listening()
            try:
                pause = HEARTBEAT_S if is_listening else LOOK_EVERY_S
                message = await asyncio.wait_for(queue.get(), min(pause, left))
            except TimeoutError:
                await (response.send(": still here\n\n") if is_listening else send_status())
                continue
            if message is None or actor.session_id in request.app.ctx.authenticate.revoked:
                break
            if message is events.MISSED:
                await send_status()
            else:
                await response.send(_event(message.pop("event"), message))
        await response.eof()


@asynccontextmanager
async def _one_of_few(citizen_id: UUID) -> AsyncIterator[None]:
    """Count a citizen's open streams in this process.

    Raises:
        TooManyRequests: he has as many as one may have.
    """
    if _open[citizen_id] >= MOST_PER_CITIZEN:
        raise TooManyRequests(retry_after_s=HEARTBEAT_S)
    _open[citizen_id] += 1
    try:
        yield
    finally:
        _open[citizen_id] -= 1
        if not _open[citizen_id]:
            del _open[citizen_id]


def _event(name: str, data: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
