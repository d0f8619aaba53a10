"""Messages, what citizens accept of them, and what notices are derived from."""

from tests.models.rows import AT, SAME

SOMEBODY = "00000000-0000-0000-0000-000000000001"
MAKE = f"""
INSERT INTO messages (notice_id, citizen_id, identity_id, channel, template, made_at, next_try_at)
SELECT id, citizen_id, 1, 'wechat', 'coupon_claimed', '{AT}', '{AT}' FROM citizen_notices LIMIT 1;
INSERT INTO message_quotas (citizen_id, channel, template, accepted) VALUES ('{SOMEBODY}', 'wechat', 'answered', 1);
INSERT INTO message_stops (channel, template, template_id, reason, until_at)
VALUES ('wechat', 'answered', 'x', 'no_template', '{AT}');
INSERT INTO coupon_reminders (coupon_id, due_at, days) VALUES ('{SOMEBODY}', '{AT}', 3);
DELETE FROM notice_marks WHERE source = 'sweep';
"""
FRESH = {
    "messages": lambda id_, number: {"id": number, "identity_id": number},
    "message_quotas": lambda id_, number: {"id": number, "citizen_id": id_},
    "message_stops": lambda id_, number: {"id": number, "channel": "alipay"},
    "coupon_reminders": lambda id_, number: {"coupon_id": id_},
    "notice_marks": lambda id_, number: {"source": "sweep"},
}
CASES = [
    ("messages_once", {"identity_id": SAME}),
    ("messages_channel_known", {"channel": "pigeon"}),
    ("messages_template_known", {"template": "birthday"}),
    ("messages_state_known", {"state": "maybe", "ended_at": AT}),
    ("messages_end_is_dated", {"state": "sent"}),
    ("messages_end_is_dated", {"ended_at": AT}),
    ("messages_end_is_dated", {"state": "sending", "tried_at": AT, "ended_at": AT}),
    ("messages_try_is_dated", {"state": "sending"}),
    ("messages_tries_count", {"tries": -1}),
    ("message_quotas_once", {"citizen_id": SAME}),
    ("message_quotas_channel_known", {"channel": "pigeon"}),
    ("message_quotas_template_known", {"template": "birthday"}),
    ("message_quotas_in_range", {"accepted": -1}),
    ("message_quotas_in_range", {"accepted": 21}),
    ("message_stops_once", {"channel": SAME}),
    ("message_stops_channel_known", {"channel": "pigeon"}),
    ("message_stops_template_known", {"template": "birthday"}),
    ("message_stops_reason_known", {"reason": "whim"}),
    ("coupon_reminders_days_known", {"days": 2}),
    ("notice_marks_source_known", {"source": "stars"}),
    ("notice_marks_counts", {"mark": -1}),
    ("notice_marks_counts", {"told_from": -1}),
]
