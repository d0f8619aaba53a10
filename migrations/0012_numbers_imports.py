"""Sums of what happened (numbers), and files of members, stores, staff and offers (imports)."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.office_enums import ImportKind, ImportStatus, NumberSource

CONSTRAINTS = [
    "ALTER TABLE flow_days ADD CONSTRAINT flow_days_counts CHECK (views >= 0 AND claims >= 0 AND given_back >= 0 AND redemptions >= 0 AND reversals >= 0 AND discount_fen >= 0 AND reversed_fen >= 0 AND new_customers >= 0 AND returning_customers >= 0)",
    "ALTER TABLE flow_days ADD CONSTRAINT flow_days_where_it_happened CHECK (CASE WHEN store_id IS NULL THEN redemptions + reversals + new_customers + returning_customers = 0 ELSE views + claims + given_back = 0 END)",
    "ALTER TABLE imports ADD CONSTRAINT imports_kind_known CHECK (kind IN ('members', 'stores', 'staff', 'offers'))",
    "ALTER TABLE imports ADD CONSTRAINT imports_status_known CHECK (status IN ('uploaded', 'checking', 'checked', 'applying', 'applied', 'failed', 'discarded'))",
    "ALTER TABLE imports ADD CONSTRAINT imports_rows_count CHECK (rows_done >= 0 AND rows_bad >= 0 AND coalesce(rows_total, 0) >= 0)",
    "ALTER TABLE imports ADD CONSTRAINT imports_four_eyes CHECK (applied_by <> uploaded_by)",
    "ALTER TABLE imports ADD CONSTRAINT imports_applied_without_errors CHECK (status NOT IN ('applying', 'applied') OR (rows_bad = 0 AND applied_by IS NOT NULL))",
    "ALTER TABLE imports ADD CONSTRAINT imports_end_is_dated CHECK ((status IN ('applied', 'failed', 'discarded')) = (ended_at IS NOT NULL))",
    "ALTER TABLE import_rows ADD CONSTRAINT import_rows_once UNIQUE (import_id, run_id, number)",
    "ALTER TABLE import_rows ADD CONSTRAINT import_rows_number_counts CHECK (number >= 1)",
    "ALTER TABLE member_customers ADD CONSTRAINT member_customers_once UNIQUE (member_id, citizen_id)",
    "ALTER TABLE member_customers ADD CONSTRAINT member_customers_days_in_order CHECK (last_day >= first_day)",
    "ALTER TABLE number_marks ADD CONSTRAINT number_marks_source_known CHECK (source IN ('ledger', 'claims', 'given_back', 'attempts'))",
    "ALTER TABLE number_marks ADD CONSTRAINT number_marks_counts CHECK (mark >= 0 AND kept_from >= 0)",
    "ALTER TABLE number_slices ADD CONSTRAINT number_slices_once UNIQUE (source, slice, day, subject_id, code)",
    "ALTER TABLE number_slices ADD CONSTRAINT number_slices_source_known CHECK (source IN ('ledger', 'claims', 'given_back', 'attempts'))",
    "ALTER TABLE number_slices ADD CONSTRAINT number_slices_counts CHECK (count > 0)",
    "ALTER TABLE refusal_days ADD CONSTRAINT refusal_days_once UNIQUE (day, member_id, code)",
    "ALTER TABLE refusal_days ADD CONSTRAINT refusal_days_counts CHECK (refusals > 0)",
]


PARTIAL_INDEXES = [
    "CREATE UNIQUE INDEX flow_days_offer_once ON flow_days (day, offer_id) WHERE store_id IS NULL",
    "CREATE UNIQUE INDEX flow_days_store_once ON flow_days (day, offer_id, store_id) WHERE store_id IS NOT NULL",
    # Few coupons end this way, and a claim writes nothing into it. Not "IS NOT NULL": while few have ended, what asks
    # for one coupon's end by its id would be planned to read them all.
    "CREATE INDEX coupons_by_end ON coupons (ended_at) WHERE ended_at > '2000-01-01 00:00:00+00'",
]


class Migration(migrations.Migration):
    """Sums of what happened (numbers), and files of members, stores, staff and offers (imports)."""

    dependencies = [("models", "0011_statements")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="FlowDay",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("day", fields.DateField()),
                ("offer_id", fields.UUIDField()),
                ("store_id", fields.UUIDField(null=True)),
                ("member_id", fields.UUIDField()),
                ("region_id", fields.CharField(max_length=6)),
                ("views", fields.BigIntField(db_default=0)),
                ("claims", fields.BigIntField(db_default=0)),
                ("given_back", fields.BigIntField(db_default=0)),
                ("redemptions", fields.BigIntField(db_default=0)),
                ("reversals", fields.BigIntField(db_default=0)),
                ("discount_fen", fields.BigIntField(db_default=0)),
                ("reversed_fen", fields.BigIntField(db_default=0)),
                ("new_customers", fields.BigIntField(db_default=0)),
                ("returning_customers", fields.BigIntField(db_default=0)),
            ],
            options={
                "table": "flow_days",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="views >= 0 AND claims >= 0 AND given_back >= 0 AND redemptions >= 0 AND reversals >= 0 AND discount_fen >= 0 AND reversed_fen >= 0 AND new_customers >= 0 AND returning_customers >= 0",
                        name="flow_days_counts",
                    ),
                    CheckConstraint(
                        check="CASE WHEN store_id IS NULL THEN redemptions + reversals + new_customers + returning_customers = 0 ELSE views + claims + given_back = 0 END",
                        name="flow_days_where_it_happened",
                    ),
                ],
                "indexes": [
                    Index(fields=["member_id", "day"], name="flow_days_by_member"),
                    Index(fields=["day", "region_id"], name="flow_days_by_region"),
                ],
                "pk_attr": "id",
                "table_description": "One offer's day (Asia/Shanghai): views → claims → redemptions → customers (以实惠换流量).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Import",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="MEMBERS: members\nSTORES: stores\nSTAFF: staff\nOFFERS: offers",
                        enum_type=ImportKind,
                        max_length=16,
                    ),
                ),
                (
                    "region",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="region_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="imports",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="UPLOADED: uploaded\nCHECKING: checking\nCHECKED: checked\nAPPLYING: applying\nAPPLIED: applied\nFAILED: failed\nDISCARDED: discarded",
                        db_default="uploaded",
                        enum_type=ImportStatus,
                        max_length=16,
                    ),
                ),
                ("file_id", fields.UUIDField()),
                ("errors_file_id", fields.UUIDField(null=True)),
                ("failure", fields.CharField(null=True, max_length=32)),
                ("run_id", fields.UUIDField(null=True)),
                ("rows_total", fields.IntField(null=True)),
                ("rows_done", fields.IntField(db_default=0)),
                ("rows_bad", fields.IntField(db_default=0)),
                ("uploaded_by", fields.UUIDField()),
                ("uploaded_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("checked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("applied_by", fields.UUIDField(null=True)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "imports",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="kind IN ('members', 'stores', 'staff', 'offers')", name="imports_kind_known"
                    ),
                    CheckConstraint(
                        check="status IN ('uploaded', 'checking', 'checked', 'applying', 'applied', 'failed', 'discarded')",
                        name="imports_status_known",
                    ),
                    CheckConstraint(
                        check="rows_done >= 0 AND rows_bad >= 0 AND coalesce(rows_total, 0) >= 0",
                        name="imports_rows_count",
                    ),
                    CheckConstraint(check="applied_by <> uploaded_by", name="imports_four_eyes"),
                    CheckConstraint(
                        check="status NOT IN ('applying', 'applied') OR (rows_bad = 0 AND applied_by IS NOT NULL)",
                        name="imports_applied_without_errors",
                    ),
                    CheckConstraint(
                        check="(status IN ('applied', 'failed', 'discarded')) = (ended_at IS NOT NULL)",
                        name="imports_end_is_dated",
                    ),
                ],
                "indexes": [
                    Index(fields=["region_id", "id"], name="imports_by_region"),
                    Index(fields=["ended_at"], name="imports_by_end"),
                ],
                "pk_attr": "id",
                "table_description": "One uploaded file. `region` is the uploader's: nothing outside of it is written.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ImportRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("import_id", fields.UUIDField()),
                ("run_id", fields.UUIDField()),
                ("number", fields.IntField()),
                ("made_id", fields.UUIDField()),
                ("content", fields.TextField(unique=False)),
            ],
            options={
                "table": "import_rows",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("import_id", "run_id", "number"), name="import_rows_once"),
                    CheckConstraint(check="number >= 1", name="import_rows_number_counts"),
                ],
                "pk_attr": "id",
                "table_description": "A row of a file that was found good, as JSON of plain values, in the file's order.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MemberCustomer",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("member_id", fields.UUIDField()),
                ("citizen_id", fields.UUIDField()),
                ("first_entry", fields.BigIntField()),
                ("first_day", fields.DateField()),
                ("last_day", fields.DateField()),
            ],
            options={
                "table": "member_customers",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("member_id", "citizen_id"), name="member_customers_once"),
                    CheckConstraint(check="last_day >= first_day", name="member_customers_days_in_order"),
                ],
                "pk_attr": "id",
                "table_description": "Who redeemed at a member before, by his random id: what tells new customers from returning ones.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NumberMark",
            fields=[
                (
                    "source",
                    fields.CharEnumField(
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="LEDGER: ledger\nCLAIMS: claims\nGIVEN_BACK: given_back\nATTEMPTS: attempts",
                        enum_type=NumberSource,
                        max_length=16,
                    ),
                ),
                ("mark", fields.BigIntField(db_default=0)),
                ("kept_from", fields.BigIntField(db_default=0)),
            ],
            options={
                "table": "number_marks",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="source IN ('ledger', 'claims', 'given_back', 'attempts')",
                        name="number_marks_source_known",
                    ),
                    CheckConstraint(check="mark >= 0 AND kept_from >= 0", name="number_marks_counts"),
                ],
                "pk_attr": "source",
                "table_description": "How far one source was counted; advanced in the same transaction as the sums.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NumberSlice",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "source",
                    fields.CharEnumField(
                        description="LEDGER: ledger\nCLAIMS: claims\nGIVEN_BACK: given_back\nATTEMPTS: attempts",
                        enum_type=NumberSource,
                        max_length=16,
                    ),
                ),
                ("slice", fields.BigIntField()),
                ("day", fields.DateField()),
                ("subject_id", fields.UUIDField()),
                ("code", fields.CharField(db_default="", max_length=32)),
                ("count", fields.BigIntField()),
            ],
            options={
                "table": "number_slices",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("source", "slice", "day", "subject_id", "code"), name="number_slices_once"
                    ),
                    CheckConstraint(
                        check="source IN ('ledger', 'claims', 'given_back', 'attempts')",
                        name="number_slices_source_known",
                    ),
                    CheckConstraint(check="count > 0", name="number_slices_counts"),
                ],
                "pk_attr": "id",
                "table_description": "What one source's minute added to the sums: counted again, it replaces itself and adds the difference.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RefusalDay",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("day", fields.DateField()),
                ("member_id", fields.UUIDField()),
                ("code", fields.CharField(max_length=32)),
                ("refusals", fields.BigIntField()),
            ],
            options={
                "table": "refusal_days",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("day", "member_id", "code"), name="refusal_days_once"),
                    CheckConstraint(check="refusals > 0", name="refusal_days_counts"),
                ],
                "pk_attr": "id",
                "table_description": "Refused scans of a member's staff on one day by reason; those that never reached a coupon are in",
            },
            bases=["Model"],
        ),
        ops.AddIndex(
            model_name="Member",
            index=Index(fields=["region_id", "status"], name="members_by_region_and_status"),
        ),
        ops.RunSQL([*CONSTRAINTS, *PARTIAL_INDEXES]),
    ]
