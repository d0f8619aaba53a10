"""Complaints with their texts, and the seals of the audit."""

from tests.models.rows import AT, HASH, SAME

LATER, SOMEBODY = "2026-03-09T00:00:00+08:00", "00000000-0000-0000-0000-000000000001"
MAKE = f"""
INSERT INTO complaints (id, citizen_id, member_id, store_id, region_id, kind, complained_at, complained_on, place,
                        answer_due_at, request_key, request_hash)
SELECT gen_random_uuid(), c.id, s.member_id, s.id, s.region_id, 'refused', '{AT}', '2026-03-04', 1, '{LATER}', 'key', '{HASH}'
  FROM citizens c, stores s LIMIT 1;
INSERT INTO complaint_texts (complaint_id, text_encrypted) SELECT id, 'x' FROM complaints;
INSERT INTO audit_seals (number, first_entry, last_entry, records, root, previous, sealed_at, public_key, signature, leaves)
VALUES (1, 1, 5, 2, '{HASH}', '{HASH}', '{AT}', '{HASH}', decode(repeat('00', 64), 'hex'), decode(repeat('00', 114), 'hex'));
"""
FRESH = {
    "complaints": lambda id_, number: {"id": id_, "request_key": id_, "place": 2},
    "audit_seals": lambda id_, number: {"number": number, "last_entry": number},
}
ANSWERED = {"answered_at": AT, "answered_by": SOMEBODY}
DECIDED = {"decided_at": AT, "decided_by": SOMEBODY}
CASES = [
    ("complaints_request_key_once", {"request_key": SAME}),
    ("complaints_place_once", {"place": SAME}),
    ("complaints_place_in_range", {"place": 0}),
    ("complaints_place_in_range", {"place": 6}),
    ("complaints_kind_known", {"kind": "noise"}),
    ("complaints_status_known", {"status": "lost"}),
    ("complaints_about_one_thing", {"redemption_id": SOMEBODY, "attempt_id": SOMEBODY}),
    ("complaints_due_ahead", {"answer_due_at": AT}),
    ("complaints_answered_by_somebody", {"status": "answered"}),
    ("complaints_answered_by_somebody", ANSWERED),
    ("complaints_answered_by_somebody", {"status": "overdue", "answered_at": AT}),
    ("complaints_decided_by_somebody", {"status": "dismissed"}),
    ("complaints_decided_by_somebody", {"status": "dismissed", "decided_at": AT}),
    ("complaints_decided_by_somebody", {"decided_by": SOMEBODY}),
    ("complaints_upheld_is_dated", {"status": "upheld", **DECIDED}),
    ("complaints_upheld_is_dated", {"status": "dismissed", **DECIDED, "upheld_at": AT}),
    ("complaints_withdrawn_is_dated", {"status": "withdrawn"}),
    ("complaints_withdrawn_is_dated", {"withdrawn_at": AT}),
    ("complaints_request_hash_form", {"request_hash": "\\x00"}),
    ("audit_seals_last_entry_once", {"last_entry": SAME}),
    ("audit_seals_number_from_one", {"number": 0}),
    ("audit_seals_entries_ahead", {"first_entry": 2_000_000}),
    ("audit_seals_leaves_complete", {"records": 0, "leaves": ""}),
    ("audit_seals_leaves_complete", {"records": 3}),
    *(
        ("audit_seals_hashes_form", {column: "\\x00"})
        for column in ("root", "previous", "public_key", "signature")
    ),
]
