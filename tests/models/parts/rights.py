"""The copies of their data that citizens took."""

from tests.models.rows import AT, SAME

MAKE = f"""
INSERT INTO data_copies (id, citizen_id, format, copied_at, copied_on, place)
SELECT gen_random_uuid(), id, 'json', '{AT}', '2026-03-04', 1 FROM citizens LIMIT 1;
"""
FRESH = {"data_copies": lambda id_, number: {"id": id_, "copied_on": "2026-03-05"}}
CASES = [
    ("data_copies_place_once", {"citizen_id": SAME, "copied_on": SAME, "place": SAME}),
    ("data_copies_place_in_range", {"place": 4}),
    ("data_copies_place_in_range", {"place": 0}),
    ("data_copies_format_known", {"format": "pdf"}),
]
