"""Stores' hours and closures, devices, webhooks; a device is a kind of staff."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.enums import ClosureReason, DeliveryStatus, StaffRole, WebhookEvent

CONSTRAINTS = [
    "ALTER TABLE devices ADD CONSTRAINT devices_name_given CHECK (name <> '')",
    "ALTER TABLE store_closures ADD CONSTRAINT store_closures_span_sane CHECK (last_day >= first_day AND last_day - first_day <= 366)",
    "ALTER TABLE store_closures ADD CONSTRAINT store_closures_reason_known CHECK (reason IN ('holiday', 'renovation', 'stocktaking', 'emergency', 'other'))",
    "ALTER TABLE webhooks ADD CONSTRAINT webhooks_url_form CHECK (url ~ '^https?://[!-~]+$')",
    "ALTER TABLE webhooks ADD CONSTRAINT webhooks_entry_counts CHECK (after_entry >= 0)",
    "ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_event_once UNIQUE (webhook_id, event_id)",
    "ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_event_known CHECK (event IN ('redemption.created', 'redemption.reversed', 'ping'))",
    "ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_status_known CHECK (status IN ('pending', 'delivered', 'failed'))",
    "ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_end_is_dated CHECK ((status = 'pending') = (ended_at IS NULL))",
    "ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_tries_count CHECK (tries >= 0)",
]

COMPOUND_KEYS = [
    "ALTER TABLE devices ADD CONSTRAINT devices_staff_of_member FOREIGN KEY (staff_id, member_id)"
    " REFERENCES staff (id, member_id)",
    "ALTER TABLE devices ADD CONSTRAINT devices_store_of_member FOREIGN KEY (store_id, member_id)"
    " REFERENCES stores (id, member_id)",
]

PARTIAL_INDEXES = [
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at) WHERE status = 'pending'",
]

# A store's closures are shown with its offers: they count the offer list up as the store itself does.
CATALOGUE = [
    "CREATE TRIGGER store_closures_in_catalogue AFTER INSERT OR UPDATE OR DELETE ON store_closures"
    " FOR EACH STATEMENT EXECUTE FUNCTION count_catalogue_change()",
]

CONTRACTS = "Nothing is taken away: the list of roles gets one more, and no process of the release before makes or meets it before a device is paired."


class Migration(migrations.Migration):
    """Stores' hours and closures, devices, webhooks; a device is a kind of staff."""

    dependencies = [("models", "0006_members")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="Device",
            fields=[
                ("staff_id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("member_id", fields.UUIDField()),
                ("store_id", fields.UUIDField()),
                ("name", fields.CharField(max_length=64)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField()),
                ("paired_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "devices",
                "app": "models",
                "constraints": [CheckConstraint(check="name <> ''", name="devices_name_given")],
                "indexes": [Index(fields=["member_id", "staff_id"], name="devices_by_member")],
                "pk_attr": "staff_id",
                "table_description": "What a row of `staff` with the role `device` is: rights, sessions and revocation are that row's.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreClosure",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "store",
                    fields.ForeignKeyField(
                        "models.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="closures",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("first_day", fields.DateField()),
                ("last_day", fields.DateField()),
                (
                    "reason",
                    fields.CharEnumField(
                        description="HOLIDAY: holiday\nRENOVATION: renovation\nSTOCKTAKING: stocktaking\nEMERGENCY: emergency\nOTHER: other",
                        enum_type=ClosureReason,
                        max_length=16,
                    ),
                ),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("withdrawn_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "store_closures",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="last_day >= first_day AND last_day - first_day <= 366",
                        name="store_closures_span_sane",
                    ),
                    CheckConstraint(
                        check="reason IN ('holiday', 'renovation', 'stocktaking', 'emergency', 'other')",
                        name="store_closures_reason_known",
                    ),
                ],
                "indexes": [
                    Index(fields=["store_id", "last_day"], name="store_closures_by_store"),
                    Index(fields=["last_day"], name="store_closures_by_day"),
                ],
                "pk_attr": "id",
                "table_description": "暂停营业: days, both included, on which a store is closed; taken back when it opens all the same.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Webhook",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="webhooks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("url", fields.CharField(max_length=512)),
                ("secret_encrypted", fields.BinaryField()),
                ("is_enabled", fields.BooleanField(db_default=True)),
                ("after_entry", fields.BigIntField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "webhooks",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="url ~ '^https?://[!-~]+$'", name="webhooks_url_form"),
                    CheckConstraint(check="after_entry >= 0", name="webhooks_entry_counts"),
                ],
                "indexes": [Index(fields=["member_id", "id"], name="webhooks_by_member")],
                "pk_attr": "id",
                "table_description": "Where a member is told. `secret_encrypted` signs, and is shown once; `after_entry` is the ledger's entry up to",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "webhook",
                    fields.ForeignKeyField(
                        "models.Webhook",
                        source_field="webhook_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="deliveries",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("event_id", fields.UUIDField()),
                (
                    "event",
                    fields.CharEnumField(
                        description="REDEMPTION_CREATED: redemption.created\nREDEMPTION_REVERSED: redemption.reversed\nPING: ping",
                        enum_type=WebhookEvent,
                        max_length=32,
                    ),
                ),
                ("payload", fields.TextField(unique=False)),
                (
                    "status",
                    fields.CharEnumField(
                        description="PENDING: pending\nDELIVERED: delivered\nFAILED: failed",
                        db_default="pending",
                        enum_type=DeliveryStatus,
                        max_length=16,
                    ),
                ),
                ("tries", fields.SmallIntField(db_default=0)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_result", fields.CharField(null=True, max_length=32)),
            ],
            options={
                "table": "webhook_deliveries",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("webhook_id", "event_id"), name="webhook_deliveries_event_once"),
                    CheckConstraint(
                        check="event IN ('redemption.created', 'redemption.reversed', 'ping')",
                        name="webhook_deliveries_event_known",
                    ),
                    CheckConstraint(
                        check="status IN ('pending', 'delivered', 'failed')",
                        name="webhook_deliveries_status_known",
                    ),
                    CheckConstraint(
                        check="(status = 'pending') = (ended_at IS NULL)",
                        name="webhook_deliveries_end_is_dated",
                    ),
                    CheckConstraint(check="tries >= 0", name="webhook_deliveries_tries_count"),
                ],
                "indexes": [
                    Index(fields=["webhook_id", "id"], name="webhook_deliveries_by_webhook"),
                    Index(fields=["ended_at"], name="webhook_deliveries_by_end"),
                ],
                "pk_attr": "id",
                "table_description": "One event for one webhook; `payload` is the body that is sent, the same at every try, without personal data.",
            },
            bases=["Model"],
        ),
        ops.RemoveConstraint(
            model_name="Staff",
            name="staff_role_known",
            fields=None,
        ),
        ops.AlterField(
            model_name="Staff",
            name="role",
            field=fields.CharEnumField(
                description="OWNER: owner\nMANAGER: manager\nCASHIER: cashier\nDEVICE: device",
                enum_type=StaffRole,
                max_length=16,
            ),
        ),
        ops.AddConstraint(
            model_name="Staff",
            constraint=CheckConstraint(
                check="role IN ('owner', 'manager', 'cashier', 'device')", name="staff_role_known"
            ),
        ),
        ops.AddField(
            model_name="Store",
            name="hours",
            field=ArrayField(null=True, element_type="INT"),
        ),
        ops.AddConstraint(
            model_name="Store",
            constraint=CheckConstraint(
                check="cardinality(hours) BETWEEN 2 AND 112 AND cardinality(hours) % 2 = 0 AND 0 <= ALL (hours) AND 10080 >= ALL (hours)",
                name="stores_hours_in_the_week",
            ),
        ),
        ops.RunSQL([*CONSTRAINTS, *COMPOUND_KEYS, *PARTIAL_INDEXES, *CATALOGUE]),
    ]
