"""Consents by recipient, what members were shown, guardians and helpers."""

from tests.models.rows import AT, CONSENT, HASH, SAME

SOMEBODY = "00000000-0000-0000-0000-000000000001"
LATER = "2030-03-04T12:00:00+08:00"
MAKE = f"""
INSERT INTO consent_refusals (id, citizen_id, purpose, refused_at)
SELECT gen_random_uuid(), id, 'credit_check', '{AT}' FROM citizens LIMIT 1;
INSERT INTO disclosures (id, citizen_id, consent_id, member_id, store_id, offer_id, what, shown_at)
SELECT gen_random_uuid(), citizen_id, id, '{SOMEBODY}', '{SOMEBODY}', '{SOMEBODY}', 'masked_name', '{AT}'
  FROM consents WHERE id = '{CONSENT}';
INSERT INTO citizens (id, created_at) VALUES (gen_random_uuid(), '{AT}');
INSERT INTO agent_bindings (id, kind, agent_id, principal_id, state, agent_place, principal_place, made_at, active_at, ends_at)
SELECT gen_random_uuid(), 'guardian', a.id, p.id, 'active', 1, 1, '{AT}', '{AT}', '{LATER}'
  FROM citizens a JOIN citizens p ON p.id > a.id LIMIT 1;
INSERT INTO guardianship_requests (id, guardian_id, region_id, place, child_hash, name_encrypted, id_number_encrypted,
                                   requested_at)
SELECT gen_random_uuid(), id, '330106', 1, '{HASH}', 'x', 'x', '{AT}' FROM citizens LIMIT 1;
"""
OTHER_HASH = "\\x" + "11" * 32
ENDED = {"state": "ended", "ended_at": AT, "ended_because": "agent"}
GONE = {"child_hash": None, "name_encrypted": None, "id_number_encrypted": None, "decided_at": AT}
FRESH = {
    "consent_refusals": lambda id_, number: {
        "id": id_,
        "purpose": "member_sharing",
        "recipient_member_id": id_,
    },
    "disclosures": lambda id_, number: {"id": id_},
    "agent_bindings": lambda id_, number: {
        **{"id": id_, "kind": "helper", "agent_place": 2, "principal_place": 2}
    },
    "guardianship_requests": lambda id_, number: {"id": id_, "child_hash": OTHER_HASH, "place": 2},
}
CASES = [
    ("sessions_channel_known", {"channel": "telegram"}),
    ("consents_one_per_recipient", {"withdrawn_at": None}),
    ("consents_recipient_where_shared", {"recipient_member_id": SOMEBODY, "recipient_name": "x"}),
    ("consents_recipient_where_shared", {"purpose": "member_sharing"}),
    ("consents_recipient_where_shared", {"purpose": "member_sharing", "recipient_member_id": SOMEBODY}),
    ("consents_end_is_dated", {"withdrawn_at": None, "version": "9", "purpose": "notices", "ended_because": "withdrawn"}),
    ("consents_ended_because_known", {"ended_because": "tired"}),
    ("consents_given_through_known", {"given_through": "telegram"}),
    ("consent_refusals_last_one", {"purpose": SAME, "recipient_member_id": SAME}),
    ("consent_refusals_recipient_where_shared", {"recipient_member_id": None}),
    ("disclosures_what_known", {"what": "name"}),
    ("agent_bindings_kind_known", {"kind": "boss"}),
    ("agent_bindings_of_two", {"agent_id": SOMEBODY, "principal_id": SOMEBODY}),
    ("agent_bindings_places_in_range", {"agent_place": 0}),
    ("agent_bindings_places_in_range", {"agent_place": 11}),
    ("agent_bindings_places_in_range", {"principal_place": 0}),
    ("agent_bindings_places_in_range", {"principal_place": 6}),
    ("agent_bindings_places_in_range", {"kind": "guardian", "principal_place": 5}),
    ("agent_bindings_state_is_dated", {"state": "asleep"}),
    ("agent_bindings_state_is_dated", {"state": "waiting"}),
    ("agent_bindings_state_is_dated", {"state": "waiting", "active_at": None, "ends_at": None}),
    ("agent_bindings_state_is_dated", {"active_at": None}),
    ("agent_bindings_state_is_dated", {**ENDED, "state": "active"}),
    ("agent_bindings_state_is_dated", {"state": "ended"}),
    ("agent_bindings_guardian_until_of_age", {"kind": "guardian", "ends_at": None}),
    ("agent_bindings_guardian_until_of_age", {"kind": "guardian", "state": "waiting", "active_at": None}),
    ("agent_bindings_end_has_cause", {**ENDED, "ended_because": None}),
    ("agent_bindings_end_has_cause", {**ENDED, "ended_because": "tired"}),
    ("agent_bindings_end_has_cause", {"ended_because": "agent"}),
    ("agent_bindings_pair_once", {"kind": SAME}),
    ("agent_bindings_agent_place_once", {"kind": SAME, "principal_id": SOMEBODY, "agent_place": SAME}),
    ("agent_bindings_principal_place_once", {"kind": SAME, "agent_id": SOMEBODY, "principal_place": SAME}),
    ("guardianship_requests_state_known", {**GONE, "state": "lost"}),
    ("guardianship_requests_place_in_range", {"place": 0}),
    ("guardianship_requests_place_in_range", {"place": 6}),
    *(
        ("guardianship_requests_child_until_decided", {column: None})
        for column in ("child_hash", "name_encrypted", "id_number_encrypted")
    ),
    ("guardianship_requests_child_until_decided", {**GONE, "state": "withdrawn", "name_encrypted": "x"}),
    ("guardianship_requests_hash_form", {"child_hash": "\\x00"}),
    ("guardianship_requests_decided_by_somebody", {"decided_by": SOMEBODY}),
    ("guardianship_requests_decided_by_somebody", {**GONE, "state": "refused", "reason": "x"}),
    ("guardianship_requests_decided_by_somebody", {**GONE, "state": "withdrawn", "decided_by": SOMEBODY}),
    ("guardianship_requests_decided_by_somebody", {**GONE, "state": "withdrawn", "decided_at": None}),
    ("guardianship_requests_confirmed_has_child", {**GONE, "state": "confirmed", "decided_by": SOMEBODY}),
    ("guardianship_requests_confirmed_has_child", {"child_id": SOMEBODY, "binding_id": SOMEBODY}),
    ("guardianship_requests_refused_with_reason", {**GONE, "state": "refused", "decided_by": SOMEBODY}),
    ("guardianship_requests_child_once", {"child_hash": SAME}),
    ("guardianship_requests_place_once", {"place": SAME}),
]  # fmt: skip
