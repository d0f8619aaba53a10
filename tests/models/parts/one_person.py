"""Accounts that were joined, and what offers ask of a person's identity."""

from tests.models.rows import AT, HASH

ABSORBED = "00000000-0000-4000-8000-00000000000a"
MAKE = f"""
INSERT INTO citizen_joins (absorbed_id, citizen_id, joined_at, request_key, request_hash)
SELECT '{ABSORBED}', id, '{AT}', 'the-key-of-the-join', '{HASH}' FROM citizens LIMIT 1;
"""
FRESH = {"citizen_joins": lambda id_, number: {"absorbed_id": id_}}
CASES = [
    ("citizen_joins_of_two", {"citizen_id": ABSORBED, "absorbed_id": ABSORBED}),
    ("citizen_joins_request_hash_form", {"request_hash": "\\x00"}),
    ("offers_real_name_level_known", {"min_real_name_level": 3}),
    ("offers_real_name_level_known", {"min_real_name_level": -1}),
    ("offer_versions_real_name_level_known", {"min_real_name_level": 3}),
]
