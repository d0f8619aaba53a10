"""Statements, their lines and sums, day-closes, exports."""

from tests.models.rows import AT, SAME

NIL = "00000000-0000-0000-0000-000000000001"
ZEROS = "decode(repeat('00', 32), 'hex')"
MAKE = f"""
INSERT INTO statements (id, member_id, region_id, period, opened_at)
VALUES (gen_random_uuid(), gen_random_uuid(), '330106', '2026-03-01', '{AT}');
INSERT INTO statement_lines (id, statement_id, kind, entry, record_id, store_id, offer_id, at, discount_fen, member_fen,
                             public_unit_fen, alliance_fen)
VALUES (gen_random_uuid(), gen_random_uuid(), 'redemption', 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
        '{AT}', 100, 100, 0, 0);
INSERT INTO statement_sums (id, statement_id, member_id, region_id, period, redemptions, reversals, discount_fen,
                            member_fen, public_unit_fen, alliance_fen)
VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '330106', '2026-03-01', 1, 0, 100, 100, 0, 0);
INSERT INTO statement_cursor (id, last_entry) VALUES (1, 0);
INSERT INTO day_closes (id, member_id, store_id, staff_id, day, redemptions, reversals, discount_fen, server_redemptions,
                        server_reversals, server_discount_fen, closed_at, request_key, request_hash)
VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '2026-03-04', 0, 0, 0, 0, 0, 0,
        '{AT}', 'day', {ZEROS});
INSERT INTO exports (id, region_id, period, format, asked_by, agreed_at)
VALUES (gen_random_uuid(), '330100', '2026-03-01', 'csv', gen_random_uuid(), '{AT}');
"""
FRESH = {
    "statements": lambda id_, number: {"id": id_, "member_id": id_},
    "statement_lines": lambda id_, number: {"id": id_, "entry": number, "record_id": id_},
    "statement_sums": lambda id_, number: {"id": id_},
    "statement_cursor": lambda id_, number: {"id": 2},
    "day_closes": lambda id_, number: {"id": id_, "request_key": id_},
    "exports": lambda id_, number: {"id": id_},
}
CLOSED = {"closed_at": AT, "settled_entry": 1}
MINUS = {"discount_fen": -100, "member_fen": -100}
CASES = [
    ("statements_period_once", {"member_id": SAME}),
    ("statements_state_known", {"state": "lost", **CLOSED}),
    ("statements_period_is_a_month", {"period": "2026-03-02"}),
    ("statements_shares_add_up", {"discount_fen": 1}),
    ("statements_closed_is_dated", {"state": "closed"}),
    ("statements_closed_is_dated", CLOSED),
    ("statements_closed_is_dated", {"state": "closed", "closed_at": AT}),
    ("statements_settled_is_dated", {"state": "settled", **CLOSED}),
    ("statements_settled_is_dated", {"settled_at": AT}),
    ("statements_settled_is_dated", {"state": "settled", "settled_at": AT, **CLOSED}),
    ("statements_dispute_has_reason", {"state": "disputed", **CLOSED}),
    ("statement_lines_entry_once", {"entry": SAME}),
    ("statement_lines_record_once", {"record_id": SAME}),
    ("statement_lines_kind_known", {"kind": "gift"}),
    ("statement_lines_reason_code_known", {"kind": "adjustment", "entry": None, "reason_code": "fun"}),
    ("statement_lines_shares_add_up", {"member_fen": 99}),
    ("statement_lines_traceable", {"entry": None}),
    ("statement_lines_traceable", {"store_id": None}),
    ("statement_lines_traceable", {"reason_code": "other"}),
    ("statement_lines_counter_entry_named", {"redemption_id": NIL}),
    ("statement_lines_counter_entry_named", {"kind": "reversal", **MINUS}),
    ("statement_lines_sign", MINUS),
    ("statement_lines_sign", {"kind": "reversal", "redemption_id": NIL}),
    ("statement_lines_public_unit_named", {"member_fen": 60, "public_unit_fen": 40}),
    ("statement_sums_shares_add_up", {"alliance_fen": 1}),
    ("statement_cursor_one_row", {}),
    ("statement_cursor_counts", {"id": 1, "last_entry": -1}),
    ("day_closes_request_key_once", {"request_key": SAME, "staff_id": SAME}),
    ("day_closes_request_hash_form", {"request_hash": "\\x00"}),
    ("day_closes_counts", {"redemptions": -1}),
    ("day_closes_counts", {"server_discount_fen": -1}),
    ("exports_format_known", {"format": "pdf"}),
    ("exports_state_known", {"state": "lost", "file_id": NIL, "ready_at": AT}),
    ("exports_rows_count", {"rows_done": -1}),
    ("exports_period_is_a_month", {"period": "2026-03-31"}),
    ("exports_ready_has_file", {"state": "ready"}),
    ("exports_ready_has_file", {"file_id": NIL, "ready_at": AT}),
    ("exports_deleted_is_dated", {"deleted_at": AT}),
]
