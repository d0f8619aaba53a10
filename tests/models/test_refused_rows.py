"""What no row may be: each constraint refuses what it is there to refuse, and nothing else does it in its place."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.models.parts import PARTS
from tests.models.rows import AT, HASH, SAME, insert_like, make_rows
from tests.models.test_constraints import DECLARED

BILLION = 1_000_000_000
CASES: list[tuple[str, dict[str, Any]]] = [
    # Offers: rules 2 and 3 among them.
    ("offers_status_known", {"status": "open", "terms_id": SAME}),
    ("offers_admit_two_bands", {"min_tier_level": 5}),
    ("offers_admit_two_bands", {"min_tier_level": 0}),
    ("offers_public_unit_names_ordinary_path", {"member_kind": "public_unit", "ordinary_path": None}),
    ("offers_public_unit_names_ordinary_path", {"member_kind": "public_unit", "ordinary_path": ""}),
    ("offers_claim_span_ahead", {"claim_from": AT, "claim_until": AT}),
    ("offers_per_citizen_limit_sane", {"per_citizen_limit": 0}),
    ("offers_per_citizen_limit_sane", {"per_citizen_limit": 101}),
    ("offers_per_citizen_period_known", {"per_citizen_period": "week"}),
    ("offers_published_with_terms", {"status": "published"}),
    ("offers_published_with_terms", {"status": "ended"}),
    # Terms: every kind of discount has what it needs.
    ("offer_terms_discount_complete", {"discount_kind": "two_for_one"}),
    ("offer_terms_discount_complete", {"discount_kind": "percent_off", "percent_off": None}),
    ("offer_terms_discount_complete", {"discount_kind": "percent_off", "percent_off": 0}),
    ("offer_terms_discount_complete", {"discount_kind": "percent_off", "percent_off": 100}),
    ("offer_terms_discount_complete", {"discount_kind": "amount_off", "amount_off_fen": 0}),
    ("offer_terms_discount_complete", {"discount_kind": "amount_off", "amount_off_fen": None}),
    ("offer_terms_discount_complete",
     {"discount_kind": "threshold_off", "amount_off_fen": 2, "threshold_fen": 1}),
    ("offer_terms_discount_complete",
     {"discount_kind": "threshold_off", "amount_off_fen": 2, "threshold_fen": None}),
    ("offer_terms_discount_complete", {"discount_kind": "fixed_price", "fixed_price_fen": -1}),
    ("offer_terms_discount_complete", {"discount_kind": "fixed_price", "fixed_price_fen": None}),
    ("offer_terms_discount_complete", {"discount_kind": "deposit_waived", "deposit_fen": None}),
    ("offer_terms_discount_complete", {"discount_kind": "pay_later", "pay_later_days": 0}),
    ("offer_terms_discount_complete", {"discount_kind": "higher_limit", "higher_limit": None}),
    ("offer_terms_money_in_range", {"cap_fen": 0}),
    ("offer_terms_money_in_range", {"cap_fen": BILLION + 1}),
    ("offer_terms_money_in_range", {"amount_off_fen": BILLION + 1}),
    ("offer_terms_money_in_range", {"threshold_fen": -1}),
    ("offer_terms_money_in_range", {"fixed_price_fen": BILLION + 1}),
    ("offer_terms_money_in_range", {"deposit_fen": BILLION + 1}),
    ("offer_terms_uses_sane", {"uses_total": 0}),
    ("offer_terms_uses_sane", {"uses_total": 1001}),
    ("offer_terms_daily_cap_sane", {"daily_use_cap": 0}),
    ("offer_terms_unlimited_has_daily_cap", {"uses_total": None, "daily_use_cap": None}),
    ("offer_terms_one_kind_of_validity", {"valid_days": None, "valid_from": None, "valid_until": None}),
    ("offer_terms_one_kind_of_validity", {"valid_days": 1, "valid_from": AT, "valid_until": "2027-01-01"}),
    ("offer_terms_one_kind_of_validity", {"valid_days": None, "valid_from": None, "valid_until": AT}),
    ("offer_terms_validity_ahead", {"valid_days": None, "valid_from": AT, "valid_until": AT}),
    ("offer_terms_validity_ahead", {"valid_days": 0, "valid_from": None, "valid_until": None}),
    ("offer_terms_validity_ahead", {"valid_days": 3661, "valid_from": None, "valid_until": None}),
    ("offer_terms_validity_ahead", {"wait_days": -1}),
    ("offer_terms_validity_ahead", {"wait_days": 367}),
    ("offer_terms_some_weekday", {"weekday_mask": 0}),
    ("offer_terms_some_weekday", {"weekday_mask": 128}),
    ("offer_terms_hours_in_day", {"open_minute": -1}),
    ("offer_terms_hours_in_day", {"open_minute": 600, "close_minute": 600}),
    ("offer_terms_hours_in_day", {"close_minute": 1441}),
    ("offer_terms_some_store", {"store_ids": []}),
    ("offer_terms_title_given", {"title": ""}),
    ("offer_terms_version_once", {"version": 1}),
    # Stock and days: invariant I3.
    ("offer_stock_not_oversold", {"issued": 6, "total": 5}),
    ("offer_stock_issued_counts", {"issued": -1}),
    ("offer_stock_limits_count", {"daily_limit": 0}),
    ("offer_days_not_oversold", {"issued": 6}),
    ("offer_days_issued_counts", {"issued": -1}),
    ("offer_days_day_once", {"day": "2026-03-04"}),
    # Coupons.
    ("coupons_status_known", {"status": "expired"}),
    ("coupons_uses_in_range", {"uses_done": -1}),
    ("coupons_uses_in_range", {"uses_done": 6}),
    ("coupons_redeemed_when_used_up", {"uses_done": 5}),
    ("coupons_redeemed_when_used_up", {"status": "redeemed"}),
    ("coupons_redeemed_when_used_up", {"status": "redeemed", "uses_total": None}),
    ("coupons_given_back_unused", {"status": "given_back"}),
    ("coupons_uses_today_counts", {"uses_today": -1}),
    ("coupons_key_generation_in_range", {"key_generation": 32}),
    ("coupons_key_generation_in_range", {"key_generation": -1}),
    ("coupons_number_in_range", {"number": -1}),
    ("coupons_number_once", {"number": 1}),
    ("coupons_validity_ahead", {"valid_until": AT}),
    ("coupons_request_hash_form", {"request_hash": "\\x00"}),
    ("coupons_request_key_once", {"request_key": "key"}),
    ("coupons_slot_once", {"slot": 1}),
    # The ledger.
    ("redemptions_step_once", {"step": 1}),
    ("redemptions_request_key_once", {"request_key": "key-1"}),
    ("redemptions_entry_once", {"entry": SAME}),
    ("redemptions_uses_sane", {"uses": 0}),
    ("redemptions_uses_sane", {"uses": 1001}),
    ("redemptions_money_in_range", {"discount_fen": -1, "payable_fen": 101}),
    ("redemptions_money_in_range", {"order_amount_fen": BILLION + 1, "payable_fen": BILLION - 19}),
    ("redemptions_money_adds_up", {"payable_fen": 81}),
    ("redemptions_money_adds_up", {"payable_fen": None}),
    ("redemptions_money_adds_up", {"order_amount_fen": None}),
    ("redemptions_money_adds_up", {"discount_fen": 120, "payable_fen": -20}),
    ("redemptions_request_hash_form", {"request_hash": "\\x00"}),
    ("reversals_redemption_once", {"redemption_id": "00000000-0000-0000-0000-000000000005"}),
    ("reversals_request_key_once", {"request_key": "key"}),
    ("reversal_reasons_given", {"reason": ""}),
    ("reversals_entry_once", {"entry": SAME}),
    ("seals_last_entry_once", {"last_entry": SAME}),
    ("seals_number_from_one", {"number": 0}),
    ("seals_entries_ahead", {"first_entry": 2_000_000}),
    ("seals_leaves_complete", {"records": 0, "leaves": ""}),
    ("seals_leaves_complete", {"records": 3}),
    ("seals_leaves_complete", {"leaves": "\\x" + "00" * 56}),
    *(("seals_hashes_form", {column: "\\x00"}) for column in ("root", "previous", "public_key", "signature")),
    ("reversals_request_hash_form", {"request_hash": "\\x00"}),
    ("attempts_code_form", {"code": "Wer hat den Code?"}),
    ("refused_scan_counts_once", {"day": "2026-03-04"}),
    ("refused_scan_counts_counts", {"scans": 0}),
    ("audit_records_actor_kind_known", {"actor_kind": "robot"}),
    ("audit_records_outcome_known", {"outcome": "maybe"}),
    ("catalogue_version_one_row", {}),
    ("installation_one_row", {}),
    # People and their credit.
    ("channel_identities_subject_once", {"subject_hash": SAME}),
    ("channel_identities_channel_known", {"channel": "telegram"}),
    ("channel_identities_hash_form", {"subject_hash": "\\x00"}),
    ("natural_persons_person_once", {"person_hash": SAME}),
    ("natural_persons_hash_form", {"person_hash": "\\x00"}),
    ("consents_withdrawn_after_granted", {"withdrawn_at": "2026-03-04T11:59:59+08:00"}),
    ("consent_texts_version_once", {"version": "2026-01-01"}),
    ("consent_texts_sha256_form", {"sha256": "ABC"}),
    ("credit_lookups_outcome_known", {"outcome": "guessed"}),
    ("tier_snapshots_level_known", {"level": 6}),
    ("tier_snapshots_level_is_named", {"level": None}),
    ("tier_snapshots_level_is_named", {"tier_code": None}),
    ("tier_snapshots_validity_ahead", {"valid_until": AT}),
    ("tier_schemes_version_once", {"version": 1}),
    ("tier_schemes_notice_kept", {"notice_days": 31, "published_at": AT, "effective_from": "2026-04-03T12:00:00+08:00"}),
    ("tier_schemes_spans_count", {"grace_points": -1}),
    ("tier_schemes_spans_count", {"validity_days": 0}),
    ("tier_bands_code_once", {"code": "excellent"}),
    ("tier_bands_low_once", {"low": 850}),
    ("tier_bands_high_once", {"low": 1000, "high": 1001}),
    ("tier_bands_not_empty", {"high": 5000}),
    ("tier_bands_level_known", {"level": 0}),
    # Members, staff, admins, sessions, places.
    ("members_uscc_once", {"uscc": SAME}),
    ("members_kind_known", {"kind": "club"}),
    ("members_status_known", {"status": "asleep"}),
    ("members_uscc_form", {"uscc": "91234567890123456O"}),
    ("members_name_given", {"name": ""}),
    ("stores_place_on_earth", {"lat": 90.1}),
    ("stores_place_on_earth", {"lng": -180.1}),
    ("stores_name_given", {"name": ""}),
    ("staff_login_once", {"login": "demo-cashier"}),
    ("staff_role_known", {"role": "robot"}),
    ("staff_status_known", {"status": "asleep", "revoked_at": None}),
    ("staff_revoked_is_dated", {"status": "revoked"}),
    ("staff_revoked_is_dated", {"revoked_at": AT}),
    ("staff_self_hash_form", {"self_hash": "\\x00"}),
    ("staff_stores_once", {"staff_id": SAME, "store_id": SAME, "member_id": SAME}),
    ("staff_stores_position_counts", {"position": -1}),
    ("admins_login_once", {"login": "demo-admin"}),
    ("admins_roles_known", {"roles": ["emperor"]}),
    ("admins_roles_known", {"roles": []}),
    ("admins_status_known", {"status": "asleep"}),
    ("admins_revoked_is_dated", {"status": "revoked"}),
    ("sessions_actor_kind_known", {"actor_kind": "system"}),
    ("sessions_generation_counts", {"generation": -1}),
    ("sessions_revoked_with_reason", {"revoked_at": AT}),
    ("sessions_revoked_with_reason", {"revoked_reason": "logout"}),
    ("login_failures_login_once", {"login_hash": HASH}),
    ("login_failures_counts", {"failures": 0}),
    ("programmes_code_form", {"code": "信易购"}),
    ("regions_code_is_gbt2260", {"code": "03019"}),
    ("regions_level_follows_code", {"level": "city"}),
    ("regions_only_province_is_root", {"parent_id": None}),
]  # fmt: skip
CASES += [case for part in PARTS for case in part.CASES]
# Only there for a compound foreign key to name: the primary key refuses the same row before they do.
NAMED_BY_KEYS = {"members_id_kind", "stores_id_member", "staff_id_member", "offer_terms_offer_id"}
PARTIAL = {
    "coupons_slot_once": "coupons",
    "consents_one_per_recipient": "consents",
    "consent_refusals_last_one": "consent_refusals",
    **{
        f"agent_bindings_{what}_once": "agent_bindings" for what in ("pair", "agent_place", "principal_place")
    },
    **{f"guardianship_requests_{what}_once": "guardianship_requests" for what in ("child", "place")},
    "approvals_open_once": "approvals",
    "suspensions_open_once": "suspensions",
    "white_list_open_once": "white_list",
    "objections_record_once": "objections",
    "objections_citizen_place_once": "objections",
    "objections_member_place_once": "objections",
    "flow_days_offer_once": "flow_days",
    "flow_days_store_once": "flow_days",
    "tier_what_ifs_one_at_a_time": "tier_what_ifs",
    "offer_versions_one_open": "offer_versions",
    "offer_versions_one_in_force": "offer_versions",
}
TABLE_OF = {**{name: table for name, (table, _) in DECLARED.items()}, **PARTIAL}


@pytest.fixture(scope="module")
async def valid(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The demo data, and a valid row in every table that it leaves empty; taken back at the end."""
    transaction = connection.transaction()
    await transaction.start()
    await make_rows(connection)
    yield connection
    await transaction.rollback()


@pytest.fixture
async def filled(valid: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The same rows for every test, whatever the one before did."""
    savepoint = valid.transaction()
    await savepoint.start()
    yield valid
    await savepoint.rollback()


def test_every_constraint_is_seen_to_refuse() -> None:
    assert {name for name, _ in CASES} == set(TABLE_OF) - NAMED_BY_KEYS


@pytest.mark.parametrize(
    "table", sorted(set(TABLE_OF.values()) - {"catalogue_version", "installation", "statement_cursor"})
)
async def test_a_second_valid_row_is_taken(filled: asyncpg.Connection, table: str) -> None:
    """What the other tests change is all that is wrong with their rows."""
    before = await filled.fetchval(f"SELECT count(*) FROM {table}")
    await insert_like(filled, table, {})
    assert await filled.fetchval(f"SELECT count(*) FROM {table}") == before + 1


@pytest.mark.parametrize(("name", "changes"), CASES)
async def test_a_row_that_may_not_be_is_refused(
    filled: asyncpg.Connection, name: str, changes: dict[str, Any]
) -> None:
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.UniqueViolationError)) as refused:
        await insert_like(filled, TABLE_OF[name], changes)
    assert refused.value.constraint_name == name


@pytest.mark.parametrize(
    ("name", "table", "changes"),
    [
        ("staff_stores_staff_of_member", "staff_stores", {"staff_id": "demo-other"}),
        ("staff_stores_store_of_member", "staff_stores", {"store_id": "hz-tea"}),
        ("offers_member_of_kind", "offers", {"member_kind": "other"}),
        ("offers_terms_of_offer", "offers", {"terms_id": "foreign"}),
        ("coupons_terms_of_offer", "coupons", {"terms_id": "foreign"}),
        ("offer_versions_terms_of_offer", "offer_versions", {"terms_id": "foreign"}),
    ],
)
async def test_what_belongs_to_another_is_refused(
    filled: asyncpg.Connection, name: str, table: str, changes: dict[str, str]
) -> None:
    (column,) = changes
    sql = {
        "demo-other": "SELECT id::text FROM staff WHERE login = 'demo-other'",
        "hz-tea": "SELECT store_id::text FROM staff_stores l JOIN staff s ON s.id = l.staff_id"
        " WHERE s.login = 'demo-other'",
        "other": "SELECT CASE member_kind WHEN 'merchant' THEN 'public_unit' ELSE 'merchant' END"
        " FROM offers ORDER BY ctid LIMIT 1",
        "foreign": f"SELECT id FROM offer_terms WHERE offer_id <> (SELECT {'id' if table == 'offers' else 'offer_id'}"
        f" FROM {table} ORDER BY ctid LIMIT 1) LIMIT 1",
    }[changes[column]]
    values = {column: await filled.fetchval(sql), "ordinary_path": "窗口照常办理"}
    with pytest.raises(asyncpg.ForeignKeyViolationError) as refused:
        await insert_like(filled, table, values)
    assert refused.value.constraint_name == name
