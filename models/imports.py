"""批量导入: a file of members, stores, staff or offers, from its upload to what became of it."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.office_enums import ImportKind, ImportStatus
from models.region import Region


class Import(Model):
    """One uploaded file. `region` is the uploader's: nothing outside of it is written.

    A file is checked first, always, and applied as a whole or not at all, by another admin than the one who sent it
    (a CHECK). `run_id` is the run that works on it now: one that was taken for dead writes no more. `failure` is a
    code where the file as a whole could not be read or applied.
    """

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharEnumField(ImportKind, max_length=16)
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="imports", on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(ImportStatus, max_length=16, db_default=ImportStatus.UPLOADED.value)
    file_id = fields.UUIDField()
    errors_file_id = fields.UUIDField(null=True)
    failure = fields.CharField(max_length=32, null=True)
    run_id = fields.UUIDField(null=True)
    rows_total = fields.IntField(null=True)
    rows_done = fields.IntField(db_default=0)
    rows_bad = fields.IntField(db_default=0)
    uploaded_by = fields.UUIDField()
    uploaded_at = fields.DatetimeField()
    checked_at = fields.DatetimeField(null=True)
    applied_by = fields.UUIDField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "imports"
        indexes = (
            Index(fields=("region_id", "id"), name="imports_by_region"),
            Index(fields=("ended_at",), name="imports_by_end"),
        )
        constraints = (
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
        )


class ImportRow(Model):
    """A row of a file that was found good, as JSON of plain values, in the file's order.

    What an import wrote is found by `made_id`, the id of the member, store, person or offer that the row becomes.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    import_id = fields.UUIDField()
    run_id = fields.UUIDField()
    number = fields.IntField()
    made_id = fields.UUIDField()
    content = fields.TextField()

    class Meta:
        table = "import_rows"
        constraints = (
            UniqueConstraint(fields=("import_id", "run_id", "number"), name="import_rows_once"),
            CheckConstraint(check="number >= 1", name="import_rows_number_counts"),
        )
