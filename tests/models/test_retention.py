"""What is kept of people is kept as long as is stated and no longer; a dry run says how much that is."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from alliance.own_data import OWN_DATA
from alliance.own_data_terms import AT_ONCE, BOOKS
from common.database import execute, fetch_all, fetch_one
from models import retention
from models.citizen_enums import ObjectionEvent
from models.monthly_logs import LOGS
from models.office_enums import ComplaintStatus
from models.retention import HALF_A_YEAR, KEPT, RULES, Rule, forget, overdue
from tests.conftest import Servers
from tests.factories.citizens import a_citizen, a_person, consent
from tests.factories.complaints import a_complaint, complaint_in
from tests.factories.members import a_shop
from tests.factories.moments import NOON
from tests.factories.objections import MINUTE, a_rated_citizen, evidence_of, filed, happen, objection_row
from tests.factories.sources import demo_scheme
from tests.seeds import environment
from tests.server.commands import run, run_warm

MOMENT = timedelta(milliseconds=1)
RULE = {rule.table: rule for rule in RULES}


async def a_session() -> None:
    """Of a citizen, over at noon."""
    await execute(
        "INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at)"
        " VALUES ($1, 'citizen', $2, $3, $3, $4)",
        *(uuid4(), await a_citizen(), NOON - timedelta(days=30), NOON),
    )


async def a_failure() -> None:
    """Wrong passwords for some login; their window ends at noon."""
    await execute(
        "INSERT INTO login_failures (login_hash, failures, window_ends_at) VALUES ($1, 5, $2)",
        *(uuid4().bytes * 2, NOON),
    )


async def a_link() -> None:
    """An invitation that was good until noon."""
    await execute(
        "INSERT INTO one_time_links (id, purpose, subject_id, secret_hash, made_at, expires_at)"
        " VALUES ($1, 'staff_invitation', $1, $2, $3, $4)",
        *(uuid4(), uuid4().bytes * 2, NOON - timedelta(days=1), NOON),
    )


async def a_tier() -> None:
    """A snapshot that was valid until noon."""
    citizen_id = await a_person()
    await execute(
        "INSERT INTO tier_schemes (code, name, version, explanation, validity_days, published_at, effective_from)"
        " VALUES ('zj', '方案', 1, '说明', 30, $1, $1) ON CONFLICT DO NOTHING",
        NOON,
    )
    await execute(
        "INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)"
        " VALUES ($1, $2, $3, 'test', 'citizen', 'claim', $4, 'unrated')",
        *(lookup_id := uuid4(), citizen_id, await consent(citizen_id, NOON), NOON),
    )
    await execute(
        "INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, data_date, taken_at, valid_until)"
        " SELECT $1, $2, $3, id, $4::timestamptz::date, $5, $4 FROM tier_schemes",
        *(uuid4(), citizen_id, lookup_id, NOON, NOON - timedelta(days=30)),
    )


async def a_disclosure() -> None:
    """A masked name was shown at noon."""
    citizen_id = await a_person()
    await execute(
        "INSERT INTO disclosures (id, citizen_id, consent_id, member_id, store_id, offer_id, what, shown_at)"
        " VALUES ($1, $2, $3, $1, $1, $1, 'masked_name', $4)",
        *(uuid4(), citizen_id, await consent(citizen_id, NOON), NOON),
    )


async def a_bad_row() -> None:
    """Of a batch; closed at noon."""
    await execute(
        "WITH batch AS (INSERT INTO credit_batches (id, number, source, source_batch_id, manifest_sha256, data_date, made_at,"
        "  delivered_at, due_at) VALUES ($1, 1, 'test', '1', repeat('0', 64), $2::timestamptz::date, $2, $2, $2) RETURNING id)"
        " INSERT INTO credit_batch_errors (id, batch_id, kind, record_id, field, code, found_at, state, closed_by, reason,"
        "  ended_at) SELECT $1, id, 'tiers', 't-1', 'row', 'malformed', $2, 'closed', $1, '已核', $2 FROM batch",
        *(uuid4(), NOON),
    )


async def a_forgotten_file() -> None:
    """Its content went at noon."""
    await execute(
        "INSERT INTO stored_files (id, purpose, owner_id, name, media_type, size, sha256, stored_at, deleted_at, forgotten_at)"
        " VALUES ($1, 'member_document', $1, '', 'application/pdf', 1, repeat('0', 64), $2, $2, $2)",
        *(uuid4(), NOON),
    )


MADE: dict[str, Callable[[], Awaitable[None]]] = {
    "sessions": a_session,
    "login_failures": a_failure,
    "one_time_links": a_link,
    "tier_snapshots": a_tier,
    "disclosures": a_disclosure,
    "credit_batch_errors": a_bad_row,
    "stored_files": a_forgotten_file,
}


@pytest.mark.parametrize("table", MADE)
async def test_a_row_stays_as_long_as_is_stated_and_no_longer(database: str, table: str) -> None:
    rule = RULE[table]
    await MADE[table]()
    assert await overdue(rule, NOON + rule.kept) == await forget(rule, NOON + rule.kept) == 0
    assert await overdue(rule, NOON + rule.kept + MOMENT) == 1
    assert await forget(rule, NOON + rule.kept + MOMENT) == 1
    assert await fetch_all(f"SELECT 1 FROM {table}") == []


async def test_rows_are_deleted_a_batch_at_a_time(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    rule = RULE["sessions"]
    for _ in range(5):
        await a_session()
    at = NOON + rule.kept + MOMENT
    assert await overdue(rule, at) == 5
    assert [await forget(rule, at) for _ in range(4)] == [2, 2, 1, 0]


async def test_of_a_complaint_that_is_over_the_words_go_and_what_became_of_it_stays(database: str) -> None:
    shop, rule = await a_shop(), RULE["complaint_texts"]
    over, still_open = await complaint_in(shop, ComplaintStatus.DISMISSED), await a_complaint(shop)
    # By the day, as complaints are kept: the day of the complaint must be over.
    assert await forget(rule, NOON + rule.kept) == 0
    assert await forget(rule, NOON + rule.kept + timedelta(days=1)) == 1
    assert [row[0] for row in await fetch_all("SELECT complaint_id FROM complaint_texts")] == [still_open]
    assert await fetch_one("SELECT status FROM complaints WHERE id = $1", over)


async def test_of_an_objection_that_is_over_the_words_and_the_evidence_go(database: str) -> None:
    await demo_scheme()
    wang, rule = await a_rated_citizen(), RULE["objection_texts"]
    over = await filed(wang)
    await evidence_of(wang, over)
    await happen(wang, over, ObjectionEvent.DISMISS)
    still_open = await filed(wang)
    closed_at = NOON + MINUTE
    assert await forget(rule, closed_at + rule.kept) == 0
    assert await forget(rule, closed_at + rule.kept + MOMENT) == 1
    assert [row[0] for row in await fetch_all("SELECT objection_id FROM objection_texts")] == [still_open]
    assert (await objection_row(over))["status"] == "dismissed"
    [file] = await fetch_all("SELECT name, deleted_at FROM stored_files")
    assert tuple(file) == ("", closed_at + rule.kept + MOMENT)


def test_half_a_year_is_six_months_on_every_day_of_the_calendar() -> None:
    """Rule 14: network logs stay six months at least."""
    for day in (date(2024, 1, 1) + timedelta(days=number) for number in range(366)):
        months_on = day.year * 12 + day.month - 1 + 6
        for last in (31, 30, 29, 28):
            with suppress(ValueError):
                assert day + HALF_A_YEAR >= date(months_on // 12, months_on % 12 + 1, min(day.day, last))
                break
    assert {RULE[name].kept for name in ("sessions", "one_time_links")} == {HALF_A_YEAR}


async def test_every_table_is_kept_for_a_time_or_for_a_reason(database: str) -> None:
    """A new table: add a rule, or say in `models.retention.KEPT` why nothing of it goes by time."""
    rows = await fetch_all(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition AND relname NOT IN ('pgqueuer', 'pgqueuer_schedules', 'pgqueuer_statistics', 'tortoise_migrations')"
    )
    named = [rule.table for rule in RULES] + [*LOGS, "citizen_notices", *KEPT]
    assert sorted(named) == sorted(row["relname"] for row in rows)
    assert all(len(why) > 10 for why in KEPT.values())


def test_a_citizen_is_told_of_each_thing_as_long_as_it_is_kept() -> None:
    """What goes by time says so on his list, and what does not go says nothing of a time."""
    by_time = {rule.table for rule in RULES} | {*LOGS, "citizen_notices"}
    until_he_goes = {entry.table for entry in OWN_DATA if entry.kept in (AT_ONCE, BOOKS)}
    assert until_he_goes & by_time == set()
    others = {"credit_ratings", "credit_repairs", "consents", "staff"}
    assert {entry.table for entry in OWN_DATA} - until_he_goes - by_time - others == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.table)
async def test_every_rule_is_carried_out_by_the_background_process(database: str, rule: Rule) -> None:
    assert await retention.duty(rule)(NOON) == 0
    assert retention.duty(rule).__name__ == f"forget_{rule.table}"


async def test_the_command_counts_and_deletes_only_when_told(database: str, servers: Servers) -> None:
    await execute(
        "CREATE TABLE credit_lookups_2001_01 PARTITION OF credit_lookups FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')"
    )
    citizen_id = await a_citizen()
    for number, read_at in enumerate((NOON, None)):  # one was read long ago, the other is older than a year
        await execute(
            "INSERT INTO citizen_notices (id, citizen_id, kind, facts, once_key, noticed_at, read_at)"
            " VALUES ($1, $2, 'x', '{}', $3, $4, $5)",
            *(UUID(int=number + 1), citizen_id, f"x:{number}", NOON, read_at),
        )
    for _ in range(3):
        await a_failure()
    environ = environment(database, servers.redis_url)
    counted = await run(environ, "retention")
    assert counted.code == 0 and "login_failures: 3 rows over, kept to its end" in counted.out
    assert "sessions: 0 rows over, kept 184 days: " in counted.out
    assert "consents: kept: the proofs of consent" in counted.out
    assert "Nothing was deleted." in counted.out and len(await fetch_all("SELECT 1 FROM login_failures")) == 3
    assert "credit_lookups: 1 months over, kept 120 months" in counted.out
    assert "citizen_notices: 2 rows over, kept 90 days after they were read" in counted.out
    deleted = await run_warm(environ, "retention", "--delete")
    assert deleted.code == 0 and "login_failures: 3 rows deleted" in deleted.out
    assert (
        await fetch_all("SELECT 1 FROM login_failures")
        == []
        == await fetch_all("SELECT 1 FROM citizen_notices")
    )
    assert (
        "credit_lookups: 1 months dropped" in deleted.out and "citizen_notices: 2 rows deleted" in deleted.out
    )
