"""订阅消息: what is sent to citizens through their channels besides the inbox, and what notices are derived from."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen_enums import MessageState, MessageTemplate, NoticeSource, StopReason
from models.enums import Channel
from models.notice import CitizenNotice


class NoticeMark(Model):
    """How far one source was told of; advanced in the same transaction as the notices.

    For the ledger an entry, for the others milliseconds since 1970. What is older than `told_from` is told to nobody.
    """

    source = fields.CharEnumField(NoticeSource, max_length=16, primary_key=True)
    mark = fields.BigIntField(db_default=0)
    told_from = fields.BigIntField(db_default=0)

    class Meta:
        table = "notice_marks"
        constraints = (
            CheckConstraint(
                check="source IN ('ledger', 'claims', 'sweep')", name="notice_marks_source_known"
            ),
            CheckConstraint(check="mark >= 0 AND told_from >= 0", name="notice_marks_counts"),
        )


class CouponReminder(Model):
    """When a citizen is next reminded of a coupon; `days` before its last day. Gone when there is nothing to remind of."""

    coupon_id = fields.UUIDField(primary_key=True)
    due_at = fields.DatetimeField()
    days = fields.SmallIntField()

    class Meta:
        table = "coupon_reminders"
        indexes = (Index(fields=("days", "due_at"), name="coupon_reminders_by_due"),)
        constraints = (CheckConstraint(check="days IN (1, 3)", name="coupon_reminders_days_known"),)


class Message(Model):
    """One notice on its way through one of the citizen's channel identities; what it says is made when it is sent.

    `tried_at` is the last try's beginning. `identity_id` names a row that can be erased: without it nothing is sent.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    notice: fields.ForeignKeyRelation[CitizenNotice] = fields.ForeignKeyField(
        "models.CitizenNotice", related_name="messages", on_delete=fields.RESTRICT
    )
    citizen_id = fields.UUIDField()
    identity_id = fields.BigIntField()
    channel = fields.CharEnumField(Channel, max_length=16)
    template = fields.CharEnumField(MessageTemplate, max_length=32)
    state = fields.CharEnumField(MessageState, max_length=16, db_default=MessageState.WAITING.value)
    tries = fields.SmallIntField(db_default=0)
    made_at = fields.DatetimeField()
    next_try_at = fields.DatetimeField()
    tried_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "messages"
        # Those that wait, and those that are being sent, have partial indexes in the migration.
        indexes = (Index(fields=("ended_at",), name="messages_by_end"),)
        constraints = (
            UniqueConstraint(fields=("notice_id", "identity_id"), name="messages_once"),
            CheckConstraint(
                check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')", name="messages_channel_known"
            ),
            CheckConstraint(
                check="template IN ('coupon_claimed', 'coupon_redeemed', 'coupon_reversed', 'coupon_expiring', 'answered')",
                name="messages_template_known",
            ),
            CheckConstraint(
                check="state IN ('waiting', 'sending', 'sent', 'refused', 'no_template', 'given_up', 'unknown')",
                name="messages_state_known",
            ),
            CheckConstraint(
                check="(state IN ('waiting', 'sending')) = (ended_at IS NULL)", name="messages_end_is_dated"
            ),
            CheckConstraint(check="state <> 'sending' OR tried_at IS NOT NULL", name="messages_try_is_dated"),
            CheckConstraint(check="tries >= 0", name="messages_tries_count"),
        )


class MessageQuota(Model):
    """How many messages of a template a citizen still accepts in a channel: he accepts them one by one."""

    id = fields.BigIntField(primary_key=True, generated=True)
    citizen_id = fields.UUIDField()
    channel = fields.CharEnumField(Channel, max_length=16)
    template = fields.CharEnumField(MessageTemplate, max_length=32)
    accepted = fields.SmallIntField(db_default=0)

    class Meta:
        table = "message_quotas"
        constraints = (
            UniqueConstraint(fields=("citizen_id", "channel", "template"), name="message_quotas_once"),
            CheckConstraint(
                check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                name="message_quotas_channel_known",
            ),
            CheckConstraint(
                check="template IN ('coupon_claimed', 'coupon_redeemed', 'coupon_reversed', 'coupon_expiring', 'answered')",
                name="message_quotas_template_known",
            ),
            CheckConstraint(check="accepted BETWEEN 0 AND 20", name="message_quotas_in_range"),
        )


class MessageStop(Model):
    """A template that a channel does not take for now; another id of it in the settings ends the stop."""

    id = fields.BigIntField(primary_key=True, generated=True)
    channel = fields.CharEnumField(Channel, max_length=16)
    template = fields.CharEnumField(MessageTemplate, max_length=32)
    template_id = fields.CharField(max_length=128)
    reason = fields.CharEnumField(StopReason, max_length=16)
    until_at = fields.DatetimeField()

    class Meta:
        table = "message_stops"
        constraints = (
            UniqueConstraint(fields=("channel", "template"), name="message_stops_once"),
            CheckConstraint(
                check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                name="message_stops_channel_known",
            ),
            CheckConstraint(
                check="template IN ('coupon_claimed', 'coupon_redeemed', 'coupon_reversed', 'coupon_expiring', 'answered')",
                name="message_stops_template_known",
            ),
            CheckConstraint(
                check="reason IN ('no_template', 'daily_limit')", name="message_stops_reason_known"
            ),
        )
