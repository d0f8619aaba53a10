"""Files with a region's statements, made in the background when a second admin agreed."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.office_enums import ExportFormat, ExportState


class Export(Model):
    """One file that an admin asked for; he alone reads it. `id` is the approval's: agreed to once, made once.

    `rows_done` is how far the writing has come; `file_id` names the stored file once it is there.
    """

    id = fields.UUIDField(primary_key=True)
    region_id = fields.CharField(max_length=6)
    period = fields.DateField()
    format = fields.CharEnumField(ExportFormat, max_length=8)
    asked_by = fields.UUIDField()
    agreed_at = fields.DatetimeField()
    state = fields.CharEnumField(ExportState, max_length=16, db_default=ExportState.WAITING.value)
    rows_done = fields.BigIntField(db_default=0)
    file_id = fields.UUIDField(null=True)
    ready_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "exports"
        indexes = (
            Index(fields=("asked_by", "id"), name="exports_by_asker"),
            Index(fields=("state", "ready_at"), name="exports_by_state"),
        )
        constraints = (
            CheckConstraint(check="format IN ('csv', 'xlsx')", name="exports_format_known"),
            CheckConstraint(check="state IN ('waiting', 'ready', 'deleted')", name="exports_state_known"),
            CheckConstraint(check="rows_done >= 0", name="exports_rows_count"),
            CheckConstraint(check="EXTRACT(day FROM period) = 1", name="exports_period_is_a_month"),
            CheckConstraint(
                check="(state = 'waiting') = (file_id IS NULL) AND (file_id IS NULL) = (ready_at IS NULL)",
                name="exports_ready_has_file",
            ),
            CheckConstraint(
                check="(state = 'deleted') = (deleted_at IS NOT NULL)", name="exports_deleted_is_dated"
            ),
        )
