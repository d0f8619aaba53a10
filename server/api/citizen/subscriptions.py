"""Which messages the citizen accepts in his channels (订阅消息)."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from citizens import subscriptions
from citizens.subscriptions import Answer, TemplateNotOffered
from common.actors import CitizenActor
from models.citizen_enums import MessageTemplate
from models.enums import Channel
from server.config import Settings
from server.endpoints import endpoint
from server.schemas import In, Out

routes = Blueprint("subscriptions", url_prefix="/me/subscriptions")


class SubscriptionOut(Out):
    """One kind of message: `template_id` is the channel's own, `left` how many of it may still come (20 at most)."""

    channel: Channel
    template: MessageTemplate
    template_id: str
    left: int


class SubscriptionsOut(Out):
    """Every message that is sent here; without the consent `notices` (`is_agreed`) none comes."""

    is_agreed: bool
    items: list[SubscriptionOut]


class AnswersIn(In):
    """What the citizen said when the channel asked him, as the channel gave it back; report it once."""

    channel: Channel
    templates: Annotated[dict[MessageTemplate, Answer], Field(min_length=1, max_length=len(MessageTemplate))]


@endpoint(routes, "GET", "", summary="我的订阅 / My subscriptions", answers={200: SubscriptionsOut})
async def show(request: Request, actor: CitizenActor) -> SubscriptionsOut:
    """None where this installation sends none: the inbox has everything."""
    return await _shown(request.app.ctx.settings, actor.id)


@endpoint(
    routes,
    "POST",
    "",
    summary="上报订阅结果 / Report what was accepted",
    answers={200: SubscriptionsOut},
    refusals=(TemplateNotOffered,),
)
async def report(request: Request, actor: CitizenActor, body: AnswersIn) -> SubscriptionsOut:
    """Each `accept` is one message more; `reject` takes none back, `ban` all."""
    settings: Settings = request.app.ctx.settings
    await subscriptions.report(actor.id, body.channel, body.templates, settings.wordings)
    return await _shown(settings, actor.id)


async def _shown(settings: Settings, citizen_id: UUID) -> SubscriptionsOut:
    found: Sequence[subscriptions.Subscription] = await subscriptions.listed(citizen_id, settings.wordings)
    return SubscriptionsOut(
        is_agreed=await subscriptions.is_agreed(citizen_id),
        items=[SubscriptionOut.model_validate(each) for each in found],
    )
