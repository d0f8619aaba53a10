"""Recognition of other places' schemes, what-if runs, snapshots that are taken anew within their validity."""

from tests.models.rows import AT, HASH, SAME

NIL = "00000000-0000-0000-0000-000000000001"
MAKE = f"""
INSERT INTO tier_mappings (scheme_code, version, scheme_name, place, agreement, validity_days, effective_from,
                           effective_until, approval_id, published_at)
VALUES ('sh-demo', 1, '上海信用分', '上海', '长三角互认目录 2026', 30, '2026-01-01', '2027-01-01', '{NIL}', '{AT}');
INSERT INTO tier_mapping_bands (mapping_id, code, name, level, low, high)
SELECT id, 'a', 'A 级', 4, 700, 1001 FROM tier_mappings LIMIT 1;
INSERT INTO tier_what_ifs (id, scheme_code, draft_hash, draft, asked_by, asked_at)
VALUES (gen_random_uuid(), 'zj-demo', '{HASH}', '{{}}', '{NIL}', '{AT}');
"""
FRESH = {
    "tier_mappings": lambda id_, number: {"id": number, "version": 2},
    "tier_mapping_bands": lambda id_, number: {"id": number, "code": "b", "low": 0, "high": 700},
    "tier_what_ifs": lambda id_, number: {"id": id_, "scheme_code": id_[:8]},
}
CASES = [
    ("tier_schemes_refresh_within_validity", {"refresh_days": 0}),
    ("tier_schemes_refresh_within_validity", {"refresh_days": 31, "validity_days": 30}),
    ("tier_mappings_version_once", {"version": SAME}),
    ("tier_mappings_end_ahead", {"effective_until": "2026-01-01"}),
    ("tier_mappings_validity_counts", {"validity_days": 0}),
    ("tier_mappings_agreement_named", {"agreement": ""}),
    ("tier_mapping_bands_code_once", {"code": SAME}),
    ("tier_mapping_bands_low_once", {"low": SAME, "high": SAME}),
    ("tier_mapping_bands_both_ends", {"low": None}),
    ("tier_mapping_bands_not_empty", {"high": 0}),
    ("tier_mapping_bands_level_known", {"level": 6}),
    ("tier_what_ifs_one_at_a_time", {"scheme_code": SAME}),
    ("tier_what_ifs_state_known", {"state": "lost", "done_at": AT}),
    ("tier_what_ifs_hash_form", {"draft_hash": "\\x00"}),
    ("tier_what_ifs_parts_count", {"parts_done": 257}),
    ("tier_what_ifs_done_has_result", {"state": "done", "done_at": AT}),
    ("tier_what_ifs_done_has_result", {"state": "given_up"}),
    ("tier_snapshots_under_one_scheme", {"scheme_id": None}),
    ("tier_snapshots_refresh_within_validity", {"refresh_at": AT}),
]
