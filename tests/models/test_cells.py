"""Nothing stands in the way of cells (decision 0019): a citizen's side of its own, that nobody outside points into."""

import asyncpg
import pytest

from models.monthly_logs import LOGS
from tests.models.test_constraints import TABLES

# What belongs to citizens, and moves with them.
CELL = {
    *(
        "citizens",
        "natural_persons",
        "channel_identities",
        "citizen_phones",
        "citizen_joins",
        "consents",
        "credit_lookups",
        "tier_snapshots",
    ),
    *("coupons", "redemptions", "reversals", "reversal_reasons", "attempts"),
    *("offer_stock", "offer_days"),
    *("citizen_notices", "messages", "message_quotas", "coupon_reminders"),
    "citizen_notices",
    *("consent_refusals", "disclosures", "agent_bindings", "guardianship_requests"),
    *("complaints", "complaint_texts"),
    *("objections", "objection_texts", "objection_steps", "declarations", "declaration_texts"),
    "data_copies",
    "member_customers",
    # Each cell seals its own ledger.
    "seals",
}
# What everybody shares; `sessions`, `audit_records`, `login_failures` and the counts have no foreign key at all.
SHARED = {
    *(
        "regions",
        "programmes",
        "members",
        "stores",
        "staff",
        "staff_stores",
        "admins",
        "offers",
        "offer_terms",
        "offer_versions",
        "share_consents",
    ),
    *("tier_schemes", "tier_bands", "consent_texts", "catalogue_version", "installation"),
    *("tier_mappings", "tier_mapping_bands", "tier_what_ifs"),
    *("sessions", "login_failures", "audit_records", "refused_scan_counts"),
    "audit_seals",
    # How far each installation's process has told; which templates a channel does not take.
    *("notice_marks", "message_stops"),
    "admin_recovery_codes",
    *("approvals", "member_notices", "one_time_links", "region_policies", "stored_files"),
    *("member_applications", "application_events", "organisation_checks", "commitment_texts", "commitments"),
    *("suspensions", "member_rechecks", "white_list", "promise_records"),
    *("store_closures", "devices", "webhooks", "webhook_deliveries"),
    *("flow_days", "refusal_days", "number_marks", "number_slices", "imports", "import_rows"),
    *("statements", "statement_lines", "statement_sums", "statement_cursor", "day_closes", "exports"),
    # A source's data, of people whether or not they are citizens here.
    *("credit_batches", "credit_batch_files", "credit_batch_errors", "credit_copies", "credit_repairs"),
    *("credit_ratings", "organisation_grades", "dishonest_organisations"),
}
# From a cell to what is the same in all of them.
OUTWARD = {
    ("coupons", "offers"),
    ("coupons", "offer_terms"),
    ("redemptions", "staff"),
    ("redemptions", "stores"),
    ("reversals", "staff"),
    ("tier_snapshots", "tier_schemes"),
    ("tier_snapshots", "tier_mappings"),
    ("offer_stock", "offers"),
    ("offer_days", "offers"),
}


async def foreign_keys(connection: asyncpg.Connection) -> set[tuple[str, str]]:
    """Which table points to which; those of a log's months are their log's."""
    rows = await connection.fetch(
        "SELECT conrelid::regclass::text AS table, confrelid::regclass::text AS other FROM pg_constraint"
        " WHERE contype = 'f' AND conparentid = 0"
    )
    return {(row["table"], row["other"]) for row in rows}


def test_every_table_is_on_one_side() -> None:
    """A new table decides: does it belong to a citizen, or to everybody?"""
    assert set(TABLES) - CELL - SHARED == set() == CELL & SHARED


async def test_nothing_shared_points_into_a_cell(connection: asyncpg.Connection) -> None:
    keys = await foreign_keys(connection)
    assert len(keys) > 25
    assert {(table, other) for table, other in keys if table in SHARED and other in CELL} == set()


async def test_a_cell_points_to_what_is_the_same_everywhere_and_to_nothing_else_outside(
    connection: asyncpg.Connection,
) -> None:
    keys = await foreign_keys(connection)
    assert {(table, other) for table, other in keys if table in CELL and other not in CELL} == OUTWARD


@pytest.mark.parametrize("table", sorted(CELL & set(TABLES)))
async def test_a_cells_rows_are_known_by_ids_that_can_be_made_anywhere(
    connection: asyncpg.Connection, table: str
) -> None:
    """A text or a 32-bit number would be in the way when rows of two cells meet."""
    rows = await connection.fetch(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type FROM pg_index i"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indrelid = $1::regclass AND i.indisprimary",
        table,
    )
    types = {row["attname"]: row["type"] for row in rows}
    types.pop(LOGS.get(table, ""), None)  # the month's key
    assert len(types) == 1 and set(types.values()) <= {"uuid", "bigint"}
