"""Who did what to which thing, when, and how it ended (rule 14). Rows are written once."""

from tortoise import fields
from tortoise.fields.db_defaults import SqlDefault
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import ActorKind, AuditOutcome


class AuditRecord(Model):
    """One action. Ids and plain values only: never a name, a number or a text that somebody typed.

    `region_id` is whose business it is: who may read it. `before` and `after` are JSON of what changed, masked.
    `entry` is its place in the audit, drawn by the database; numbers may be left out.
    """

    id = fields.UUIDField(primary_key=True)
    recorded_at = fields.DatetimeField()
    actor_kind = fields.CharEnumField(ActorKind, max_length=16)
    actor_id = fields.UUIDField(null=True)
    action = fields.CharField(max_length=64)
    object_kind = fields.CharField(max_length=32)
    object_id = fields.CharField(max_length=64)
    outcome = fields.CharEnumField(AuditOutcome, max_length=16)
    request_id = fields.CharField(max_length=64, null=True)
    region_id = fields.CharField(max_length=6, null=True)
    before = fields.TextField(null=True)
    after = fields.TextField(null=True)
    entry = fields.BigIntField(db_default=SqlDefault("nextval('audit_entries')"))

    class Meta:
        table = "audit_records"
        indexes = (
            Index(fields=("object_kind", "object_id"), name="audit_records_by_object"),
            Index(fields=("recorded_at", "entry"), name="audit_records_by_time"),
            Index(fields=("region_id", "recorded_at", "entry"), name="audit_records_by_region_time"),
            Index(fields=("actor_id", "recorded_at", "entry"), name="audit_records_by_actor_time"),
            Index(fields=("action", "recorded_at", "entry"), name="audit_records_by_action"),
        )
        constraints = (
            UniqueConstraint(fields=("entry",), name="audit_records_entry_once"),
            CheckConstraint(
                check="actor_kind IN ('citizen', 'staff', 'admin', 'system', 'applicant')",
                name="audit_records_actor_kind_known",
            ),
            CheckConstraint(check="outcome IN ('done', 'refused')", name="audit_records_outcome_known"),
        )
