"""Offers' lives: submission, review and versions of their terms; budgets in money."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.enums import LimitPeriod, OfferStatus, OfferVersionState, ShareConsentState

# Older code never writes the new states, and reads only offers that it can show.
CONTRACTS = "The status column itself stays as it is; only its comment lists the new states."

CONSTRAINTS = [
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_number_once UNIQUE (offer_id, number)",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_state_known CHECK (state IN ('draft', 'submitted', 'approved', 'refused', 'withdrawn', 'in_force', 'superseded'))",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_admit_two_bands CHECK (min_tier_level BETWEEN 1 AND 4)",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_claim_span_ahead CHECK (claim_until > claim_from)",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_per_citizen_limit_sane CHECK (per_citizen_limit BETWEEN 1 AND 100)",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_per_citizen_period_known CHECK (per_citizen_period IN ('ever', 'day', 'month', 'year'))",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_list_price_in_range CHECK (list_price_fen BETWEEN 1 AND 1000000000)",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_list_price_shown CHECK (state IN ('draft', 'withdrawn') OR (list_price_fen IS NULL) = (evidence_file_id IS NULL))",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_reviewed_by_somebody CHECK ((state NOT IN ('approved', 'refused', 'in_force', 'superseded') OR decided_by IS NOT NULL) AND (decided_by IS NULL) = (decided_at IS NULL))",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_refused_with_reason CHECK (state <> 'refused' OR coalesce(decision_reason, '') <> '')",
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_in_force_is_dated CHECK ((state IN ('in_force', 'superseded')) = (in_force_at IS NOT NULL) AND (state = 'superseded') = (superseded_at IS NOT NULL))",
    "ALTER TABLE share_consents ADD CONSTRAINT share_consents_asked_once UNIQUE (version_id, terms_id)",
    "ALTER TABLE share_consents ADD CONSTRAINT share_consents_state_known CHECK (state IN ('waiting', 'agreed', 'refused'))",
    "ALTER TABLE share_consents ADD CONSTRAINT share_consents_decided_by_somebody CHECK ((state = 'waiting') = (decided_at IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL))",
    "ALTER TABLE share_consents ADD CONSTRAINT share_consents_refused_with_reason CHECK ((state = 'refused') = (coalesce(reason, '') <> ''))",
]

COMPOUND_KEY = (
    "ALTER TABLE offer_versions ADD CONSTRAINT offer_versions_terms_of_offer"
    " FOREIGN KEY (offer_id, terms_id) REFERENCES offer_terms (offer_id, id)"
)

PARTIAL_INDEXES = [
    # Two proposals at once would be two answers to "what will this offer be".
    "CREATE UNIQUE INDEX offer_versions_one_open ON offer_versions (offer_id)"
    " WHERE state IN ('draft', 'submitted', 'approved')",
    "CREATE UNIQUE INDEX offer_versions_one_in_force ON offer_versions (offer_id) WHERE state = 'in_force'",
    # Neither column is touched by a redemption, which stays a change in place.
    "CREATE INDEX coupons_to_settle ON coupons (id) WHERE reserved_fen IS NOT NULL AND settled_at IS NULL",
    # On the id's text: a plan made while the table is empty must not take it for a claim's look at one citizen's coupons.
    "CREATE INDEX coupons_by_offer ON coupons ((offer_id::text), id)",
    "CREATE INDEX stored_files_to_forget ON stored_files (deleted_at) WHERE deleted_at IS NOT NULL AND forgotten_at IS NULL",
    "CREATE INDEX offers_live_by_claim_until ON offers (claim_until) WHERE status IN ('published', 'paused')",
]


class Migration(migrations.Migration):
    """Offers' lives: submission, review and versions of their terms; budgets in money."""

    dependencies = [("models", "0007_stores_staff")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="OfferVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "offer",
                    fields.ForeignKeyField(
                        "models.Offer",
                        source_field="offer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.IntField()),
                (
                    "state",
                    fields.CharEnumField(
                        description="DRAFT: draft\nSUBMITTED: submitted\nAPPROVED: approved\nREFUSED: refused\nWITHDRAWN: withdrawn\nIN_FORCE: in_force\nSUPERSEDED: superseded",
                        db_default="draft",
                        enum_type=OfferVersionState,
                        max_length=16,
                    ),
                ),
                (
                    "terms",
                    fields.ForeignKeyField(
                        "models.OfferTerms",
                        source_field="terms_id",
                        db_constraint=False,
                        to_field="id",
                        related_name="proposed_by",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("min_tier_level", fields.SmallIntField(null=True)),
                ("ordinary_path", fields.CharField(null=True, max_length=256)),
                ("claim_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("claim_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("per_citizen_limit", fields.SmallIntField(null=True)),
                (
                    "per_citizen_period",
                    fields.CharEnumField(
                        description="EVER: ever\nDAY: day\nMONTH: month\nYEAR: year",
                        db_default="ever",
                        enum_type=LimitPeriod,
                        max_length=8,
                    ),
                ),
                ("list_price_fen", fields.BigIntField(null=True)),
                ("evidence_file_id", fields.UUIDField(null=True)),
                ("raised_shortly_before", fields.BooleanField(db_default=False)),
                ("proposed_by", fields.UUIDField()),
                ("proposed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("submitted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decision_reason", fields.CharField(null=True, max_length=512)),
                ("in_force_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("superseded_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "offer_versions",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("offer_id", "number"), name="offer_versions_number_once"),
                    CheckConstraint(
                        check="state IN ('draft', 'submitted', 'approved', 'refused', 'withdrawn', 'in_force', 'superseded')",
                        name="offer_versions_state_known",
                    ),
                    CheckConstraint(
                        check="min_tier_level BETWEEN 1 AND 4", name="offer_versions_admit_two_bands"
                    ),
                    CheckConstraint(check="claim_until > claim_from", name="offer_versions_claim_span_ahead"),
                    CheckConstraint(
                        check="per_citizen_limit BETWEEN 1 AND 100",
                        name="offer_versions_per_citizen_limit_sane",
                    ),
                    CheckConstraint(
                        check="per_citizen_period IN ('ever', 'day', 'month', 'year')",
                        name="offer_versions_per_citizen_period_known",
                    ),
                    CheckConstraint(
                        check="list_price_fen BETWEEN 1 AND 1000000000",
                        name="offer_versions_list_price_in_range",
                    ),
                    CheckConstraint(
                        check="state IN ('draft', 'withdrawn') OR (list_price_fen IS NULL) = (evidence_file_id IS NULL)",
                        name="offer_versions_list_price_shown",
                    ),
                    CheckConstraint(
                        check="(state NOT IN ('approved', 'refused', 'in_force', 'superseded') OR decided_by IS NOT NULL) AND (decided_by IS NULL) = (decided_at IS NULL)",
                        name="offer_versions_reviewed_by_somebody",
                    ),
                    CheckConstraint(
                        check="state <> 'refused' OR coalesce(decision_reason, '') <> ''",
                        name="offer_versions_refused_with_reason",
                    ),
                    CheckConstraint(
                        check="(state IN ('in_force', 'superseded')) = (in_force_at IS NOT NULL) AND (state = 'superseded') = (superseded_at IS NOT NULL)",
                        name="offer_versions_in_force_is_dated",
                    ),
                ],
                "indexes": [Index(fields=["state", "id"], name="offer_versions_by_state")],
                "pk_attr": "id",
                "table_description": "One proposal of what an offer gives and asks for, with its review; publishing it puts it in force.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ShareConsent",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "version",
                    fields.ForeignKeyField(
                        "models.OfferVersion",
                        source_field="version_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="share_consents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("terms_id", fields.BigIntField()),
                ("unit_id", fields.UUIDField()),
                ("stock_total", fields.IntField(null=True)),
                ("budget_fen", fields.BigIntField(null=True)),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: waiting\nAGREED: agreed\nREFUSED: refused",
                        db_default="waiting",
                        enum_type=ShareConsentState,
                        max_length=16,
                    ),
                ),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("reason", fields.CharField(null=True, max_length=512)),
            ],
            options={
                "table": "share_consents",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("version_id", "terms_id"), name="share_consents_asked_once"),
                    CheckConstraint(
                        check="state IN ('waiting', 'agreed', 'refused')", name="share_consents_state_known"
                    ),
                    CheckConstraint(
                        check="(state = 'waiting') = (decided_at IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)",
                        name="share_consents_decided_by_somebody",
                    ),
                    CheckConstraint(
                        check="(state = 'refused') = (coalesce(reason, '') <> '')",
                        name="share_consents_refused_with_reason",
                    ),
                ],
                "indexes": [Index(fields=["unit_id", "state", "id"], name="share_consents_by_unit")],
                "pk_attr": "id",
                "table_description": "What a public unit says to bearing its share of a version: of these terms, up to this stock and budget.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Coupon",
            name="reserved_fen",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Coupon",
            name="settled_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddConstraint(
            model_name="Coupon",
            constraint=CheckConstraint(
                check="coalesce(reserved_fen >= 0, settled_at IS NULL)", name="coupons_reserved_counts"
            ),
        ),
        ops.RemoveConstraint(
            model_name="Offer",
            name="offers_status_known",
            fields=None,
        ),
        ops.RemoveConstraint(
            model_name="Offer",
            name="offers_published_with_terms",
            fields=None,
        ),
        ops.AlterField(
            model_name="Offer",
            name="status",
            field=fields.CharEnumField(
                description="DRAFT: draft\nPUBLISHED: published\nPAUSED: paused\nENDED: ended\nSUBMITTED: submitted\nAPPROVED: approved\nWITHDRAWN: withdrawn",
                db_default="draft",
                enum_type=OfferStatus,
                max_length=16,
            ),
        ),
        ops.AddField(
            model_name="Offer",
            name="office_reason",
            field=fields.CharField(null=True, max_length=512),
        ),
        ops.AddIndex(
            model_name="Offer",
            index=Index(fields=["status", "id"], name="offers_by_status"),
        ),
        ops.AddConstraint(
            model_name="Offer",
            constraint=CheckConstraint(
                check="status IN ('draft', 'published', 'paused', 'ended', 'submitted', 'approved', 'withdrawn')",
                name="offers_status_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Offer",
            constraint=CheckConstraint(
                check="status IN ('draft', 'submitted', 'approved', 'withdrawn') OR terms_id IS NOT NULL",
                name="offers_published_with_terms",
            ),
        ),
        ops.AlterModelOptions(
            name="OfferStock",
            options={
                "table": "offer_stock",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="issued <= total", name="offer_stock_not_oversold"),
                    CheckConstraint(check="issued >= 0", name="offer_stock_issued_counts"),
                    CheckConstraint(
                        check="total >= 0 AND coalesce(daily_limit, 1) >= 1", name="offer_stock_limits_count"
                    ),
                    CheckConstraint(check="reserved_fen <= budget_fen", name="offer_stock_within_budget"),
                    CheckConstraint(check="reserved_fen >= 0", name="offer_stock_reserved_counts"),
                    CheckConstraint(
                        check="budget_fen IS NULL OR piece_fen IS NOT NULL",
                        name="offer_stock_budget_knows_its_piece",
                    ),
                    CheckConstraint(
                        check="budget_fen BETWEEN 0 AND 1000000000 AND coalesce(piece_fen, 0) >= 0",
                        name="offer_stock_money_in_range",
                    ),
                ],
                "pk_attr": "offer_id",
                "table_description": "The pieces and the budget of a limited offer; an offer without a row has neither limit.",
            },
        ),
        ops.AddField(
            model_name="OfferStock",
            name="budget_fen",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="OfferStock",
            name="piece_fen",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="OfferStock",
            name="reserved_fen",
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddConstraint(
            model_name="OfferStock",
            constraint=CheckConstraint(check="reserved_fen <= budget_fen", name="offer_stock_within_budget"),
        ),
        ops.AddConstraint(
            model_name="OfferStock",
            constraint=CheckConstraint(check="reserved_fen >= 0", name="offer_stock_reserved_counts"),
        ),
        ops.AddConstraint(
            model_name="OfferStock",
            constraint=CheckConstraint(
                check="budget_fen IS NULL OR piece_fen IS NOT NULL", name="offer_stock_budget_knows_its_piece"
            ),
        ),
        ops.AddConstraint(
            model_name="OfferStock",
            constraint=CheckConstraint(
                check="budget_fen BETWEEN 0 AND 1000000000 AND coalesce(piece_fen, 0) >= 0",
                name="offer_stock_money_in_range",
            ),
        ),
        ops.AddField(
            model_name="OfferTerms",
            name="most_cost_fen",
            field=fields.BigIntField(null=True),
        ),
        ops.AddConstraint(
            model_name="OfferTerms",
            constraint=CheckConstraint(check="most_cost_fen >= 0", name="offer_terms_most_cost_counts"),
        ),
        ops.AddField(
            model_name="StoredFile",
            name="forgotten_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunSQL([*CONSTRAINTS, COMPOUND_KEY, *PARTIAL_INDEXES]),
    ]
