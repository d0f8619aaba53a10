"""Tells the citizen's phone that its coupon was redeemed or that this was undone: a hint, never the truth."""

from datetime import datetime
from uuid import UUID

from common import events
from common.clock import rfc3339


def channel(coupon_id: UUID) -> str:
    """The Redis channel of one coupon."""
    return f"coupon:{coupon_id}"


def redeemed(coupon_id: UUID, redemption_id: UUID, at: datetime) -> None:
    """Publish after the commit, without waiting; with Redis down the page polls."""
    events.publish(
        channel(coupon_id), {"event": "redeemed", "redemption_id": str(redemption_id), "at": rfc3339(at)}
    )


def reversed_(coupon_id: UUID, redemption_id: UUID, at: datetime) -> None:
    """Publish after the commit that a redemption was undone."""
    events.publish(
        channel(coupon_id), {"event": "reversed", "redemption_id": str(redemption_id), "at": rfc3339(at)}
    )
