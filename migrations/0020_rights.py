"""A citizen's rights: erased citizens, and the copies of their data that citizens took.

What is tied to an erased citizen afterwards is kept out here and not in the code: whoever writes it, from whatever
process, may have read before the erasure.
"""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.citizen_enums import DataCopyFormat

CONSTRAINTS = [
    "ALTER TABLE data_copies ADD CONSTRAINT data_copies_place_once UNIQUE (citizen_id, copied_on, place)",
    "ALTER TABLE data_copies ADD CONSTRAINT data_copies_place_in_range CHECK (place BETWEEN 1 AND 3)",
    "ALTER TABLE data_copies ADD CONSTRAINT data_copies_format_known CHECK (format IN ('json', 'html'))",
    # What one citizen did himself, newest first: admins have thousands of records, he has a few.
    "CREATE INDEX audit_records_by_citizen ON audit_records (actor_id, id) WHERE actor_kind = 'citizen'",
    # Whose confirmation it is can be asked for when it is to be erased.
    "CREATE INDEX approvals_of_citizens ON approvals (object_id)"
    " WHERE kind IN ('coupon_revocation', 'objection_extension')",
    "CREATE INDEX staff_by_self ON staff (self_hash) WHERE self_hash IS NOT NULL",
]

# A notice to somebody who is gone is told to nobody, and its cause goes on; everything else is refused.
ERASED = [
    "CREATE FUNCTION refuse_for_erased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF EXISTS (SELECT FROM citizens WHERE id = NEW.citizen_id AND erased_at IS NOT NULL) THEN"
    "  RAISE EXCEPTION 'the citizen is erased' USING ERRCODE = 'check_violation', CONSTRAINT = 'citizens_not_erased';"
    " END IF; RETURN NEW; END $$",
    "CREATE FUNCTION skip_for_erased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF EXISTS (SELECT FROM citizens WHERE id = NEW.citizen_id AND erased_at IS NOT NULL) THEN"
    "  RETURN NULL; END IF; RETURN NEW; END $$",
    *(
        f"CREATE TRIGGER {table}_not_of_erased BEFORE INSERT OR UPDATE OF citizen_id ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_for_erased()"
        for table in (
            *("natural_persons", "channel_identities", "citizen_phones", "consents", "tier_snapshots"),
            *("complaints", "data_copies", "objections", "declarations", "consent_refusals"),
            *("message_quotas", "citizen_joins"),
        )
    ),
    *(
        f"CREATE TRIGGER {table}_not_of_erased BEFORE INSERT OR UPDATE OF citizen_id ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION skip_for_erased()"
        for table in ("citizen_notices", "messages")
    ),
]


class Migration(migrations.Migration):
    """Erased citizens, and the copies of their data that citizens took."""

    dependencies = [("models", "0019_messages")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.AddField(
            model_name="Citizen",
            name="erased_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.CreateModel(
            name="DataCopy",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="data_copies",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "format",
                    fields.CharEnumField(
                        description="JSON: json\nHTML: html", enum_type=DataCopyFormat, max_length=8
                    ),
                ),
                ("copied_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("copied_on", fields.DateField()),
                ("place", fields.SmallIntField()),
            ],
            options={
                "table": "data_copies",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("citizen_id", "copied_on", "place"), name="data_copies_place_once"
                    ),
                    CheckConstraint(check="place BETWEEN 1 AND 3", name="data_copies_place_in_range"),
                    CheckConstraint(check="format IN ('json', 'html')", name="data_copies_format_known"),
                ],
                "indexes": [Index(fields=["citizen_id", "id"], name="data_copies_by_citizen")],
                "pk_attr": "id",
                "table_description": "That a citizen took a copy of his data; the copy itself is kept nowhere.",
            },
            bases=["Model"],
        ),
        ops.AddIndex(
            model_name="MemberCustomer",
            index=Index(fields=["citizen_id"], name="member_customers_by_citizen"),
        ),
        ops.RunSQL([*CONSTRAINTS, *ERASED]),
    ]
