"""Sums of what happened, and imported files."""

from tests.models.rows import AT, SAME

LATER = "2026-03-05T12:00:00+08:00"
SOMEBODY, ANOTHER = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
MAKE = f"""
INSERT INTO flow_days (day, offer_id, member_id, region_id, views)
SELECT '2026-03-04', id, member_id, region_id, 1 FROM offers LIMIT 1;
INSERT INTO flow_days (day, offer_id, store_id, member_id, region_id)
SELECT day, offer_id, '{SOMEBODY}', member_id, region_id FROM flow_days;
INSERT INTO refusal_days (day, member_id, code, refusals) SELECT '2026-03-04', id, 'code_used', 1 FROM members LIMIT 1;
INSERT INTO member_customers (member_id, citizen_id, first_entry, first_day, last_day)
SELECT m.id, c.id, 1, '2026-03-04', '2026-03-05' FROM members m, citizens c LIMIT 1;
INSERT INTO number_marks (source, mark) VALUES ('claims', 1);
INSERT INTO number_slices (source, slice, day, subject_id, count)
SELECT 'claims', 1, '2026-03-04', id, 1 FROM offers LIMIT 1;
INSERT INTO imports (id, kind, region_id, status, file_id, uploaded_by, uploaded_at)
VALUES (gen_random_uuid(), 'members', '330100', 'uploaded', gen_random_uuid(), '{SOMEBODY}', '{AT}');
INSERT INTO import_rows (import_id, run_id, number, made_id, content)
SELECT id, id, 1, gen_random_uuid(), '{{}}' FROM imports;
"""
FRESH = {
    "flow_days": lambda id_, number: {"id": number, "day": "2026-03-06"},
    "refusal_days": lambda id_, number: {"id": number, "day": "2026-03-06"},
    "member_customers": lambda id_, number: {"id": number, "member_id": id_},
    "number_marks": lambda id_, number: {"source": "ledger"},
    "number_slices": lambda id_, number: {"id": number, "slice": number},
    "imports": lambda id_, number: {"id": id_},
    "import_rows": lambda id_, number: {"id": number, "number": number},
}
IN_A_STORE = {"store_id": SOMEBODY, "views": 0}
CASES = [
    ("flow_days_offer_once", {"day": SAME}),
    ("flow_days_store_once", {"day": SAME, **IN_A_STORE}),
    ("flow_days_where_it_happened", {"redemptions": 1}),
    ("flow_days_where_it_happened", {"store_id": SOMEBODY}),
    *[
        ("flow_days_counts", {name: -1})
        for name in ("views", "claims", "given_back", "discount_fen", "reversed_fen")
    ],
    ("flow_days_counts", {**IN_A_STORE, "redemptions": -1}),
    ("refusal_days_once", {"day": SAME}),
    ("refusal_days_counts", {"refusals": 0}),
    ("member_customers_once", {"member_id": SAME}),
    ("member_customers_days_in_order", {"last_day": "2026-03-03"}),
    ("number_marks_source_known", {"source": "stars"}),
    ("number_marks_counts", {"mark": -1}),
    ("number_slices_once", {"slice": SAME}),
    ("number_slices_source_known", {"source": "stars"}),
    ("number_slices_counts", {"count": 0}),
    ("imports_kind_known", {"kind": "citizens"}),
    ("imports_status_known", {"status": "maybe"}),
    ("imports_rows_count", {"rows_done": -1}),
    ("imports_rows_count", {"rows_bad": -1}),
    ("imports_four_eyes", {"status": "applying", "applied_by": SOMEBODY}),
    ("imports_applied_without_errors", {"status": "applying", "applied_by": ANOTHER, "rows_bad": 1}),
    ("imports_applied_without_errors", {"status": "applied", "ended_at": LATER}),
    ("imports_end_is_dated", {"status": "discarded"}),
    ("imports_end_is_dated", {"ended_at": LATER}),
    ("import_rows_once", {"number": SAME}),
    ("import_rows_number_counts", {"number": 0}),
]
