"""核销尝试: refused scans with their reason; those that never reached the database are only counted."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model


class Attempt(Model):
    """One refused scan. `code` is the refusal's permanent code."""

    id = fields.UUIDField(primary_key=True)
    attempted_at = fields.DatetimeField()
    staff_id = fields.UUIDField()
    member_id = fields.UUIDField()
    store_id = fields.UUIDField()
    coupon_id = fields.UUIDField(null=True)
    code = fields.CharField(max_length=32)
    is_preview = fields.BooleanField()

    class Meta:
        table = "attempts"
        indexes = (
            Index(fields=("store_id", "attempted_at"), name="attempts_by_store"),
            Index(fields=("coupon_id", "id"), name="attempts_by_coupon"),
        )
        constraints = (CheckConstraint(check="code ~ '^[a-z_]+$'", name="attempts_code_form"),)


class RefusedScanCount(Model):
    """How many malformed or forged codes one member's staff scanned on a day (Asia/Shanghai)."""

    id = fields.BigIntField(primary_key=True, generated=True)
    day = fields.DateField()
    member_id = fields.UUIDField()
    code = fields.CharField(max_length=32)
    scans = fields.BigIntField()

    class Meta:
        table = "refused_scan_counts"
        constraints = (
            UniqueConstraint(fields=("day", "member_id", "code"), name="refused_scan_counts_once"),
            CheckConstraint(check="scans > 0", name="refused_scan_counts_counts"),
        )
