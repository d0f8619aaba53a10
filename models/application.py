"""入盟申请: applications for membership apart from the members they may become, their checks and signed commitments."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import ApplicationAction, ApplicationState, Category, CheckFinding, MemberKind
from models.member import Member
from models.region import Region


class MemberApplication(Model):
    """One application. Anybody may name any USCC in one: only an approved application makes or wakes a member.

    `key_hash` is the SHA-256 of the applicant's key. Name and phone of the contact are encrypted
    (`common.crypto`). `uscc_overridden_at`: two admins took a USCC whose check digit is wrong.
    """

    id = fields.UUIDField(primary_key=True)
    key_hash = fields.BinaryField()
    uscc = fields.CharField(max_length=18)
    kind = fields.CharEnumField(MemberKind, max_length=16)
    sector = fields.CharEnumField(Category, max_length=32)
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="applications", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=128)
    contact_name = fields.BinaryField()
    contact_phone = fields.BinaryField()
    state = fields.CharEnumField(ApplicationState, max_length=16, db_default=ApplicationState.DRAFT.value)
    begun_at = fields.DatetimeField()
    submitted_at = fields.DatetimeField(null=True)
    decided_at = fields.DatetimeField(null=True)
    uscc_overridden_at = fields.DatetimeField(null=True)
    member: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="applications", null=True, on_delete=fields.RESTRICT
    )
    owner_made_at = fields.DatetimeField(null=True)

    class Meta:
        table = "member_applications"
        indexes = (
            Index(fields=("member_id", "id"), name="member_applications_by_member"),
            Index(fields=("state", "id"), name="member_applications_by_state"),
        )
        constraints = (
            UniqueConstraint(fields=("key_hash",), name="member_applications_key_once"),
            CheckConstraint(check="length(key_hash) = 32", name="member_applications_key_form"),
            CheckConstraint(check="uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="member_applications_uscc_form"),
            CheckConstraint(
                check="kind IN ('merchant', 'public_unit')", name="member_applications_kind_known"
            ),
            CheckConstraint(
                check="sector IN ('education', 'tourism_shopping', 'home_services', 'elder_child_care', 'transport',"
                " 'culture', 'health', 'housing')",
                name="member_applications_sector_known",
            ),
            CheckConstraint(check="name <> ''", name="member_applications_name_given"),
            CheckConstraint(
                check="state IN ('draft', 'submitted', 'county_review', 'city_review', 'approved', 'refused',"
                " 'withdrawn')",
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
        )


class ApplicationEvent(Model):
    """What happened to an application: its applicant reads it with his key. `reason` is an admin's, for him."""

    id = fields.UUIDField(primary_key=True)
    application: fields.ForeignKeyRelation[MemberApplication] = fields.ForeignKeyField(
        "models.MemberApplication", related_name="events", on_delete=fields.RESTRICT
    )
    action = fields.CharEnumField(ApplicationAction, max_length=16)
    state = fields.CharEnumField(ApplicationState, max_length=16)
    code = fields.CharField(max_length=32, null=True)
    reason = fields.CharField(max_length=512, null=True)
    happened_at = fields.DatetimeField()

    class Meta:
        table = "application_events"
        indexes = (Index(fields=("application_id", "id"), name="application_events_by_application"),)
        constraints = (
            CheckConstraint(
                check="action IN ('submit', 'to_county', 'to_city', 'approve', 'refuse', 'withdraw')",
                name="application_events_action_known",
            ),
            CheckConstraint(
                check="state IN ('draft', 'submitted', 'county_review', 'city_review', 'approved', 'refused',"
                " 'withdrawn')",
                name="application_events_state_known",
            ),
            CheckConstraint(check="code ~ '^[a-z_]+$'", name="application_events_code_form"),
            CheckConstraint(
                check="action <> 'refuse' OR reason IS NOT NULL OR code IS NOT NULL",
                name="application_events_refusal_has_reason",
            ),
        )


class OrganisationCheck(Model):
    """One dated answer of the organisation source about an applicant or a member; never changed.

    `grade` is of the ladder of `TierLevel`, empty where the source has none; `min_grade` is what the region asked
    for then. Both are empty, and so is `data_date`, when the source did not answer.
    """

    id = fields.UUIDField(primary_key=True)
    application: fields.ForeignKeyNullableRelation[MemberApplication] = fields.ForeignKeyField(
        "models.MemberApplication", related_name="checks", null=True, on_delete=fields.RESTRICT
    )
    member: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="checks", null=True, on_delete=fields.RESTRICT
    )
    source = fields.CharField(max_length=32)
    checked_at = fields.DatetimeField()
    finding = fields.CharEnumField(CheckFinding, max_length=16)
    grade = fields.SmallIntField(null=True)
    min_grade = fields.SmallIntField()
    is_dishonest = fields.BooleanField(null=True)
    is_white_listed = fields.BooleanField()
    data_date = fields.DateField(null=True)
    record_id = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "organisation_checks"
        indexes = (
            Index(fields=("application_id", "id"), name="organisation_checks_by_application"),
            Index(fields=("member_id", "id"), name="organisation_checks_by_member"),
        )
        constraints = (
            CheckConstraint(
                check="(application_id IS NULL) <> (member_id IS NULL)", name="organisation_checks_of_one"
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
                check="(finding = 'unavailable') = (data_date IS NULL)"
                " AND (finding = 'unavailable') = (is_dishonest IS NULL)",
                name="organisation_checks_answer_is_dated",
            ),
            # Rule 12: whatever else holds, who is on the list of the seriously dishonest does not pass.
            CheckConstraint(
                check="(finding = 'dishonest') = coalesce(is_dishonest, false)",
                name="organisation_checks_dishonest_never_passes",
            ),
        )


class CommitmentText(Model):
    """信用承诺书: what a member signs; a text that was shown is never edited, only followed by another."""

    id = fields.BigIntField(primary_key=True, generated=True)
    version = fields.CharField(max_length=32)
    title = fields.CharField(max_length=128)
    text = fields.TextField()
    sha256 = fields.CharField(max_length=64)
    effective_from = fields.DatetimeField()

    class Meta:
        table = "commitment_texts"
        constraints = (
            UniqueConstraint(fields=("version",), name="commitment_texts_version_once"),
            CheckConstraint(check="sha256 ~ '^[0-9a-f]{64}$'", name="commitment_texts_sha256_form"),
        )


class Commitment(Model):
    """One signature under a text; who signed is encrypted, as every person's name."""

    id = fields.UUIDField(primary_key=True)
    application: fields.ForeignKeyRelation[MemberApplication] = fields.ForeignKeyField(
        "models.MemberApplication", related_name="commitments", on_delete=fields.RESTRICT
    )
    version = fields.CharField(max_length=32)
    text_sha256 = fields.CharField(max_length=64)
    signer = fields.BinaryField()
    signed_at = fields.DatetimeField()

    class Meta:
        table = "commitments"
        constraints = (
            UniqueConstraint(fields=("application_id", "version"), name="commitments_version_once"),
            CheckConstraint(check="text_sha256 ~ '^[0-9a-f]{64}$'", name="commitments_sha256_form"),
        )
