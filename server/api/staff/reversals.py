"""Undoing a redemption."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from benefits import refusals, reversals
from common.actors import StaffActor
from common.clock import now
from common.request_keys import request_key
from merchants.staff import StaffRevoked
from server.endpoints import Answer, IdempotencyKey, endpoint
from server.schemas import In, Moment, Out

routes = Blueprint("reversals", url_prefix="/redemptions")


class ReversalIn(In):
    """Why; no names or numbers of customers belong here."""

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class ReversalOut(Out):
    """The record that undid the redemption."""

    id: UUID
    redemption_id: UUID
    reversed_at: Moment


@endpoint(
    routes,
    "POST",
    "/<redemption_id>/reversals",
    summary="撤销核销 / Undo a redemption",
    answers={201: ReversalOut},
    refusals=(
        StaffRevoked,
        refusals.PersonRequired,
        refusals.AlreadyReversed,
        refusals.ReversalWindowClosed,
        refusals.IdempotencyKeyReused,
        refusals.Busy,
    ),
)
async def create(actor: StaffActor, redemption_id: UUID, body: ReversalIn, key: IdempotencyKey) -> Answer:
    """The coupon can be used again, with a fresh code. 15 minutes for a cashier, the month for a manager."""
    request = request_key(key, body.canonical("reason"), redemption_id)
    done = await reversals.reverse(actor, redemption_id, body.reason, request, now())
    return Answer(201, ReversalOut.model_validate(done), replayed=done.is_replayed)
