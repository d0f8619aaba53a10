"""The list of what is kept of a citizen is complete: the database itself is asked."""

import re
from pathlib import Path

import pytest

from alliance.own_data import DELETED, ELSEWHERE, OWN_DATA
from common.database import fetch_all

# What may lead to a citizen: his id under its names, ids of things that are his, what is encrypted or only known again.
LEADS_TO_A_CITIZEN = re.compile(
    r".*citizen.*_id|(actor|owner|subject|object|guardian|ward|elder|child|person)_id|.*_encrypted|.*person_hash"
    r"|(subject|self|login)_hash|(coupon|redemption|reversal|attempt|complaint|lookup|consent|snapshot|objection)_id|cause_id"
)
ROOT = Path(__file__).parents[2]
ENTRIES = {entry.table: entry for entry in OWN_DATA}
pytestmark = pytest.mark.usefixtures("database")


async def columns() -> list[tuple[str, str]]:
    """Every column of every table; a log's months are their log's."""
    rows = await fetch_all(
        "SELECT c.relname AS table, a.attname AS column FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT LIKE 'pgqueuer%'"
    )
    return [(row["table"], row["column"]) for row in rows]


async def tables_of_citizens() -> set[str]:
    """Tables with such a column, or with a foreign key to a citizen or to what is his."""
    rows = await fetch_all(
        "SELECT conrelid::regclass::text AS table FROM pg_constraint WHERE contype = 'f' AND conparentid = 0"
        " AND confrelid::regclass::text IN ('citizens', 'coupons', 'redemptions', 'complaints', 'consents')"
    )
    return {row["table"] for row in rows} | {
        table for table, column in await columns() if LEADS_TO_A_CITIZEN.fullmatch(column)
    }


async def test_whatever_leads_to_a_citizen_is_on_the_list_or_has_a_reason() -> None:
    """A new table: add an entry to `alliance.own_data.OWN_DATA`, or say in `ELSEWHERE` why nothing of him is in it."""
    assert await tables_of_citizens() - set(ENTRIES) - set(ELSEWHERE) == set()
    assert set(ENTRIES) & set(ELSEWHERE) == set() and len(ENTRIES) == len(OWN_DATA)
    assert set(ENTRIES) | set(ELSEWHERE) <= {table for table, _ in await columns()}


@pytest.mark.parametrize("table", ENTRIES)
async def test_an_entry_is_whole(table: str) -> None:
    entry = ENTRIES[table]
    for name in ("title", "why", "kept", "seen_by", "correct", "erasure"):
        assert all(getattr(entry, name)), name
    assert entry.select or entry.erase
    if entry.erasure is DELETED:
        assert entry.erase, "what is said to be deleted is deleted"
    if entry.select:  # it runs, and is ordered by a column that it has
        await fetch_all(
            f"SELECT own.{entry.key} FROM ({entry.select}) own", "00000000-0000-4000-8000-000000000000"
        )


@pytest.mark.parametrize("table", [table for table, entry in ENTRIES.items() if entry.select])
async def test_a_copy_leaves_out_no_column(table: str) -> None:
    """Those of other parties' rows show what concerns him."""
    of_others = {"member_notices", "approvals", "audit_records", "sessions", "stored_files"}
    own = {column for name, column in await columns() if name == table}
    shown = await fetch_all(
        f"SELECT * FROM (SELECT 1) one LEFT JOIN ({ENTRIES[table].select}) own ON true",
        "00000000-0000-4000-8000-000000000000",
    )
    if table not in of_others:
        assert own <= set(shown[0].keys())


async def test_whose_rows_may_come_late_are_guarded_by_a_trigger() -> None:
    """What is deleted by his id could be written by somebody who read before: the database refuses."""
    rows = await fetch_all(
        "SELECT tgrelid::regclass::text AS table FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE '%_not_of_erased'"
    )
    deleted = {
        table
        for table, entry in ENTRIES.items()
        if any(statement == f"DELETE FROM {table} WHERE citizen_id = $1" for statement in entry.erase)
    }
    assert deleted and deleted <= {row["table"] for row in rows}


async def test_what_is_found_by_a_person_is_erased_before_the_person() -> None:
    order = list(ENTRIES)
    for table, entry in ENTRIES.items():
        if table != "natural_persons" and any("natural_persons" in statement for statement in entry.erase):
            assert order.index(table) > order.index("natural_persons")
