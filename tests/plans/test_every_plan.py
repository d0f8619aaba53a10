"""No statement of the service reads a growing table from end to end, and none skips rows with OFFSET.

Every statement that a service and its background process really send is written down by PostgreSQL; what the
source holds besides is added. Each is planned, for any values, on the data of a city after some years.
"""

import ast
import asyncio
import json
import re
import signal
from base64 import b64encode
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from alliance import recounts
from common.clock import now
from common.database_url import SESSION_SETTINGS, tortoise_config
from models.monthly_logs import LOGS, month_begin
from sandbox.embedded import Postgres
from server.config import SANDBOX_SECRETS
from tests.conftest import Servers
from tests.faults.replicas import sql
from tests.plans import errands, large, recorder
from tests.seeds import EMPTY, environment
from tests.server.commands import query
from tests.server.commands import run_warm as run
from tests.server.commands import started_warm as started
from tests.service import Service, close_clients
from tests.test_architecture import SOURCES, tree_of

READS_OR_WRITES = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s")
# They hold what people decide, not what citizens do: a few rows, a few hundred at most.
SMALL = {
    *("regions", "programmes", "consent_texts", "tier_schemes", "tier_bands", "admins", "catalogue_version"),
    *("installation", "tortoise_migrations", "region_policies", "admin_recovery_codes", "commitment_texts"),
    *("number_marks", "notice_marks", "message_stops"),
    "webhooks",
    *("tier_mappings", "tier_mapping_bands"),
    # A few a day.
    *("credit_batches", "credit_batch_files", "credit_copies"),
}
# The offer list is read whole, once for each change (decision 0009).
OFFER_LIST = {"offers", "offer_terms", "offer_stock", "stores", "members"}
READS_THE_OFFER_LIST = (
    "FROM catalogue_version v LEFT JOIN offer_stock",
    "FROM offers o JOIN programmes",
    "FROM offer_terms t JOIN offers o ON o.terms_id = t.id",
    "FROM stores WHERE is_active",
    # A province's members by state are all that there are.
    "SELECT kind, status, sum(members)::bigint AS members",
)
# PostgreSQL's own unit, a page read in order. A statement for many is planned as one for ten.
MOST_COST = 250
MANY = 10
# For any value that is a third of all that ever ended, or a whole batch; for the real ones it is less.
MAY_COST = (
    "SELECT id FROM sessions WHERE revoked_at > $1",
    "DELETE FROM sessions WHERE id IN",
    "DELETE FROM login_failures WHERE id IN",
    "DELETE FROM one_time_links WHERE id IN",
    "UPDATE approvals SET status = 'expired'",
    "DELETE FROM import_rows WHERE id IN",
    "DELETE FROM number_slices WHERE id IN",
    # A region's days: a dashboard's, from sums.
    "SELECT code, sum(refusals)::bigint AS refusals FROM (SELECT by_member.*",
    # A minute's claims and refused scans, by the index on their ids.
    "AS slice, (claimed_at AT TIME ZONE",
    "AS slice, (attempted_at AT TIME ZONE",
    "AS slice, (ended_at AT TIME ZONE",
    "DELETE FROM webhook_deliveries WHERE id IN",
    "SELECT id FROM citizen_notices WHERE read_at < $1",
    "SELECT id FROM citizen_notices WHERE id < $1",
    "DELETE FROM messages WHERE id IN",
    "DELETE FROM coupon_reminders WHERE coupon_id IN",
    # Of all that ever were, a handful is being sent; up to a thousand that wait are counted.
    "UPDATE messages SET state = 'unknown', ended_at = $1 WHERE state = 'sending' AND id IN",
    "SELECT count(*) AS late FROM (SELECT FROM messages WHERE state = 'waiting'",
    # A batch of a thousand in the order of the ids, for a LIMIT that is not known yet.
    "FROM (SELECT * FROM coupons WHERE id > $1 ORDER BY id LIMIT $2) c JOIN offer_terms",
    "UPDATE consents SET withdrawn_at = $1, ended_because = 'outdated'",
    "UPDATE agent_bindings SET state = 'ended', ended_at = greatest(ends_at, made_at)",
    "FROM store_closures WHERE last_day >= $1",
    "UPDATE complaints SET status = $2, overdue_at = $1 WHERE status = 'open' AND id IN",
    "UPDATE objections SET overdue_at = $1 WHERE closed_at IS NULL AND id IN",
    "DELETE FROM complaint_texts WHERE complaint_id IN (SELECT t.complaint_id",
    "DELETE FROM tier_snapshots WHERE id IN",
    *(f"DELETE FROM {table} WHERE id IN" for table in ("disclosures", "credit_batch_errors", "stored_files")),
    "WITH over AS MATERIALIZED (SELECT t.objection_id FROM objections o",
    # What an operator asks for, on a connection without a limit: how much is over; and all that is sealed, a batch at a
    # time in the order of its key.
    *(") AS gone", "SELECT (SELECT count(*) FROM citizen_notices WHERE read_at"),
    *(" AS stored FROM ", "AS fresh (key, old, new)"),
    # A thirty-second of a copy, for a what-if.
    "SELECT r.score, count(*)::bigint AS people FROM credit_copies c",
    # Along an index in the order of the list: for a LIMIT that is not known yet it is a tenth of all that fits.
    "FROM audit_records WHERE (recorded_at, entry) < ($1, $2)",
    "FROM named CROSS JOIN LATERAL (SELECT",
    "FROM regions r CROSS JOIN LATERAL (SELECT",
    "UPDATE offers SET status = 'ended', office_reason = NULL WHERE status IN",
    # A 256th of all citizens, in the background; and what is proposed and asks for a tier, a hundred and one at most.
    "SELECT s.scheme_id, s.tier_code, count(*)::bigint AS people FROM tier_snapshots s",
    "FROM offer_versions v JOIN offer_terms t ON t.id = v.terms_id WHERE v.state IN ('draft', 'submitted', 'approved')",
    # One person's few places: a series whose end is not known yet is planned as a thousand.
    "WITH moving AS ( SELECT id, offer_id, limit_period, row_number()",
    # How many coupons of one offer there are; and up to 10,000 of them.
    "SELECT count(*) AS coupons FROM coupons WHERE offer_id::text",
    "SELECT (SELECT count(*) FROM (SELECT FROM coupons WHERE offer_id",
)
# An operator's recount reads everything, on a connection of its own without a limit.
RECOUNTED = {
    recorder.even(text)
    for text in (
        *(recounts.LEDGER, recounts.REVERSALS, recounts.CLAIMS, recounts.GIVEN_BACK, recounts.ATTEMPTS),
        *(recounts.KEPT, recounts.KEPT_REFUSALS),
    )
}
# A batch's own work, once a day on a connection of its own without a limit: what it brought is read whole, and whom of
# all members it concerns.
OF_A_BATCH = (
    "FROM members m LEFT JOIN organisation_grades o ON o.batch_number",
    "AS is_conflict FROM credit_ratings",
    "UPDATE credit_batch_errors e SET state = 'mended'",
    "SELECT scheme_code FROM credit_ratings WHERE batch_number = $1 LIMIT 1",
    *("credit_ratings_1", "credit_ratings_2", "credit_ratings_3"),
    *("FROM (SELECT DISTINCT ON (person_hash, record_id) *", "FROM (SELECT DISTINCT ON (uscc, record_id) *"),
    *(
        "USING (SELECT DISTINCT ON (person_hash, record_id) *",
        "USING (SELECT DISTINCT ON (uscc, record_id) *",
    ),
)
# Months that no row can be in are planned too: a plan that leaves them out hides how they would be read.
SETTINGS = {**SESSION_SETTINGS, "enable_partition_pruning": "off"}


@dataclass(frozen=True)
class City:
    """What the service sent, and the database that it is planned on."""

    sent: Collection[str]
    large_url: str


def named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="module")
async def city(recorded: Postgres, servers: Servers) -> City:
    """Everybody's errands are run and written down; beside it there is a large database."""
    return await _made(recorded, servers.redis_url)


async def _made(postgres: Postgres, redis_url: str) -> City:
    sql(postgres, f"CREATE DATABASE large TEMPLATE {EMPTY}")
    sql(postgres, "ALTER DATABASE large SET log_statement = 'none'")
    sql(postgres, "CREATE ROLE service SUPERUSER LOGIN")
    large_url = named(postgres.url, "large")
    await large.make_months(large_url, now())
    # In a loop of its own, which no start of a service holds up.
    filling = asyncio.get_running_loop().run_in_executor(
        None, asyncio.run, large.fill(large_url, now(), SMALL)
    )
    environ = environment(postgres.url.replace("xinyi@", "service@"), redis_url, WORKERS="1")
    try:
        await _run_errands(environ)
        await _run_worker(environ)
        await _run_commands(environ)
    finally:
        await filling
    return City(recorder.statements(postgres, "service"), large_url)


async def _run_errands(environ: dict[str, str]) -> None:
    service = Service.start(environ)
    try:
        await errands.run(service)
        await close_clients()
    finally:
        service.stop()


async def _run_worker(environ: dict[str, str]) -> None:
    """One round of the background process; it ends in order when it is told."""
    url = environ["DATABASE_URL"]
    await query(
        url, "DROP TABLE IF EXISTS " + ", ".join(f"{log}_{month_begin(now(), 3):%Y_%m}" for log in LOGS)
    )
    await query(
        url,
        "CREATE TABLE attempts_2020_01 PARTITION OF attempts FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')",
    )
    async with started(environ, "worker") as process:
        async with asyncio.timeout(20):
            while "attempts_2020_01" in {
                row["relname"] for row in await query(url, "SELECT relname FROM pg_class")
            } or not await query(url, "SELECT 1 FROM number_marks HAVING count(*) = 4 AND min(mark) > 0"):
                await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def _run_commands(environ: dict[str, str]) -> None:
    """What an operator runs: keys that change, and what is kept how long."""
    new = "2:" + b64encode(b"another key of thirty-two bytes.").decode()
    keys = {**environ, "DATA_KEYS": f"{new},{SANDBOX_SECRETS['DATA_KEYS']}"}
    for given, command in ((keys, "rotate-keys"), (environ, "retention")):
        ran = await run(given, command)
        assert ran.code == 0, ran.out + ran.err


def _texts(node: ast.AST, is_whole: bool) -> Iterator[tuple[tuple[str, ...], bool]]:
    """SQL in the source: its constant pieces in order, and whether they are the whole of it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if READS_OR_WRITES.match(node.value):
            yield (recorder.even(node.value),), is_whole
    elif isinstance(node, ast.JoinedStr):
        pieces = [part.value for part in node.values if isinstance(part, ast.Constant)]
        if pieces and READS_OR_WRITES.match(pieces[0]):
            yield tuple(recorder.even(piece) for piece in pieces), False
    else:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child, is_whole and not isinstance(node, ast.BinOp))


def in_source() -> list[tuple[str, tuple[str, ...], bool]]:
    """Every statement in the source by its place: pieces, and whether they are the whole."""
    return [
        (str(path), pieces, is_whole)
        for path in SOURCES
        if path.parts[0] not in ("migrations", "sandbox")
        for pieces, is_whole in _texts(tree_of(path), True)
    ]


def was_sent(pieces: tuple[str, ...], sent: Collection[str]) -> bool:
    return any(_holds(statement, pieces) for statement in sent)


def _holds(statement: str, pieces: tuple[str, ...]) -> bool:
    at = 0
    for piece in pieces:
        if (found := statement.find(piece, at)) < 0:
            return False
        at = found + len(piece)
    return True


def statements_of(city: City) -> set[str]:
    """What was sent, and what the source holds besides."""
    held = {pieces[0] for _, pieces, is_whole in in_source() if is_whole and not was_sent(pieces, city.sent)}
    sent = {statement for statement in city.sent if READS_OR_WRITES.match(statement)}
    # The queue's own statements are its library's, on its own tables.
    ours = {statement for statement in sent | held if "pgqueuer" not in statement} - RECOUNTED
    return {statement for statement in ours if not is_any_in(OF_A_BATCH, statement)}


async def test_no_statement_is_forgotten(city: City) -> None:
    """What is put together from pieces is planned only if the errands send it: add them there."""
    put_together = [(place, pieces) for place, pieces, is_whole in in_source() if not is_whole]
    assert len(put_together) > 4
    assert [found for found in put_together if not was_sent(found[1], city.sent)] == []
    assert len(statements_of(city)) > 60


async def test_no_statement_skips_rows(city: City) -> None:
    """OFFSET reads what it throws away: pages go on from where the last one ended."""
    assert [statement for statement in statements_of(city) if re.search(r"\bOFFSET\b", statement, re.I)] == []


@pytest.mark.parametrize("enable_seqscan", ["off", "on"])
async def test_no_statement_reads_a_growing_table_from_end_to_end(city: City, enable_seqscan: str) -> None:
    # Left to itself PostgreSQL reads what is empty without an index, which the service's setting forbids:
    # a plan is kept, and the months to come don't stay empty.
    plans, growing = await planned(city, enable_seqscan, with_empty_ones=enable_seqscan == "off")
    reading = {}
    for statement, plan in plans.items():
        may_read = OFFER_LIST if is_any_in(READS_THE_OFFER_LIST, statement) else set()
        scanned = {growing[name] for name in read_whole(plan) if name in growing}
        if scanned - may_read:
            reading[statement] = scanned - may_read
    assert reading == {}


async def test_no_statement_costs_more_than_a_few_hundred_pages(city: City) -> None:
    """An index that fits badly, a third of a table to be sorted: what is no scan can be as bad as one."""
    plans, growing = await planned(city, "on", with_empty_ones=True)
    costs = {
        statement: plan["Total Cost"]
        for statement, plan in plans.items()
        if not is_any_in((*READS_THE_OFFER_LIST, *MAY_COST), statement) and growing.keys() & touched(plan)
    }
    assert len(costs) > 40
    assert {
        each: cost for each, cost in costs.items() if cost > MOST_COST * (MANY if "unnest(" in each else 1)
    } == {}


def is_any_in(parts: Collection[str], statement: str) -> bool:
    return any(part in statement for part in parts)


async def planned(
    city: City, enable_seqscan: str, *, with_empty_ones: bool
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The plan of every statement, and the growing tables."""
    connection = await connect(city.large_url, {**SETTINGS, "enable_seqscan": enable_seqscan})
    try:
        growing = await growing_tables(connection, with_empty_ones=with_empty_ones)
        return {each: await plan_of(connection, each) for each in sorted(statements_of(city))}, growing
    finally:
        await connection.close()


async def connect(url: str, settings: dict[str, str]) -> asyncpg.Connection:
    parts = tortoise_config(url)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database")
    return await asyncpg.connect(**{name: parts[name] for name in wanted}, server_settings=settings)


async def growing_tables(connection: asyncpg.Connection, *, with_empty_ones: bool) -> dict[str, str]:
    """Every table but the small ones, by itself or as the part of the log that it is; the DEFAULT parts are no months."""
    rows = await connection.fetch(
        "SELECT c.relname, coalesce(p.relname, c.relname) AS log FROM pg_class c"
        " LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND ($1 OR c.reltuples > 0)",
        with_empty_ones,
    )
    names = {row["relname"]: row["log"] for row in rows if not row["relname"].endswith("_default")}
    return {name: log for name, log in names.items() if log not in SMALL}


async def plan_of(connection: asyncpg.Connection, statement: str) -> dict[str, Any]:
    """How it would be run, whatever its values are."""
    await connection.execute(f"PREPARE it AS {statement}")
    types = await connection.fetchval(
        "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'it'"
    )
    values = f"({', '.join(['NULL'] * len(types))})" if types else ""
    plan = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE it{values}"))
    await connection.execute("DEALLOCATE it")
    found: dict[str, Any] = plan[0]["Plan"]
    return found


def touched(node: dict[str, Any]) -> set[str]:
    """Every table in a plan."""
    own = {node["Relation Name"]} if "Relation Name" in node else set()
    return own.union(*(touched(child) for child in node.get("Plans", ())))


def read_whole(plan: dict[str, Any]) -> set[str]:
    """The tables that a plan reads from end to end."""
    return set(_scanned(plan))


def _scanned(node: dict[str, Any], is_limited: bool = False) -> Iterator[str]:
    """Tables that are read row by row, or by all of an index where no LIMIT ends it."""
    kind, is_limited = node["Node Type"], is_limited or node["Node Type"] == "Limit"
    is_whole_index = kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    if kind == "Seq Scan" or (is_whole_index and not is_limited):
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child, is_limited)
