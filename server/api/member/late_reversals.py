"""Undoing a redemption after its month."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from benefits import late_reversals, refusals
from common.actors import MemberActor
from common.clock import now
from common.request_keys import request_key
from merchants.staff import StaffRevoked
from server.api.staff.reversals import ReversalOut
from server.endpoints import Answer, IdempotencyKey, endpoint
from server.schemas import In

routes = Blueprint("member_late_reversals", url_prefix="/redemptions")


class LateReversalIn(In):
    """Why; no names or numbers of customers belong here."""

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


@endpoint(
    routes,
    "POST",
    "/<redemption_id>/late-reversals",
    summary="补撤销 / Undo a redemption after its month",
    answers={201: ReversalOut},
    refusals=(
        StaffRevoked,
        refusals.AlreadyReversed,
        refusals.LateReversalWindowClosed,
        refusals.LateReversalNeedsBudget,
        refusals.IdempotencyKeyReused,
        refusals.Busy,
    ),
    may="redemption.reverse_late",
)
async def create(
    actor: MemberActor, redemption_id: UUID, body: LateReversalIn, key: IdempotencyKey
) -> Answer:
    """Up to 90 days after it; a counter-entry on the next statement. The coupon can be used again."""
    request = request_key(key, body.canonical("reason"), redemption_id, "late")
    done = await late_reversals.reverse_late(actor, redemption_id, body.reason, request, now())
    return Answer(201, ReversalOut.model_validate(done), replayed=done.is_replayed)
