"""A valid row of every table, and copies of it that differ in a few columns."""

import json
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg

_numbers = count(1_000_000)
# In place of a value: the one that the first row has.
SAME = object()
HASH = "\\x" + "00" * 32
AT = "2026-03-04T12:00:00+08:00"
COUPON, SESSION, LOOKUP, CONSENT = (UUID(int=number) for number in range(1, 5))
REDEMPTION, SECOND_REDEMPTION, THIRD_REDEMPTION = UUID(int=5), UUID(int=6), UUID(int=7)
REVERSAL, SECOND_REVERSAL = UUID(int=8), UUID(int=9)

# What the demo data leaves empty, made from what it has.
MAKE = f"""
INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, slot, uses_total, uses_done, valid_from, valid_until,
                     claimed_at, request_key, request_hash)
SELECT '{COUPON}', 1, o.id, o.terms_id, c.id, 1, 5, 1, '{AT}', '2026-04-04', '{AT}', 'key', '{HASH}'
  FROM offers o, citizens c WHERE o.status = 'published' LIMIT 1;
INSERT INTO redemptions (id, coupon_id, offer_id, citizen_id, terms_id, uses_left, uses, staff_id, store_id, member_id,
                         step, order_amount_fen, discount_fen, payable_fen, redeemed_at, request_key, request_hash)
SELECT redemption.id, c.id, c.offer_id, c.citizen_id, c.terms_id, 4, 1, l.staff_id, l.store_id, l.member_id,
       redemption.step, 100, 20, 80, '{AT}', 'key-' || redemption.step, '{HASH}'
  FROM coupons c, (SELECT * FROM staff_stores LIMIT 1) l,
       (VALUES ('{REDEMPTION}'::uuid, 1), ('{SECOND_REDEMPTION}'::uuid, 2), ('{THIRD_REDEMPTION}'::uuid, 3))
           AS redemption (id, step);
INSERT INTO reversals (id, redemption_id, staff_id, reversed_at, request_key, request_hash)
SELECT reversal.id, r.id, r.staff_id, '{AT}', reversal.key, '{HASH}'
  FROM (VALUES ('{REVERSAL}'::uuid, '{REDEMPTION}'::uuid, 'key'),
               ('{SECOND_REVERSAL}'::uuid, '{THIRD_REDEMPTION}'::uuid, 'another')) AS reversal (id, redemption_id, key)
  JOIN redemptions r ON r.id = reversal.redemption_id;
INSERT INTO reversal_reasons (reversal_id, reason) VALUES ('{REVERSAL}', '扫错了');
INSERT INTO seals (number, first_entry, last_entry, records, root, previous, sealed_at, public_key, signature, leaves)
VALUES (1, 1, 5, 2, '{HASH}', '{HASH}', '{AT}', '{HASH}', decode(repeat('00', 64), 'hex'), decode(repeat('00', 114), 'hex'));
INSERT INTO offer_days (offer_id, day, daily_limit, issued)
SELECT id, '2026-03-04', 5, 1 FROM offers LIMIT 1;
INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at)
VALUES ('{SESSION}', 'citizen', '{SESSION}', '{AT}', '{AT}', '{AT}');
INSERT INTO login_failures (login_hash, failures, window_ends_at) VALUES ('{HASH}', 1, '{AT}');
INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at)
SELECT '{CONSENT}', id, 'credit_check', '2026-01-01', 'x', '{AT}' FROM citizens LIMIT 1;
INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)
SELECT lookup.id, citizen_id, consents.id, 'test', 'citizen', 'claim', '{AT}', 'rated' FROM consents,
       (VALUES ('{LOOKUP}'::uuid), (gen_random_uuid())) AS lookup (id);
INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, level, tier_code, data_date, taken_at, valid_until)
SELECT gen_random_uuid(), l.citizen_id, l.id, s.id, 4, 'good', '2026-03-03', '{AT}', '2026-04-04'
  FROM credit_lookups l, (SELECT id FROM tier_schemes LIMIT 1) s WHERE l.id = '{LOOKUP}';
INSERT INTO attempts (id, attempted_at, staff_id, member_id, store_id, code, is_preview)
VALUES (gen_random_uuid(), '{AT}', '{SESSION}', '{SESSION}', '{SESSION}', 'code_used', false);
INSERT INTO refused_scan_counts (day, member_id, code, scans) VALUES ('2026-03-04', '{SESSION}', 'code_forged', 1);
INSERT INTO audit_records (id, recorded_at, actor_kind, action, object_kind, object_id, outcome)
VALUES (gen_random_uuid(), '{AT}', 'system', 'test', 'test', '1', 'done');
"""


def parts() -> Any:
    """The parts of the alliance's business (they use what is above)."""
    from tests.models.parts import PARTS

    return PARTS


async def make_rows(connection: asyncpg.Connection) -> None:
    """A valid row in every table that the demo data leaves empty."""
    await connection.execute(MAKE)
    for part in parts():
        await connection.execute(part.MAKE)


async def fresh_of(connection: asyncpg.Connection, table: str) -> dict[str, Any]:
    """The columns in which a second row of a table has to differ from the first."""
    id_, number = str(uuid4()), next(_numbers)
    random_hash = "\\x" + id_.replace("-", "") * 2
    if table == "offer_stock":
        id_ = str(
            await connection.fetchval(
                "SELECT id FROM offers WHERE id NOT IN (SELECT offer_id FROM offer_stock)"
            )
        )
        return {"offer_id": id_, "issued": 0, "total": 5}
    if table == "tier_snapshots":
        lookup = await connection.fetchval("SELECT id FROM credit_lookups WHERE id <> $1", LOOKUP)
        return {"id": id_, "lookup_id": str(lookup)}
    if table == "staff_stores":
        return {"id": number, **await _free_pair(connection)}
    for part in parts():
        if table in part.FRESH:
            return dict(part.FRESH[table](id_, number))
    return {
        "admins": {"id": id_, "login": id_},
        "attempts": {"id": id_},
        "audit_records": {"id": id_, "entry": number},
        "catalogue_version": {"id": 2},
        "channel_identities": {"id": number, "subject_hash": random_hash},
        "consent_texts": {"id": number, "version": "9"},
        "consents": {"id": id_, "withdrawn_at": AT},
        "coupons": {"id": id_, "number": number, "request_key": id_, "slot": 2},
        "credit_lookups": {"id": id_},
        "installation": {"id": 2},
        "login_failures": {"id": number, "login_hash": random_hash},
        "members": {"id": id_, "uscc": "912345678901234567"},
        "natural_persons": {"citizen_id": id_, "person_hash": random_hash},
        "offer_days": {"id": number, "day": "2026-03-05"},
        "offer_terms": {"id": number, "version": 99},
        "offers": {"id": id_, "terms_id": None, "status": "draft"},
        "programmes": {"code": "xinyi_test"},
        "redemptions": {"id": id_, "step": number, "request_key": id_, "entry": number},
        "refused_scan_counts": {"id": number, "day": "2026-03-05"},
        "regions": {"code": "330199", "level": "county", "parent_id": "330100"},
        "reversals": {
            "id": id_,
            "redemption_id": str(SECOND_REDEMPTION),
            "request_key": id_,
            "entry": number,
        },
        "reversal_reasons": {"reversal_id": str(SECOND_REVERSAL)},
        "seals": {"number": number, "last_entry": number},
        "sessions": {"id": id_},
        "staff": {"id": id_, "login": id_},
        "stores": {"id": id_},
        "tier_bands": {"id": number, "code": id_[:8], "low": 5000, "high": 6000},
        "tier_schemes": {"id": number, "version": 99},
    }[table]


async def _free_pair(connection: asyncpg.Connection) -> dict[str, str]:
    row = await connection.fetchrow(
        "SELECT s.id AS staff_id, st.id AS store_id, s.member_id FROM staff s JOIN stores st USING (member_id)"
        " WHERE NOT EXISTS (SELECT FROM staff_stores l WHERE l.staff_id = s.id AND l.store_id = st.id)"
    )
    return {name: str(value) for name, value in row.items()}


# Where the rows of a table are not all alike: which of them is copied.
LIKE = {"offer_versions": "number = 1"}


async def insert_like(connection: asyncpg.Connection, table: str, changes: dict[str, Any]) -> None:
    """Insert a copy of a table's row that differs in what it must and in `changes`."""
    if table == "natural_persons":
        citizen_id = uuid4()
        await connection.execute("INSERT INTO citizens (id, created_at) VALUES ($1, now())", citizen_id)
        changes = {"citizen_id": str(citizen_id), **changes}
    values = {**await fresh_of(connection, table), **changes}
    await connection.execute(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(base, $1::jsonb)).* FROM {table} base"
        f" WHERE ctid = (SELECT min(ctid) FROM {table} WHERE {LIKE.get(table, 'true')})",
        json.dumps({name: value for name, value in values.items() if value is not SAME}),
    )
