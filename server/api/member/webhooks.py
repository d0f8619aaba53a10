"""Webhooks: what the member's own till system is told, set by an owner."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from benefits import webhooks
from benefits.webhooks import Made, TooManyWebhooks, UrlNotAllowed
from common.actors import MemberActor
from common.clock import now
from models.enums import DeliveryStatus, WebhookEvent
from server.endpoints import Answer, endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, decode_cursor, page_of
from server.webhooks import reach_of

routes = Blueprint("member_webhooks", url_prefix="/webhooks")

Url = Annotated[str, Field(min_length=9, max_length=512, pattern=r"^https?://[!-~]+$")]


class WebhookIn(In):
    """Where to; https."""

    url: Url


class WebhookChangeIn(In):
    """Where to, and whether at all."""

    url: Url
    is_enabled: bool


class WebhookOut(Out):
    """A webhook; its secret was shown when it was made."""

    id: UUID
    url: str
    is_enabled: bool
    made_at: Moment


class WebhookListOut(Out):
    """All of the member's: three at most."""

    items: list[WebhookOut]


class WebhookSecretOut(Out):
    """Shown only here. `X-Xinyi-Signature: t=<unix>,v1=<hex>` is HMAC-SHA256 with it over `<t>.<body>`."""

    id: UUID
    secret: str


class DeliveryQuery(PageQuery):
    """Which ones; all without a status."""

    status: DeliveryStatus | None = None


class DeliveryOut(Out):
    """One event and how telling it went; `last_result` is a status, or a word why there was none."""

    id: UUID
    event_id: UUID
    event: WebhookEvent
    status: DeliveryStatus
    tries: int
    made_at: Moment
    due_at: Moment
    ended_at: Moment | None
    last_result: str | None


class PingOut(Out):
    """The delivery of the test event."""

    delivery_id: UUID


def _secret(made: Made) -> Answer:
    return Answer(201, WebhookSecretOut(id=made.id, secret=made.secret), {"Cache-Control": "no-store"})


@endpoint(
    routes,
    "GET",
    "",
    summary="推送地址 / Webhooks",
    answers={200: WebhookListOut},
    may="webhook.read",
)
async def listed(actor: MemberActor) -> WebhookListOut:
    """Oldest first."""
    return WebhookListOut(
        items=[WebhookOut.model_validate(dict(row)) for row in await webhooks.listed(actor)]
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="新增推送地址 / Add a webhook",
    answers={201: WebhookSecretOut},
    refusals=(UrlNotAllowed, TooManyWebhooks),
    may="webhook.manage",
)
async def create(request: Request, actor: MemberActor, body: WebhookIn) -> Answer:
    """Told of what is redeemed and reversed from now on, a second or two later, at least once, with the same id."""
    settings = request.app.ctx.settings
    return _secret(await webhooks.create(actor, body.url, reach_of(settings), settings.data_keys, now()))


@endpoint(
    routes,
    "PUT",
    "/<webhook_id>",
    summary="修改、停用推送地址 / Change a webhook",
    answers={204: None},
    refusals=(UrlNotAllowed,),
    may="webhook.manage",
)
async def change(request: Request, actor: MemberActor, webhook_id: UUID, body: WebhookChangeIn) -> None:
    """What is redeemed while it is off is not told afterwards; what waited goes on when it is on again."""
    reach = reach_of(request.app.ctx.settings)
    await webhooks.change(actor, webhook_id, body.url, body.is_enabled, reach, now())


@endpoint(
    routes,
    "POST",
    "/<webhook_id>/secret",
    summary="更换签名密钥 / A fresh secret",
    answers={201: WebhookSecretOut},
    may="webhook.manage",
)
async def rotate(request: Request, actor: MemberActor, webhook_id: UUID) -> Answer:
    """Signs from now on; what your till refuses until it has the new one is sent again."""
    return _secret(await webhooks.rotate(actor, webhook_id, request.app.ctx.settings.data_keys, now()))


@endpoint(
    routes,
    "POST",
    "/<webhook_id>/ping",
    summary="发送测试 / Send a test",
    answers={202: PingOut},
    may="webhook.manage",
)
async def ping(actor: MemberActor, webhook_id: UUID) -> PingOut:
    """An event `ping` without data; how it went is in the deliveries."""
    return PingOut(delivery_id=await webhooks.ping(actor, webhook_id, now()))


@endpoint(
    routes,
    "GET",
    "/<webhook_id>/deliveries",
    summary="推送记录 / Deliveries",
    answers={200: Page[DeliveryOut]},
    may="webhook.read",
)
async def deliveries(actor: MemberActor, webhook_id: UUID, query: DeliveryQuery) -> Page[DeliveryOut]:
    """Newest first; those that ended are kept for three months."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await webhooks.deliveries(actor, webhook_id, query.status, before, query.limit + 1)
    return page_of(
        Page[DeliveryOut],
        rows,
        query.limit,
        lambda row: DeliveryOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "/<webhook_id>/deliveries/<delivery_id>/retry",
    summary="重新推送 / Send it again",
    answers={204: None},
    may="webhook.manage",
)
async def send_again(actor: MemberActor, webhook_id: UUID, delivery_id: UUID) -> None:
    """For one that was given up: tried for another day, with the same id."""
    await webhooks.send_again(actor, webhook_id, delivery_id, now())
