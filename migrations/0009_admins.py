"""Admins are invited and recover by codes of their own."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.enums import AdminStatus

CONTRACTS = (
    "an admin has one state more; the column stays as it is, and old releases let such admins do nothing"
)
CONSTRAINTS = [
    "ALTER TABLE admin_recovery_codes ADD CONSTRAINT admin_recovery_codes_code_once UNIQUE (code_hash)",
    "ALTER TABLE admin_recovery_codes ADD CONSTRAINT admin_recovery_codes_hash_form CHECK (length(code_hash) = 32)",
    "ALTER TABLE admin_recovery_codes ADD CONSTRAINT admin_recovery_codes_used_after_made CHECK (used_at >= made_at)",
]


class Migration(migrations.Migration):
    """Admins are invited and recover by codes of their own."""

    dependencies = [("models", "0008_offer_lives")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="AdminRecoveryCode",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "admin",
                    fields.ForeignKeyField(
                        "models.Admin",
                        source_field="admin_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="recovery_codes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code_hash", fields.BinaryField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "admin_recovery_codes",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("code_hash",), name="admin_recovery_codes_code_once"),
                    CheckConstraint(check="length(code_hash) = 32", name="admin_recovery_codes_hash_form"),
                    CheckConstraint(check="used_at >= made_at", name="admin_recovery_codes_used_after_made"),
                ],
                "indexes": [Index(fields=["admin_id"], name="admin_recovery_codes_by_admin")],
                "pk_attr": "id",
                "table_description": "A code that signs its admin in once in place of a one-time code; only its keyed hash is kept.",
            },
            bases=["Model"],
        ),
        ops.RemoveConstraint(
            model_name="Admin",
            name="admins_status_known",
            fields=None,
        ),
        ops.AlterField(
            model_name="Admin",
            name="status",
            field=fields.CharEnumField(
                description="INVITED: invited\nACTIVE: active\nREVOKED: revoked",
                db_default="active",
                enum_type=AdminStatus,
                max_length=16,
            ),
        ),
        ops.AddConstraint(
            model_name="Admin",
            constraint=CheckConstraint(
                check="status IN ('invited', 'active', 'revoked')", name="admins_status_known"
            ),
        ),
        ops.AddField(model_name="Admin", name="linked_by", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Admin", name="confirmed_by", field=fields.UUIDField(null=True)),
        ops.AddField(
            model_name="Admin",
            name="confirmed_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddConstraint(
            model_name="Admin",
            constraint=CheckConstraint(
                check="confirmed_by <> linked_by AND confirmed_by <> id", name="admins_confirmed_by_another"
            ),
        ),
        ops.AddConstraint(
            model_name="Admin",
            constraint=CheckConstraint(
                check="(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="admins_confirmed_is_dated"
            ),
        ),
        ops.RunSQL(CONSTRAINTS),
    ]
