"""Who did what to which thing, when, and how it ended (rule 14). Rows are written once."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.enums import ActorKind, AuditOutcome


class AuditRecord(Model):
    """One action. Ids only: never a name, a number or a text that somebody typed."""

    id = fields.UUIDField(primary_key=True)
    recorded_at = fields.DatetimeField()
    actor_kind = fields.CharEnumField(ActorKind, max_length=16)
    actor_id = fields.UUIDField(null=True)
    action = fields.CharField(max_length=64)
    object_kind = fields.CharField(max_length=32)
    object_id = fields.CharField(max_length=64)
    outcome = fields.CharEnumField(AuditOutcome, max_length=16)

    class Meta:
        table = "audit_records"
        indexes = (Index(fields=("object_kind", "object_id"), name="audit_records_by_object"),)
        constraints = (
            CheckConstraint(
                check="actor_kind IN ('citizen', 'staff', 'admin', 'system')",
                name="audit_records_actor_kind_known",
            ),
            CheckConstraint(check="outcome IN ('done', 'refused')", name="audit_records_outcome_known"),
        )
