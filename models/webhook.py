"""Webhooks: what a member's own till system is told, and how each telling went."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import DeliveryStatus, WebhookEvent
from models.member import Member


class Webhook(Model):
    """Where a member is told. `secret_encrypted` signs, and is shown once; `after_entry` is the ledger's entry up to
    which deliveries are made."""

    id = fields.UUIDField(primary_key=True)
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="webhooks", on_delete=fields.RESTRICT
    )
    url = fields.CharField(max_length=512)
    secret_encrypted = fields.BinaryField()
    is_enabled = fields.BooleanField(db_default=True)
    after_entry = fields.BigIntField()
    made_at = fields.DatetimeField()

    class Meta:
        table = "webhooks"
        indexes = (Index(fields=("member_id", "id"), name="webhooks_by_member"),)
        constraints = (
            CheckConstraint(check="url ~ '^https?://[!-~]+$'", name="webhooks_url_form"),
            CheckConstraint(check="after_entry >= 0", name="webhooks_entry_counts"),
        )


class WebhookDelivery(Model):
    """One event for one webhook; `payload` is the body that is sent, the same at every try, without personal data.

    `event_id` is the ledger record's id, a ping's own. `last_result` is a status or a word, never what was answered.
    """

    id = fields.UUIDField(primary_key=True)
    webhook: fields.ForeignKeyRelation[Webhook] = fields.ForeignKeyField(
        "models.Webhook", related_name="deliveries", on_delete=fields.RESTRICT
    )
    event_id = fields.UUIDField()
    event = fields.CharEnumField(WebhookEvent, max_length=32)
    payload = fields.TextField()
    status = fields.CharEnumField(DeliveryStatus, max_length=16, db_default=DeliveryStatus.PENDING.value)
    tries = fields.SmallIntField(db_default=0)
    made_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    last_result = fields.CharField(max_length=32, null=True)

    class Meta:
        table = "webhook_deliveries"
        # One for those that are due (partial) is in the migration.
        indexes = (
            Index(fields=("webhook_id", "id"), name="webhook_deliveries_by_webhook"),
            Index(fields=("ended_at",), name="webhook_deliveries_by_end"),
        )
        constraints = (
            UniqueConstraint(fields=("webhook_id", "event_id"), name="webhook_deliveries_event_once"),
            CheckConstraint(
                check="event IN ('redemption.created', 'redemption.reversed', 'ping')",
                name="webhook_deliveries_event_known",
            ),
            CheckConstraint(
                check="status IN ('pending', 'delivered', 'failed')", name="webhook_deliveries_status_known"
            ),
            CheckConstraint(
                check="(status = 'pending') = (ended_at IS NULL)", name="webhook_deliveries_end_is_dated"
            ),
            CheckConstraint(check="tries >= 0", name="webhook_deliveries_tries_count"),
        )
