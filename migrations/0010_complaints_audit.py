"""Complaints with their words beside; the audit is sealed, and found by what it is asked for."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.office_enums import ComplaintKind, ComplaintStatus

CONSTRAINTS = [
    "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_last_entry_once UNIQUE (last_entry)",
    "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_number_from_one CHECK (number > 0)",
    "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_entries_ahead CHECK (first_entry <= last_entry)",
    "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_leaves_complete CHECK (records > 0 AND length(leaves) = 57 * records)",
    "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_hashes_form CHECK (length(root) = 32 AND length(previous) = 32 AND length(public_key) = 32 AND length(signature) = 64)",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_request_key_once UNIQUE (citizen_id, request_key)",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_place_once UNIQUE (citizen_id, complained_on, place)",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_place_in_range CHECK (place BETWEEN 1 AND 5)",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_kind_known CHECK (kind IN ('refused', 'wrong_amount', 'price_raised', 'misleading', 'service', 'other'))",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_status_known CHECK (status IN ('open', 'answered', 'overdue', 'upheld', 'dismissed', 'reopened', 'withdrawn'))",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_about_one_thing CHECK (redemption_id IS NULL OR attempt_id IS NULL)",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_due_ahead CHECK (answer_due_at > complained_at)",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_answered_by_somebody CHECK ((answered_at IS NULL) = (answered_by IS NULL) AND (status <> 'open' OR answered_at IS NULL) AND (status <> 'answered' OR answered_at IS NOT NULL))",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_decided_by_somebody CHECK ((status NOT IN ('upheld', 'dismissed') OR decided_at IS NOT NULL) AND (decided_at IS NULL) = (decided_by IS NULL))",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_upheld_is_dated CHECK ((status = 'upheld') = (upheld_at IS NOT NULL))",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_withdrawn_is_dated CHECK ((status = 'withdrawn') = (withdrawn_at IS NOT NULL))",
    "ALTER TABLE complaints ADD CONSTRAINT complaints_request_hash_form CHECK (length(request_hash) = 32)",
]


KEYS = [
    "ALTER TABLE complaint_texts ADD CONSTRAINT complaint_texts_of_complaint FOREIGN KEY (complaint_id)"
    " REFERENCES complaints (id)",
]

PARTIAL_INDEXES = [
    "CREATE INDEX complaints_open_by_due ON complaints (answer_due_at) WHERE status = 'open'",
    "CREATE INDEX complaints_upheld ON complaints (member_id, upheld_at) WHERE upheld_at IS NOT NULL",
    "CREATE INDEX audit_records_refused ON audit_records (recorded_at, entry) WHERE outcome = 'refused'",
]

# Hashes don't compress; stored as they are, nobody tries.
AUDIT_SEALS = [
    "ALTER TABLE audit_seals ALTER COLUMN leaves SET STORAGE EXTERNAL",
    "CREATE TRIGGER audit_seals_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
]


class Migration(migrations.Migration):
    """Complaints with their words beside; the audit is sealed, and found by what it is asked for."""

    dependencies = [("models", "0009_admins")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("first_entry", fields.BigIntField()),
                ("last_entry", fields.BigIntField()),
                ("records", fields.IntField()),
                ("root", fields.BinaryField()),
                ("previous", fields.BinaryField()),
                ("sealed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("public_key", fields.BinaryField()),
                ("signature", fields.BinaryField()),
                ("leaves", fields.BinaryField()),
            ],
            options={
                "table": "audit_seals",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("last_entry",), name="audit_seals_last_entry_once"),
                    CheckConstraint(check="number > 0", name="audit_seals_number_from_one"),
                    CheckConstraint(check="first_entry <= last_entry", name="audit_seals_entries_ahead"),
                    CheckConstraint(
                        check="records > 0 AND length(leaves) = 57 * records",
                        name="audit_seals_leaves_complete",
                    ),
                    CheckConstraint(
                        check="length(root) = 32 AND length(previous) = 32 AND length(public_key) = 32 AND length(signature) = 64",
                        name="audit_seals_hashes_form",
                    ),
                ],
                "pk_attr": "number",
                "table_description": "One signed Merkle root over audit records, in a chain of its own.",
            },
            bases=["_Seal"],
        ),
        ops.CreateModel(
            name="Complaint",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="complaints",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("member_id", fields.UUIDField()),
                ("store_id", fields.UUIDField()),
                ("region_id", fields.CharField(max_length=6)),
                ("offer_id", fields.UUIDField(null=True)),
                ("redemption_id", fields.UUIDField(null=True)),
                ("attempt_id", fields.UUIDField(null=True)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="REFUSED: refused\nWRONG_AMOUNT: wrong_amount\nPRICE_RAISED: price_raised\nMISLEADING: misleading\nSERVICE: service\nOTHER: other",
                        enum_type=ComplaintKind,
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="OPEN: open\nANSWERED: answered\nOVERDUE: overdue\nUPHELD: upheld\nDISMISSED: dismissed\nREOPENED: reopened\nWITHDRAWN: withdrawn",
                        db_default="open",
                        enum_type=ComplaintStatus,
                        max_length=16,
                    ),
                ),
                ("complained_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("complained_on", fields.DateField()),
                ("place", fields.SmallIntField()),
                ("answer_due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("answered_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("answered_by", fields.UUIDField(null=True)),
                ("overdue_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decisions", fields.SmallIntField(db_default=0)),
                ("upheld_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("withdrawn_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "complaints",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("citizen_id", "request_key"), name="complaints_request_key_once"
                    ),
                    UniqueConstraint(
                        fields=("citizen_id", "complained_on", "place"), name="complaints_place_once"
                    ),
                    CheckConstraint(check="place BETWEEN 1 AND 5", name="complaints_place_in_range"),
                    CheckConstraint(
                        check="kind IN ('refused', 'wrong_amount', 'price_raised', 'misleading', 'service', 'other')",
                        name="complaints_kind_known",
                    ),
                    CheckConstraint(
                        check="status IN ('open', 'answered', 'overdue', 'upheld', 'dismissed', 'reopened', 'withdrawn')",
                        name="complaints_status_known",
                    ),
                    CheckConstraint(
                        check="redemption_id IS NULL OR attempt_id IS NULL", name="complaints_about_one_thing"
                    ),
                    CheckConstraint(check="answer_due_at > complained_at", name="complaints_due_ahead"),
                    CheckConstraint(
                        check="(answered_at IS NULL) = (answered_by IS NULL) AND (status <> 'open' OR answered_at IS NULL) AND (status <> 'answered' OR answered_at IS NOT NULL)",
                        name="complaints_answered_by_somebody",
                    ),
                    CheckConstraint(
                        check="(status NOT IN ('upheld', 'dismissed') OR decided_at IS NOT NULL) AND (decided_at IS NULL) = (decided_by IS NULL)",
                        name="complaints_decided_by_somebody",
                    ),
                    CheckConstraint(
                        check="(status = 'upheld') = (upheld_at IS NOT NULL)",
                        name="complaints_upheld_is_dated",
                    ),
                    CheckConstraint(
                        check="(status = 'withdrawn') = (withdrawn_at IS NOT NULL)",
                        name="complaints_withdrawn_is_dated",
                    ),
                    CheckConstraint(check="length(request_hash) = 32", name="complaints_request_hash_form"),
                ],
                "indexes": [
                    Index(fields=["citizen_id", "id"], name="complaints_by_citizen"),
                    Index(fields=["member_id", "id"], name="complaints_by_member"),
                    Index(fields=["member_id", "status", "id"], name="complaints_by_member_status"),
                    Index(fields=["region_id", "id"], name="complaints_by_region"),
                    Index(fields=["region_id", "status", "id"], name="complaints_by_region_status"),
                    Index(fields=["complained_on", "region_id"], name="complaints_by_day"),
                ],
                "pk_attr": "id",
                "table_description": "One complaint: ids, states and times alone.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ComplaintText",
            fields=[
                (
                    "complaint_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("text_encrypted", fields.BinaryField()),
                ("answer_encrypted", fields.BinaryField(null=True)),
                ("decision_encrypted", fields.BinaryField(null=True)),
            ],
            options={
                "table": "complaint_texts",
                "app": "models",
                "pk_attr": "complaint_id",
                "table_description": "What citizen, member and admin wrote, each encrypted; it may name somebody, and is erased by deleting the row.",
            },
            bases=["Model"],
        ),
        ops.AddIndex(
            model_name="Attempt",
            index=Index(fields=["coupon_id", "id"], name="attempts_by_coupon"),
        ),
        ops.AddIndex(
            model_name="AuditRecord",
            index=Index(fields=["recorded_at", "entry"], name="audit_records_by_time"),
        ),
        ops.AddIndex(
            model_name="AuditRecord",
            index=Index(fields=["region_id", "recorded_at", "entry"], name="audit_records_by_region_time"),
        ),
        ops.AddIndex(
            model_name="AuditRecord",
            index=Index(fields=["actor_id", "recorded_at", "entry"], name="audit_records_by_actor_time"),
        ),
        ops.AddIndex(
            model_name="AuditRecord",
            index=Index(fields=["action", "recorded_at", "entry"], name="audit_records_by_action"),
        ),
        ops.RunSQL([*CONSTRAINTS, *KEYS, *PARTIAL_INDEXES, *AUDIT_SEALS]),
    ]
