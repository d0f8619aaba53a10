"""Refreshing within validity, recognition of other places' schemes, and what-if runs of tier schemes."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.office_enums import WhatIfState

CONTRACTS = (
    "A snapshot's scheme may be empty from now on. Processes of the release before write it always, and take one without"
    " it for no snapshot: they look up anew."
)

CONSTRAINTS = [
    "ALTER TABLE tier_mappings ADD CONSTRAINT tier_mappings_version_once UNIQUE (scheme_code, version)",
    "ALTER TABLE tier_mappings ADD CONSTRAINT tier_mappings_end_ahead CHECK (effective_until > effective_from)",
    "ALTER TABLE tier_mappings ADD CONSTRAINT tier_mappings_validity_counts CHECK (validity_days BETWEEN 1 AND 3660)",
    "ALTER TABLE tier_mappings ADD CONSTRAINT tier_mappings_agreement_named CHECK (agreement <> '')",
    "ALTER TABLE tier_mapping_bands ADD CONSTRAINT tier_mapping_bands_code_once UNIQUE (mapping_id, code)",
    "ALTER TABLE tier_mapping_bands ADD CONSTRAINT tier_mapping_bands_low_once UNIQUE (mapping_id, low)",
    "ALTER TABLE tier_mapping_bands ADD CONSTRAINT tier_mapping_bands_both_ends CHECK ((low IS NULL) = (high IS NULL))",
    "ALTER TABLE tier_mapping_bands ADD CONSTRAINT tier_mapping_bands_not_empty CHECK (low < high)",
    "ALTER TABLE tier_mapping_bands ADD CONSTRAINT tier_mapping_bands_level_known CHECK (level BETWEEN 1 AND 5)",
    "ALTER TABLE tier_what_ifs ADD CONSTRAINT tier_what_ifs_state_known CHECK (state IN ('waiting', 'done', 'given_up'))",
    "ALTER TABLE tier_what_ifs ADD CONSTRAINT tier_what_ifs_hash_form CHECK (length(draft_hash) = 32)",
    "ALTER TABLE tier_what_ifs ADD CONSTRAINT tier_what_ifs_parts_count CHECK (parts_done BETWEEN 0 AND 256)",
    "ALTER TABLE tier_what_ifs ADD CONSTRAINT tier_what_ifs_done_has_result CHECK ((state = 'waiting') = (done_at IS NULL) AND (state = 'done') = (result IS NOT NULL))",
]
PARTIAL_INDEXES = [
    "CREATE UNIQUE INDEX tier_what_ifs_one_at_a_time ON tier_what_ifs (scheme_code) WHERE state = 'waiting'",
]


class Migration(migrations.Migration):
    """Refreshing within validity, recognition of other places' schemes, and what-if runs of tier schemes."""

    dependencies = [("models", "0017_objections")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.AddField(model_name="TierScheme", name="refresh_days", field=fields.IntField(null=True)),
        ops.AddField(model_name="TierScheme", name="told_up_to", field=fields.UUIDField(null=True)),
        ops.CreateModel(
            name="TierMapping",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("scheme_code", fields.CharField(max_length=32)),
                ("version", fields.IntField()),
                ("scheme_name", fields.CharField(max_length=64)),
                ("place", fields.CharField(max_length=32)),
                ("agreement", fields.CharField(max_length=128)),
                ("validity_days", fields.IntField()),
                ("effective_from", fields.DateField()),
                ("effective_until", fields.DateField()),
                ("approval_id", fields.UUIDField()),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tier_mappings",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("scheme_code", "version"), name="tier_mappings_version_once"),
                    CheckConstraint(check="effective_until > effective_from", name="tier_mappings_end_ahead"),
                    CheckConstraint(
                        check="validity_days BETWEEN 1 AND 3660", name="tier_mappings_validity_counts"
                    ),
                    CheckConstraint(check="agreement <> ''", name="tier_mappings_agreement_named"),
                ],
                "pk_attr": "id",
                "table_description": "互认: how another place's scheme maps to the common ladder, from one day until another (half-open).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TierMappingBand",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "mapping",
                    fields.ForeignKeyField(
                        "models.TierMapping",
                        source_field="mapping_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="bands",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code", fields.CharField(max_length=32)),
                ("name", fields.CharField(max_length=32)),
                ("level", fields.SmallIntField()),
                ("low", fields.IntField(null=True)),
                ("high", fields.IntField(null=True)),
            ],
            options={
                "table": "tier_mapping_bands",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("mapping_id", "code"), name="tier_mapping_bands_code_once"),
                    UniqueConstraint(fields=("mapping_id", "low"), name="tier_mapping_bands_low_once"),
                    CheckConstraint(
                        check="(low IS NULL) = (high IS NULL)", name="tier_mapping_bands_both_ends"
                    ),
                    CheckConstraint(check="low < high", name="tier_mapping_bands_not_empty"),
                    CheckConstraint(check="level BETWEEN 1 AND 5", name="tier_mapping_bands_level_known"),
                ],
                "pk_attr": "id",
                "table_description": "One tier of another place's scheme, by its code alone or by scores [low, high), and its place on our ladder.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TierWhatIf",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("scheme_code", fields.CharField(max_length=32)),
                ("draft_hash", fields.BinaryField()),
                ("draft", fields.TextField(unique=False)),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: waiting\nDONE: done\nGIVEN_UP: given_up",
                        db_default="waiting",
                        enum_type=WhatIfState,
                        max_length=16,
                    ),
                ),
                ("parts_done", fields.SmallIntField(db_default=0)),
                ("result", fields.TextField(null=True, unique=False)),
                ("asked_by", fields.UUIDField()),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("done_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tier_what_ifs",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('waiting', 'done', 'given_up')", name="tier_what_ifs_state_known"
                    ),
                    CheckConstraint(check="length(draft_hash) = 32", name="tier_what_ifs_hash_form"),
                    CheckConstraint(check="parts_done BETWEEN 0 AND 256", name="tier_what_ifs_parts_count"),
                    CheckConstraint(
                        check="(state = 'waiting') = (done_at IS NULL) AND (state = 'done') = (result IS NOT NULL)",
                        name="tier_what_ifs_done_has_result",
                    ),
                ],
                "indexes": [Index(fields=["draft_hash", "done_at"], name="tier_what_ifs_by_draft")],
                "pk_attr": "id",
                "table_description": "试算: how many people a version that nobody has announced yet would move; counts only, nobody's score.",
            },
            bases=["Model"],
        ),
        ops.AlterField(
            model_name="TierSnapshot",
            name="scheme",
            field=fields.ForeignKeyField(
                "models.TierScheme",
                source_field="scheme_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="snapshots",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="TierSnapshot",
            name="mapping",
            field=fields.ForeignKeyField(
                "models.TierMapping",
                source_field="mapping_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="snapshots",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="TierSnapshot",
            name="refresh_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddConstraint(
            model_name="TierScheme",
            constraint=CheckConstraint(
                check="refresh_days BETWEEN 1 AND validity_days", name="tier_schemes_refresh_within_validity"
            ),
        ),
        ops.AddConstraint(
            model_name="TierSnapshot",
            constraint=CheckConstraint(
                check="(scheme_id IS NULL) <> (mapping_id IS NULL)", name="tier_snapshots_under_one_scheme"
            ),
        ),
        ops.AddConstraint(
            model_name="TierSnapshot",
            constraint=CheckConstraint(
                check="refresh_at > taken_at AND refresh_at <= valid_until",
                name="tier_snapshots_refresh_within_validity",
            ),
        ),
        ops.RunSQL([*CONSTRAINTS, *PARTIAL_INDEXES]),
    ]
