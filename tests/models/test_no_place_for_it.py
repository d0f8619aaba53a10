"""Rule 11 and rule 7: the schema has no place for what may not be stored, and nothing lasting names a person."""

import re

import asyncpg
import pytest

FORBIDDEN = (
    "income|salary|wage|earning|bank|saving|deposit|asset|debt|loan|religio|faith|gene|genome|dna|fingerprint"
    "|biometr|face|iris|blood|illness|disease|diagnos|medical|health|handicap|politic|ethnic"
)
# 押金 that an offer waives, which is a shop's and no person's; the number of a key, which is no gene.
ALLOWED = {("offer_terms", "deposit_fen"), ("coupons", "key_generation"), ("sessions", "generation")}
# Everything that is known of a person, column by column: another one has to be justified here.
OF_PEOPLE = {
    "citizens": {"id", "created_at", "erased_at"},
    "natural_persons": {"citizen_id", "person_hash", "name_encrypted", "id_number_encrypted"},
    "channel_identities": {"id", "citizen_id", "channel", "subject_hash", "subject_encrypted", "created_at"},
    "consents": {
        *("id", "citizen_id", "purpose", "version", "text_sha256", "granted_at", "withdrawn_at"),
        # The name is a member's.
        *("recipient_member_id", "recipient_name", "given_by", "given_through", "ended_because"),
    },
    "consent_refusals": {"id", "citizen_id", "purpose", "recipient_member_id", "refused_at"},
    "disclosures": {
        *("id", "citizen_id", "consent_id", "member_id", "store_id", "offer_id", "what", "shown_at"),
    },
    "agent_bindings": {
        *("id", "kind", "agent_id", "principal_id", "state", "agent_place", "principal_place"),
        *("made_at", "active_at", "ends_at", "ended_at", "ended_because"),
    },
    # Who the child is, until it is decided; encrypted, and a keyed hash.
    "guardianship_requests": {
        *("id", "guardian_id", "region_id", "state", "place", "child_hash", "name_encrypted"),
        *(
            "id_number_encrypted",
            "child_id",
            "binding_id",
            "requested_at",
            "decided_at",
            "decided_by",
            "reason",
        ),
    },
    "objections": {
        *(
            "id",
            "kind",
            "about",
            "record_id",
            "citizen_id",
            "member_id",
            "region_id",
            "source",
            "source_record_id",
        ),
        *("data_date", "recorded_at", "status", "filed_at", "filed_by", "due_at", "is_due_certain"),
        *(
            "forwarded_at",
            "forwarded_by",
            "extended_at",
            "overdue_at",
            "answered_at",
            "answered_by",
            "closed_at",
        ),
        *("place", "request_key", "request_hash"),
    },
    "declarations": {
        *(
            "id",
            "citizen_id",
            "kind",
            "region_id",
            "status",
            "happened_on",
            "hours",
            "may_forward",
            "begun_at",
        ),
        *("submitted_at", "decided_at", "decided_by", "valid_until", "forwarded_at", "place"),
        *("request_key", "request_hash"),
    },
    "credit_lookups": {
        *("id", "citizen_id", "consent_id", "source", "looked_up_by", "reason", "looked_up_at", "outcome"),
    },
    "tier_snapshots": {
        *("id", "citizen_id", "lookup_id", "scheme_id", "level", "tier_code", "source_record_id"),
        *("data_date", "taken_at", "valid_until", "refresh_at", "mapping_id"),
    },
    # A copy of the source's, of today only: without names, numbers or history.
    "credit_ratings": {
        *("batch_number", "person_hash", "score", "scheme_code", "data_date", "record_id", "row_number"),
    },
}
IMMUTABLE = ("redemptions", "reversals", "audit_records", "attempts")
PERSONAL = re.compile("name|phone|mobile|id_number|id_card|address|birth|gender|score|tier|level")


async def columns(connection: asyncpg.Connection) -> list[tuple[str, str, str]]:
    rows = await connection.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
    )
    return [(row["table_name"], row["column_name"], row["data_type"]) for row in rows]


async def test_there_is_no_column_for_what_may_not_be_stored(connection: asyncpg.Connection) -> None:
    found = {
        (table, column) for table, column, _ in await columns(connection) if re.search(FORBIDDEN, column)
    }
    assert found == ALLOWED


async def test_there_is_no_column_that_takes_anything(connection: asyncpg.Connection) -> None:
    # The queue's own tables hold what `common.jobs` writes: ids.
    kinds = {kind for table, _, kind in await columns(connection) if not table.startswith("pgqueuer")}
    assert not kinds & {"json", "jsonb", "xml", "hstore", "USER-DEFINED"}


@pytest.mark.parametrize("table", OF_PEOPLE)
async def test_of_a_person_nothing_is_kept_but_this(connection: asyncpg.Connection, table: str) -> None:
    assert {column for name, column, _ in await columns(connection) if name == table} == OF_PEOPLE[table]


@pytest.mark.parametrize("table", IMMUTABLE)
async def test_what_lasts_has_no_column_for_a_person_but_his_random_id(
    connection: asyncpg.Connection, table: str
) -> None:
    of_table = {column for name, column, _ in await columns(connection) if name == table}
    assert of_table and not {column for column in of_table if PERSONAL.search(column)}


async def test_the_row_that_ties_a_subject_to_a_person_can_be_erased(scratch: asyncpg.Connection) -> None:
    before = await scratch.fetchval("SELECT count(*) FROM citizens")
    assert await scratch.fetchval("SELECT count(*) FROM natural_persons") > 0
    await scratch.execute("DELETE FROM natural_persons")
    assert await scratch.fetchval("SELECT count(*) FROM citizens") == before
