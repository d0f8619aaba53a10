"""Acting for a child, or for somebody who asked for help: a short token that names both (RFC 8693)."""

from typing import Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from citizens import agents
from citizens.agents import ActingEnded
from common.actors import CitizenActor
from common.clock import now
from models.citizen_enums import AgentKind
from models.enums import ActorKind
from server import tokens
from server.api.sessions import ActorOut
from server.endpoints import endpoint
from server.schemas import In, Out

routes = Blueprint("acting", url_prefix="/auth")


class ActingIn(In):
    """For whom: the `citizen_id` of a child or of somebody one helps."""

    for_: UUID = Field(alias="for")


class ActingOut(Out):
    """A token of the other's, good for `expires_in` seconds; there is no refresh token: ask anew with one's own."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int
    acts_as: AgentKind
    citizen: ActorOut


@endpoint(
    routes,
    "POST",
    "/acting",
    summary="代办 / Act for somebody",
    answers={200: ActingOut},
    refusals=(ActingEnded,),
)
async def act(request: Request, actor: CitizenActor, body: ActingIn) -> ActingOut:
    """Whether one still may is looked at again with every request; signing out ends these tokens too."""
    settings, at = request.app.ctx.settings, now()
    agent = await agents.acting(actor.id, body.for_, None, at)
    token = tokens.make_access(
        *(settings, ActorKind.CITIZEN, body.for_, actor.session_id, None, at),
        acting=(agent.id, agent.binding_id),
    )
    return ActingOut(
        access_token=token,
        expires_in=settings.access_token_s,
        acts_as=AgentKind(agent.kind),
        citizen=ActorOut(id=body.for_),
    )
