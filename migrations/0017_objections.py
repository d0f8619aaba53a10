"""Objections and requests for repair, and what citizens declare of themselves."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.citizen_enums import (
    DeclarationKind,
    DeclarationStatus,
    ObjectionAbout,
    ObjectionEvent,
    ObjectionKind,
    ObjectionStatus,
)
from models.enums import ActorKind

CONSTRAINTS = [
    "ALTER TABLE declarations ADD CONSTRAINT declarations_request_key_once UNIQUE (citizen_id, request_key)",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_place_once UNIQUE (citizen_id, place)",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_kind_known CHECK (kind IN ('volunteer_hours', 'honour'))",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_status_known CHECK (status IN ('draft', 'submitted', 'accepted', 'refused'))",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_hours_of_service CHECK ((kind = 'volunteer_hours') = (hours IS NOT NULL) AND hours BETWEEN 1 AND 8784)",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_submission_is_dated CHECK ((status = 'draft') = (submitted_at IS NULL))",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_decided_by_somebody CHECK ((status IN ('accepted', 'refused')) = (decided_at IS NOT NULL) AND (decided_at IS NULL) = (decided_by IS NULL))",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_validity_is_dated CHECK ((status = 'accepted') = (valid_until IS NOT NULL))",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_forwarded_by_consent CHECK (forwarded_at IS NULL OR (may_forward AND status = 'accepted'))",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_place_in_range CHECK (place BETWEEN 1 AND 20)",
    "ALTER TABLE declarations ADD CONSTRAINT declarations_request_hash_form CHECK (length(request_hash) = 32)",
    "ALTER TABLE objections ADD CONSTRAINT objections_citizen_key_once UNIQUE (citizen_id, request_key)",
    "ALTER TABLE objections ADD CONSTRAINT objections_member_key_once UNIQUE (member_id, request_key)",
    "ALTER TABLE objections ADD CONSTRAINT objections_kind_known CHECK (kind IN ('objection', 'repair'))",
    "ALTER TABLE objections ADD CONSTRAINT objections_about_known CHECK (about IN ('tier', 'lookup', 'declaration', 'organisation_check', 'suspension'))",
    "ALTER TABLE objections ADD CONSTRAINT objections_status_known CHECK (status IN ('open', 'forwarded', 'upheld', 'corrected', 'dismissed', 'withdrawn'))",
    "ALTER TABLE objections ADD CONSTRAINT objections_of_one CHECK ((citizen_id IS NULL) <> (member_id IS NULL))",
    "ALTER TABLE objections ADD CONSTRAINT objections_about_ones_own CHECK ((about IN ('tier', 'lookup', 'declaration')) = (citizen_id IS NOT NULL))",
    "ALTER TABLE objections ADD CONSTRAINT objections_repair_of_a_source CHECK (kind <> 'repair' OR about IN ('tier', 'organisation_check'))",
    "ALTER TABLE objections ADD CONSTRAINT objections_place_in_range CHECK (place BETWEEN 1 AND 10)",
    "ALTER TABLE objections ADD CONSTRAINT objections_due_ahead CHECK (due_at > filed_at)",
    "ALTER TABLE objections ADD CONSTRAINT objections_forwarded_by_somebody CHECK ((forwarded_at IS NULL) = (forwarded_by IS NULL) AND (status <> 'forwarded' OR forwarded_at IS NOT NULL))",
    "ALTER TABLE objections ADD CONSTRAINT objections_answered_by_somebody CHECK ((status IN ('upheld', 'corrected', 'dismissed')) = (answered_at IS NOT NULL) AND (answered_at IS NULL) = (answered_by IS NULL))",
    "ALTER TABLE objections ADD CONSTRAINT objections_end_is_dated CHECK ((status IN ('open', 'forwarded')) = (closed_at IS NULL))",
    "ALTER TABLE objections ADD CONSTRAINT objections_request_hash_form CHECK (length(request_hash) = 32)",
    "ALTER TABLE objection_steps ADD CONSTRAINT objection_steps_event_known CHECK (event IN ('file', 'add_evidence', 'forward', 'extend', 'become_overdue', 'uphold', 'correct', 'dismiss', 'withdraw'))",
    "ALTER TABLE objection_steps ADD CONSTRAINT objection_steps_status_known CHECK (status IN ('open', 'forwarded', 'upheld', 'corrected', 'dismissed', 'withdrawn'))",
    "ALTER TABLE objection_steps ADD CONSTRAINT objection_steps_actor_known CHECK (actor_kind IN ('citizen', 'staff', 'admin', 'system'))",
    "ALTER TABLE objection_steps ADD CONSTRAINT objection_steps_by_somebody CHECK ((actor_kind = 'system') = (actor_id IS NULL))",
]

KEYS = [
    "ALTER TABLE objection_texts ADD CONSTRAINT objection_texts_of_objection FOREIGN KEY (objection_id)"
    " REFERENCES objections (id)",
    "ALTER TABLE declaration_texts ADD CONSTRAINT declaration_texts_of_declaration FOREIGN KEY (declaration_id)"
    " REFERENCES declarations (id)",
]

PARTIAL_INDEXES = [
    "CREATE UNIQUE INDEX objections_record_once ON objections (about, record_id) WHERE closed_at IS NULL",
    "CREATE UNIQUE INDEX objections_citizen_place_once ON objections (citizen_id, place)"
    " WHERE closed_at IS NULL AND citizen_id IS NOT NULL",
    "CREATE UNIQUE INDEX objections_member_place_once ON objections (member_id, place)"
    " WHERE closed_at IS NULL AND member_id IS NOT NULL",
    "CREATE INDEX objections_open_by_due ON objections (due_at) WHERE closed_at IS NULL",
    "CREATE INDEX objections_upheld ON objections (source, answered_at) WHERE status IN ('upheld', 'corrected')",
]


class Migration(migrations.Migration):
    """Objections and requests for repair, and what citizens declare of themselves."""

    dependencies = [("models", "0016_consents")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="Declaration",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="declarations",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="VOLUNTEER_HOURS: volunteer_hours\nHONOUR: honour",
                        enum_type=DeclarationKind,
                        max_length=16,
                    ),
                ),
                ("region_id", fields.CharField(max_length=6)),
                (
                    "status",
                    fields.CharEnumField(
                        description="DRAFT: draft\nSUBMITTED: submitted\nACCEPTED: accepted\nREFUSED: refused",
                        db_default="draft",
                        enum_type=DeclarationStatus,
                        max_length=16,
                    ),
                ),
                ("happened_on", fields.DateField()),
                ("hours", fields.SmallIntField(null=True)),
                ("may_forward", fields.BooleanField()),
                ("begun_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("submitted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("valid_until", fields.DateField(null=True)),
                ("forwarded_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("place", fields.SmallIntField()),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "declarations",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("citizen_id", "request_key"), name="declarations_request_key_once"
                    ),
                    UniqueConstraint(fields=("citizen_id", "place"), name="declarations_place_once"),
                    CheckConstraint(
                        check="kind IN ('volunteer_hours', 'honour')", name="declarations_kind_known"
                    ),
                    CheckConstraint(
                        check="status IN ('draft', 'submitted', 'accepted', 'refused')",
                        name="declarations_status_known",
                    ),
                    CheckConstraint(
                        check="(kind = 'volunteer_hours') = (hours IS NOT NULL) AND hours BETWEEN 1 AND 8784",
                        name="declarations_hours_of_service",
                    ),
                    CheckConstraint(
                        check="(status = 'draft') = (submitted_at IS NULL)",
                        name="declarations_submission_is_dated",
                    ),
                    CheckConstraint(
                        check="(status IN ('accepted', 'refused')) = (decided_at IS NOT NULL) AND (decided_at IS NULL) = (decided_by IS NULL)",
                        name="declarations_decided_by_somebody",
                    ),
                    CheckConstraint(
                        check="(status = 'accepted') = (valid_until IS NOT NULL)",
                        name="declarations_validity_is_dated",
                    ),
                    CheckConstraint(
                        check="forwarded_at IS NULL OR (may_forward AND status = 'accepted')",
                        name="declarations_forwarded_by_consent",
                    ),
                    CheckConstraint(check="place BETWEEN 1 AND 20", name="declarations_place_in_range"),
                    CheckConstraint(check="length(request_hash) = 32", name="declarations_request_hash_form"),
                ],
                "indexes": [
                    Index(fields=["citizen_id", "id"], name="declarations_by_citizen"),
                    Index(fields=["region_id", "status", "id"], name="declarations_by_region_status"),
                ],
                "pk_attr": "id",
                "table_description": "One self-declared record. It denies nothing and makes no tier; deleting it deletes the row.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DeclarationText",
            fields=[
                (
                    "declaration_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("text_encrypted", fields.BinaryField()),
                ("refusal_encrypted", fields.BinaryField(null=True)),
            ],
            options={
                "table": "declaration_texts",
                "app": "models",
                "pk_attr": "declaration_id",
                "table_description": "What a citizen wrote of his record, and why it was refused, each encrypted.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Objection",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="OBJECTION: objection\nREPAIR: repair",
                        enum_type=ObjectionKind,
                        max_length=16,
                    ),
                ),
                (
                    "about",
                    fields.CharEnumField(
                        description="TIER: tier\nLOOKUP: lookup\nDECLARATION: declaration\nORGANISATION_CHECK: organisation_check\nSUSPENSION: suspension",
                        enum_type=ObjectionAbout,
                        max_length=32,
                    ),
                ),
                ("record_id", fields.UUIDField()),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="objections",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("member_id", fields.UUIDField(null=True)),
                ("region_id", fields.CharField(max_length=6)),
                ("source", fields.CharField(null=True, max_length=32)),
                ("source_record_id", fields.CharField(null=True, max_length=64)),
                ("data_date", fields.DateField(null=True)),
                ("recorded_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "status",
                    fields.CharEnumField(
                        description="OPEN: open\nFORWARDED: forwarded\nUPHELD: upheld\nCORRECTED: corrected\nDISMISSED: dismissed\nWITHDRAWN: withdrawn",
                        db_default="open",
                        enum_type=ObjectionStatus,
                        max_length=16,
                    ),
                ),
                ("filed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("filed_by", fields.UUIDField()),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("is_due_certain", fields.BooleanField()),
                ("forwarded_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("forwarded_by", fields.UUIDField(null=True)),
                ("extended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("overdue_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("answered_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("answered_by", fields.UUIDField(null=True)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("place", fields.SmallIntField()),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "objections",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("citizen_id", "request_key"), name="objections_citizen_key_once"
                    ),
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
                    CheckConstraint(
                        check="(citizen_id IS NULL) <> (member_id IS NULL)", name="objections_of_one"
                    ),
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
                        check="(forwarded_at IS NULL) = (forwarded_by IS NULL) AND (status <> 'forwarded' OR forwarded_at IS NOT NULL)",
                        name="objections_forwarded_by_somebody",
                    ),
                    CheckConstraint(
                        check="(status IN ('upheld', 'corrected', 'dismissed')) = (answered_at IS NOT NULL) AND (answered_at IS NULL) = (answered_by IS NULL)",
                        name="objections_answered_by_somebody",
                    ),
                    CheckConstraint(
                        check="(status IN ('open', 'forwarded')) = (closed_at IS NULL)",
                        name="objections_end_is_dated",
                    ),
                    CheckConstraint(check="length(request_hash) = 32", name="objections_request_hash_form"),
                ],
                "indexes": [
                    Index(fields=["citizen_id", "id"], name="objections_by_citizen"),
                    Index(fields=["member_id", "id"], name="objections_by_member"),
                    Index(fields=["region_id", "id"], name="objections_by_region"),
                    Index(fields=["region_id", "status", "id"], name="objections_by_region_status"),
                ],
                "pk_attr": "id",
                "table_description": "One objection or request for repair, of a citizen or of a member: ids, states and times alone.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ObjectionStep",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "objection",
                    fields.ForeignKeyField(
                        "models.Objection",
                        source_field="objection_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="steps",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "event",
                    fields.CharEnumField(
                        description="FILE: file\nADD_EVIDENCE: add_evidence\nFORWARD: forward\nEXTEND: extend\nBECOME_OVERDUE: become_overdue\nUPHOLD: uphold\nCORRECT: correct\nDISMISS: dismiss\nWITHDRAW: withdraw",
                        enum_type=ObjectionEvent,
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="OPEN: open\nFORWARDED: forwarded\nUPHELD: upheld\nCORRECTED: corrected\nDISMISSED: dismissed\nWITHDRAWN: withdrawn",
                        enum_type=ObjectionStatus,
                        max_length=16,
                    ),
                ),
                (
                    "actor_kind",
                    fields.CharEnumField(
                        description="CITIZEN: citizen\nSTAFF: staff\nADMIN: admin\nSYSTEM: system\nAPPLICANT: applicant",
                        enum_type=ActorKind,
                        max_length=16,
                    ),
                ),
                ("actor_id", fields.UUIDField(null=True)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("happened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "objection_steps",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="event IN ('file', 'add_evidence', 'forward', 'extend', 'become_overdue', 'uphold', 'correct', 'dismiss', 'withdraw')",
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
                        check="(actor_kind = 'system') = (actor_id IS NULL)",
                        name="objection_steps_by_somebody",
                    ),
                ],
                "indexes": [Index(fields=["objection_id", "id"], name="objection_steps_by_objection")],
                "pk_attr": "id",
                "table_description": "One thing that happened to an objection, and who did it: ids alone. `due_at` is the answer's time limit since.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ObjectionText",
            fields=[
                (
                    "objection_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("text_encrypted", fields.BinaryField()),
                ("answer_encrypted", fields.BinaryField(null=True)),
            ],
            options={
                "table": "objection_texts",
                "app": "models",
                "pk_attr": "objection_id",
                "table_description": "What was objected and answered, each encrypted; it may name somebody, and is erased by deleting the row.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(CONSTRAINTS + KEYS + PARTIAL_INDEXES),
    ]
