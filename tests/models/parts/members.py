"""Applications, their events, checks and commitments; suspensions, re-checks, the white list, promises."""

from tests.models.rows import AT, HASH, SAME

BEFORE = "2026-03-04T11:59:59+08:00"
MAKE = f"""
INSERT INTO member_applications (id, key_hash, uscc, kind, sector, region_id, name, contact_name, contact_phone, begun_at)
VALUES (gen_random_uuid(), '{HASH}', '91330100MA27XY0K2G', 'merchant', 'tourism_shopping', '330106', '湖畔', '\\x00',
        '\\x00', '{AT}');
INSERT INTO application_events (id, application_id, action, state, happened_at)
SELECT gen_random_uuid(), id, 'submit', 'submitted', '{AT}' FROM member_applications LIMIT 1;
INSERT INTO organisation_checks (id, application_id, source, checked_at, finding, grade, min_grade, is_dishonest,
                                 is_white_listed, data_date)
SELECT gen_random_uuid(), id, 'test', '{AT}', 'passed', 4, 3, false, false, '2026-03-03' FROM member_applications LIMIT 1;
INSERT INTO commitments (id, application_id, version, text_sha256, signer, signed_at)
SELECT gen_random_uuid(), id, '2026-01-01', repeat('0', 64), '\\x00', '{AT}' FROM member_applications LIMIT 1;
INSERT INTO suspensions (id, member_id, cause, facts, suspended_at)
SELECT gen_random_uuid(), id, 'grade', '{{}}', '{AT}' FROM members LIMIT 1;
INSERT INTO white_list (id, uscc, region_id, reason, approval_id, added_at)
VALUES (gen_random_uuid(), '91330100MA27XY0K2G', '330100', '新设', gen_random_uuid(), '{AT}');
INSERT INTO promise_records (id, member_id, outcome, cause, cause_id, note, recorded_at)
SELECT gen_random_uuid(), id, 'kept', 'inspection', 'first', '', '{AT}' FROM members LIMIT 1;
DELETE FROM member_rechecks WHERE member_id <> (SELECT member_id FROM member_rechecks LIMIT 1);
"""
FRESH = {
    "member_applications": lambda id_, number: {
        "id": id_,
        "key_hash": "\\x" + id_.replace("-", "") * 2,
        "state": "draft",
    },
    "application_events": lambda id_, number: {"id": id_},
    "organisation_checks": lambda id_, number: {"id": id_},
    "commitment_texts": lambda id_, number: {"id": number, "version": id_[:8]},
    "commitments": lambda id_, number: {"id": id_, "version": id_[:8]},
    "suspensions": lambda id_, number: {"id": id_, "lifted_at": AT},
    "white_list": lambda id_, number: {"id": id_, "ended_at": AT},
    "promise_records": lambda id_, number: {"id": id_, "cause_id": id_},
}
CASES = [
    ("members_sector_known", {"sector": "fun"}),
    ("member_applications_key_once", {"key_hash": SAME}),
    ("member_applications_key_form", {"key_hash": "\\x00"}),
    ("member_applications_uscc_form", {"uscc": "91330100MA27XY0K2O"}),
    ("member_applications_kind_known", {"kind": "club"}),
    ("member_applications_sector_known", {"sector": "fun"}),
    ("member_applications_name_given", {"name": ""}),
    ("member_applications_state_known", {"state": "lost", "submitted_at": AT}),
    ("member_applications_submitted_is_dated", {"state": "submitted"}),
    ("member_applications_submitted_is_dated", {"state": "city_review"}),
    ("member_applications_decided_is_dated", {"state": "refused", "submitted_at": AT}),
    ("member_applications_decided_is_dated", {"decided_at": AT}),
    ("member_applications_approved_has_member", {"state": "approved", "submitted_at": AT, "decided_at": AT}),
    ("member_applications_owner_when_approved", {"owner_made_at": AT}),
    ("application_events_action_known", {"action": "lose"}),
    ("application_events_state_known", {"state": "lost"}),
    ("application_events_code_form", {"code": "Nein!"}),
    ("application_events_refusal_has_reason", {"action": "refuse"}),
    ("organisation_checks_of_one", {"application_id": None}),
    ("organisation_checks_of_one", {"member_id": "00000000-0000-0000-0000-000000000001"}),
    ("organisation_checks_finding_known", {"finding": "guessed"}),
    ("organisation_checks_grade_known", {"grade": 6}),
    ("organisation_checks_grade_known", {"min_grade": 0}),
    ("organisation_checks_answer_is_dated", {"data_date": None}),
    ("organisation_checks_answer_is_dated", {"is_dishonest": None}),
    ("organisation_checks_answer_is_dated", {"finding": "unavailable"}),
    ("organisation_checks_dishonest_never_passes", {"is_dishonest": True}),
    ("organisation_checks_dishonest_never_passes", {"finding": "dishonest"}),
    ("commitment_texts_version_once", {"version": SAME}),
    ("commitment_texts_sha256_form", {"sha256": "ABC"}),
    ("commitments_version_once", {"version": SAME}),
    ("commitments_sha256_form", {"text_sha256": "ABC"}),
    ("suspensions_cause_known", {"cause": "mood"}),
    ("suspensions_lifted_afterwards", {"lifted_at": BEFORE}),
    ("suspensions_open_once", {"lifted_at": None}),
    ("white_list_uscc_form", {"uscc": "91330100MA27XY0K2O"}),
    ("white_list_reason_given", {"reason": ""}),
    ("white_list_ended_afterwards", {"ended_at": BEFORE}),
    ("white_list_open_once", {"ended_at": None}),
    ("promise_records_cause_once", {"cause_id": SAME}),
    ("promise_records_outcome_known", {"outcome": "maybe"}),
    ("promise_records_cause_known", {"cause": "mood"}),
    ("promise_records_cause_named", {"cause_id": ""}),
]
