"""Becoming a member and staying one: applications, checks, commitments, suspensions, the white list, promises."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.enums import (
    ActorKind,
    ApplicationAction,
    ApplicationState,
    Category,
    CheckFinding,
    MemberKind,
    PromiseCause,
    PromiseOutcome,
    SuspensionCause,
)

CONTRACTS = (
    "The two altered fields are actor_kind: their columns stay as they are, only the list of values that the audit's"
    " may have gets one more, which the release before neither writes nor has to understand."
)
CONSTRAINTS = [
    "ALTER TABLE commitment_texts ADD CONSTRAINT commitment_texts_version_once UNIQUE (version)",
    "ALTER TABLE commitment_texts ADD CONSTRAINT commitment_texts_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$')",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_key_once UNIQUE (key_hash)",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_key_form CHECK (length(key_hash) = 32)",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_uscc_form CHECK (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$')",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_kind_known CHECK (kind IN ('merchant', 'public_unit'))",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_sector_known CHECK (sector IN ('education', 'tourism_shopping', 'home_services', 'elder_child_care', 'transport', 'culture', 'health', 'housing'))",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_name_given CHECK (name <> '')",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_state_known CHECK (state IN ('draft', 'submitted', 'county_review', 'city_review', 'approved', 'refused', 'withdrawn'))",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_submitted_is_dated CHECK (state IN ('draft', 'withdrawn') OR submitted_at IS NOT NULL)",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_decided_is_dated CHECK ((state IN ('approved', 'refused', 'withdrawn')) = (decided_at IS NOT NULL))",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_approved_has_member CHECK ((state = 'approved') = (member_id IS NOT NULL))",
    "ALTER TABLE member_applications ADD CONSTRAINT member_applications_owner_when_approved CHECK (owner_made_at IS NULL OR state = 'approved')",
    "ALTER TABLE application_events ADD CONSTRAINT application_events_action_known CHECK (action IN ('submit', 'to_county', 'to_city', 'approve', 'refuse', 'withdraw'))",
    "ALTER TABLE application_events ADD CONSTRAINT application_events_state_known CHECK (state IN ('draft', 'submitted', 'county_review', 'city_review', 'approved', 'refused', 'withdrawn'))",
    "ALTER TABLE application_events ADD CONSTRAINT application_events_code_form CHECK (code ~ '^[a-z_]+$')",
    "ALTER TABLE application_events ADD CONSTRAINT application_events_refusal_has_reason CHECK (action <> 'refuse' OR reason IS NOT NULL OR code IS NOT NULL)",
    "ALTER TABLE commitments ADD CONSTRAINT commitments_version_once UNIQUE (application_id, version)",
    "ALTER TABLE commitments ADD CONSTRAINT commitments_sha256_form CHECK (text_sha256 ~ '^[0-9a-f]{64}$')",
    "ALTER TABLE organisation_checks ADD CONSTRAINT organisation_checks_of_one CHECK ((application_id IS NULL) <> (member_id IS NULL))",
    "ALTER TABLE organisation_checks ADD CONSTRAINT organisation_checks_finding_known CHECK (finding IN ('dishonest', 'grade_too_low', 'no_grade', 'passed', 'unavailable'))",
    "ALTER TABLE organisation_checks ADD CONSTRAINT organisation_checks_grade_known CHECK (grade BETWEEN 1 AND 5 AND min_grade BETWEEN 1 AND 5)",
    "ALTER TABLE organisation_checks ADD CONSTRAINT organisation_checks_answer_is_dated CHECK ((finding = 'unavailable') = (data_date IS NULL) AND (finding = 'unavailable') = (is_dishonest IS NULL))",
    "ALTER TABLE organisation_checks ADD CONSTRAINT organisation_checks_dishonest_never_passes CHECK ((finding = 'dishonest') = coalesce(is_dishonest, false))",
    "ALTER TABLE promise_records ADD CONSTRAINT promise_records_cause_once UNIQUE (member_id, outcome, cause, cause_id)",
    "ALTER TABLE promise_records ADD CONSTRAINT promise_records_outcome_known CHECK (outcome IN ('kept', 'broken'))",
    "ALTER TABLE promise_records ADD CONSTRAINT promise_records_cause_known CHECK (cause IN ('complaint', 'credit_check', 'inspection', 'office'))",
    "ALTER TABLE promise_records ADD CONSTRAINT promise_records_cause_named CHECK (cause_id <> '')",
    "ALTER TABLE suspensions ADD CONSTRAINT suspensions_cause_known CHECK (cause IN ('grade', 'dishonest_list', 'complaints', 'office'))",
    "ALTER TABLE suspensions ADD CONSTRAINT suspensions_lifted_afterwards CHECK (lifted_at >= suspended_at)",
    "ALTER TABLE white_list ADD CONSTRAINT white_list_uscc_form CHECK (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$')",
    "ALTER TABLE white_list ADD CONSTRAINT white_list_reason_given CHECK (reason <> '')",
    "ALTER TABLE white_list ADD CONSTRAINT white_list_ended_afterwards CHECK (ended_at >= added_at)",
]

PARTIAL_INDEXES = [
    "CREATE UNIQUE INDEX suspensions_open_once ON suspensions (member_id, cause) WHERE lifted_at IS NULL",
    "CREATE UNIQUE INDEX white_list_open_once ON white_list (uscc, region_id) WHERE ended_at IS NULL",
    "CREATE INDEX members_removed ON members (status_since, id) WHERE status <> 'active'",
]

# Whoever is a member already is checked for the first time as soon as there is a background process.
RECHECKS = [
    "ALTER TABLE member_rechecks ADD CONSTRAINT member_rechecks_of_member FOREIGN KEY (member_id)"
    " REFERENCES members (id)",
    "INSERT INTO member_rechecks (member_id, due_at) SELECT id, joined_at FROM members WHERE status <> 'left'",
]

WRITTEN_ONCE = [
    f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    for table in ("commitment_texts", "application_events", "organisation_checks", "promise_records")
]


class Migration(migrations.Migration):
    """Becoming a member and staying one: applications, checks, commitments, suspensions, the white list, promises."""

    dependencies = [("models", "0005_alliance")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="CommitmentText",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.CharField(max_length=32)),
                ("title", fields.CharField(max_length=128)),
                ("text", fields.TextField(unique=False)),
                ("sha256", fields.CharField(max_length=64)),
                ("effective_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "commitment_texts",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("version",), name="commitment_texts_version_once"),
                    CheckConstraint(check="sha256 ~ '^[0-9a-f]{64}$'", name="commitment_texts_sha256_form"),
                ],
                "pk_attr": "id",
                "table_description": "信用承诺书: what a member signs; a text that was shown is never edited, only followed by another.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MemberApplication",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("key_hash", fields.BinaryField()),
                ("uscc", fields.CharField(max_length=18)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="MERCHANT: merchant\nPUBLIC_UNIT: public_unit",
                        enum_type=MemberKind,
                        max_length=16,
                    ),
                ),
                (
                    "sector",
                    fields.CharEnumField(
                        description="EDUCATION: education\nTOURISM_SHOPPING: tourism_shopping\nHOME_SERVICES: home_services\nELDER_CHILD_CARE: elder_child_care\nTRANSPORT: transport\nCULTURE: culture\nHEALTH: health\nHOUSING: housing",
                        enum_type=Category,
                        max_length=32,
                    ),
                ),
                (
                    "region",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="region_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="applications",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=128)),
                ("contact_name", fields.BinaryField()),
                ("contact_phone", fields.BinaryField()),
                (
                    "state",
                    fields.CharEnumField(
                        description="DRAFT: draft\nSUBMITTED: submitted\nCOUNTY_REVIEW: county_review\nCITY_REVIEW: city_review\nAPPROVED: approved\nREFUSED: refused\nWITHDRAWN: withdrawn",
                        db_default="draft",
                        enum_type=ApplicationState,
                        max_length=16,
                    ),
                ),
                ("begun_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("submitted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("uscc_overridden_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="applications",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("owner_made_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "member_applications",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("key_hash",), name="member_applications_key_once"),
                    CheckConstraint(check="length(key_hash) = 32", name="member_applications_key_form"),
                    CheckConstraint(
                        check="uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="member_applications_uscc_form"
                    ),
                    CheckConstraint(
                        check="kind IN ('merchant', 'public_unit')", name="member_applications_kind_known"
                    ),
                    CheckConstraint(
                        check="sector IN ('education', 'tourism_shopping', 'home_services', 'elder_child_care', 'transport', 'culture', 'health', 'housing')",
                        name="member_applications_sector_known",
                    ),
                    CheckConstraint(check="name <> ''", name="member_applications_name_given"),
                    CheckConstraint(
                        check="state IN ('draft', 'submitted', 'county_review', 'city_review', 'approved', 'refused', 'withdrawn')",
                        name="member_applications_state_known",
                    ),
                    CheckConstraint(
                        check="state IN ('draft', 'withdrawn') OR submitted_at IS NOT NULL",
                        name="member_applications_submitted_is_dated",
                    ),
                    CheckConstraint(
                        check="(state IN ('approved', 'refused', 'withdrawn')) = (decided_at IS NOT NULL)",
                        name="member_applications_decided_is_dated",
                    ),
                    CheckConstraint(
                        check="(state = 'approved') = (member_id IS NOT NULL)",
                        name="member_applications_approved_has_member",
                    ),
                    CheckConstraint(
                        check="owner_made_at IS NULL OR state = 'approved'",
                        name="member_applications_owner_when_approved",
                    ),
                ],
                "indexes": [
                    Index(fields=["member_id", "id"], name="member_applications_by_member"),
                    Index(fields=["state", "id"], name="member_applications_by_state"),
                ],
                "pk_attr": "id",
                "table_description": "One application. Anybody may name any USCC in one: only an approved application makes or wakes a member.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ApplicationEvent",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "application",
                    fields.ForeignKeyField(
                        "models.MemberApplication",
                        source_field="application_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="events",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "action",
                    fields.CharEnumField(
                        description="SUBMIT: submit\nTO_COUNTY: to_county\nTO_CITY: to_city\nAPPROVE: approve\nREFUSE: refuse\nWITHDRAW: withdraw",
                        enum_type=ApplicationAction,
                        max_length=16,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        description="DRAFT: draft\nSUBMITTED: submitted\nCOUNTY_REVIEW: county_review\nCITY_REVIEW: city_review\nAPPROVED: approved\nREFUSED: refused\nWITHDRAWN: withdrawn",
                        enum_type=ApplicationState,
                        max_length=16,
                    ),
                ),
                ("code", fields.CharField(null=True, max_length=32)),
                ("reason", fields.CharField(null=True, max_length=512)),
                ("happened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "application_events",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="action IN ('submit', 'to_county', 'to_city', 'approve', 'refuse', 'withdraw')",
                        name="application_events_action_known",
                    ),
                    CheckConstraint(
                        check="state IN ('draft', 'submitted', 'county_review', 'city_review', 'approved', 'refused', 'withdrawn')",
                        name="application_events_state_known",
                    ),
                    CheckConstraint(check="code ~ '^[a-z_]+$'", name="application_events_code_form"),
                    CheckConstraint(
                        check="action <> 'refuse' OR reason IS NOT NULL OR code IS NOT NULL",
                        name="application_events_refusal_has_reason",
                    ),
                ],
                "indexes": [Index(fields=["application_id", "id"], name="application_events_by_application")],
                "pk_attr": "id",
                "table_description": "What happened to an application: its applicant reads it with his key. `reason` is an admin's, for him.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Commitment",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "application",
                    fields.ForeignKeyField(
                        "models.MemberApplication",
                        source_field="application_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="commitments",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.CharField(max_length=32)),
                ("text_sha256", fields.CharField(max_length=64)),
                ("signer", fields.BinaryField()),
                ("signed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "commitments",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("application_id", "version"), name="commitments_version_once"),
                    CheckConstraint(check="text_sha256 ~ '^[0-9a-f]{64}$'", name="commitments_sha256_form"),
                ],
                "pk_attr": "id",
                "table_description": "One signature under a text; who signed is encrypted, as every person's name.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MemberRecheck",
            fields=[
                ("member_id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "member_rechecks",
                "app": "models",
                "indexes": [Index(fields=["due_at"], name="member_rechecks_by_time")],
                "pk_attr": "member_id",
                "table_description": "When a member is checked next; one that has left has no row.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrganisationCheck",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "application",
                    fields.ForeignKeyField(
                        "models.MemberApplication",
                        source_field="application_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="checks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="checks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("source", fields.CharField(max_length=32)),
                ("checked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "finding",
                    fields.CharEnumField(
                        description="DISHONEST: dishonest\nGRADE_TOO_LOW: grade_too_low\nNO_GRADE: no_grade\nPASSED: passed\nUNAVAILABLE: unavailable",
                        enum_type=CheckFinding,
                        max_length=16,
                    ),
                ),
                ("grade", fields.SmallIntField(null=True)),
                ("min_grade", fields.SmallIntField()),
                ("is_dishonest", fields.BooleanField(null=True)),
                ("is_white_listed", fields.BooleanField()),
                ("data_date", fields.DateField(null=True)),
                ("record_id", fields.CharField(null=True, max_length=64)),
            ],
            options={
                "table": "organisation_checks",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="(application_id IS NULL) <> (member_id IS NULL)",
                        name="organisation_checks_of_one",
                    ),
                    CheckConstraint(
                        check="finding IN ('dishonest', 'grade_too_low', 'no_grade', 'passed', 'unavailable')",
                        name="organisation_checks_finding_known",
                    ),
                    CheckConstraint(
                        check="grade BETWEEN 1 AND 5 AND min_grade BETWEEN 1 AND 5",
                        name="organisation_checks_grade_known",
                    ),
                    CheckConstraint(
                        check="(finding = 'unavailable') = (data_date IS NULL) AND (finding = 'unavailable') = (is_dishonest IS NULL)",
                        name="organisation_checks_answer_is_dated",
                    ),
                    CheckConstraint(
                        check="(finding = 'dishonest') = coalesce(is_dishonest, false)",
                        name="organisation_checks_dishonest_never_passes",
                    ),
                ],
                "indexes": [
                    Index(fields=["application_id", "id"], name="organisation_checks_by_application"),
                    Index(fields=["member_id", "id"], name="organisation_checks_by_member"),
                ],
                "pk_attr": "id",
                "table_description": "One dated answer of the organisation source about an applicant or a member; never changed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PromiseRecord",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="promises",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "commitment",
                    fields.ForeignKeyField(
                        "models.Commitment",
                        source_field="commitment_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="promises",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "outcome",
                    fields.CharEnumField(
                        description="KEPT: kept\nBROKEN: broken", enum_type=PromiseOutcome, max_length=8
                    ),
                ),
                (
                    "cause",
                    fields.CharEnumField(
                        description="COMPLAINT: complaint\nCREDIT_CHECK: credit_check\nINSPECTION: inspection\nOFFICE: office",
                        enum_type=PromiseCause,
                        max_length=16,
                    ),
                ),
                ("cause_id", fields.CharField(max_length=64)),
                ("note", fields.CharField(max_length=256)),
                ("recorded_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "promise_records",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("member_id", "outcome", "cause", "cause_id"),
                        name="promise_records_cause_once",
                    ),
                    CheckConstraint(
                        check="outcome IN ('kept', 'broken')", name="promise_records_outcome_known"
                    ),
                    CheckConstraint(
                        check="cause IN ('complaint', 'credit_check', 'inspection', 'office')",
                        name="promise_records_cause_known",
                    ),
                    CheckConstraint(check="cause_id <> ''", name="promise_records_cause_named"),
                ],
                "indexes": [Index(fields=["member_id", "id"], name="promise_records_by_member")],
                "pk_attr": "id",
                "table_description": "承诺践诺: a promise of a member's commitment that was kept or broken, and what showed it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Suspension",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="suspensions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "cause",
                    fields.CharEnumField(
                        description="GRADE: grade\nDISHONEST_LIST: dishonest_list\nCOMPLAINTS: complaints\nOFFICE: office",
                        enum_type=SuspensionCause,
                        max_length=16,
                    ),
                ),
                ("facts", fields.TextField(unique=False)),
                ("suspended_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("lifted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "suspensions",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="cause IN ('grade', 'dishonest_list', 'complaints', 'office')",
                        name="suspensions_cause_known",
                    ),
                    CheckConstraint(check="lifted_at >= suspended_at", name="suspensions_lifted_afterwards"),
                ],
                "indexes": [Index(fields=["member_id", "id"], name="suspensions_by_member")],
                "pk_attr": "id",
                "table_description": "One cause for which a member is or was suspended. `facts` is JSON that the member reads.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WhiteListEntry",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("uscc", fields.CharField(max_length=18)),
                (
                    "region",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="region_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="white_list",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("reason", fields.CharField(max_length=256)),
                ("approval_id", fields.UUIDField()),
                ("added_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "white_list",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="white_list_uscc_form"),
                    CheckConstraint(check="reason <> ''", name="white_list_reason_given"),
                    CheckConstraint(check="ended_at >= added_at", name="white_list_ended_afterwards"),
                ],
                "indexes": [Index(fields=["region_id", "id"], name="white_list_by_region")],
                "pk_attr": "id",
                "table_description": "白名单: a USCC that may join and stay in a region in spite of its grade; two admins wanted it.",
            },
            bases=["Model"],
        ),
        ops.RemoveConstraint(
            model_name="AuditRecord",
            name="audit_records_actor_kind_known",
            fields=None,
        ),
        ops.AlterField(
            model_name="AuditRecord",
            name="actor_kind",
            field=fields.CharEnumField(
                description="CITIZEN: citizen\nSTAFF: staff\nADMIN: admin\nSYSTEM: system\nAPPLICANT: applicant",
                enum_type=ActorKind,
                max_length=16,
            ),
        ),
        ops.AddConstraint(
            model_name="AuditRecord",
            constraint=CheckConstraint(
                check="actor_kind IN ('citizen', 'staff', 'admin', 'system', 'applicant')",
                name="audit_records_actor_kind_known",
            ),
        ),
        ops.AddField(
            model_name="Member",
            name="sector",
            field=fields.CharEnumField(
                null=True,
                description="EDUCATION: education\nTOURISM_SHOPPING: tourism_shopping\nHOME_SERVICES: home_services\nELDER_CHILD_CARE: elder_child_care\nTRANSPORT: transport\nCULTURE: culture\nHEALTH: health\nHOUSING: housing",
                enum_type=Category,
                max_length=32,
            ),
        ),
        ops.AddField(
            model_name="Member",
            name="status_since",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddConstraint(
            model_name="Member",
            constraint=CheckConstraint(
                check="sector IN ('education', 'tourism_shopping', 'home_services', 'elder_child_care', 'transport', 'culture', 'health', 'housing')",
                name="members_sector_known",
            ),
        ),
        ops.AddField(
            model_name="Offer",
            name="paused_for_suspension",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AlterField(
            model_name="Session",
            name="actor_kind",
            field=fields.CharEnumField(
                description="CITIZEN: citizen\nSTAFF: staff\nADMIN: admin\nSYSTEM: system\nAPPLICANT: applicant",
                enum_type=ActorKind,
                max_length=16,
            ),
        ),
        ops.RunSQL([*CONSTRAINTS, *PARTIAL_INDEXES, *RECHECKS, *WRITTEN_ONCE]),
    ]
