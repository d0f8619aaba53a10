"""Channel identities and what a channel has verified."""

from tests.models.rows import AT, HASH

MAKE = f"""
INSERT INTO citizen_phones (citizen_id, phone_encrypted, channel, verified_at)
SELECT id, '{HASH}', 'wechat', '{AT}' FROM citizens LIMIT 1;
"""
FRESH = {"citizen_phones": lambda id_, number: {"citizen_id": id_}}
CASES = [("citizen_phones_channel_known", {"channel": "telegram"})]
