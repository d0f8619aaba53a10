"""信用数据批次: signed daily batches of a credit source, and the copy of them that is in force."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.office_enums import BatchErrorState, BatchKind, BatchStatus

CONTRACTS = (
    "The three tables are made by this very migration, as the library makes them, and made again as partitioned ones"
    " before anybody has seen them: nothing of the release before is touched."
)
# A partition for each batch: what a new one replaces is dropped with its rows. None is there before the first batch.
KEYS = {
    "credit_ratings": "batch_number, person_hash",
    "organisation_grades": "batch_number, uscc",
    "dishonest_organisations": "batch_number, uscc, record_id",
}


def by_batch(table: str, key: str) -> list[str]:
    """The statements that make a table that was just created one of partitions by batch."""
    return [
        f"ALTER TABLE {table} RENAME TO {table}_before",
        f"ALTER TABLE {table}_before DROP CONSTRAINT {table}_pkey",
        f"CREATE TABLE {table} (LIKE {table}_before INCLUDING ALL EXCLUDING INDEXES) PARTITION BY LIST (batch_number)",
        f"ALTER TABLE {table} ADD PRIMARY KEY ({key})",
        f"DROP TABLE {table}_before",
    ]


CONSTRAINTS = [
    "ALTER TABLE credit_batches ADD CONSTRAINT credit_batches_number_once UNIQUE (number)",
    "ALTER TABLE credit_batches ADD CONSTRAINT credit_batches_once UNIQUE (source, manifest_sha256)",
    "ALTER TABLE credit_batches ADD CONSTRAINT credit_batches_status_known CHECK (status IN ('loading', 'in_force', 'superseded', 'refused'))",
    "ALTER TABLE credit_batches ADD CONSTRAINT credit_batches_refused_for_a_reason CHECK ((status = 'refused') = (failure IS NOT NULL))",
    "ALTER TABLE credit_batches ADD CONSTRAINT credit_batches_in_force_is_dated CHECK ((status IN ('in_force', 'superseded')) = (in_force_at IS NOT NULL))",
    "ALTER TABLE credit_batches ADD CONSTRAINT credit_batches_settled_in_force CHECK (settled_at IS NULL OR in_force_at IS NOT NULL)",
    "ALTER TABLE credit_batch_files ADD CONSTRAINT credit_batch_files_kind_once UNIQUE (batch_id, kind)",
    "ALTER TABLE credit_batch_files ADD CONSTRAINT credit_batch_files_kind_known CHECK (kind IN ('tiers', 'organisation_grades', 'dishonest_list', 'repairs'))",
    "ALTER TABLE credit_batch_files ADD CONSTRAINT credit_batch_files_counts CHECK (rows_promised >= 0 AND bytes_done >= 0 AND rows_recent >= 0 AND rows_bad BETWEEN 0 AND rows_read)",
    "ALTER TABLE credit_batch_errors ADD CONSTRAINT credit_batch_errors_kind_known CHECK (kind IN ('tiers', 'organisation_grades', 'dishonest_list', 'repairs'))",
    "ALTER TABLE credit_batch_errors ADD CONSTRAINT credit_batch_errors_state_known CHECK (state IN ('open', 'mended', 'closed'))",
    "ALTER TABLE credit_batch_errors ADD CONSTRAINT credit_batch_errors_end_is_dated CHECK ((state = 'open') = (ended_at IS NULL))",
    "ALTER TABLE credit_batch_errors ADD CONSTRAINT credit_batch_errors_mended_by_a_batch CHECK ((state = 'mended') = (mended_by IS NOT NULL))",
    "ALTER TABLE credit_batch_errors ADD CONSTRAINT credit_batch_errors_closed_for_a_reason CHECK (CASE WHEN state = 'closed' THEN closed_by IS NOT NULL AND reason IS NOT NULL ELSE closed_by IS NULL AND reason IS NULL END)",
    "ALTER TABLE credit_copies ADD CONSTRAINT credit_copies_one_in_force UNIQUE (source, kind)",
    "ALTER TABLE credit_copies ADD CONSTRAINT credit_copies_kind_known CHECK (kind IN ('tiers', 'organisation_grades', 'dishonest_list', 'repairs'))",
    "ALTER TABLE credit_ratings ADD CONSTRAINT credit_ratings_hash_form CHECK (octet_length(person_hash) = 32)",
    "ALTER TABLE organisation_grades ADD CONSTRAINT organisation_grades_grade_known CHECK (grade BETWEEN 1 AND 5)",
    "ALTER TABLE credit_repairs ADD CONSTRAINT credit_repairs_of_one_subject CHECK ((person_hash IS NULL) <> (uscc IS NULL))",
    "ALTER TABLE credit_repairs ADD CONSTRAINT credit_repairs_score_has_its_scheme CHECK ((score IS NULL) = (scheme_code IS NULL))",
]


class Migration(migrations.Migration):
    """信用数据批次: signed daily batches of a credit source, and the copy of them that is in force."""

    dependencies = [("models", "0014_one_person")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="CreditBatch",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("number", fields.BigIntField()),
                ("source", fields.CharField(max_length=32)),
                ("source_batch_id", fields.CharField(max_length=64)),
                ("manifest_sha256", fields.CharField(max_length=64)),
                ("data_date", fields.DateField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("delivered_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "status",
                    fields.CharEnumField(
                        description="LOADING: loading\nIN_FORCE: in_force\nSUPERSEDED: superseded\nREFUSED: refused",
                        db_default="loading",
                        enum_type=BatchStatus,
                        max_length=16,
                    ),
                ),
                ("failure", fields.CharField(null=True, max_length=32)),
                ("failure_file", fields.CharField(null=True, max_length=64)),
                ("errors_file_id", fields.UUIDField(null=True)),
                ("in_force_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("settled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "credit_batches",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("number",), name="credit_batches_number_once"),
                    UniqueConstraint(fields=("source", "manifest_sha256"), name="credit_batches_once"),
                    CheckConstraint(
                        check="status IN ('loading', 'in_force', 'superseded', 'refused')",
                        name="credit_batches_status_known",
                    ),
                    CheckConstraint(
                        check="(status = 'refused') = (failure IS NOT NULL)",
                        name="credit_batches_refused_for_a_reason",
                    ),
                    CheckConstraint(
                        check="(status IN ('in_force', 'superseded')) = (in_force_at IS NOT NULL)",
                        name="credit_batches_in_force_is_dated",
                    ),
                    CheckConstraint(
                        check="settled_at IS NULL OR in_force_at IS NOT NULL",
                        name="credit_batches_settled_in_force",
                    ),
                ],
                "indexes": [Index(fields=["source", "data_date"], name="credit_batches_by_day")],
                "pk_attr": "id",
                "table_description": "One signed batch. Nothing of it counts until `status` is in_force, which one transaction decides.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CreditBatchError",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "batch",
                    fields.ForeignKeyField(
                        "models.CreditBatch",
                        source_field="batch_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="errors",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="TIERS: tiers\nORGANISATION_GRADES: organisation_grades\nDISHONEST_LIST: dishonest_list\nREPAIRS: repairs",
                        enum_type=BatchKind,
                        max_length=32,
                    ),
                ),
                ("row_number", fields.BigIntField(null=True)),
                ("record_id", fields.CharField(max_length=64)),
                ("field", fields.CharField(max_length=32)),
                ("code", fields.CharField(max_length=32)),
                (
                    "state",
                    fields.CharEnumField(
                        description="OPEN: open\nMENDED: mended\nCLOSED: closed",
                        db_default="open",
                        enum_type=BatchErrorState,
                        max_length=16,
                    ),
                ),
                ("found_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("mended_by", fields.UUIDField(null=True)),
                ("closed_by", fields.UUIDField(null=True)),
                ("reason", fields.CharField(null=True, max_length=200)),
            ],
            options={
                "table": "credit_batch_errors",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="kind IN ('tiers', 'organisation_grades', 'dishonest_list', 'repairs')",
                        name="credit_batch_errors_kind_known",
                    ),
                    CheckConstraint(
                        check="state IN ('open', 'mended', 'closed')", name="credit_batch_errors_state_known"
                    ),
                    CheckConstraint(
                        check="(state = 'open') = (ended_at IS NULL)", name="credit_batch_errors_end_is_dated"
                    ),
                    CheckConstraint(
                        check="(state = 'mended') = (mended_by IS NOT NULL)",
                        name="credit_batch_errors_mended_by_a_batch",
                    ),
                    CheckConstraint(
                        check="CASE WHEN state = 'closed' THEN closed_by IS NOT NULL AND reason IS NOT NULL ELSE closed_by IS NULL AND reason IS NULL END",
                        name="credit_batch_errors_closed_for_a_reason",
                    ),
                ],
                "indexes": [
                    Index(fields=["batch_id", "id"], name="credit_batch_errors_by_batch"),
                    Index(fields=["state", "record_id"], name="credit_batch_errors_by_record"),
                ],
                "pk_attr": "id",
                "table_description": "A row to be sent back, by its number and record id, never by whose it is; open until it is delivered rightly.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CreditBatchFile",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "batch",
                    fields.ForeignKeyField(
                        "models.CreditBatch",
                        source_field="batch_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="files",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="TIERS: tiers\nORGANISATION_GRADES: organisation_grades\nDISHONEST_LIST: dishonest_list\nREPAIRS: repairs",
                        enum_type=BatchKind,
                        max_length=32,
                    ),
                ),
                ("name", fields.CharField(max_length=64)),
                ("sha256", fields.CharField(max_length=64)),
                ("rows_promised", fields.BigIntField()),
                ("bytes_done", fields.BigIntField(db_default=0)),
                ("prefix_sha256", fields.CharField(db_default="", max_length=64)),
                ("rows_read", fields.BigIntField(db_default=0)),
                ("rows_bad", fields.BigIntField(db_default=0)),
                ("rows_recent", fields.BigIntField(db_default=0)),
                ("is_loaded", fields.BooleanField(db_default=False)),
            ],
            options={
                "table": "credit_batch_files",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("batch_id", "kind"), name="credit_batch_files_kind_once"),
                    CheckConstraint(
                        check="kind IN ('tiers', 'organisation_grades', 'dishonest_list', 'repairs')",
                        name="credit_batch_files_kind_known",
                    ),
                    CheckConstraint(
                        check="rows_promised >= 0 AND bytes_done >= 0 AND rows_recent >= 0 AND rows_bad BETWEEN 0 AND rows_read",
                        name="credit_batch_files_counts",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "One file of a batch and how far it is loaded: `bytes_done` of it, whose SHA-256 is `prefix_sha256`.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CreditCopy",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("source", fields.CharField(max_length=32)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="TIERS: tiers\nORGANISATION_GRADES: organisation_grades\nDISHONEST_LIST: dishonest_list\nREPAIRS: repairs",
                        enum_type=BatchKind,
                        max_length=32,
                    ),
                ),
                (
                    "batch",
                    fields.ForeignKeyField(
                        "models.CreditBatch",
                        source_field="batch_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="copies",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("batch_number", fields.BigIntField()),
                ("data_date", fields.DateField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("scheme_code", fields.CharField(null=True, max_length=32)),
            ],
            options={
                "table": "credit_copies",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("source", "kind"), name="credit_copies_one_in_force"),
                    CheckConstraint(
                        check="kind IN ('tiers', 'organisation_grades', 'dishonest_list', 'repairs')",
                        name="credit_copies_kind_known",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "Which batch's rows of one kind are in force: one of a source and kind at a time, and never an older one again.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CreditRating",
            fields=[
                (
                    "batch_number",
                    fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True),
                ),
                ("person_hash", fields.BinaryField()),
                ("score", fields.IntField()),
                ("scheme_code", fields.CharField(max_length=32)),
                ("data_date", fields.DateField()),
                ("record_id", fields.CharField(max_length=64)),
                ("row_number", fields.IntField()),
            ],
            options={
                "table": "credit_ratings",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="octet_length(person_hash) = 32", name="credit_ratings_hash_form")
                ],
                "pk_attr": "batch_number",
                "table_description": "The source's scores, by the keyed hash of the ID number: today's copy only, in a partition for each batch.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CreditRepair",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("batch_number", fields.BigIntField()),
                ("person_hash", fields.BinaryField(null=True)),
                ("uscc", fields.CharField(null=True, max_length=18)),
                ("record_id", fields.CharField(max_length=64)),
                ("data_date", fields.DateField()),
                ("scheme_code", fields.CharField(null=True, max_length=32)),
                ("score", fields.IntField(null=True)),
                ("grade", fields.SmallIntField(null=True)),
                ("row_number", fields.IntField()),
            ],
            options={
                "table": "credit_repairs",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="(person_hash IS NULL) <> (uscc IS NULL)", name="credit_repairs_of_one_subject"
                    ),
                    CheckConstraint(
                        check="(score IS NULL) = (scheme_code IS NULL)",
                        name="credit_repairs_score_has_its_scheme",
                    ),
                ],
                "indexes": [
                    Index(fields=["batch_number"], name="credit_repairs_by_batch"),
                    Index(fields=["person_hash"], name="credit_repairs_by_person"),
                ],
                "pk_attr": "id",
                "table_description": "信用修复 of a batch, kept only until it has taken effect; a person's by the keyed hash, an organisation's by its code.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DishonestOrganisation",
            fields=[
                (
                    "batch_number",
                    fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True),
                ),
                ("uscc", fields.CharField(max_length=18)),
                ("data_date", fields.DateField()),
                ("record_id", fields.CharField(max_length=64)),
                ("row_number", fields.IntField()),
            ],
            options={
                "table": "dishonest_organisations",
                "app": "models",
                "pk_attr": "batch_number",
                "table_description": "失信名单, a partition for each batch; an organisation may be on it by several records, hence the key's three.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrganisationGrade",
            fields=[
                (
                    "batch_number",
                    fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True),
                ),
                ("uscc", fields.CharField(max_length=18)),
                ("grade", fields.SmallIntField()),
                ("data_date", fields.DateField()),
                ("record_id", fields.CharField(max_length=64)),
                ("row_number", fields.IntField()),
            ],
            options={
                "table": "organisation_grades",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="grade BETWEEN 1 AND 5", name="organisation_grades_grade_known")
                ],
                "pk_attr": "batch_number",
                "table_description": "Organisations' grades on the common ladder, a partition for each batch; the key is (batch_number, uscc).",
            },
            bases=["Model"],
        ),
        ops.RunSQL([statement for table, key in KEYS.items() for statement in by_batch(table, key)]),
        ops.RunSQL(CONSTRAINTS),
    ]
