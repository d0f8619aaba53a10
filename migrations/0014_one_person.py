"""Two accounts of one person become one; offers may ask for a real-name level."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

CONTRACTS = (
    "a complaint's place may be empty from now on; the release before always fills it, and reads no other"
)
CONSTRAINTS = [
    "ALTER TABLE citizen_joins ADD CONSTRAINT citizen_joins_of_two CHECK (absorbed_id <> citizen_id)",
    "ALTER TABLE citizen_joins ADD CONSTRAINT citizen_joins_request_hash_form CHECK (length(request_hash) = 32)",
    "CREATE INDEX staff_by_self_hash ON staff (self_hash) WHERE self_hash IS NOT NULL",
]


class Migration(migrations.Migration):
    """Two accounts of one person become one; offers may ask for a real-name level."""

    dependencies = [("models", "0013_identities")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="CitizenJoin",
            fields=[
                (
                    "absorbed_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="joins",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("joined_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "citizen_joins",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="absorbed_id <> citizen_id", name="citizen_joins_of_two"),
                    CheckConstraint(
                        check="length(request_hash) = 32", name="citizen_joins_request_hash_form"
                    ),
                ],
                "indexes": [Index(fields=["citizen_id"], name="citizen_joins_by_citizen")],
                "pk_attr": "absorbed_id",
                "table_description": "Two accounts of one person became one: the subject id that went, and the citizen whose it was.",
            },
            bases=["Model"],
        ),
        ops.AlterField(model_name="Complaint", name="place", field=fields.SmallIntField(null=True)),
        ops.AddField(
            model_name="Offer", name="min_real_name_level", field=fields.SmallIntField(db_default=0)
        ),
        ops.AddConstraint(
            model_name="Offer",
            constraint=CheckConstraint(
                check="min_real_name_level BETWEEN 0 AND 2", name="offers_real_name_level_known"
            ),
        ),
        ops.AddField(
            model_name="OfferVersion", name="min_real_name_level", field=fields.SmallIntField(db_default=0)
        ),
        ops.AddConstraint(
            model_name="OfferVersion",
            constraint=CheckConstraint(
                check="min_real_name_level BETWEEN 0 AND 2", name="offer_versions_real_name_level_known"
            ),
        ),
        ops.RunSQL(CONSTRAINTS),
    ]
