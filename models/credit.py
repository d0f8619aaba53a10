"""信用等级: schemes as data, dated snapshots, and the log of every look-up."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.consent import Consent
from models.enums import LookupOutcome


class TierScheme(Model):
    """等级方案: one version of a scheme's bands, in force from a date that was announced before (rule 4)."""

    id = fields.BigIntField(primary_key=True, generated=True)
    code = fields.CharField(max_length=32)
    name = fields.CharField(max_length=64)
    version = fields.IntField()
    explanation = fields.TextField()
    grace_points = fields.IntField(db_default=0)
    validity_days = fields.IntField()
    notice_days = fields.IntField(db_default=0)
    published_at = fields.DatetimeField()
    effective_from = fields.DatetimeField()

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
    """等级快照: what a source said, dated. The score itself is not kept; `level` is empty for "no record"."""

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="snapshots", on_delete=fields.RESTRICT
    )
    lookup: fields.OneToOneRelation[CreditLookup] = fields.OneToOneField(
        "models.CreditLookup", related_name="snapshot", on_delete=fields.RESTRICT, db_constraint=False
    )
    scheme: fields.ForeignKeyRelation[TierScheme] = fields.ForeignKeyField(
        "models.TierScheme", related_name="snapshots", on_delete=fields.RESTRICT
    )
    level = fields.SmallIntField(null=True)
    tier_code = fields.CharField(max_length=32, null=True)
    source_record_id = fields.CharField(max_length=64, null=True)
    data_date = fields.DateField()
    taken_at = fields.DatetimeField()
    valid_until = fields.DatetimeField()

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
        )
