"""How long what is kept of people is kept, and deleting it when that is over: one table of rules, read by the law's eye.

Logs in monthly partitions go with their month (`models.monthly_logs`), notices with their messages
(`models.notice_log`); files, drafts and exports by the rules of those who own them. The ledger, the audit and the proofs of consent stay: they know a citizen by a random id alone (rule 7).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.database import execute, fetch_one

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of a table that may not stay.

    Args:
        key: the table's primary key.
        overdue: SQL that selects the keys of the rows that are over since before `$1`, on an index.
        kept: how long after that.
        why: the reason, with its source.
    """

    table: str
    key: str
    overdue: str
    kept: timedelta
    why: str


RULES = (
    Rule(
        *("sessions", "id", "SELECT id FROM sessions WHERE expires_at < $1", timedelta(days=180)),
        "who signed in when can be asked for half a year (rule 14)",
    ),
    Rule(
        *("login_failures", "id", "SELECT id FROM login_failures WHERE window_ends_at < $1", timedelta()),
        "counts only while its window lasts",
    ),
    Rule(
        *("one_time_links", "id", "SELECT id FROM one_time_links WHERE expires_at < $1", timedelta(days=180)),
        "who was invited when can be asked for half a year (rule 14)",
    ),
    Rule(
        *(
            "tier_snapshots",
            "id",
            "SELECT id FROM tier_snapshots WHERE valid_until < $1",
            timedelta(days=365),
        ),
        "an objection may ask for what was said a year ago; older tiers serve nobody (PIPL 19)",
    ),
    Rule(
        "complaint_texts",
        "complaint_id",
        "SELECT t.complaint_id FROM complaints c JOIN complaint_texts t ON t.complaint_id = c.id"
        " WHERE c.complained_on < ($1::timestamptz AT TIME ZONE 'Asia/Shanghai')::date AND c.status NOT IN ('open', 'overdue', 'reopened')",
        timedelta(days=3 * 365),
        "the time in which a claim can be brought to court (Civil Code 188); what became of it stays",
    ),
    Rule(
        *("messages", "id", "SELECT id FROM messages WHERE ended_at < $1", timedelta(days=90)),
        "what became of a message; the notice itself is in the inbox",
    ),
    Rule(
        "coupon_reminders",
        "coupon_id",
        "SELECT coupon_id FROM coupon_reminders WHERE days = ANY ('{1,3}'::smallint[]) AND due_at < $1",
        timedelta(days=30),
        "what was not told in time stays for a while: a clock that was ahead must not cost a reminder",
    ),
    Rule(
        *(
            "webhook_deliveries",
            "id",
            "SELECT id FROM webhook_deliveries WHERE ended_at < $1",
            timedelta(days=90),
        ),
        "a member's engineer looks for what his till missed",
    ),
    Rule(
        "import_rows",
        "id",
        "SELECT r.id FROM imports i CROSS JOIN LATERAL (SELECT id FROM import_rows WHERE import_id = i.id) r"
        " WHERE i.ended_at < $1",
        timedelta(days=30),
        "the file itself and the audit stay",
    ),
    Rule(
        "pgqueuer_log",
        "id",
        "SELECT l.id FROM pgqueuer_log l WHERE l.created < $1"
        " AND NOT EXISTS (SELECT FROM pgqueuer j WHERE j.id = l.job_id)",
        timedelta(days=30),
        "what became of a job; of those that failed and still wait it stays",
    ),
)


async def forget(rule: Rule, now: datetime) -> int:
    """Delete what is over, a batch at a time; how many rows."""
    return await execute(
        f"DELETE FROM {rule.table} WHERE {rule.key} IN ({rule.overdue} LIMIT $2)", now - rule.kept, BATCH
    )


async def overdue(rule: Rule, now: datetime) -> int:
    """How many rows `forget` would delete, called until it finds nothing."""
    row = await fetch_one(f"SELECT count(*) AS rows FROM ({rule.overdue}) AS gone", now - rule.kept)
    assert row is not None
    return int(row["rows"])


def duty(rule: Rule) -> Callable[[datetime], Awaitable[int]]:
    """A rule as the background process keeps it."""

    async def forget_overdue(at: datetime) -> int:
        return await forget(rule, at)

    forget_overdue.__name__ = f"forget_{rule.table}"
    return forget_overdue
