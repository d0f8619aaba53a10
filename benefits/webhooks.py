"""Webhooks: where a member's own till system is told, set by its owner; the secret that signs is shown once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from json import dumps
from uuid import UUID

from common.actors import MemberActor
from common.clock import rfc3339
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from common.ids import AFTER_ALL, new_id
from common.outbound import Reach
from merchants.staff_rights import hold_member
from models import audit_log
from models.enums import DeliveryStatus, WebhookEvent

MOST = 3
CONTEXT = "webhooks.secret_encrypted"
COLUMNS = "id, url, is_enabled, made_at"
# What was drawn when it is switched on was before: only what comes later is told.
DRAWN = "(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ledger_entries)"


class UrlNotAllowed(Invalid):
    """Not https, or an address that is not in the public internet."""

    code = "url_not_allowed"
    zh = "网址不能用：要以 https:// 开头、带域名或公网地址、不含账号密码。内网地址不行。"
    en = "This URL can't be used: https:// with a public host and without a password. Private addresses are refused."
    pointer = "/url"


class TooManyWebhooks(Refused):
    """A member has three at most."""

    code = "too_many_webhooks"
    zh = "最多设 3 个推送地址，请修改已有的。"
    en = "There can be three webhooks; change one that is there."


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook and the secret that its deliveries are signed with."""

    id: UUID
    secret: str


async def create(actor: MemberActor, url: str, reach: Reach, keys: PersonalDataKeys, now: datetime) -> Made:
    """Tell an address of what is redeemed from now on.

    Raises:
        UrlNotAllowed, TooManyWebhooks.
    """
    if not reach.may_name(url):
        raise UrlNotAllowed
    webhook_id, secret = new_id(), _new_secret()
    async with transaction():
        region = await hold_member(actor)
        made = await fetch_one(
            "INSERT INTO webhooks (id, member_id, url, secret_encrypted, after_entry, made_at)"
            f" SELECT $1, $2, $3, $4, {DRAWN}, $5 WHERE (SELECT count(*) FROM webhooks WHERE member_id = $2) < $6"
            " RETURNING id",
            *(webhook_id, actor.member_id, url, keys.encrypt(secret, CONTEXT), now, MOST),
        )
        if made is None:
            raise TooManyWebhooks
        await _record(actor, "webhook.create", webhook_id, region, now)
    return Made(webhook_id, secret)


async def change(
    actor: MemberActor, webhook_id: UUID, url: str, is_enabled: bool, reach: Reach, now: datetime
) -> None:
    """Another address, off or on; what is redeemed while it is off is not told afterwards.

    Raises:
        NotFound, UrlNotAllowed.
    """
    if not reach.may_name(url):
        raise UrlNotAllowed
    async with transaction():
        region = await hold_member(actor)
        row = await fetch_one(
            "UPDATE webhooks SET url = $3, is_enabled = $4,"
            f" after_entry = CASE WHEN $4 AND NOT is_enabled THEN {DRAWN} ELSE after_entry END"
            " WHERE id = $1 AND member_id = $2 RETURNING id",
            *(webhook_id, actor.member_id, url, is_enabled),
        )
        if row is None:
            raise NotFound
        await _record(actor, "webhook.change", webhook_id, region, now, is_enabled=is_enabled)


async def rotate(actor: MemberActor, webhook_id: UUID, keys: PersonalDataKeys, now: datetime) -> Made:
    """A fresh secret; the one before signs nothing any more, and what the till refuses meanwhile is sent again.

    Raises:
        NotFound: no webhook of the member's.
    """
    secret = _new_secret()
    async with transaction():
        region = await hold_member(actor)
        row = await fetch_one(
            "UPDATE webhooks SET secret_encrypted = $3 WHERE id = $1 AND member_id = $2 RETURNING id",
            *(webhook_id, actor.member_id, keys.encrypt(secret, CONTEXT)),
        )
        if row is None:
            raise NotFound
        await _record(actor, "webhook.rotate", webhook_id, region, now)
    return Made(webhook_id, secret)


async def ping(actor: MemberActor, webhook_id: UUID, now: datetime) -> UUID:
    """Send a test event as soon as anything; its delivery's id.

    Raises:
        NotFound: no webhook of the member's that is on.
    """
    delivery_id, event_id = new_id(), new_id()
    payload = dumps({"id": str(event_id), "type": WebhookEvent.PING, "at": rfc3339(now), "data": {}})
    async with transaction():
        region = await hold_member(actor)
        made = await execute(
            "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event, payload, made_at, due_at)"
            " SELECT $3, w.id, $4, 'ping', $5, $6, $6 FROM webhooks w"
            "  WHERE w.id = $1 AND w.member_id = $2 AND w.is_enabled",
            *(webhook_id, actor.member_id, delivery_id, event_id, payload, now),
        )
        if not made:
            raise NotFound
        await _record(actor, "webhook.ping", webhook_id, region, now)
    return delivery_id


async def send_again(actor: MemberActor, webhook_id: UUID, delivery_id: UUID, now: datetime) -> None:
    """Try a delivery that was given up for another day, from now on.

    Raises:
        NotFound: no failed delivery of this webhook of the member's.
    """
    async with transaction():
        region = await hold_member(actor)
        again = await execute(
            "UPDATE webhook_deliveries d SET status = 'pending', tries = 0, due_at = $4, ended_at = NULL"
            " FROM webhooks w WHERE d.id = $3 AND d.webhook_id = w.id AND d.status = 'failed'"
            "  AND w.id = $1 AND w.member_id = $2",
            *(webhook_id, actor.member_id, delivery_id, now),
        )
        if not again:
            raise NotFound
        await _record(actor, "webhook.send_again", webhook_id, region, now, delivery_id=delivery_id)


async def listed(actor: MemberActor) -> Sequence[Row]:
    """The member's webhooks, oldest first, without their secrets."""
    return await fetch_all(
        f"SELECT {COLUMNS} FROM webhooks WHERE member_id = $1 ORDER BY id", actor.member_id
    )


async def deliveries(
    actor: MemberActor, webhook_id: UUID, status: DeliveryStatus | None, before: UUID | None, limit: int
) -> Sequence[Row]:
    """What one of them was told or is to be told, newest first.

    Raises:
        NotFound: no webhook of the member's.
    """
    if (
        await fetch_one(
            "SELECT id FROM webhooks WHERE id = $1 AND member_id = $2", webhook_id, actor.member_id
        )
        is None
    ):
        raise NotFound
    return await fetch_all(
        "SELECT id, event_id, event, status, tries, made_at, due_at, ended_at, last_result"
        " FROM webhook_deliveries WHERE webhook_id = $1 AND id < $2 AND status = ANY ($3) ORDER BY id DESC LIMIT $4",
        *(webhook_id, before or AFTER_ALL, [status] if status else [*DeliveryStatus], limit),
    )


def _new_secret() -> str:
    return "whsec_" + secrets.token_urlsafe(32)


async def _record(
    actor: MemberActor, action: str, webhook_id: UUID, region: str, now: datetime, **after: object
) -> None:
    await audit_log.record(
        audit_log.who(actor), action, ("webhook", webhook_id), now, region=region, after=after or None
    )
