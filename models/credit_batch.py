"""信用数据批次: what a source delivers every day, signed: the batches, their files, bad rows, and the copy in force."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.office_enums import BatchErrorState, BatchKind, BatchStatus

KINDS = "('tiers', 'organisation_grades', 'dishonest_list', 'repairs')"


class CreditBatch(Model):
    """One signed batch. Nothing of it counts until `status` is in_force, which one transaction decides.

    `number` names its rows in the tables of copies; `due_at` is the hour agreed for its day, `delivered_at` when it was
    first seen; `settled_at`: what follows from it (repairs, mended rows, the old copy's end) is done.
    """

    id = fields.UUIDField(primary_key=True)
    number = fields.BigIntField()
    source = fields.CharField(max_length=32)
    source_batch_id = fields.CharField(max_length=64)
    manifest_sha256 = fields.CharField(max_length=64)
    data_date = fields.DateField()
    made_at = fields.DatetimeField()
    delivered_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    status = fields.CharEnumField(BatchStatus, max_length=16, db_default=BatchStatus.LOADING.value)
    failure = fields.CharField(max_length=32, null=True)
    failure_file = fields.CharField(max_length=64, null=True)
    errors_file_id = fields.UUIDField(null=True)
    in_force_at = fields.DatetimeField(null=True)
    settled_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "credit_batches"
        indexes = (Index(fields=("source", "data_date"), name="credit_batches_by_day"),)
        constraints = (
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
                check="settled_at IS NULL OR in_force_at IS NOT NULL", name="credit_batches_settled_in_force"
            ),
        )


class CreditBatchFile(Model):
    """One file of a batch and how far it is loaded: `bytes_done` of it, whose SHA-256 is `prefix_sha256`.

    `rows_recent`: rows whose own date is the batch's day or the day before.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    batch: fields.ForeignKeyRelation[CreditBatch] = fields.ForeignKeyField(
        "models.CreditBatch", related_name="files", on_delete=fields.RESTRICT
    )
    kind = fields.CharEnumField(BatchKind, max_length=32)
    name = fields.CharField(max_length=64)
    sha256 = fields.CharField(max_length=64)
    rows_promised = fields.BigIntField()
    bytes_done = fields.BigIntField(db_default=0)
    prefix_sha256 = fields.CharField(max_length=64, db_default="")
    rows_read = fields.BigIntField(db_default=0)
    rows_bad = fields.BigIntField(db_default=0)
    rows_recent = fields.BigIntField(db_default=0)
    is_loaded = fields.BooleanField(db_default=False)

    class Meta:
        table = "credit_batch_files"
        constraints = (
            UniqueConstraint(fields=("batch_id", "kind"), name="credit_batch_files_kind_once"),
            CheckConstraint(check=f"kind IN {KINDS}", name="credit_batch_files_kind_known"),
            CheckConstraint(
                check="rows_promised >= 0 AND bytes_done >= 0 AND rows_recent >= 0 AND rows_bad BETWEEN 0 AND rows_read",
                name="credit_batch_files_counts",
            ),
        )


class CreditBatchError(Model):
    """A row to be sent back, by its number and record id, never by whose it is; open until it is delivered rightly."""

    id = fields.UUIDField(primary_key=True)
    batch: fields.ForeignKeyRelation[CreditBatch] = fields.ForeignKeyField(
        "models.CreditBatch", related_name="errors", on_delete=fields.RESTRICT
    )
    kind = fields.CharEnumField(BatchKind, max_length=32)
    row_number = fields.BigIntField(null=True)
    record_id = fields.CharField(max_length=64)
    field = fields.CharField(max_length=32)
    code = fields.CharField(max_length=32)
    state = fields.CharEnumField(BatchErrorState, max_length=16, db_default=BatchErrorState.OPEN.value)
    found_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    mended_by = fields.UUIDField(null=True)
    closed_by = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=200, null=True)

    class Meta:
        table = "credit_batch_errors"
        indexes = (
            Index(fields=("batch_id", "id"), name="credit_batch_errors_by_batch"),
            Index(fields=("state", "record_id"), name="credit_batch_errors_by_record"),
        )
        constraints = (
            CheckConstraint(check=f"kind IN {KINDS}", name="credit_batch_errors_kind_known"),
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
                check="CASE WHEN state = 'closed' THEN closed_by IS NOT NULL AND reason IS NOT NULL"
                " ELSE closed_by IS NULL AND reason IS NULL END",
                name="credit_batch_errors_closed_for_a_reason",
            ),
        )


class CreditCopy(Model):
    """Which batch's rows of one kind are in force: one of a source and kind at a time, and never an older one again."""

    id = fields.BigIntField(primary_key=True, generated=True)
    source = fields.CharField(max_length=32)
    kind = fields.CharEnumField(BatchKind, max_length=32)
    batch: fields.ForeignKeyRelation[CreditBatch] = fields.ForeignKeyField(
        "models.CreditBatch", related_name="copies", on_delete=fields.RESTRICT
    )
    batch_number = fields.BigIntField()
    data_date = fields.DateField()
    made_at = fields.DatetimeField()
    scheme_code = fields.CharField(max_length=32, null=True)

    class Meta:
        table = "credit_copies"
        constraints = (
            UniqueConstraint(fields=("source", "kind"), name="credit_copies_one_in_force"),
            CheckConstraint(check=f"kind IN {KINDS}", name="credit_copies_kind_known"),
        )


class CreditRating(Model):
    """The source's scores, by the keyed hash of the ID number: today's copy only, in a partition for each batch.

    Read by `citizens.credit_sources.batch` alone, under a consent (rule 1). The primary key is (batch_number,
    person_hash), which the model can't say.
    """

    batch_number = fields.BigIntField(primary_key=True, generated=False)
    person_hash = fields.BinaryField()
    score = fields.IntField()
    scheme_code = fields.CharField(max_length=32)
    data_date = fields.DateField()
    record_id = fields.CharField(max_length=64)
    row_number = fields.IntField()

    class Meta:
        table = "credit_ratings"
        constraints = (
            CheckConstraint(check="octet_length(person_hash) = 32", name="credit_ratings_hash_form"),
        )


class OrganisationGrade(Model):
    """Organisations' grades on the common ladder, a partition for each batch; the key is (batch_number, uscc)."""

    batch_number = fields.BigIntField(primary_key=True, generated=False)
    uscc = fields.CharField(max_length=18)
    grade = fields.SmallIntField()
    data_date = fields.DateField()
    record_id = fields.CharField(max_length=64)
    row_number = fields.IntField()

    class Meta:
        table = "organisation_grades"
        constraints = (
            CheckConstraint(check="grade BETWEEN 1 AND 5", name="organisation_grades_grade_known"),
        )


class DishonestOrganisation(Model):
    """失信名单, a partition for each batch; an organisation may be on it by several records, hence the key's three."""

    batch_number = fields.BigIntField(primary_key=True, generated=False)
    uscc = fields.CharField(max_length=18)
    data_date = fields.DateField()
    record_id = fields.CharField(max_length=64)
    row_number = fields.IntField()

    class Meta:
        table = "dishonest_organisations"


class CreditRepair(Model):
    """信用修复 of a batch, kept only until it has taken effect; a person's by the keyed hash, an organisation's by its code."""

    id = fields.BigIntField(primary_key=True, generated=True)
    batch_number = fields.BigIntField()
    person_hash = fields.BinaryField(null=True)
    uscc = fields.CharField(max_length=18, null=True)
    record_id = fields.CharField(max_length=64)
    data_date = fields.DateField()
    scheme_code = fields.CharField(max_length=32, null=True)
    score = fields.IntField(null=True)
    grade = fields.SmallIntField(null=True)
    row_number = fields.IntField()

    class Meta:
        table = "credit_repairs"
        indexes = (
            Index(fields=("batch_number",), name="credit_repairs_by_batch"),
            Index(fields=("person_hash",), name="credit_repairs_by_person"),
        )
        constraints = (
            CheckConstraint(
                check="(person_hash IS NULL) <> (uscc IS NULL)", name="credit_repairs_of_one_subject"
            ),
            CheckConstraint(
                check="(score IS NULL) = (scheme_code IS NULL)", name="credit_repairs_score_has_its_scheme"
            ),
        )
