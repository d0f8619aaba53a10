"""Whose person was confirmed, and codes that stand in for an admin's phone."""

from tests.models.rows import AT, HASH, SAME

MAKE = f"""
INSERT INTO admin_recovery_codes (id, admin_id, code_hash, made_at, used_at)
SELECT gen_random_uuid(), id, '{HASH}', '{AT}', '{AT}' FROM admins LIMIT 1;
"""
FRESH = {
    "admin_recovery_codes": lambda id_, number: {"id": id_, "code_hash": "\\x" + id_.replace("-", "") * 2},
}
ANOTHER, CONFIRMED = "00000000-0000-0000-0000-000000000001", {"confirmed_at": AT}
CASES = [
    ("admins_confirmed_by_another", {"linked_by": ANOTHER, "confirmed_by": ANOTHER, **CONFIRMED}),
    ("admins_confirmed_is_dated", {"confirmed_by": ANOTHER}),
    ("admins_confirmed_is_dated", CONFIRMED),
    ("admin_recovery_codes_code_once", {"code_hash": SAME}),
    ("admin_recovery_codes_hash_form", {"code_hash": "\\x00"}),
    ("admin_recovery_codes_used_after_made", {"used_at": "2026-03-04T11:59:59+08:00"}),
]
