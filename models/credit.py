"""信用等级: schemes as data, dated snapshots, and the log of every look-up."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.consent import Consent
from models.enums import LookupOutcome
from models.office_enums import WhatIfState


class TierScheme(Model):
    """等级方案: one version of a scheme's bands, in force from a date that was announced before (rule 4).

    A snapshot older than `refresh_days` is taken anew at the next look; without them it is good for `validity_days`.
    `told_up_to`: how far the citizens rated under an earlier version were told of this one, in the order of their ids.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    code = fields.CharField(max_length=32)
    name = fields.CharField(max_length=64)
    version = fields.IntField()
    explanation = fields.TextField()
    grace_points = fields.IntField(db_default=0)
    validity_days = fields.IntField()
    refresh_days = fields.IntField(null=True)
    notice_days = fields.IntField(db_default=0)
    published_at = fields.DatetimeField()
    effective_from = fields.DatetimeField()
    told_up_to = fields.UUIDField(null=True)

    class Meta:
        table = "tier_schemes"
        constraints = (
            UniqueConstraint(fields=("code", "version"), name="tier_schemes_version_once"),
            CheckConstraint(
                check="effective_from >= published_at + notice_days * interval '1 day'",
                name="tier_schemes_notice_kept",
            ),
            CheckConstraint(
                check="grace_points >= 0 AND notice_days >= 0 AND validity_days > 0",
                name="tier_schemes_spans_count",
            ),
            CheckConstraint(
                check="refresh_days BETWEEN 1 AND validity_days", name="tier_schemes_refresh_within_validity"
            ),
        )


class TierBand(Model):
    """One band, half-open [low, high), and its place on the common ladder (`TierLevel`)."""

    id = fields.BigIntField(primary_key=True, generated=True)
    scheme: fields.ForeignKeyRelation[TierScheme] = fields.ForeignKeyField(
        "models.TierScheme", related_name="bands", on_delete=fields.RESTRICT
    )
    code = fields.CharField(max_length=32)
    name = fields.CharField(max_length=32)
    level = fields.SmallIntField()
    low = fields.IntField()
    high = fields.IntField()

    class Meta:
        table = "tier_bands"
        constraints = (
            UniqueConstraint(fields=("scheme_id", "code"), name="tier_bands_code_once"),
            UniqueConstraint(fields=("scheme_id", "low"), name="tier_bands_low_once"),
            UniqueConstraint(fields=("scheme_id", "high"), name="tier_bands_high_once"),
            CheckConstraint(check="low < high", name="tier_bands_not_empty"),
            CheckConstraint(check="level BETWEEN 1 AND 5", name="tier_bands_level_known"),
        )


class TierMapping(Model):
    """互认: how another place's scheme maps to the common ladder, from one day until another (half-open).

    Never changed; its end can only come nearer. Spans in days.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    scheme_code = fields.CharField(max_length=32)
    version = fields.IntField()
    scheme_name = fields.CharField(max_length=64)
    place = fields.CharField(max_length=32)
    agreement = fields.CharField(max_length=128)
    validity_days = fields.IntField()
    effective_from = fields.DateField()
    effective_until = fields.DateField()
    approval_id = fields.UUIDField()
    published_at = fields.DatetimeField()

    class Meta:
        table = "tier_mappings"
        constraints = (
            UniqueConstraint(fields=("scheme_code", "version"), name="tier_mappings_version_once"),
            CheckConstraint(check="effective_until > effective_from", name="tier_mappings_end_ahead"),
            CheckConstraint(check="validity_days BETWEEN 1 AND 3660", name="tier_mappings_validity_counts"),
            CheckConstraint(check="agreement <> ''", name="tier_mappings_agreement_named"),
        )


class TierMappingBand(Model):
    """One tier of another place's scheme, by its code alone or by scores [low, high), and its place on our ladder."""

    id = fields.BigIntField(primary_key=True, generated=True)
    mapping: fields.ForeignKeyRelation[TierMapping] = fields.ForeignKeyField(
        "models.TierMapping", related_name="bands", on_delete=fields.RESTRICT
    )
    code = fields.CharField(max_length=32)
    name = fields.CharField(max_length=32)
    level = fields.SmallIntField()
    low = fields.IntField(null=True)
    high = fields.IntField(null=True)

    class Meta:
        table = "tier_mapping_bands"
        constraints = (
            UniqueConstraint(fields=("mapping_id", "code"), name="tier_mapping_bands_code_once"),
            UniqueConstraint(fields=("mapping_id", "low"), name="tier_mapping_bands_low_once"),
            CheckConstraint(check="(low IS NULL) = (high IS NULL)", name="tier_mapping_bands_both_ends"),
            CheckConstraint(check="low < high", name="tier_mapping_bands_not_empty"),
            CheckConstraint(check="level BETWEEN 1 AND 5", name="tier_mapping_bands_level_known"),
        )


class TierWhatIf(Model):
    """试算: how many people a version that nobody has announced yet would move; counts only, nobody's score.

    `draft` and `result` are JSON of plain values; `draft_hash` names the draft. One of a scheme's runs at a time.
    """

    id = fields.UUIDField(primary_key=True)
    scheme_code = fields.CharField(max_length=32)
    draft_hash = fields.BinaryField()
    draft = fields.TextField()
    state = fields.CharEnumField(WhatIfState, max_length=16, db_default=WhatIfState.WAITING.value)
    parts_done = fields.SmallIntField(db_default=0)
    result = fields.TextField(null=True)
    asked_by = fields.UUIDField()
    asked_at = fields.DatetimeField()
    done_at = fields.DatetimeField(null=True)

    class Meta:
        table = "tier_what_ifs"
        indexes = (Index(fields=("draft_hash", "done_at"), name="tier_what_ifs_by_draft"),)
        constraints = (
            CheckConstraint(
                check="state IN ('waiting', 'done', 'given_up')", name="tier_what_ifs_state_known"
            ),
            CheckConstraint(check="length(draft_hash) = 32", name="tier_what_ifs_hash_form"),
            CheckConstraint(check="parts_done BETWEEN 0 AND 256", name="tier_what_ifs_parts_count"),
            CheckConstraint(
                check="(state = 'waiting') = (done_at IS NULL) AND (state = 'done') = (result IS NOT NULL)",
                name="tier_what_ifs_done_has_result",
            ),
        )


class CreditLookup(Model):
    """One look-up: who, when, why, under which consent (rule 1). Kept 10 years."""

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="lookups", on_delete=fields.RESTRICT
    )
    consent: fields.ForeignKeyRelation[Consent] = fields.ForeignKeyField(
        "models.Consent", related_name="lookups", on_delete=fields.RESTRICT
    )
    source = fields.CharField(max_length=32)
    looked_up_by = fields.CharField(max_length=32)
    reason = fields.CharField(max_length=64)
    looked_up_at = fields.DatetimeField()
    outcome = fields.CharEnumField(LookupOutcome, max_length=16)

    class Meta:
        table = "credit_lookups"
        indexes = (Index(fields=("citizen_id", "id"), name="credit_lookups_by_citizen"),)
        constraints = (
            CheckConstraint(
                check="outcome IN ('pending', 'rated', 'unrated', 'unavailable', 'discarded')",
                name="credit_lookups_outcome_known",
            ),
        )


class TierSnapshot(Model):
    """等级快照: what a source said, dated. The score itself is not kept; `level` is empty for "no record".

    Under a version of our own schemes, or under another place's that was mapped to our ladder. From `refresh_at` on
    the next look asks anew; if nobody answers, it is good until `valid_until`.
    """

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="snapshots", on_delete=fields.RESTRICT
    )
    lookup: fields.OneToOneRelation[CreditLookup] = fields.OneToOneField(
        "models.CreditLookup", related_name="snapshot", on_delete=fields.RESTRICT, db_constraint=False
    )
    scheme: fields.ForeignKeyNullableRelation[TierScheme] = fields.ForeignKeyField(
        "models.TierScheme", related_name="snapshots", on_delete=fields.RESTRICT, null=True
    )
    mapping: fields.ForeignKeyNullableRelation[TierMapping] = fields.ForeignKeyField(
        "models.TierMapping", related_name="snapshots", on_delete=fields.RESTRICT, null=True
    )
    level = fields.SmallIntField(null=True)
    tier_code = fields.CharField(max_length=32, null=True)
    source_record_id = fields.CharField(max_length=64, null=True)
    data_date = fields.DateField()
    taken_at = fields.DatetimeField()
    valid_until = fields.DatetimeField()
    refresh_at = fields.DatetimeField(null=True)

    class Meta:
        table = "tier_snapshots"
        indexes = (
            Index(fields=("citizen_id", "taken_at"), name="tier_snapshots_by_citizen"),
            Index(fields=("valid_until",), name="tier_snapshots_by_end"),
        )
        constraints = (
            CheckConstraint(
                check="level IS NULL OR level BETWEEN 1 AND 5", name="tier_snapshots_level_known"
            ),
            CheckConstraint(
                check="(level IS NULL) = (tier_code IS NULL)", name="tier_snapshots_level_is_named"
            ),
            CheckConstraint(check="valid_until > taken_at", name="tier_snapshots_validity_ahead"),
            CheckConstraint(
                check="(scheme_id IS NULL) <> (mapping_id IS NULL)", name="tier_snapshots_under_one_scheme"
            ),
            CheckConstraint(
                check="refresh_at > taken_at AND refresh_at <= valid_until",
                name="tier_snapshots_refresh_within_validity",
            ),
        )
