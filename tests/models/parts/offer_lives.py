"""Offers' versions, budgets in money, what coupons hold of them."""

from tests.models.rows import AT, SAME

MAKE = f"""
INSERT INTO offer_versions (id, offer_id, number, state, terms_id, claim_from, claim_until, proposed_by, proposed_at,
                            submitted_at, decided_by, decided_at, in_force_at, superseded_at)
SELECT gen_random_uuid(), id, 1, 'superseded', terms_id, claim_from, claim_until, id, '{AT}', '{AT}', id, '{AT}', '{AT}',
       '{AT}'
  FROM offers WHERE terms_id IS NOT NULL LIMIT 1;
INSERT INTO offer_versions (id, offer_id, number, state, terms_id, claim_from, claim_until, proposed_by, proposed_at,
                            decided_by, decided_at, in_force_at)
SELECT gen_random_uuid(), offer_id, 2, 'in_force', terms_id, claim_from, claim_until, offer_id, '{AT}', offer_id, '{AT}', '{AT}'
  FROM offer_versions;
INSERT INTO offer_versions (id, offer_id, number, terms_id, claim_from, claim_until, proposed_by, proposed_at)
SELECT gen_random_uuid(), offer_id, 3, terms_id, claim_from, claim_until, offer_id, '{AT}'
  FROM offer_versions WHERE number = 1;
INSERT INTO share_consents (id, version_id, terms_id, unit_id, state, asked_at, decided_by, decided_at)
SELECT gen_random_uuid(), id, terms_id, offer_id, 'agreed', '{AT}', offer_id, '{AT}' FROM offer_versions WHERE number = 1;
"""
FRESH = {
    "offer_versions": lambda id_, number: {"id": id_, "number": number},
    "share_consents": lambda id_, number: {"id": id_, "terms_id": number},
}
OPEN = {"in_force_at": None, "superseded_at": None}
BILLION = 1_000_000_000
CASES = [
    ("offer_versions_number_once", {"number": 1}),
    ("offer_versions_state_known", {"state": "fine", **OPEN}),
    ("offer_versions_admit_two_bands", {"min_tier_level": 5}),
    ("offer_versions_admit_two_bands", {"min_tier_level": 0}),
    ("offer_versions_claim_span_ahead", {"claim_until": AT, "claim_from": AT}),
    ("offer_versions_per_citizen_limit_sane", {"per_citizen_limit": 0}),
    ("offer_versions_per_citizen_limit_sane", {"per_citizen_limit": 101}),
    ("offer_versions_per_citizen_period_known", {"per_citizen_period": "week"}),
    (
        "offer_versions_list_price_in_range",
        {"list_price_fen": 0, "evidence_file_id": "00000000-0000-0000-0000-000000000001"},
    ),
    ("offer_versions_list_price_shown", {"list_price_fen": 1}),
    ("offer_versions_list_price_shown", {"evidence_file_id": "00000000-0000-0000-0000-000000000001"}),
    ("offer_versions_reviewed_by_somebody", {"decided_by": None, "decided_at": None}),
    ("offer_versions_reviewed_by_somebody", {"decided_at": None}),
    ("offer_versions_refused_with_reason", {"state": "refused", **OPEN}),
    ("offer_versions_in_force_is_dated", {"in_force_at": None}),
    ("offer_versions_in_force_is_dated", {"superseded_at": None}),
    ("offer_versions_in_force_is_dated", {"state": "approved"}),
    ("share_consents_asked_once", {"terms_id": SAME}),
    ("share_consents_state_known", {"state": "maybe"}),
    ("share_consents_decided_by_somebody", {"decided_by": None, "decided_at": None}),
    ("share_consents_decided_by_somebody", {"decided_by": None}),
    ("share_consents_decided_by_somebody", {"state": "waiting"}),
    ("share_consents_refused_with_reason", {"state": "refused"}),
    ("share_consents_refused_with_reason", {"reason": "x"}),
    ("offer_terms_most_cost_counts", {"most_cost_fen": -1}),
    ("offer_stock_within_budget", {"budget_fen": 5, "piece_fen": 1, "reserved_fen": 6}),
    ("offer_stock_reserved_counts", {"reserved_fen": -1}),
    ("offer_stock_budget_knows_its_piece", {"budget_fen": 5}),
    ("offer_stock_money_in_range", {"budget_fen": BILLION + 1, "piece_fen": 1}),
    ("offer_stock_money_in_range", {"piece_fen": -1}),
    ("coupons_reserved_counts", {"reserved_fen": -1}),
    ("coupons_reserved_counts", {"settled_at": AT}),
    ("offer_versions_one_open", {"state": "draft", "offer_id": SAME, **OPEN}),
    ("offer_versions_one_in_force", {"state": "in_force", "superseded_at": None}),
]
