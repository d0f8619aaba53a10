"""优惠项目: who may claim and how many (`Offer`, its counters), and what a claimed coupon gives (`OfferTerms`)."""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import (
    DiscountKind,
    LimitPeriod,
    MemberKind,
    OfferStatus,
    OfferVersionState,
    ShareConsentState,
)
from models.member import Member
from models.programme import Programme
from models.region import Region


class Offer(Model):
    """What a member gives, to whom, when it can be claimed, and how often by one citizen.

    `min_tier_level` is the lowest level that may claim (empty: open to all); the best level alone can't
    be asked for, so that a scan never tells more than "this or better" (rule 2). `min_real_name_level` is a
    `RealNameLevel`; 0 asks for none. `terms_id` names the
    `OfferTerms` in force, and is empty until the offer is published for the first time. An offer of a public unit names
    its ordinary path 普通通道 (rule 3). `paused_for_suspension`: it was published when its member was suspended, and is
    again when that ends. `office_reason`: why the office paused, resumed or ended it, if that was what happened last.
    """

    id = fields.UUIDField(primary_key=True)
    programme: fields.ForeignKeyRelation[Programme] = fields.ForeignKeyField(
        "models.Programme", related_name="offers", on_delete=fields.RESTRICT
    )
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="offers", on_delete=fields.RESTRICT
    )
    member_kind = fields.CharEnumField(MemberKind, max_length=16)
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="offers", on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(OfferStatus, max_length=16, db_default=OfferStatus.DRAFT.value)
    terms_id = fields.BigIntField(null=True)
    min_tier_level = fields.SmallIntField(null=True)
    min_real_name_level = fields.SmallIntField(db_default=0)
    ordinary_path = fields.CharField(max_length=256, null=True)
    claim_from = fields.DatetimeField()
    claim_until = fields.DatetimeField()
    per_citizen_limit = fields.SmallIntField(null=True)
    per_citizen_period = fields.CharEnumField(LimitPeriod, max_length=8, db_default=LimitPeriod.EVER.value)
    created_at = fields.DatetimeField()
    paused_for_suspension = fields.BooleanField(db_default=False)
    office_reason = fields.CharField(max_length=512, null=True)

    class Meta:
        table = "offers"
        indexes = (
            Index(fields=("member_id",), name="offers_by_member"),
            Index(fields=("status", "id"), name="offers_by_status"),
        )
        constraints = (
            CheckConstraint(
                check="status IN ('draft', 'published', 'paused', 'ended', 'submitted', 'approved', 'withdrawn')",
                name="offers_status_known",
            ),
            CheckConstraint(check="min_tier_level BETWEEN 1 AND 4", name="offers_admit_two_bands"),
            CheckConstraint(check="min_real_name_level BETWEEN 0 AND 2", name="offers_real_name_level_known"),
            CheckConstraint(
                check="member_kind <> 'public_unit' OR coalesce(ordinary_path, '') <> ''",
                name="offers_public_unit_names_ordinary_path",
            ),
            CheckConstraint(check="claim_until > claim_from", name="offers_claim_span_ahead"),
            CheckConstraint(
                check="per_citizen_limit BETWEEN 1 AND 100", name="offers_per_citizen_limit_sane"
            ),
            CheckConstraint(
                check="per_citizen_period IN ('ever', 'day', 'month', 'year')",
                name="offers_per_citizen_period_known",
            ),
            CheckConstraint(
                check="status IN ('draft', 'submitted', 'approved', 'withdrawn') OR terms_id IS NOT NULL",
                name="offers_published_with_terms",
            ),
        )


class OfferTerms(Model):
    """One version of what a claimed coupon gives: never changed, so a claim freezes it by naming it.

    Money in fen; `percent_off` in whole per cent; hours are minutes after midnight, half-open, and
    `weekday_mask` has bit 0 for Monday, all in Asia/Shanghai. `valid_from`/`valid_until` are fixed
    dates; `valid_days` counts days after the claim (the last day whole), after `wait_days`.
    With `shows_holder` staff see the holder's masked name at the scan, if he agreed to it.
    An empty `uses_total` is "unlimited within the validity". `most_cost_fen` is the greatest that one coupon can cost,
    where there is such a thing (`benefits.budgets`). Who funds the discount, in whole per cent: the public
    unit named, the alliance, and the member itself the rest.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    offer: fields.ForeignKeyRelation[Offer] = fields.ForeignKeyField(
        "models.Offer", related_name="all_terms", on_delete=fields.RESTRICT
    )
    version = fields.IntField()
    title = fields.CharField(max_length=64)
    description = fields.TextField()
    discount_kind = fields.CharEnumField(DiscountKind, max_length=16)
    percent_off = fields.SmallIntField(null=True)
    cap_fen = fields.BigIntField(null=True)
    amount_off_fen = fields.BigIntField(null=True)
    threshold_fen = fields.BigIntField(null=True)
    fixed_price_fen = fields.BigIntField(null=True)
    deposit_fen = fields.BigIntField(null=True)
    pay_later_days = fields.SmallIntField(null=True)
    higher_limit = fields.IntField(null=True)
    gift = fields.CharField(max_length=64, null=True)
    uses_total = fields.IntField(null=True)
    daily_use_cap = fields.SmallIntField(null=True)
    valid_from = fields.DatetimeField(null=True)
    valid_until = fields.DatetimeField(null=True)
    wait_days = fields.SmallIntField(db_default=0)
    valid_days = fields.SmallIntField(null=True)
    weekday_mask = fields.SmallIntField(db_default=127)
    open_minute = fields.SmallIntField(db_default=0)
    close_minute = fields.SmallIntField(db_default=1440)
    blackout_dates: ArrayField = ArrayField(element_type="date")
    store_ids: ArrayField = ArrayField(element_type="uuid")
    is_client_renewal_allowed = fields.BooleanField(db_default=True)
    shows_holder = fields.BooleanField(db_default=False)
    alliance_share = fields.SmallIntField(db_default=0)
    public_unit_share = fields.SmallIntField(db_default=0)
    public_unit_id = fields.UUIDField(null=True)
    most_cost_fen = fields.BigIntField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "offer_terms"
        constraints = (
            UniqueConstraint(fields=("offer_id", "version"), name="offer_terms_version_once"),
            UniqueConstraint(fields=("offer_id", "id"), name="offer_terms_offer_id"),
            CheckConstraint(
                check="CASE discount_kind"
                " WHEN 'percent_off' THEN coalesce(percent_off BETWEEN 1 AND 99, false)"
                " WHEN 'amount_off' THEN coalesce(amount_off_fen > 0, false)"
                " WHEN 'threshold_off' THEN coalesce(amount_off_fen > 0 AND threshold_fen >= amount_off_fen, false)"
                " WHEN 'fixed_price' THEN coalesce(fixed_price_fen >= 0, false)"
                " WHEN 'deposit_waived' THEN coalesce(deposit_fen > 0, false)"
                " WHEN 'pay_later' THEN coalesce(pay_later_days > 0, false)"
                " WHEN 'higher_limit' THEN coalesce(higher_limit > 0, false)"
                " ELSE discount_kind IN ('free', 'priority_lane') END",
                name="offer_terms_discount_complete",
            ),
            CheckConstraint(
                check="coalesce(cap_fen, 1) > 0 AND coalesce(cap_fen, 0) <= 1000000000"
                " AND coalesce(amount_off_fen, 0) <= 1000000000 AND coalesce(threshold_fen, 0) BETWEEN 0 AND 1000000000"
                " AND coalesce(fixed_price_fen, 0) <= 1000000000 AND coalesce(deposit_fen, 0) <= 1000000000",
                name="offer_terms_money_in_range",
            ),
            CheckConstraint(check="uses_total BETWEEN 1 AND 1000", name="offer_terms_uses_sane"),
            CheckConstraint(check="daily_use_cap BETWEEN 1 AND 1000", name="offer_terms_daily_cap_sane"),
            CheckConstraint(
                check="uses_total IS NOT NULL OR daily_use_cap IS NOT NULL",
                name="offer_terms_unlimited_has_daily_cap",
            ),
            CheckConstraint(
                check="(valid_days IS NOT NULL) <> (valid_until IS NOT NULL) AND (valid_until IS NULL) = (valid_from IS NULL)",
                name="offer_terms_one_kind_of_validity",
            ),
            CheckConstraint(
                check="coalesce(valid_until > valid_from, true) AND coalesce(valid_days BETWEEN 1 AND 3660, true)"
                " AND wait_days BETWEEN 0 AND 366",
                name="offer_terms_validity_ahead",
            ),
            CheckConstraint(check="weekday_mask BETWEEN 1 AND 127", name="offer_terms_some_weekday"),
            CheckConstraint(
                check="open_minute >= 0 AND open_minute < close_minute AND close_minute <= 1440",
                name="offer_terms_hours_in_day",
            ),
            CheckConstraint(check="cardinality(store_ids) > 0", name="offer_terms_some_store"),
            CheckConstraint(check="title <> ''", name="offer_terms_title_given"),
            CheckConstraint(
                check="alliance_share >= 0 AND public_unit_share >= 0 AND alliance_share + public_unit_share <= 100",
                name="offer_terms_shares_in_range",
            ),
            CheckConstraint(
                check="(public_unit_share > 0) = (public_unit_id IS NOT NULL)",
                name="offer_terms_public_unit_named",
            ),
            CheckConstraint(check="most_cost_fen >= 0", name="offer_terms_most_cost_counts"),
        )


class OfferVersion(Model):
    """One proposal of what an offer gives and asks for, with its review; publishing it puts it in force.

    A version in draft names new terms each time it is saved; from its submission on nothing of it changes but its
    state. `raised_shortly_before` tells its reviewer that the list price rose within 30 days before this discount.
    `evidence_file_id` is a stored file of the member's that shows the list price.
    """

    id = fields.UUIDField(primary_key=True)
    offer: fields.ForeignKeyRelation[Offer] = fields.ForeignKeyField(
        "models.Offer", related_name="versions", on_delete=fields.RESTRICT
    )
    number = fields.IntField()
    state = fields.CharEnumField(OfferVersionState, max_length=16, db_default=OfferVersionState.DRAFT.value)
    terms: fields.ForeignKeyRelation[OfferTerms] = fields.ForeignKeyField(
        "models.OfferTerms", related_name="proposed_by", on_delete=fields.RESTRICT, db_constraint=False
    )
    min_tier_level = fields.SmallIntField(null=True)
    min_real_name_level = fields.SmallIntField(db_default=0)
    ordinary_path = fields.CharField(max_length=256, null=True)
    claim_from = fields.DatetimeField()
    claim_until = fields.DatetimeField()
    per_citizen_limit = fields.SmallIntField(null=True)
    per_citizen_period = fields.CharEnumField(LimitPeriod, max_length=8, db_default=LimitPeriod.EVER.value)
    list_price_fen = fields.BigIntField(null=True)
    evidence_file_id = fields.UUIDField(null=True)
    raised_shortly_before = fields.BooleanField(db_default=False)
    proposed_by = fields.UUIDField()
    proposed_at = fields.DatetimeField()
    submitted_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    decision_reason = fields.CharField(max_length=512, null=True)
    in_force_at = fields.DatetimeField(null=True)
    superseded_at = fields.DatetimeField(null=True)

    class Meta:
        table = "offer_versions"
        indexes = (Index(fields=("state", "id"), name="offer_versions_by_state"),)
        constraints = (
            UniqueConstraint(fields=("offer_id", "number"), name="offer_versions_number_once"),
            CheckConstraint(
                check="state IN ('draft', 'submitted', 'approved', 'refused', 'withdrawn', 'in_force', 'superseded')",
                name="offer_versions_state_known",
            ),
            CheckConstraint(check="min_tier_level BETWEEN 1 AND 4", name="offer_versions_admit_two_bands"),
            CheckConstraint(
                check="min_real_name_level BETWEEN 0 AND 2", name="offer_versions_real_name_level_known"
            ),
            CheckConstraint(check="claim_until > claim_from", name="offer_versions_claim_span_ahead"),
            CheckConstraint(
                check="per_citizen_limit BETWEEN 1 AND 100", name="offer_versions_per_citizen_limit_sane"
            ),
            CheckConstraint(
                check="per_citizen_period IN ('ever', 'day', 'month', 'year')",
                name="offer_versions_per_citizen_period_known",
            ),
            CheckConstraint(
                check="list_price_fen BETWEEN 1 AND 1000000000", name="offer_versions_list_price_in_range"
            ),
            CheckConstraint(
                check="state IN ('draft', 'withdrawn') OR (list_price_fen IS NULL) = (evidence_file_id IS NULL)",
                name="offer_versions_list_price_shown",
            ),
            CheckConstraint(
                check="(state NOT IN ('approved', 'refused', 'in_force', 'superseded') OR decided_by IS NOT NULL)"
                " AND (decided_by IS NULL) = (decided_at IS NULL)",
                name="offer_versions_reviewed_by_somebody",
            ),
            CheckConstraint(
                check="state <> 'refused' OR coalesce(decision_reason, '') <> ''",
                name="offer_versions_refused_with_reason",
            ),
            CheckConstraint(
                check="(state IN ('in_force', 'superseded')) = (in_force_at IS NOT NULL)"
                " AND (state = 'superseded') = (superseded_at IS NOT NULL)",
                name="offer_versions_in_force_is_dated",
            ),
        )


class ShareConsent(Model):
    """What a public unit says to bearing its share of a version: of these terms, up to this stock and budget.

    A version that is saved anew names other terms, so it asks anew. An empty `stock_total` or `budget_fen` is "as much
    as there is". `reason` is the unit's, for the member that asked.
    """

    id = fields.UUIDField(primary_key=True)
    version: fields.ForeignKeyRelation[OfferVersion] = fields.ForeignKeyField(
        "models.OfferVersion", related_name="share_consents", on_delete=fields.RESTRICT
    )
    terms_id = fields.BigIntField()
    unit_id = fields.UUIDField()
    stock_total = fields.IntField(null=True)
    budget_fen = fields.BigIntField(null=True)
    state = fields.CharEnumField(ShareConsentState, max_length=16, db_default=ShareConsentState.WAITING.value)
    asked_at = fields.DatetimeField()
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    reason = fields.CharField(max_length=512, null=True)

    class Meta:
        table = "share_consents"
        indexes = (Index(fields=("unit_id", "state", "id"), name="share_consents_by_unit"),)
        constraints = (
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
        )


class OfferStock(Model):
    """The pieces and the budget of a limited offer; an offer without a row has neither limit.

    `issued` is the number of coupons claimed and not given back: always. The CHECK is what makes
    a rush exact: the claim that would go beyond it fails as a whole.
    `reserved_fen` is the sum of `coupons.reserved_fen` of those coupons: always. `piece_fen` is what each claim takes
    of the budget: the greatest cost of a coupon under the terms in force.
    """

    offer_id = fields.UUIDField(primary_key=True)
    total = fields.IntField(null=True)
    daily_limit = fields.IntField(null=True)
    issued = fields.IntField(db_default=0)
    budget_fen = fields.BigIntField(null=True)
    reserved_fen = fields.BigIntField(db_default=0)
    piece_fen = fields.BigIntField(null=True)

    class Meta:
        table = "offer_stock"
        constraints = (
            CheckConstraint(check="issued <= total", name="offer_stock_not_oversold"),
            CheckConstraint(check="issued >= 0", name="offer_stock_issued_counts"),
            CheckConstraint(
                check="total >= 0 AND coalesce(daily_limit, 1) >= 1", name="offer_stock_limits_count"
            ),
            CheckConstraint(check="reserved_fen <= budget_fen", name="offer_stock_within_budget"),
            CheckConstraint(check="reserved_fen >= 0", name="offer_stock_reserved_counts"),
            CheckConstraint(
                check="budget_fen IS NULL OR piece_fen IS NOT NULL", name="offer_stock_budget_knows_its_piece"
            ),
            CheckConstraint(
                check="budget_fen BETWEEN 0 AND 1000000000 AND coalesce(piece_fen, 0) >= 0",
                name="offer_stock_money_in_range",
            ),
        )


class OfferDay(Model):
    """Coupons of an offer that were claimed on one day (Asia/Shanghai) and not given back."""

    id = fields.BigIntField(primary_key=True, generated=True)
    offer: fields.ForeignKeyRelation[Offer] = fields.ForeignKeyField(
        "models.Offer", related_name="days", on_delete=fields.RESTRICT
    )
    day = fields.DateField()
    daily_limit = fields.IntField()
    issued = fields.IntField(db_default=0)

    class Meta:
        table = "offer_days"
        constraints = (
            UniqueConstraint(fields=("offer_id", "day"), name="offer_days_day_once"),
            CheckConstraint(check="issued <= daily_limit", name="offer_days_not_oversold"),
            CheckConstraint(check="issued >= 0", name="offer_days_issued_counts"),
        )


class CatalogueVersion(Model):
    """One row that counts changes of offers, terms, members and stores (triggers keep it).

    Every server process compares it with what its offer list was made from.
    """

    id = fields.SmallIntField(primary_key=True)
    version = fields.BigIntField(db_default=0)

    class Meta:
        table = "catalogue_version"
        constraints = (CheckConstraint(check="id = 1", name="catalogue_version_one_row"),)
