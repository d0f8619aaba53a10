"""四眼: what one admin asked for and another has to agree to."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.office_enums import ApprovalKind, ApprovalStatus
from models.region import Region


class Approval(Model):
    """One request. `payload` is JSON, ids and plain values only: what is carried out when somebody else agrees.

    A partial unique index (in the migration) lets one request for a thing be open at a time.
    """

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharEnumField(ApprovalKind, max_length=32)
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="approvals", on_delete=fields.RESTRICT
    )
    object_id = fields.CharField(max_length=64)
    payload = fields.TextField()
    reason = fields.CharField(max_length=256)
    status = fields.CharEnumField(ApprovalStatus, max_length=16, db_default=ApprovalStatus.OPEN.value)
    asked_by = fields.UUIDField()
    asked_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    decision_reason = fields.CharField(max_length=256, null=True)

    class Meta:
        table = "approvals"
        indexes = (Index(fields=("region_id", "id"), name="approvals_by_region"),)
        constraints = (
            CheckConstraint(
                check="kind IN ('tier_scheme', 'white_list', 'uscc_override', 'coupon_revocation', 'budget_raise', 'export', 'objection_extension', 'tier_mapping')",
                name="approvals_kind_known",
            ),
            CheckConstraint(
                check="status IN ('open', 'approved', 'refused', 'withdrawn', 'expired')",
                name="approvals_status_known",
            ),
            CheckConstraint(
                check="(status = 'open') = (decided_at IS NULL)", name="approvals_decided_is_dated"
            ),
            CheckConstraint(
                check="(status IN ('approved', 'refused')) = (decided_by IS NOT NULL)",
                name="approvals_decided_by_somebody",
            ),
            CheckConstraint(check="decided_by <> asked_by", name="approvals_four_eyes"),
            CheckConstraint(check="reason <> ''", name="approvals_reason_given"),
            CheckConstraint(check="expires_at > asked_at", name="approvals_expiry_ahead"),
        )
