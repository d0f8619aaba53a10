"""How long what is kept is kept, and deleting it when that is over: one table of rules, read by the law's eye.

Logs in monthly partitions go with their month (`models.monthly_logs`), notices with their messages
(`models.notice_log`). Every other table is in `RULES` or, with its reason, in `KEPT`: a test asks the database.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.database import execute, fetch_one

BATCH = 5_000
# No half year is longer (1 March to 1 September); rule 14 asks for six months.
HALF_A_YEAR = timedelta(days=184)
# In which a claim can be brought to court (Civil Code 188).
THREE_YEARS = timedelta(days=3 * 365 + 1)
# With the three leap days that ten years have at most.
TEN_YEARS = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of a table that may not stay.

    Args:
        key: the table's primary key.
        overdue: SQL that selects the keys of the rows that are over since before `$1`, on an index.
        kept: how long after that.
        why: the reason, with its source.
        files: the purpose of files that were sent in with such a row and go with it.
    """

    table: str
    key: str
    overdue: str
    kept: timedelta
    why: str
    files: str = ""


RULES = (
    Rule(
        *("sessions", "id", "SELECT id FROM sessions WHERE expires_at < $1", HALF_A_YEAR),
        "who signed in when can be asked for half a year (rule 14)",
    ),
    Rule(
        *("login_failures", "id", "SELECT id FROM login_failures WHERE window_ends_at < $1", timedelta()),
        "counts only while its window lasts",
    ),
    Rule(
        *("one_time_links", "id", "SELECT id FROM one_time_links WHERE expires_at < $1", HALF_A_YEAR),
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
        THREE_YEARS,
        "the time in which a claim can be brought to court (Civil Code 188); what became of it stays",
    ),
    Rule(
        "objection_texts",
        "objection_id",
        "SELECT t.objection_id FROM objections o JOIN objection_texts t ON t.objection_id = o.id WHERE o.closed_at < $1",
        THREE_YEARS,
        "as with complaints, with the evidence; what became of it stays",
        files="objection_evidence",
    ),
    Rule(
        *("disclosures", "id", "SELECT id FROM disclosures WHERE shown_at < $1", TEN_YEARS),
        "who was shown a masked name can be asked for as long as who looked up a tier (rules 1 and 6)",
    ),
    Rule(
        *("credit_batch_errors", "id", "SELECT id FROM credit_batch_errors WHERE ended_at < $1", THREE_YEARS),
        "a source's bad rows that were mended or closed; its record ids serve nobody any more (PIPL 19)",
    ),
    Rule(
        *(
            "stored_files",
            "id",
            "SELECT id FROM stored_files WHERE forgotten_at < $1",
            timedelta(days=30),
        ),
        "the row of a file whose content is gone; the audit has its id",
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


_SEALED = "what was sealed is never changed (rule 7)"
_COUNTS = "counts, whoever's"
_OFFICE = "the alliance's own rules and what became of them"
_MEMBERS = "as long as the books: what a member is, promised and gave"
_HIMSELF = "until the citizen deletes it or erases his account (`alliance.own_data`)"
_REPLACED = "replaced by the source's next delivery"

# Every other table, and why nothing of it goes by time.
KEPT: Mapping[str, str] = {
    **dict.fromkeys(("redemptions", "reversals", "seals", "audit_records", "audit_seals"), _SEALED),
    **dict.fromkeys(
        ("coupons", "complaints", "objections", "objection_steps", "approvals", "agent_bindings", "citizens"),
        "as long as the books; of a citizen a random id alone",
    ),
    "guardianship_requests": "as long as the books; who the child is goes with the decision, the proof with the binding",
    "consents": "the proofs of consent: ten years at least (rules 1 and 5), with the random id alone",
    "reversal_reasons": "a clerk's reason, as long as the redemption; an erasure deletes it",
    **dict.fromkeys(
        ("natural_persons", "channel_identities", "citizen_phones", "citizen_joins", "consent_refusals"),
        _HIMSELF,
    ),
    **dict.fromkeys(("declarations", "declaration_texts", "message_quotas", "data_copies"), _HIMSELF),
    **dict.fromkeys(
        (
            "credit_ratings",
            "credit_repairs",
            "organisation_grades",
            "dishonest_organisations",
            "credit_copies",
        ),
        _REPLACED,
    ),
    **dict.fromkeys(("credit_batches", "credit_batch_files"), "what a source delivered when: counts of rows"),
    **dict.fromkeys(
        ("number_marks", "flow_days", "refusal_days", "refused_scan_counts", "offer_days", "offer_stock"),
        _COUNTS,
    ),
    "number_slices": "counts of a minute, until they are added up (`alliance.sliced_numbers`)",
    **dict.fromkeys(
        ("statements", "statement_lines", "statement_sums", "statement_cursor", "day_closes"), _MEMBERS
    ),
    **dict.fromkeys(
        (
            "members",
            "member_applications",
            "application_events",
            "commitments",
            "promise_records",
            "suspensions",
        ),
        _MEMBERS,
    ),
    **dict.fromkeys(
        ("organisation_checks", "member_rechecks", "member_notices", "member_customers", "share_consents"),
        _MEMBERS,
    ),
    **dict.fromkeys(("stores", "staff", "staff_stores", "store_closures", "devices", "webhooks"), _MEMBERS),
    **dict.fromkeys(("offers", "offer_versions", "offer_terms"), _MEMBERS),
    **dict.fromkeys(
        ("admins", "admin_recovery_codes"), "the office's own accounts: who decided can be asked for"
    ),
    "imports": "what was imported when; its rows go, its file and the audit stay",
    "exports": "what was exported when; its file goes after a week",
    **dict.fromkeys(
        (
            "tier_schemes",
            "tier_bands",
            "tier_mappings",
            "tier_mapping_bands",
            "tier_what_ifs",
            "region_policies",
        ),
        _OFFICE,
    ),
    **dict.fromkeys(("white_list", "commitment_texts", "consent_texts", "regions", "programmes"), _OFFICE),
    **dict.fromkeys(
        ("installation", "catalogue_version", "notice_marks", "message_stops"),
        "a few rows that are overwritten",
    ),
}


async def forget(rule: Rule, now: datetime) -> int:
    """Delete what is over, a batch at a time; how many rows."""
    if rule.files:
        return await execute(
            f"WITH over AS MATERIALIZED ({rule.overdue} LIMIT $2), files AS ("
            "  UPDATE stored_files SET deleted_at = $3, name = '' WHERE owner_id IN (SELECT * FROM over)"
            f"   AND purpose = '{rule.files}' AND deleted_at IS NULL)"
            f" DELETE FROM {rule.table} WHERE {rule.key} IN (SELECT * FROM over)",
            *(now - rule.kept, BATCH, now),
        )
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
