"""What is kept of people is kept as long as is stated and no longer; a dry run says how much that is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from common.database import execute, fetch_all, fetch_one
from models import retention
from models.office_enums import ComplaintStatus
from models.retention import RULES, Rule, forget, overdue
from tests.conftest import Servers
from tests.factories.citizens import a_citizen, a_person, consent
from tests.factories.complaints import a_complaint, complaint_in
from tests.factories.members import a_shop
from tests.factories.moments import NOON
from tests.seeds import environment
from tests.server.commands import run

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


MADE: dict[str, Callable[[], Awaitable[None]]] = {
    "sessions": a_session,
    "login_failures": a_failure,
    "one_time_links": a_link,
    "tier_snapshots": a_tier,
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
    assert "sessions: 0 rows over, kept 180 days: " in counted.out
    assert "Nothing was deleted." in counted.out and len(await fetch_all("SELECT 1 FROM login_failures")) == 3
    assert "credit_lookups: 1 months over, kept 120 months" in counted.out
    assert "citizen_notices: 2 rows over, kept 90 days after they were read" in counted.out
    deleted = await run(environ, "retention", "--delete")
    assert deleted.code == 0 and "login_failures: 3 rows deleted" in deleted.out
    assert (
        await fetch_all("SELECT 1 FROM login_failures")
        == []
        == await fetch_all("SELECT 1 FROM citizen_notices")
    )
    assert (
        "credit_lookups: 1 months dropped" in deleted.out and "citizen_notices: 2 rows deleted" in deleted.out
    )
