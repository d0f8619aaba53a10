"""A city after some years: hundreds of thousands of rows in every table that grows, made in seconds."""

import asyncio
import re
from datetime import datetime

import asyncpg

from common import database as db
from common.database_url import tortoise_config
from models.monthly_logs import make_ahead, month_begin

MANY, SOME, FEW = 200_000, 50_000, 5_000
MONTHS = 9
ZEROS = "decode(repeat('00', 32), 'hex')"

# Ids of one kind are the same text hashed wherever they are needed; foreign keys and triggers are off.
PEOPLE = [
    f"INSERT INTO citizens (id, created_at) SELECT md5('citizen' || n)::uuid, $1 FROM generate_series(1, {MANY}) n",
    "INSERT INTO natural_persons (citizen_id, person_hash, name_encrypted, id_number_encrypted)"
    f" SELECT md5('citizen' || n)::uuid, sha256(n::text::bytea), 'x', 'x' FROM generate_series(1, {SOME}) n",
    "INSERT INTO channel_identities (citizen_id, channel, subject_hash, created_at)"
    f" SELECT md5('citizen' || n)::uuid, 'wechat', sha256(n::text::bytea), $1 FROM generate_series(1, {SOME}) n",
    "INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at)"
    " SELECT md5('consent' || n)::uuid, md5('citizen' || n)::uuid, 'credit_check', '1', 'x', $1"
    f" FROM generate_series(1, {SOME}) n",
    "INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)"
    " SELECT md5('lookup' || n)::uuid, md5('citizen' || n)::uuid, md5('consent' || n)::uuid, 'x', 'citizen', 'claim',"
    f" $1 - n * interval '{MONTHS * 30} days' / {MANY}, 'rated' FROM generate_series(1, {MANY}) n",
    "INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, level, tier_code, data_date, taken_at, valid_until)"
    " SELECT md5('snapshot' || n)::uuid, md5('citizen' || n)::uuid, md5('lookup' || n)::uuid, 1, 4, 'good', $1, $1,"
    f" $1 + interval '30 days' FROM generate_series(1, {SOME}) n",
    "INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at, revoked_at, revoked_reason)"
    " SELECT md5('session' || n)::uuid, 'citizen', md5('citizen' || n)::uuid, at, at, at + interval '30 days',"
    f" CASE WHEN n % 20 = 0 THEN at END, CASE WHEN n % 20 = 0 THEN 'logout' END FROM generate_series(1, {MANY}) n,"
    f" LATERAL (SELECT $1 - n * interval '{MONTHS * 30} days' / {MANY} AS at) moment",
    "INSERT INTO agent_bindings (id, kind, agent_id, principal_id, state, agent_place, principal_place, made_at, active_at,"
    " ends_at, ended_at, ended_because) SELECT md5('binding' || n)::uuid, CASE WHEN n % 2 = 0 THEN 'guardian' ELSE 'helper'"
    " END, md5('citizen' || n)::uuid, md5('citizen' || n + 1)::uuid, CASE WHEN n % 5 = 0 THEN 'ended' ELSE 'active' END, 1, 1,"
    " $1, $1, $1 + n * interval '1 hour', CASE WHEN n % 5 = 0 THEN $1 END, CASE WHEN n % 5 = 0 THEN 'agent' END"
    f" FROM generate_series(1, {SOME}) n",
    "INSERT INTO guardianship_requests (id, guardian_id, region_id, state, place, child_hash, requested_at, binding_id)"
    " SELECT md5('request' || n)::uuid, md5('citizen' || n)::uuid, (330100 + n % 90)::text,"
    " CASE WHEN n % 5 = 0 THEN 'requested' ELSE 'confirmed' END, 1, sha256(n::text::bytea), $1, md5('binding' || n)::uuid"
    f" FROM generate_series(1, {SOME}) n",
    "INSERT INTO login_failures (login_hash, failures, window_ends_at)"
    f" SELECT sha256(n::text::bytea), 1, $1 - n * interval '1 second' FROM generate_series(1, {SOME}) n",
]
SHOPS = [
    "INSERT INTO members (id, kind, name, uscc, region_id, status, joined_at)"
    " SELECT md5('member' || n)::uuid, 'merchant', 'x', lpad(n::text, 18, '0'), '330100', 'active', $1"
    f" FROM generate_series(1, {FEW}) n",
    "INSERT INTO stores (id, member_id, region_id, name, address, lat, lng) SELECT md5('store' || n)::uuid,"
    f" md5('member' || n % {FEW})::uuid, '330100', 'x', 'x', 30, 120 FROM generate_series(1, 2 * {FEW}) n",
    "INSERT INTO staff (id, member_id, login, password_hash, role, created_at) SELECT md5('staff' || n)::uuid,"
    f" md5('member' || n % {FEW})::uuid, 'staff-' || n, 'x', 'cashier', $1 FROM generate_series(1, 2 * {FEW}) n",
    "INSERT INTO staff_stores (staff_id, store_id, member_id) SELECT md5('staff' || n)::uuid, md5('store' || n)::uuid,"
    f" md5('member' || n % {FEW})::uuid FROM generate_series(1, 2 * {FEW}) n",
    "INSERT INTO offers (id, programme_id, member_id, member_kind, region_id, status, claim_from, claim_until, created_at,"
    " terms_id) SELECT md5('offer' || n)::uuid, 'xinyi_gou', md5('member' || n)::uuid, 'merchant', '330100', 'published',"
    f" $1, $1 + interval '1 year', $1, 10000 + n FROM generate_series(1, {FEW}) n",
    "INSERT INTO offer_terms (id, offer_id, version, title, description, discount_kind, uses_total, valid_days,"
    " blackout_dates, store_ids, created_at) SELECT 10000 + n, md5('offer' || n)::uuid, 1, 'x', 'x', 'free', 1, 30, '{}',"
    f" ARRAY[md5('store' || n)::uuid], $1 FROM generate_series(1, {FEW}) n",
    "INSERT INTO offer_stock (offer_id, total, daily_limit, issued)"
    f" SELECT md5('offer' || n)::uuid, 1000, 10, 40 FROM generate_series(1, {FEW}) n",
    "INSERT INTO offer_days (offer_id, day, daily_limit, issued) SELECT md5('offer' || n)::uuid,"
    f" $1::date - day, 10, 5 FROM generate_series(1, {FEW}) n, generate_series(1, 20) day",
]
BOOKS = [
    "INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, status, slot, uses_total, uses_done, valid_from,"
    " valid_until, claimed_at, request_key, request_hash) SELECT md5('coupon' || n)::uuid, n,"
    f" md5('offer' || n % {FEW})::uuid, 10000 + n % {FEW}, md5('citizen' || n % 50000)::uuid, 'redeemed', n / 50000 % 4, 1, 1, $1,"
    f" $1 + interval '30 days', $1, 'key-' || n, {ZEROS} FROM generate_series(1, {MANY}) n",
    "INSERT INTO redemptions (id, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, step,"
    " discount_fen, uses, redeemed_at, request_key, request_hash) SELECT md5('redemption' || n)::uuid,"
    f" md5('coupon' || n)::uuid, md5('store' || n % 100)::uuid, md5('staff' || n % 100)::uuid,"
    f" md5('offer' || n % {FEW})::uuid, md5('member' || n % 100)::uuid, md5('citizen' || n % 50000)::uuid, 10000 + n % {FEW}, n,"
    f" 0, 1, $1 - n * interval '1 minute', 'key-' || n, {ZEROS} FROM generate_series(1, {MANY}) n",
    "INSERT INTO reversals (id, redemption_id, staff_id, reversed_at, request_key, request_hash)"
    " SELECT md5('reversal' || n)::uuid, md5('redemption' || n)::uuid, md5('staff' || n % 100)::uuid, $1, 'key-' || n,"
    f" {ZEROS} FROM generate_series(1, {SOME}) n",
    "INSERT INTO reversal_reasons (reversal_id, reason)"
    f" SELECT md5('reversal' || n)::uuid, 'x' FROM generate_series(1, {SOME}) n",
]
LOGS = [
    "INSERT INTO attempts (id, attempted_at, staff_id, member_id, store_id, coupon_id, code, is_preview)"
    f" SELECT md5('attempt' || n)::uuid, $1 - n * interval '{MONTHS * 30} days' / {MANY}, md5('staff' || n % 100)::uuid,"
    f" md5('member' || n % 100)::uuid, md5('store' || n % 100)::uuid, md5('coupon' || n)::uuid, 'code_used', false FROM generate_series(1, {MANY}) n",
    "INSERT INTO refused_scan_counts (day, member_id, code, scans) SELECT $1::date - n / 1000, md5('member' || n % 1000)::uuid,"
    f" 'code_forged', 1 FROM generate_series(1, {SOME}) n",
    "INSERT INTO audit_records (id, recorded_at, actor_kind, actor_id, action, object_kind, object_id, region_id, outcome)"
    f" SELECT md5('audit' || n)::uuid, $1 - n * interval '{MONTHS * 30} days' / {MANY}, 'admin', md5('admin' || n % 50)::uuid,"
    " 'noun.verb_' || n % 80, 'coupon', n::text, CASE WHEN n % 9 > 0 THEN (330100 + n % 90)::text END,"
    f" CASE WHEN n % 100 = 0 THEN 'refused' ELSE 'done' END FROM generate_series(1, {MANY}) n",
    "INSERT INTO complaints (id, citizen_id, member_id, store_id, region_id, kind, status, complained_at, complained_on, place,"
    " answer_due_at, answered_at, answered_by, decided_at, decided_by, upheld_at, request_key, request_hash)"
    " SELECT md5('complaint' || n)::uuid, md5('citizen' || n)::uuid, md5('member' || n % 1000)::uuid, md5('store' || n)::uuid,"
    " (330100 + n % 90)::text, 'other', CASE WHEN n % 5 = 0 THEN 'open' ELSE 'upheld' END, $1, $1::date, 1, $1 + interval"
    " '5 days', CASE WHEN n % 5 > 0 THEN $1 END, CASE WHEN n % 5 > 0 THEN md5('staff' || n)::uuid END,"
    " CASE WHEN n % 5 > 0 THEN $1 END, CASE WHEN n % 5 > 0 THEN md5('admin' || n)::uuid END,"
    f" CASE WHEN n % 5 > 0 THEN $1 END, 'key', {ZEROS} FROM generate_series(1, {SOME}) n",
    "INSERT INTO complaint_texts (complaint_id, text_encrypted)"
    f" SELECT md5('complaint' || n)::uuid, 'x' FROM generate_series(1, {SOME}) n",
    "INSERT INTO objections (id, kind, about, record_id, citizen_id, member_id, region_id, source, recorded_at, status, filed_at,"
    " filed_by, due_at, is_due_certain, answered_at, answered_by, closed_at, place, request_key, request_hash)"
    " SELECT md5('objection' || n)::uuid, 'objection', CASE WHEN n % 2 = 0 THEN 'tier' ELSE 'organisation_check' END,"
    " md5('record' || n)::uuid, CASE WHEN n % 2 = 0 THEN md5('citizen' || n)::uuid END,"
    " CASE WHEN n % 2 = 1 THEN md5('member' || n)::uuid END, (330100 + n % 90)::text, 'source' || n % 3, $1,"
    " CASE WHEN n % 5 = 0 THEN 'open' ELSE 'upheld' END, $1 - n * interval '10 minutes', md5('citizen' || n)::uuid,"
    " $1 + interval '5 days' - n * interval '10 minutes', true, CASE WHEN n % 5 > 0 THEN $1 - n * interval '5 minutes' END,"
    " CASE WHEN n % 5 > 0 THEN md5('admin' || n)::uuid END, CASE WHEN n % 5 > 0 THEN $1 END, 1, 'key', "
    f"{ZEROS} FROM generate_series(1, {SOME}) n",
]


# What the parts of the alliance's business add: rows of any values that are of the columns' types.
OTHERS = 20_000
FILLED_BY_HAND = 100
VALUES = {
    "uuid": "md5('{table}' || n)::uuid",
    "text": "'x' || n",
    "date": "$1::date - n % 400",
    "timestamp with time zone": "$1 - n * interval '10 minutes'",
    "boolean": "n % 2 = 0",
    "bytea": "sha256(n::text::bytea)",
    "smallint": "n % 30000",
    "integer": "n",
    "bigint": "n",
    "double precision": "n",
    "ARRAY": "'{{}}'",
}
COLUMNS = """
SELECT c.table_name::text AS table, c.column_name::text AS column, c.data_type AS type,
       c.character_maximum_length AS most
  FROM information_schema.columns c JOIN pg_class t ON t.relname = c.table_name AND t.relkind = 'r'
 WHERE c.table_schema = 'public' AND c.table_name NOT LIKE 'pgqueuer%' AND NOT t.relispartition AND t.relnamespace = 'public'::regnamespace
 ORDER BY c.table_name, c.ordinal_position
"""
CHECKS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop
  FROM pg_constraint JOIN pg_class t ON t.oid = conrelid
 WHERE contype = 'c' AND NOT t.relispartition AND connamespace = 'public'::regnamespace
"""


# Those of what is made by hand are built together at the end; of the others the unique ones leave out what is there.
INDEXES_OFF = """
UPDATE pg_index SET indisvalid = false, indisready = false
  FROM pg_class t
 WHERE t.oid = indrelid AND t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace
   AND (NOT indisunique OR t.oid IN (SELECT oid FROM pg_class WHERE relname = ANY($1)
                           UNION ALL SELECT inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
                                      WHERE c.relname = ANY($1)))
"""
BY_HAND = [statement.split()[2] for statement in (*PEOPLE, *SHOPS, *BOOKS, *LOGS)]
BUILDS = "SELECT DISTINCT 'REINDEX TABLE ' || indrelid::regclass AS build FROM pg_index WHERE NOT indisready"
LOOKS = """
SELECT 'ANALYZE ' || oid::regclass AS look FROM pg_class
 WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
KNOWN = """
SELECT conname::text AS name, pg_get_constraintdef(oid) AS rule FROM pg_constraint
 WHERE contype = 'c' AND conname LIKE '%_known'
"""


def _value(table: str, column: str, kind: str, most: int | None, known: dict[str, list[str]]) -> str:
    if kind == "character varying":
        # A state is one of a list, a region's code has six digits; another short text is a name.
        if values := known.get(f"{table}_{column}_known"):
            return f"(ARRAY[{', '.join(values)}])[1 + n % {len(values)}]"
        if column.endswith("region_id"):
            return "'3301' || lpad((n % 20)::text, 2, '0')"
        return f"'v' || n % {3 if most and most <= 16 else OTHERS}"
    return VALUES[kind].format(table=table)


async def _others(connection: asyncpg.Connection, leave: set[str], known: dict[str, list[str]]) -> list[str]:
    """What fills the tables that are still empty."""
    tables: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(COLUMNS):
        value = _value(row["table"], row["column"], row["type"], row["most"], known)
        tables.setdefault(row["table"], {})[row["column"]] = value
    empty = [
        table
        for table in tables
        if table not in leave
        and await connection.fetchval(
            f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {FILLED_BY_HAND}) AS few"
        )
        < FILLED_BY_HAND
    ]
    return [
        f"INSERT INTO {table} ({', '.join(tables[table])}) OVERRIDING SYSTEM VALUE"
        f" SELECT {', '.join(tables[table].values())} FROM generate_series(1001, {1000 + OTHERS}) n"
        " ON CONFLICT DO NOTHING"
        for table in empty
    ]


async def make_months(url: str, at: datetime) -> None:
    """The months that the logs' rows are in."""
    await db.connect(url, pool_size=2)
    for months in range(-MONTHS, 1, 3):
        await make_ahead(month_begin(at, months))
    await db.disconnect()


async def fill(url: str, at: datetime, small: set[str]) -> None:
    """Fill a database that has its months as if it had been in use until `at`, and let PostgreSQL know.

    Rules about values are switched off; indexes are built when the rows are there, which takes a fraction of the time.
    """
    connection = await _connect(url)
    try:
        known = {row["name"]: re.findall(r"'[a-z_]+'", row["rule"]) for row in await connection.fetch(KNOWN)}
        for drop in await connection.fetch(CHECKS):
            await connection.execute(drop["drop"])
        await connection.execute(INDEXES_OFF, BY_HAND)
        await _run_both(url, [*PEOPLE, *LOGS], [*SHOPS, *BOOKS], at)
        others = await _others(connection, small, known)
        await _run_both(url, others[::2], others[1::2], at)
        builds = [row["build"] for row in await connection.fetch(BUILDS)]
        await _run_both(url, builds[::2], builds[1::2], at)
        looks = [row["look"] for row in await connection.fetch(LOOKS)]
        await _run_both(url, looks[::2], looks[1::2], at)
    finally:
        await connection.close()


async def _run_both(url: str, some: list[str], others: list[str], at: datetime) -> None:
    await asyncio.gather(_run(url, some, at), _run(url, others, at))


async def _run(url: str, statements: list[str], at: datetime) -> None:
    connection = await _connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement.replace("$1", f"timestamptz '{at.isoformat()}'"))
    finally:
        await connection.close()


async def _connect(url: str) -> asyncpg.Connection:
    parts = tortoise_config(url)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database")
    return await asyncpg.connect(**{name: parts[name] for name in wanted})
