"""Server-sent events: the phone learns of the scan while it still shows the code."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import structlog
from sanic import Blueprint, Request

from benefits import coupon_events, coupons
from common import events
from common.actors import CitizenActor
from common.clock import now
from common.errors import DomainError
from server.endpoints import endpoint
from server.errors import TooManyRequests
from server.problems import is_unreachable

log = structlog.get_logger()

routes = Blueprint("coupon_events")

HEARTBEAT_S = 15
# Without Redis the stream looks for itself.
LOOK_EVERY_S = 3
# A page that stays open longer asks again; a stream that nobody reads ends by itself.
LONGEST_S = 1800
# More than a person's phones show at once: each open stream holds memory for half an hour.
MOST_PER_CITIZEN = 20

# In place of a message: there was none for a while.
QUIET: dict[str, object] = {}

_open: Counter[UUID] = Counter()


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
    async with _one_of_few(actor.id), events.subscription(coupon_events.channel(coupon_id)) as inbox:
        response = await request.respond(
            content_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        assert response is not None
        ends_at = asyncio.get_running_loop().time() + LONGEST_S
        # Read after subscribing: whatever happens from here on arrives as an event.
        message: dict[str, object] | None = events.MISSED
        try:
            while message is not None and not await request.app.ctx.authenticate.is_over(actor.session_id):
                await response.send(await _text_of(message, actor, coupon_id))
                message = await _next(inbox, ends_at)
        except Exception as error:
            # The status line is long gone: all that can be said is the end, and the page comes back.
            if not (is_unreachable(error) or isinstance(error, DomainError)):
                raise
            log.warning("stream_ended", error=type(error).__name__)
        await response.eof()


async def _next(inbox: events.Inbox, ends_at: float) -> dict[str, object] | None:
    """The next message, `QUIET` after a pause without one; None when the stream is to end."""
    left = ends_at - asyncio.get_running_loop().time()
    if left <= 0:
        return None
    is_listening = events.is_listening()
    try:
        return await asyncio.wait_for(inbox.get(), min(HEARTBEAT_S if is_listening else LOOK_EVERY_S, left))
    except TimeoutError:
        return QUIET if is_listening else events.MISSED


async def _text_of(message: dict[str, object], actor: CitizenActor, coupon_id: UUID) -> str:
    """What a message looks like on the wire; one that may have been missed is looked up."""
    if message is QUIET:
        return ": still here\n\n"
    if message is events.MISSED:
        coupon = await coupons.coupon_of(actor.id, coupon_id, now())
        return _event("status", {"status": coupon.status, "uses_left": coupon.uses_left})
    return _event(str(message.pop("event", "unknown")), message)


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
