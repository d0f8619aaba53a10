"""Citizens' messages and what their notices are derived from."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.citizen_enums import MessageState, MessageTemplate, NoticeSource, StopReason
from models.enums import Channel

CONSTRAINTS = [
    "ALTER TABLE coupon_reminders ADD CONSTRAINT coupon_reminders_days_known CHECK (days IN (1, 3))",
    "ALTER TABLE messages ADD CONSTRAINT messages_once UNIQUE (notice_id, identity_id)",
    "ALTER TABLE messages ADD CONSTRAINT messages_channel_known CHECK (channel IN ('wechat', 'alipay', 'zheliban', 'sandbox'))",
    "ALTER TABLE messages ADD CONSTRAINT messages_template_known CHECK (template IN ('coupon_claimed', 'coupon_redeemed', 'coupon_reversed', 'coupon_expiring', 'answered'))",
    "ALTER TABLE messages ADD CONSTRAINT messages_state_known CHECK (state IN ('waiting', 'sending', 'sent', 'refused', 'no_template', 'given_up', 'unknown'))",
    "ALTER TABLE messages ADD CONSTRAINT messages_end_is_dated CHECK ((state IN ('waiting', 'sending')) = (ended_at IS NULL))",
    "ALTER TABLE messages ADD CONSTRAINT messages_try_is_dated CHECK (state <> 'sending' OR tried_at IS NOT NULL)",
    "ALTER TABLE messages ADD CONSTRAINT messages_tries_count CHECK (tries >= 0)",
    "ALTER TABLE message_quotas ADD CONSTRAINT message_quotas_once UNIQUE (citizen_id, channel, template)",
    "ALTER TABLE message_quotas ADD CONSTRAINT message_quotas_channel_known CHECK (channel IN ('wechat', 'alipay', 'zheliban', 'sandbox'))",
    "ALTER TABLE message_quotas ADD CONSTRAINT message_quotas_template_known CHECK (template IN ('coupon_claimed', 'coupon_redeemed', 'coupon_reversed', 'coupon_expiring', 'answered'))",
    "ALTER TABLE message_quotas ADD CONSTRAINT message_quotas_in_range CHECK (accepted BETWEEN 0 AND 20)",
    "ALTER TABLE message_stops ADD CONSTRAINT message_stops_once UNIQUE (channel, template)",
    "ALTER TABLE message_stops ADD CONSTRAINT message_stops_channel_known CHECK (channel IN ('wechat', 'alipay', 'zheliban', 'sandbox'))",
    "ALTER TABLE message_stops ADD CONSTRAINT message_stops_template_known CHECK (template IN ('coupon_claimed', 'coupon_redeemed', 'coupon_reversed', 'coupon_expiring', 'answered'))",
    "ALTER TABLE message_stops ADD CONSTRAINT message_stops_reason_known CHECK (reason IN ('no_template', 'daily_limit'))",
    "ALTER TABLE notice_marks ADD CONSTRAINT notice_marks_source_known CHECK (source IN ('ledger', 'claims', 'sweep'))",
    "ALTER TABLE notice_marks ADD CONSTRAINT notice_marks_counts CHECK (mark >= 0 AND told_from >= 0)",
]

INDEXES = [
    "CREATE INDEX citizen_notices_unread ON citizen_notices (citizen_id, id) WHERE read_at IS NULL",
    # Not "IS NOT NULL": see coupons_by_end.
    "CREATE INDEX citizen_notices_by_reading ON citizen_notices (read_at) WHERE read_at > '2000-01-01 00:00:00+00'",
    "CREATE INDEX messages_waiting ON messages (channel, template, next_try_at) WHERE state = 'waiting'",
    "CREATE INDEX messages_being_sent ON messages (tried_at) WHERE state = 'sending'",
]

# What happened before is told to nobody; coupons from before are gone through once, for their reminders.
MARKS = [
    "INSERT INTO notice_marks (source, mark)"
    " SELECT 'ledger', CASE WHEN is_called THEN last_value ELSE 0 END FROM ledger_entries",
    "INSERT INTO notice_marks (source, told_from)"
    " SELECT name, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM unnest(ARRAY['claims', 'sweep']) AS name",
]


class Migration(migrations.Migration):
    """Citizens' messages and what their notices are derived from."""

    dependencies = [("models", "0018_tier_schemes")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="CouponReminder",
            fields=[
                ("coupon_id", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("days", fields.SmallIntField()),
            ],
            options={
                "table": "coupon_reminders",
                "app": "models",
                "constraints": [CheckConstraint(check="days IN (1, 3)", name="coupon_reminders_days_known")],
                "indexes": [Index(fields=["days", "due_at"], name="coupon_reminders_by_due")],
                "pk_attr": "coupon_id",
                "table_description": "When a citizen is next reminded of a coupon; `days` before its last day. Gone when there is nothing to remind of.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Message",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "notice",
                    fields.ForeignKeyField(
                        "models.CitizenNotice",
                        source_field="notice_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="messages",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("citizen_id", fields.UUIDField()),
                ("identity_id", fields.BigIntField()),
                (
                    "channel",
                    fields.CharEnumField(
                        description="WECHAT: wechat\nALIPAY: alipay\nZHELIBAN: zheliban\nSANDBOX: sandbox",
                        enum_type=Channel,
                        max_length=16,
                    ),
                ),
                (
                    "template",
                    fields.CharEnumField(
                        description="COUPON_CLAIMED: coupon_claimed\nCOUPON_REDEEMED: coupon_redeemed\nCOUPON_REVERSED: coupon_reversed\nCOUPON_EXPIRING: coupon_expiring\nANSWERED: answered",
                        enum_type=MessageTemplate,
                        max_length=32,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: waiting\nSENDING: sending\nSENT: sent\nREFUSED: refused\nNO_TEMPLATE: no_template\nGIVEN_UP: given_up\nUNKNOWN: unknown",
                        db_default="waiting",
                        enum_type=MessageState,
                        max_length=16,
                    ),
                ),
                ("tries", fields.SmallIntField(db_default=0)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("next_try_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("tried_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "messages",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("notice_id", "identity_id"), name="messages_once"),
                    CheckConstraint(
                        check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                        name="messages_channel_known",
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
                        check="(state IN ('waiting', 'sending')) = (ended_at IS NULL)",
                        name="messages_end_is_dated",
                    ),
                    CheckConstraint(
                        check="state <> 'sending' OR tried_at IS NOT NULL", name="messages_try_is_dated"
                    ),
                    CheckConstraint(check="tries >= 0", name="messages_tries_count"),
                ],
                "indexes": [Index(fields=["ended_at"], name="messages_by_end")],
                "pk_attr": "id",
                "table_description": "One notice on its way through one of the citizen's channel identities; what it says is made when it is sent.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MessageQuota",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("citizen_id", fields.UUIDField()),
                (
                    "channel",
                    fields.CharEnumField(
                        description="WECHAT: wechat\nALIPAY: alipay\nZHELIBAN: zheliban\nSANDBOX: sandbox",
                        enum_type=Channel,
                        max_length=16,
                    ),
                ),
                (
                    "template",
                    fields.CharEnumField(
                        description="COUPON_CLAIMED: coupon_claimed\nCOUPON_REDEEMED: coupon_redeemed\nCOUPON_REVERSED: coupon_reversed\nCOUPON_EXPIRING: coupon_expiring\nANSWERED: answered",
                        enum_type=MessageTemplate,
                        max_length=32,
                    ),
                ),
                ("accepted", fields.SmallIntField(db_default=0)),
            ],
            options={
                "table": "message_quotas",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("citizen_id", "channel", "template"), name="message_quotas_once"
                    ),
                    CheckConstraint(
                        check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                        name="message_quotas_channel_known",
                    ),
                    CheckConstraint(
                        check="template IN ('coupon_claimed', 'coupon_redeemed', 'coupon_reversed', 'coupon_expiring', 'answered')",
                        name="message_quotas_template_known",
                    ),
                    CheckConstraint(check="accepted BETWEEN 0 AND 20", name="message_quotas_in_range"),
                ],
                "pk_attr": "id",
                "table_description": "How many messages of a template a citizen still accepts in a channel: he accepts them one by one.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MessageStop",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "channel",
                    fields.CharEnumField(
                        description="WECHAT: wechat\nALIPAY: alipay\nZHELIBAN: zheliban\nSANDBOX: sandbox",
                        enum_type=Channel,
                        max_length=16,
                    ),
                ),
                (
                    "template",
                    fields.CharEnumField(
                        description="COUPON_CLAIMED: coupon_claimed\nCOUPON_REDEEMED: coupon_redeemed\nCOUPON_REVERSED: coupon_reversed\nCOUPON_EXPIRING: coupon_expiring\nANSWERED: answered",
                        enum_type=MessageTemplate,
                        max_length=32,
                    ),
                ),
                ("template_id", fields.CharField(max_length=128)),
                (
                    "reason",
                    fields.CharEnumField(
                        description="NO_TEMPLATE: no_template\nDAILY_LIMIT: daily_limit",
                        enum_type=StopReason,
                        max_length=16,
                    ),
                ),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "message_stops",
                "app": "models",
                "constraints": [
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
                ],
                "pk_attr": "id",
                "table_description": "A template that a channel does not take for now; another id of it in the settings ends the stop.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NoticeMark",
            fields=[
                (
                    "source",
                    fields.CharEnumField(
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="LEDGER: ledger\nCLAIMS: claims\nSWEEP: sweep",
                        enum_type=NoticeSource,
                        max_length=16,
                    ),
                ),
                ("mark", fields.BigIntField(db_default=0)),
                ("told_from", fields.BigIntField(db_default=0)),
            ],
            options={
                "table": "notice_marks",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="source IN ('ledger', 'claims', 'sweep')", name="notice_marks_source_known"
                    ),
                    CheckConstraint(check="mark >= 0 AND told_from >= 0", name="notice_marks_counts"),
                ],
                "pk_attr": "source",
                "table_description": "How far one source was told of; advanced in the same transaction as the notices.",
            },
            bases=["Model"],
        ),
        ops.RunSQL([*CONSTRAINTS, *INDEXES, *MARKS]),
    ]
