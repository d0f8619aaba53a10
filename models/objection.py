"""异议与信用修复: what is contested or mended, the words about it beside (rule 7), and what happened to it (rule 8)."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.citizen_enums import ObjectionAbout, ObjectionEvent, ObjectionKind, ObjectionStatus
from models.enums import ActorKind


class Objection(Model):
    """One objection or request for repair, of a citizen or of a member: ids, states and times alone.

    `record_id` is what it is about here; `source`, `source_record_id` and `data_date` are how the agency that keeps
    the record finds it without anybody's number. `region_id` is whose office answers. While it is open (`closed_at` is
    empty) the record is marked as disputed, and partial unique indexes (in the migration) keep one open objection to a
    record and ten of one citizen or member: `place` is the one of ten that it takes.
    """

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharEnumField(ObjectionKind, max_length=16)
    about = fields.CharEnumField(ObjectionAbout, max_length=32)
    record_id = fields.UUIDField()
    citizen: fields.ForeignKeyNullableRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="objections", null=True, on_delete=fields.RESTRICT
    )
    member_id = fields.UUIDField(null=True)
    region_id = fields.CharField(max_length=6)
    source = fields.CharField(max_length=32, null=True)
    source_record_id = fields.CharField(max_length=64, null=True)
    data_date = fields.DateField(null=True)
    recorded_at = fields.DatetimeField()
    status = fields.CharEnumField(ObjectionStatus, max_length=16, db_default=ObjectionStatus.OPEN.value)
    filed_at = fields.DatetimeField()
    filed_by = fields.UUIDField()
    due_at = fields.DatetimeField()
    is_due_certain = fields.BooleanField()
    forwarded_at = fields.DatetimeField(null=True)
    forwarded_by = fields.UUIDField(null=True)
    extended_at = fields.DatetimeField(null=True)
    overdue_at = fields.DatetimeField(null=True)
    answered_at = fields.DatetimeField(null=True)
    answered_by = fields.UUIDField(null=True)
    closed_at = fields.DatetimeField(null=True)
    place = fields.SmallIntField()
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()

    class Meta:
        table = "objections"
        indexes = (
            Index(fields=("citizen_id", "id"), name="objections_by_citizen"),
            Index(fields=("member_id", "id"), name="objections_by_member"),
            Index(fields=("region_id", "id"), name="objections_by_region"),
            Index(fields=("region_id", "status", "id"), name="objections_by_region_status"),
        )
        constraints = (
            UniqueConstraint(fields=("citizen_id", "request_key"), name="objections_citizen_key_once"),
            UniqueConstraint(fields=("member_id", "request_key"), name="objections_member_key_once"),
            CheckConstraint(check="kind IN ('objection', 'repair')", name="objections_kind_known"),
            CheckConstraint(
                check="about IN ('tier', 'lookup', 'declaration', 'organisation_check', 'suspension')",
                name="objections_about_known",
            ),
            CheckConstraint(
                check="status IN ('open', 'forwarded', 'upheld', 'corrected', 'dismissed', 'withdrawn')",
                name="objections_status_known",
            ),
            CheckConstraint(check="(citizen_id IS NULL) <> (member_id IS NULL)", name="objections_of_one"),
            CheckConstraint(
                check="(about IN ('tier', 'lookup', 'declaration')) = (citizen_id IS NOT NULL)",
                name="objections_about_ones_own",
            ),
            CheckConstraint(
                check="kind <> 'repair' OR about IN ('tier', 'organisation_check')",
                name="objections_repair_of_a_source",
            ),
            CheckConstraint(check="place BETWEEN 1 AND 10", name="objections_place_in_range"),
            CheckConstraint(check="due_at > filed_at", name="objections_due_ahead"),
            CheckConstraint(
                check="(forwarded_at IS NULL) = (forwarded_by IS NULL)"
                " AND (status <> 'forwarded' OR forwarded_at IS NOT NULL)",
                name="objections_forwarded_by_somebody",
            ),
            CheckConstraint(
                check="(status IN ('upheld', 'corrected', 'dismissed')) = (answered_at IS NOT NULL)"
                " AND (answered_at IS NULL) = (answered_by IS NULL)",
                name="objections_answered_by_somebody",
            ),
            CheckConstraint(
                check="(status IN ('open', 'forwarded')) = (closed_at IS NULL)",
                name="objections_end_is_dated",
            ),
            CheckConstraint(check="length(request_hash) = 32", name="objections_request_hash_form"),
        )


class ObjectionText(Model):
    """What was objected and answered, each encrypted; it may name somebody, and is erased by deleting the row."""

    objection_id = fields.UUIDField(primary_key=True)
    text_encrypted = fields.BinaryField()
    answer_encrypted = fields.BinaryField(null=True)

    class Meta:
        table = "objection_texts"


class ObjectionStep(Model):
    """One thing that happened to an objection, and who did it: ids alone. `due_at` is the answer's time limit since."""

    id = fields.UUIDField(primary_key=True)
    objection: fields.ForeignKeyRelation[Objection] = fields.ForeignKeyField(
        "models.Objection", related_name="steps", on_delete=fields.RESTRICT
    )
    event = fields.CharEnumField(ObjectionEvent, max_length=16)
    status = fields.CharEnumField(ObjectionStatus, max_length=16)
    actor_kind = fields.CharEnumField(ActorKind, max_length=16)
    actor_id = fields.UUIDField(null=True)
    due_at = fields.DatetimeField()
    happened_at = fields.DatetimeField()

    class Meta:
        table = "objection_steps"
        indexes = (Index(fields=("objection_id", "id"), name="objection_steps_by_objection"),)
        constraints = (
            CheckConstraint(
                check="event IN ('file', 'add_evidence', 'forward', 'extend', 'become_overdue', 'uphold', 'correct',"
                " 'dismiss', 'withdraw')",
                name="objection_steps_event_known",
            ),
            CheckConstraint(
                check="status IN ('open', 'forwarded', 'upheld', 'corrected', 'dismissed', 'withdrawn')",
                name="objection_steps_status_known",
            ),
            CheckConstraint(
                check="actor_kind IN ('citizen', 'staff', 'admin', 'system')",
                name="objection_steps_actor_known",
            ),
            CheckConstraint(
                check="(actor_kind = 'system') = (actor_id IS NULL)", name="objection_steps_by_somebody"
            ),
        )
