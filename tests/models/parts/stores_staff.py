"""Stores' hours and closures, devices, webhooks and their deliveries."""

from tests.models.rows import AT, SAME

FIRST, SECOND = "00000000-0000-4000-8000-0000000000d1", "00000000-0000-4000-8000-0000000000d2"
MAKE = f"""
INSERT INTO store_closures (id, store_id, first_day, last_day, reason, made_at)
SELECT gen_random_uuid(), id, '2026-10-01', '2026-10-07', 'holiday', '{AT}' FROM stores LIMIT 1;
INSERT INTO staff (id, member_id, login, password_hash, role, created_at)
SELECT device.id::uuid, store.member_id, 'device-' || device.id, '!', 'device', '{AT}'
  FROM (SELECT member_id FROM stores ORDER BY id LIMIT 1) store, (VALUES ('{FIRST}'), ('{SECOND}')) AS device (id);
INSERT INTO devices (staff_id, member_id, store_id, name, made_at, made_by)
SELECT '{FIRST}', member_id, id, '前台', '{AT}', '{FIRST}' FROM stores ORDER BY id LIMIT 1;
INSERT INTO webhooks (id, member_id, url, secret_encrypted, after_entry, made_at)
SELECT gen_random_uuid(), id, 'https://till.example.com/xinyi', 'x', 0, '{AT}' FROM members LIMIT 1;
INSERT INTO webhook_deliveries (id, webhook_id, event_id, event, payload, made_at, due_at)
SELECT gen_random_uuid(), id, gen_random_uuid(), 'ping', '{{}}', '{AT}', '{AT}' FROM webhooks;
"""
FRESH = {
    "store_closures": lambda id_, number: {"id": id_},
    "devices": lambda id_, number: {"staff_id": SECOND},
    "webhooks": lambda id_, number: {"id": id_},
    "webhook_deliveries": lambda id_, number: {"id": id_, "event_id": id_},
}
CASES = [
    ("stores_hours_in_the_week", {"hours": []}),
    ("stores_hours_in_the_week", {"hours": [540, 1080, 1200]}),
    ("stores_hours_in_the_week", {"hours": [540, 10081]}),
    ("stores_hours_in_the_week", {"hours": [-1, 540]}),
    ("store_closures_span_sane", {"last_day": "2026-09-30"}),
    ("store_closures_span_sane", {"last_day": "2027-10-03"}),
    ("store_closures_reason_known", {"reason": "fun"}),
    ("devices_name_given", {"name": ""}),
    ("webhooks_url_form", {"url": "ftp://till.example.com/"}),
    ("webhooks_url_form", {"url": "https://till.example.com/ x"}),
    ("webhooks_entry_counts", {"after_entry": -1}),
    ("webhook_deliveries_event_once", {"event_id": SAME}),
    ("webhook_deliveries_event_known", {"event": "redemption.dreamt"}),
    ("webhook_deliveries_status_known", {"status": "maybe", "ended_at": AT}),
    ("webhook_deliveries_end_is_dated", {"status": "failed"}),
    ("webhook_deliveries_end_is_dated", {"ended_at": AT}),
    ("webhook_deliveries_tries_count", {"tries": -1}),
]
