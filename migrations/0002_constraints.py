"""Constraints, partial indexes and triggers: what a new table does not get from its model on its own.

Each statement stands for itself and is sent on its own. `tests/models/test_constraints.py` compares them
with the models and with `pg_constraint`.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

CONSTRAINTS = [
    "ALTER TABLE admins ADD CONSTRAINT admins_login_once UNIQUE (login)",
    "ALTER TABLE admins ADD CONSTRAINT admins_roles_known"
    " CHECK (roles <@ ARRAY['operator', 'auditor', 'supervisor']::text[] AND cardinality(roles)"
    " > 0)",
    "ALTER TABLE admins ADD CONSTRAINT admins_status_known CHECK (status IN ('active', 'revoked'))",
    "ALTER TABLE admins ADD CONSTRAINT admins_revoked_is_dated"
    " CHECK ((status = 'revoked') = (revoked_at IS NOT NULL))",
    "ALTER TABLE attempts ADD CONSTRAINT attempts_code_form CHECK (code ~ '^[a-z_]+$')",
    "ALTER TABLE audit_records ADD CONSTRAINT audit_records_actor_kind_known"
    " CHECK (actor_kind IN ('citizen', 'staff', 'admin', 'system'))",
    "ALTER TABLE audit_records ADD CONSTRAINT audit_records_outcome_known"
    " CHECK (outcome IN ('done', 'refused'))",
    "ALTER TABLE catalogue_version ADD CONSTRAINT catalogue_version_one_row CHECK (id = 1)",
    "ALTER TABLE channel_identities ADD CONSTRAINT channel_identities_subject_once"
    " UNIQUE (channel, subject_hash)",
    "ALTER TABLE channel_identities ADD CONSTRAINT channel_identities_channel_known"
    " CHECK (channel IN ('wechat', 'alipay', 'zheliban', 'sandbox'))",
    "ALTER TABLE channel_identities ADD CONSTRAINT channel_identities_hash_form"
    " CHECK (length(subject_hash) = 32)",
    "ALTER TABLE consents ADD CONSTRAINT consents_withdrawn_after_granted"
    " CHECK (withdrawn_at IS NULL OR withdrawn_at >= granted_at)",
    "ALTER TABLE consent_texts ADD CONSTRAINT consent_texts_version_once UNIQUE (purpose, version)",
    "ALTER TABLE consent_texts ADD CONSTRAINT consent_texts_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$')",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_number_once UNIQUE (number)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_request_key_once UNIQUE (citizen_id, request_key)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_status_known"
    " CHECK (status IN ('claimed', 'redeemed', 'given_back', 'revoked'))",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_uses_in_range"
    " CHECK (uses_done >= 0 AND coalesce(uses_done <= uses_total, true))",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_redeemed_when_used_up"
    " CHECK (status NOT IN ('claimed', 'redeemed') OR (status = 'redeemed') = coalesce(uses_done"
    " = uses_total, false))",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_given_back_unused"
    " CHECK (status <> 'given_back' OR uses_done = 0)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_uses_today_counts CHECK (uses_today >= 0)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_key_generation_in_range"
    " CHECK (key_generation BETWEEN 0 AND 31)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_number_in_range CHECK (number >= 0)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_validity_ahead CHECK (valid_until > valid_from)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_request_hash_form CHECK (length(request_hash) = 32)",
    "ALTER TABLE credit_lookups ADD CONSTRAINT credit_lookups_outcome_known"
    " CHECK (outcome IN ('pending', 'rated', 'unrated', 'unavailable', 'discarded'))",
    "ALTER TABLE installation ADD CONSTRAINT installation_one_row CHECK (id = 1)",
    "ALTER TABLE login_failures ADD CONSTRAINT login_failures_login_once UNIQUE (login_hash)",
    "ALTER TABLE login_failures ADD CONSTRAINT login_failures_counts CHECK (failures > 0)",
    "ALTER TABLE members ADD CONSTRAINT members_uscc_once UNIQUE (uscc)",
    "ALTER TABLE members ADD CONSTRAINT members_id_kind UNIQUE (id, kind)",
    "ALTER TABLE members ADD CONSTRAINT members_kind_known CHECK (kind IN ('merchant', 'public_unit'))",
    "ALTER TABLE members ADD CONSTRAINT members_status_known"
    " CHECK (status IN ('active', 'suspended', 'left'))",
    "ALTER TABLE members ADD CONSTRAINT members_uscc_form CHECK (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$')",
    "ALTER TABLE members ADD CONSTRAINT members_name_given CHECK (name <> '')",
    "ALTER TABLE natural_persons ADD CONSTRAINT natural_persons_person_once UNIQUE (person_hash)",
    "ALTER TABLE natural_persons ADD CONSTRAINT natural_persons_hash_form CHECK (length(person_hash) = 32)",
    "ALTER TABLE offers ADD CONSTRAINT offers_status_known"
    " CHECK (status IN ('draft', 'published', 'paused', 'ended'))",
    "ALTER TABLE offers ADD CONSTRAINT offers_admit_two_bands CHECK (min_tier_level BETWEEN 1 AND 4)",
    "ALTER TABLE offers ADD CONSTRAINT offers_public_unit_names_ordinary_path"
    " CHECK (member_kind <> 'public_unit' OR coalesce(ordinary_path, '') <> '')",
    "ALTER TABLE offers ADD CONSTRAINT offers_claim_span_ahead CHECK (claim_until > claim_from)",
    "ALTER TABLE offers ADD CONSTRAINT offers_per_citizen_limit_sane"
    " CHECK (per_citizen_limit BETWEEN 1 AND 100)",
    "ALTER TABLE offers ADD CONSTRAINT offers_per_citizen_period_known"
    " CHECK (per_citizen_period IN ('ever', 'day', 'month', 'year'))",
    "ALTER TABLE offers ADD CONSTRAINT offers_published_with_terms"
    " CHECK (status = 'draft' OR terms_id IS NOT NULL)",
    "ALTER TABLE offer_days ADD CONSTRAINT offer_days_day_once UNIQUE (offer_id, day)",
    "ALTER TABLE offer_days ADD CONSTRAINT offer_days_not_oversold CHECK (issued <= daily_limit)",
    "ALTER TABLE offer_days ADD CONSTRAINT offer_days_issued_counts CHECK (issued >= 0)",
    "ALTER TABLE offer_stock ADD CONSTRAINT offer_stock_not_oversold CHECK (issued <= total)",
    "ALTER TABLE offer_stock ADD CONSTRAINT offer_stock_issued_counts CHECK (issued >= 0)",
    "ALTER TABLE offer_stock ADD CONSTRAINT offer_stock_limits_count"
    " CHECK (total >= 0 AND coalesce(daily_limit, 1) >= 1)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_version_once UNIQUE (offer_id, version)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_offer_id UNIQUE (offer_id, id)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_discount_complete"
    " CHECK (CASE discount_kind WHEN 'percent_off' THEN coalesce(percent_off BETWEEN 1 AND 99,"
    " false) WHEN 'amount_off' THEN coalesce(amount_off_fen > 0, false) WHEN 'threshold_off'"
    " THEN coalesce(amount_off_fen > 0 AND threshold_fen >= amount_off_fen, false) WHEN"
    " 'fixed_price' THEN coalesce(fixed_price_fen >= 0, false) WHEN 'deposit_waived' THEN"
    " coalesce(deposit_fen > 0, false) WHEN 'pay_later' THEN coalesce(pay_later_days > 0, false)"
    " WHEN 'higher_limit' THEN coalesce(higher_limit > 0, false) ELSE discount_kind IN ('free',"
    " 'priority_lane') END)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_money_in_range"
    " CHECK (coalesce(cap_fen, 1) > 0 AND coalesce(cap_fen, 0) <= 1000000000 AND"
    " coalesce(amount_off_fen, 0) <= 1000000000 AND coalesce(threshold_fen, 0) BETWEEN 0 AND"
    " 1000000000 AND coalesce(fixed_price_fen, 0) <= 1000000000 AND coalesce(deposit_fen, 0) <="
    " 1000000000)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_uses_sane CHECK (uses_total BETWEEN 1 AND 1000)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_daily_cap_sane"
    " CHECK (daily_use_cap BETWEEN 1 AND 1000)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_unlimited_has_daily_cap"
    " CHECK (uses_total IS NOT NULL OR daily_use_cap IS NOT NULL)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_one_kind_of_validity"
    " CHECK ((valid_days IS NOT NULL) <> (valid_until IS NOT NULL) AND (valid_until IS NULL) ="
    " (valid_from IS NULL))",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_validity_ahead"
    " CHECK (coalesce(valid_until > valid_from, true) AND coalesce(valid_days BETWEEN 1 AND"
    " 3660, true) AND wait_days BETWEEN 0 AND 366)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_some_weekday CHECK (weekday_mask BETWEEN 1 AND 127)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_hours_in_day"
    " CHECK (open_minute >= 0 AND open_minute < close_minute AND close_minute <= 1440)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_some_store CHECK (cardinality(store_ids) > 0)",
    "ALTER TABLE offer_terms ADD CONSTRAINT offer_terms_title_given CHECK (title <> '')",
    "ALTER TABLE programmes ADD CONSTRAINT programmes_code_form CHECK (code ~ '^[a-z][a-z_]*$')",
    "ALTER TABLE redemptions ADD CONSTRAINT redemptions_step_once UNIQUE (coupon_id, step)",
    "ALTER TABLE redemptions ADD CONSTRAINT redemptions_request_key_once UNIQUE (staff_id, request_key)",
    "ALTER TABLE redemptions ADD CONSTRAINT redemptions_uses_sane CHECK (uses BETWEEN 1 AND 1000)",
    "ALTER TABLE redemptions ADD CONSTRAINT redemptions_money_in_range"
    " CHECK (discount_fen BETWEEN 0 AND 1000000000 AND coalesce(order_amount_fen BETWEEN 0 AND"
    " 1000000000, true))",
    "ALTER TABLE redemptions ADD CONSTRAINT redemptions_money_adds_up"
    " CHECK ((payable_fen IS NULL) = (order_amount_fen IS NULL) AND coalesce(payable_fen ="
    " order_amount_fen - discount_fen AND payable_fen >= 0, true))",
    "ALTER TABLE redemptions ADD CONSTRAINT redemptions_request_hash_form CHECK (length(request_hash) = 32)",
    "ALTER TABLE refused_scan_counts ADD CONSTRAINT refused_scan_counts_once UNIQUE (day, member_id, code)",
    "ALTER TABLE refused_scan_counts ADD CONSTRAINT refused_scan_counts_counts CHECK (scans > 0)",
    "ALTER TABLE regions ADD CONSTRAINT regions_code_is_gbt2260 CHECK (code ~ '^[1-9][0-9]{5}$')",
    "ALTER TABLE regions ADD CONSTRAINT regions_level_follows_code"
    " CHECK (level = CASE WHEN code LIKE '%0000' THEN 'province' WHEN code LIKE '%00' THEN"
    " 'city' ELSE 'county' END)",
    "ALTER TABLE regions ADD CONSTRAINT regions_only_province_is_root"
    " CHECK ((parent_id IS NULL) = (level = 'province'))",
    "ALTER TABLE reversals ADD CONSTRAINT reversals_redemption_once UNIQUE (redemption_id)",
    "ALTER TABLE reversals ADD CONSTRAINT reversals_request_key_once UNIQUE (staff_id, request_key)",
    "ALTER TABLE reversal_reasons ADD CONSTRAINT reversal_reasons_given CHECK (reason <> '')",
    "ALTER TABLE reversals ADD CONSTRAINT reversals_request_hash_form CHECK (length(request_hash) = 32)",
    "ALTER TABLE sessions ADD CONSTRAINT sessions_actor_kind_known"
    " CHECK (actor_kind IN ('citizen', 'staff', 'admin'))",
    "ALTER TABLE sessions ADD CONSTRAINT sessions_generation_counts CHECK (generation >= 0)",
    "ALTER TABLE sessions ADD CONSTRAINT sessions_revoked_with_reason"
    " CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))",
    "ALTER TABLE staff ADD CONSTRAINT staff_login_once UNIQUE (login)",
    "ALTER TABLE staff ADD CONSTRAINT staff_id_member UNIQUE (id, member_id)",
    "ALTER TABLE staff ADD CONSTRAINT staff_role_known CHECK (role IN ('owner', 'manager', 'cashier'))",
    "ALTER TABLE staff ADD CONSTRAINT staff_status_known CHECK (status IN ('active', 'revoked'))",
    "ALTER TABLE staff ADD CONSTRAINT staff_revoked_is_dated"
    " CHECK ((status = 'revoked') = (revoked_at IS NOT NULL))",
    "ALTER TABLE staff ADD CONSTRAINT staff_self_hash_form"
    " CHECK (self_hash IS NULL OR length(self_hash) = 32)",
    "ALTER TABLE staff_stores ADD CONSTRAINT staff_stores_once UNIQUE (staff_id, store_id)",
    "ALTER TABLE staff_stores ADD CONSTRAINT staff_stores_position_counts CHECK (position >= 0)",
    "ALTER TABLE stores ADD CONSTRAINT stores_id_member UNIQUE (id, member_id)",
    "ALTER TABLE stores ADD CONSTRAINT stores_place_on_earth"
    " CHECK (lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180)",
    "ALTER TABLE stores ADD CONSTRAINT stores_name_given CHECK (name <> '')",
    "ALTER TABLE tier_bands ADD CONSTRAINT tier_bands_code_once UNIQUE (scheme_id, code)",
    "ALTER TABLE tier_bands ADD CONSTRAINT tier_bands_low_once UNIQUE (scheme_id, low)",
    "ALTER TABLE tier_bands ADD CONSTRAINT tier_bands_high_once UNIQUE (scheme_id, high)",
    "ALTER TABLE tier_bands ADD CONSTRAINT tier_bands_not_empty CHECK (low < high)",
    "ALTER TABLE tier_bands ADD CONSTRAINT tier_bands_level_known CHECK (level BETWEEN 1 AND 5)",
    "ALTER TABLE tier_schemes ADD CONSTRAINT tier_schemes_version_once UNIQUE (code, version)",
    "ALTER TABLE tier_schemes ADD CONSTRAINT tier_schemes_notice_kept"
    " CHECK (effective_from >= published_at + notice_days * interval '1 day')",
    "ALTER TABLE tier_schemes ADD CONSTRAINT tier_schemes_spans_count"
    " CHECK (grace_points >= 0 AND notice_days >= 0 AND validity_days > 0)",
    "ALTER TABLE tier_snapshots ADD CONSTRAINT tier_snapshots_level_known"
    " CHECK (level IS NULL OR level BETWEEN 1 AND 5)",
    "ALTER TABLE tier_snapshots ADD CONSTRAINT tier_snapshots_level_is_named"
    " CHECK ((level IS NULL) = (tier_code IS NULL))",
    "ALTER TABLE tier_snapshots ADD CONSTRAINT tier_snapshots_validity_ahead CHECK (valid_until > taken_at)",
]

# A person and his store are of one member; an offer, its kind of member and its terms fit together.
COMPOUND_KEYS = [
    "ALTER TABLE natural_persons ADD CONSTRAINT natural_persons_of_citizen"
    " FOREIGN KEY (citizen_id) REFERENCES citizens (id)",
    "ALTER TABLE reversal_reasons ADD CONSTRAINT reversal_reasons_of_reversal"
    " FOREIGN KEY (reversal_id) REFERENCES reversals (id)",
    "ALTER TABLE offer_stock ADD CONSTRAINT offer_stock_of_offer FOREIGN KEY (offer_id) REFERENCES offers (id)",
    "ALTER TABLE staff_stores ADD CONSTRAINT staff_stores_staff_of_member"
    " FOREIGN KEY (staff_id, member_id) REFERENCES staff (id, member_id)",
    "ALTER TABLE staff_stores ADD CONSTRAINT staff_stores_store_of_member"
    " FOREIGN KEY (store_id, member_id) REFERENCES stores (id, member_id)",
    "ALTER TABLE offers ADD CONSTRAINT offers_member_of_kind"
    " FOREIGN KEY (member_id, member_kind) REFERENCES members (id, kind)",
    "ALTER TABLE offers ADD CONSTRAINT offers_terms_of_offer"
    " FOREIGN KEY (id, terms_id) REFERENCES offer_terms (offer_id, id)",
    "ALTER TABLE coupons ADD CONSTRAINT coupons_terms_of_offer"
    " FOREIGN KEY (offer_id, terms_id) REFERENCES offer_terms (offer_id, id)",
]

PARTIAL_INDEXES = [
    "CREATE UNIQUE INDEX consents_one_in_force ON consents (citizen_id, purpose) WHERE withdrawn_at IS NULL",
    "CREATE UNIQUE INDEX coupons_slot_once ON coupons (offer_id, citizen_id, limit_period, slot)"
    " WHERE slot IS NOT NULL",
    "CREATE INDEX coupons_by_renewal_session ON coupons (renewal_session_id) WHERE renewal_session_id IS NOT NULL",
    "CREATE INDEX credit_lookups_pending ON credit_lookups (looked_up_at) WHERE outcome = 'pending'",
    "CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL",
]

# A redemption updates its coupon once or a few times: with room left on the page no index is touched (HOT).
STORAGE = ["ALTER TABLE coupons SET (fillfactor = 80)"]

# The ledger, the audit, frozen terms and shown consent texts are written once, whoever asks.
WRITTEN_ONCE = [
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION '% is written once and never changed', TG_TABLE_NAME"
    " USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_written_once'; END $$",
    *(
        f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        for table in ("redemptions", "reversals", "audit_records", "offer_terms", "consent_texts")
    ),
]

# Whatever changes the offer list counts it up, in the same transaction.
CATALOGUE = [
    "INSERT INTO catalogue_version (id, version) VALUES (1, 0)",
    "CREATE FUNCTION count_catalogue_change() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN UPDATE catalogue_version SET version = version + 1 WHERE id = 1; RETURN NULL; END $$",
    *(
        f"CREATE TRIGGER {table}_in_catalogue AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION count_catalogue_change()"
        for table in ("offers", "offer_terms", "members", "stores", "programmes")
    ),
]


class Migration(migrations.Migration):
    """Add them all; there is no way back that drops them."""

    dependencies = [("models", "0001_initial")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.RunSQL([*CONSTRAINTS, *COMPOUND_KEYS, *PARTIAL_INDEXES, *STORAGE, *WRITTEN_ONCE, *CATALOGUE])
    ]
