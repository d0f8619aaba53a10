"""Credit batches, what was wrong in them, and the copies in force."""

from tests.models.rows import AT, HASH, SAME

BATCH = "00000000-0000-0000-0000-0000000000c1"
MAKE = f"""
INSERT INTO credit_batches (id, number, source, source_batch_id, manifest_sha256, data_date, made_at, delivered_at,
                            due_at, status, in_force_at)
VALUES ('{BATCH}', 1, 'test', '1', repeat('0', 64), '2026-03-03', '{AT}', '{AT}', '{AT}', 'in_force', '{AT}');
INSERT INTO credit_batch_files (batch_id, kind, name, sha256, rows_promised)
VALUES ('{BATCH}', 'tiers', 'tiers.csv', repeat('0', 64), 1);
INSERT INTO credit_batch_errors (id, batch_id, kind, row_number, record_id, field, code, found_at)
VALUES (gen_random_uuid(), '{BATCH}', 'tiers', 2, 'r-1', 'score', 'score_off_scale', '{AT}');
INSERT INTO credit_copies (source, kind, batch_id, batch_number, data_date, made_at)
VALUES ('test', 'tiers', '{BATCH}', 1, '2026-03-03', '{AT}');
CREATE TABLE credit_ratings_1 PARTITION OF credit_ratings FOR VALUES IN (1);
CREATE TABLE organisation_grades_1 PARTITION OF organisation_grades FOR VALUES IN (1);
CREATE TABLE dishonest_organisations_1 PARTITION OF dishonest_organisations FOR VALUES IN (1);
INSERT INTO credit_ratings VALUES (1, '{HASH}', 800, 'zj-demo', '2026-03-03', 'r-1', 2);
INSERT INTO organisation_grades VALUES (1, '913301000000000001', 4, '2026-03-03', 'r-1', 2);
INSERT INTO dishonest_organisations VALUES (1, '913301000000000001', '2026-03-03', 'r-1', 2);
INSERT INTO credit_repairs (batch_number, uscc, record_id, data_date, row_number)
VALUES (1, '913301000000000001', 'r-1', '2026-03-03', 2);
"""
FRESH = {
    "credit_batches": lambda id_, number: {
        "id": id_,
        "number": number,
        "manifest_sha256": id_.replace("-", "") * 2,
    },
    "credit_batch_files": lambda id_, number: {"id": number, "kind": "repairs"},
    "credit_batch_errors": lambda id_, number: {"id": id_},
    "credit_copies": lambda id_, number: {"id": number, "kind": "dishonest_list"},
    "credit_ratings": lambda id_, number: {"person_hash": "\\x" + id_.replace("-", "") * 2},
    "organisation_grades": lambda id_, number: {"uscc": f"{number:018}"},
    "dishonest_organisations": lambda id_, number: {"record_id": id_},
    "credit_repairs": lambda id_, number: {"id": number},
}
ENDED, NOBODY = {"ended_at": AT}, "00000000-0000-0000-0000-000000000001"
CASES = [
    ("credit_batches_number_once", {"number": SAME}),
    ("credit_batches_once", {"manifest_sha256": SAME}),
    ("credit_batches_status_known", {"status": "open", "in_force_at": None}),
    ("credit_batches_refused_for_a_reason", {"status": "refused", "in_force_at": None}),
    ("credit_batches_refused_for_a_reason", {"failure": "signature"}),
    ("credit_batches_in_force_is_dated", {"in_force_at": None}),
    ("credit_batches_in_force_is_dated", {"status": "loading"}),
    ("credit_batches_settled_in_force", {"status": "loading", "in_force_at": None, "settled_at": AT}),
    ("credit_batch_files_kind_once", {"kind": SAME}),
    ("credit_batch_files_kind_known", {"kind": "incomes"}),
    ("credit_batch_files_counts", {"rows_bad": 1}),
    ("credit_batch_files_counts", {"rows_promised": -1}),
    ("credit_batch_errors_kind_known", {"kind": "incomes"}),
    ("credit_batch_errors_state_known", {"state": "lost", **ENDED}),
    ("credit_batch_errors_end_is_dated", ENDED),
    ("credit_batch_errors_mended_by_a_batch", {"state": "mended", **ENDED}),
    ("credit_batch_errors_closed_for_a_reason", {"state": "closed", "closed_by": NOBODY, **ENDED}),
    ("credit_batch_errors_closed_for_a_reason", {"reason": "因为"}),
    ("credit_copies_one_in_force", {"kind": SAME}),
    ("credit_copies_kind_known", {"kind": "incomes"}),
    ("credit_ratings_hash_form", {"person_hash": "\\x00"}),
    ("organisation_grades_grade_known", {"grade": 6}),
    ("credit_repairs_of_one_subject", {"uscc": None}),
    ("credit_repairs_of_one_subject", {"person_hash": HASH}),
    ("credit_repairs_score_has_its_scheme", {"score": 800}),
]
