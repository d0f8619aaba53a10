"""Objections with their words and steps, and what citizens declare."""

from tests.models.rows import AT, HASH, SAME

LATER, SOMEBODY = "2026-03-09T00:00:00+08:00", "00000000-0000-0000-0000-000000000001"
MAKE = f"""
INSERT INTO objections (id, kind, about, record_id, citizen_id, region_id, recorded_at, filed_at, filed_by, due_at,
                        is_due_certain, place, request_key, request_hash)
SELECT gen_random_uuid(), 'objection', 'tier', '{SOMEBODY}', id, '330106', '{AT}', '{AT}', id, '{LATER}', true, 1, 'key', '{HASH}'
  FROM citizens LIMIT 1;
INSERT INTO objections (id, kind, about, record_id, member_id, region_id, recorded_at, filed_at, filed_by, due_at,
                        is_due_certain, place, request_key, request_hash)
VALUES (gen_random_uuid(), 'objection', 'suspension', '{SOMEBODY}', '{SOMEBODY}', '330106', '{AT}', '{AT}', '{SOMEBODY}',
        '{LATER}', true, 1, 'members-key', '{HASH}');
INSERT INTO objection_texts (objection_id, text_encrypted) SELECT id, 'x' FROM objections;
INSERT INTO objection_steps (id, objection_id, event, status, actor_kind, actor_id, due_at, happened_at)
SELECT gen_random_uuid(), id, 'file', 'open', 'citizen', filed_by, due_at, filed_at FROM objections;
INSERT INTO declarations (id, citizen_id, kind, region_id, happened_on, hours, may_forward, begun_at, place, request_key,
                          request_hash)
SELECT gen_random_uuid(), id, 'volunteer_hours', '330106', '2026-03-04', 8, true, '{AT}', 1, 'key', '{HASH}'
  FROM citizens LIMIT 1;
INSERT INTO declaration_texts (declaration_id, text_encrypted) SELECT id, 'x' FROM declarations;
"""
FRESH = {
    "objections": lambda id_, number: {"id": id_, "request_key": id_, "place": 2, "record_id": id_},
    "objection_steps": lambda id_, number: {"id": id_},
    "declarations": lambda id_, number: {"id": id_, "request_key": id_, "place": 2},
}
FORWARDED = {"forwarded_at": AT, "forwarded_by": SOMEBODY}
ANSWERED = {"answered_at": AT, "answered_by": SOMEBODY, "closed_at": AT}
OF_MEMBER = {"citizen_id": None, "member_id": SOMEBODY, "about": "suspension"}
DECIDED = {"submitted_at": AT, "decided_at": AT, "decided_by": SOMEBODY}
CASES = [
    ("objections_citizen_key_once", {"request_key": SAME}),
    ("objections_citizen_place_once", {"place": SAME}),
    ("objections_member_key_once", {**OF_MEMBER, "request_key": "members-key"}),
    ("objections_member_place_once", {**OF_MEMBER, "place": 1}),
    ("objections_record_once", {"record_id": SAME}),
    ("objections_kind_known", {"kind": "appeal"}),
    ("objections_about_known", {**OF_MEMBER, "about": "weather"}),
    ("objections_status_known", {"status": "lost", "closed_at": AT}),
    ("objections_of_one", {"citizen_id": None, "about": "suspension"}),
    ("objections_of_one", {"member_id": SOMEBODY}),
    ("objections_about_ones_own", {"about": "suspension"}),
    ("objections_about_ones_own", {**OF_MEMBER, "about": "tier"}),
    ("objections_repair_of_a_source", {"kind": "repair", "about": "lookup"}),
    ("objections_place_in_range", {"place": 0}),
    ("objections_place_in_range", {"place": 11}),
    ("objections_due_ahead", {"due_at": AT}),
    ("objections_forwarded_by_somebody", {"status": "forwarded"}),
    ("objections_forwarded_by_somebody", {"forwarded_at": AT}),
    ("objections_answered_by_somebody", {"status": "upheld", "closed_at": AT}),
    ("objections_answered_by_somebody", {"status": "dismissed", **ANSWERED, "answered_by": None}),
    ("objections_answered_by_somebody", {**FORWARDED, **ANSWERED, "status": "withdrawn"}),
    ("objections_end_is_dated", {"status": "withdrawn"}),
    ("objections_end_is_dated", {"closed_at": AT}),
    ("objections_request_hash_form", {"request_hash": "\\x00"}),
    ("objection_steps_event_known", {"event": "vanish"}),
    ("objection_steps_status_known", {"status": "lost"}),
    ("objection_steps_actor_known", {"actor_kind": "applicant"}),
    ("objection_steps_by_somebody", {"actor_id": None}),
    ("objection_steps_by_somebody", {"actor_kind": "system"}),
    ("declarations_request_key_once", {"request_key": SAME}),
    ("declarations_place_once", {"place": SAME}),
    ("declarations_kind_known", {"kind": "wealth", "hours": None}),
    ("declarations_status_known", {"status": "lost", "submitted_at": AT}),
    ("declarations_hours_of_service", {"hours": None}),
    ("declarations_hours_of_service", {"hours": 0}),
    ("declarations_hours_of_service", {"kind": "honour"}),
    ("declarations_submission_is_dated", {"status": "submitted"}),
    ("declarations_submission_is_dated", {"submitted_at": AT}),
    ("declarations_decided_by_somebody", {"status": "refused", "submitted_at": AT}),
    ("declarations_decided_by_somebody", {"status": "refused", **DECIDED, "decided_by": None}),
    ("declarations_validity_is_dated", {"status": "accepted", **DECIDED}),
    ("declarations_validity_is_dated", {"status": "refused", **DECIDED, "valid_until": "2027-01-01"}),
    ("declarations_forwarded_by_consent", {"status": "refused", **DECIDED, "forwarded_at": AT}),
    (
        "declarations_forwarded_by_consent",
        {
            **{"status": "accepted", **DECIDED, "valid_until": "2027-01-01", "forwarded_at": AT},
            "may_forward": False,
        },
    ),
    ("declarations_place_in_range", {"place": 0}),
    ("declarations_place_in_range", {"place": 21}),
    ("declarations_request_hash_form", {"request_hash": "\\x00"}),
]
