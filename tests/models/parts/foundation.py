"""Approvals, notices, files, one-time links, policies, the order of the audit."""

from tests.models.rows import AT, HASH, SAME

LATER = "2026-03-05T12:00:00+08:00"
MAKE = f"""
INSERT INTO approvals (id, kind, region_id, object_id, payload, reason, status, asked_by, asked_at, expires_at)
SELECT gen_random_uuid(), 'coupon_revocation', '330100', '1', '{{}}', '发错了', 'open', id, '{AT}', '{LATER}'
  FROM admins LIMIT 1;
INSERT INTO member_notices (id, member_id, kind, facts, once_key, noticed_at)
SELECT gen_random_uuid(), id, 'coupon_revoked', '{{}}', 'once', '{AT}' FROM members LIMIT 1;
INSERT INTO citizen_notices (id, citizen_id, kind, facts, once_key, noticed_at)
SELECT gen_random_uuid(), id, 'coupon_revoked', '{{}}', 'once', '{AT}' FROM citizens LIMIT 1;
INSERT INTO one_time_links (id, purpose, subject_id, secret_hash, made_at, expires_at)
VALUES (gen_random_uuid(), 'staff_reset', gen_random_uuid(), '{HASH}', '{AT}', '{LATER}');
INSERT INTO region_policies (region_id, min_grade, review_levels, complaint_answer_days, complaint_limit, complaint_window_days)
VALUES ('330000', 3, 2, 5, 3, 180);
INSERT INTO stored_files (id, purpose, owner_id, name, media_type, size, sha256, stored_at)
VALUES (gen_random_uuid(), 'import', gen_random_uuid(), '表.csv', 'text/csv', 1, repeat('0', 64), '{AT}');
"""
FRESH = {
    "approvals": lambda id_, number: {"id": id_, "object_id": id_},
    "member_notices": lambda id_, number: {"id": id_, "once_key": id_},
    "citizen_notices": lambda id_, number: {"id": id_, "once_key": id_},
    "one_time_links": lambda id_, number: {"id": id_, "secret_hash": "\\x" + id_.replace("-", "") * 2},
    "region_policies": lambda id_, number: {"region_id": str(number)[:6]},
    "stored_files": lambda id_, number: {"id": id_},
}
DECIDED = {"decided_at": AT, "decided_by": "00000000-0000-0000-0000-000000000001"}
CASES = [
    ("approvals_kind_known", {"kind": "coup"}),
    ("approvals_status_known", {"status": "maybe", "decided_at": AT}),
    ("approvals_decided_is_dated", {"status": "withdrawn"}),
    ("approvals_decided_is_dated", {"decided_at": AT}),
    ("approvals_decided_by_somebody", {"status": "approved", "decided_at": AT}),
    ("approvals_decided_by_somebody", {"status": "expired", **DECIDED}),
    ("approvals_four_eyes", {"status": "approved", **DECIDED, "asked_by": DECIDED["decided_by"]}),
    ("approvals_reason_given", {"reason": ""}),
    ("approvals_expiry_ahead", {"expires_at": AT}),
    ("approvals_open_once", {"object_id": SAME}),
    ("member_notices_once", {"once_key": SAME}),
    ("member_notices_kind_form", {"kind": "Achtung!"}),
    ("citizen_notices_once", {"once_key": SAME}),
    ("citizen_notices_kind_form", {"kind": "Achtung!"}),
    ("one_time_links_secret_once", {"secret_hash": SAME}),
    ("one_time_links_secret_form", {"secret_hash": "\\x00"}),
    ("one_time_links_expiry_ahead", {"expires_at": AT}),
    ("one_time_links_purpose_known", {"purpose": "fun"}),
    ("region_policies_grade_known", {"min_grade": 0}),
    ("region_policies_review_levels_known", {"review_levels": 3}),
    ("region_policies_complaints_sane", {"complaint_answer_days": 0}),
    ("region_policies_complaints_sane", {"complaint_limit": 0}),
    ("region_policies_complaints_sane", {"complaint_window_days": 0}),
    ("stored_files_purpose_known", {"purpose": "fun"}),
    ("stored_files_size_counts", {"size": -1}),
    ("stored_files_sha256_form", {"sha256": "ABC"}),
    ("offer_terms_shares_in_range", {"alliance_share": -1}),
    ("offer_terms_shares_in_range", {"alliance_share": 101}),
    ("offer_terms_public_unit_named", {"public_unit_share": 10}),
    ("audit_records_entry_once", {"entry": SAME}),
]
