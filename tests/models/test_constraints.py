"""The database holds what the models say: every constraint, index, compound key and trigger is read back."""

import re
from enum import StrEnum
from typing import Any

import asyncpg
import pytest
from tortoise.fields.data import CharEnumFieldInstance
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

import models
from benefits.codes import GENERATIONS
from models import enums
from models.enums import AdminRole, DiscountKind, TierLevel

TABLES: dict[str, type[Model]] = {
    kind._meta.db_table: kind for name in models.__all__ if (kind := getattr(models, name))
}
DECLARED: dict[str, tuple[str, CheckConstraint | UniqueConstraint]] = {
    constraint.name: (table, constraint)
    for table, kind in TABLES.items()
    for constraint in kind._meta.constraints
}
COMPOUND_KEYS = {
    "staff_stores_staff_of_member": "FOREIGN KEY (staff_id, member_id) REFERENCES staff(id, member_id)",
    "staff_stores_store_of_member": "FOREIGN KEY (store_id, member_id) REFERENCES stores(id, member_id)",
    "offers_member_of_kind": "FOREIGN KEY (member_id, member_kind) REFERENCES members(id, kind)",
    "offers_terms_of_offer": "FOREIGN KEY (id, terms_id) REFERENCES offer_terms(offer_id, id)",
    "offer_versions_terms_of_offer": "FOREIGN KEY (offer_id, terms_id) REFERENCES offer_terms(offer_id, id)",
    "coupons_terms_of_offer": "FOREIGN KEY (offer_id, terms_id) REFERENCES offer_terms(offer_id, id)",
    "complaint_texts_of_complaint": "FOREIGN KEY (complaint_id) REFERENCES complaints(id)",
    "objection_texts_of_objection": "FOREIGN KEY (objection_id) REFERENCES objections(id)",
    "declaration_texts_of_declaration": "FOREIGN KEY (declaration_id) REFERENCES declarations(id)",
    "devices_staff_of_member": "FOREIGN KEY (staff_id, member_id) REFERENCES staff(id, member_id)",
    "devices_store_of_member": "FOREIGN KEY (store_id, member_id) REFERENCES stores(id, member_id)",
    "natural_persons_of_citizen": "FOREIGN KEY (citizen_id) REFERENCES citizens(id)",
    "member_rechecks_of_member": "FOREIGN KEY (member_id) REFERENCES members(id)",
    "offer_stock_of_offer": "FOREIGN KEY (offer_id) REFERENCES offers(id)",
}
NOBODY = "'00000000-0000-0000-0000-000000000000'::uuid"
PARTIAL_INDEXES = {
    "consents_one_per_recipient": "UNIQUE INDEX consents_one_per_recipient ON public.consents USING btree"
    f" (citizen_id, purpose, COALESCE(recipient_member_id, {NOBODY})) WHERE (withdrawn_at IS NULL)",
    "consents_by_age": "INDEX consents_by_age ON public.consents USING btree (purpose, granted_at)"
    " WHERE (withdrawn_at IS NULL)",
    "consent_refusals_last_one": "UNIQUE INDEX consent_refusals_last_one ON public.consent_refusals USING btree"
    f" (citizen_id, purpose, COALESCE(recipient_member_id, {NOBODY}))",
    "agent_bindings_pair_once": "UNIQUE INDEX agent_bindings_pair_once ON public.agent_bindings USING btree"
    " (agent_id, principal_id, kind) WHERE (ended_at IS NULL)",
    "agent_bindings_agent_place_once": "UNIQUE INDEX agent_bindings_agent_place_once ON public.agent_bindings"
    " USING btree (agent_id, kind, agent_place) WHERE (ended_at IS NULL)",
    "agent_bindings_principal_place_once": "UNIQUE INDEX agent_bindings_principal_place_once ON"
    " public.agent_bindings USING btree (principal_id, kind, principal_place) WHERE (ended_at IS NULL)",
    "agent_bindings_by_end": "INDEX agent_bindings_by_end ON public.agent_bindings USING btree (ends_at)"
    " WHERE (ended_at IS NULL)",
    "guardianship_requests_child_once": "UNIQUE INDEX guardianship_requests_child_once ON"
    " public.guardianship_requests USING btree (guardian_id, child_hash) WHERE ((state)::text = 'requested'::text)",
    "guardianship_requests_place_once": "UNIQUE INDEX guardianship_requests_place_once ON"
    " public.guardianship_requests USING btree (guardian_id, place) WHERE ((state)::text = 'requested'::text)",
    "coupons_slot_once": "UNIQUE INDEX coupons_slot_once ON public.coupons USING btree"
    " (offer_id, citizen_id, limit_period, slot) WHERE (slot IS NOT NULL)",
    "coupons_by_renewal_session": "INDEX coupons_by_renewal_session ON public.coupons USING btree"
    " (renewal_session_id) WHERE (renewal_session_id IS NOT NULL)",
    "credit_lookups_pending": "INDEX credit_lookups_pending ON ONLY public.credit_lookups USING btree"
    " (looked_up_at) WHERE ((outcome)::text = 'pending'::text)",
    "staff_by_self_hash": "INDEX staff_by_self_hash ON public.staff USING btree (self_hash)"
    " WHERE (self_hash IS NOT NULL)",
    "stored_files_to_forget": "INDEX stored_files_to_forget ON public.stored_files USING btree (deleted_at)"
    " WHERE ((deleted_at IS NOT NULL) AND (forgotten_at IS NULL))",
    "approvals_open_once": "UNIQUE INDEX approvals_open_once ON public.approvals USING btree (kind, object_id)"
    " WHERE ((status)::text = 'open'::text)",
    "approvals_open_by_expiry": "INDEX approvals_open_by_expiry ON public.approvals USING btree (expires_at)"
    " WHERE ((status)::text = 'open'::text)",
    "complaints_open_by_due": "INDEX complaints_open_by_due ON public.complaints USING btree (answer_due_at)"
    " WHERE ((status)::text = 'open'::text)",
    "complaints_upheld": "INDEX complaints_upheld ON public.complaints USING btree (member_id, upheld_at)"
    " WHERE (upheld_at IS NOT NULL)",
    "audit_records_refused": "INDEX audit_records_refused ON public.audit_records USING btree (recorded_at, entry)"
    " WHERE ((outcome)::text = 'refused'::text)",
    "pgqueuer_failed": "INDEX pgqueuer_failed ON public.pgqueuer USING btree (dedupe_key)"
    " WHERE (status = 'failed'::pgqueuer_status)",
    "suspensions_open_once": "UNIQUE INDEX suspensions_open_once ON public.suspensions USING btree"
    " (member_id, cause) WHERE (lifted_at IS NULL)",
    "white_list_open_once": "UNIQUE INDEX white_list_open_once ON public.white_list USING btree"
    " (uscc, region_id) WHERE (ended_at IS NULL)",
    "members_removed": "INDEX members_removed ON public.members USING btree (status_since, id)"
    " WHERE ((status)::text <> 'active'::text)",
    "webhook_deliveries_due": "INDEX webhook_deliveries_due ON public.webhook_deliveries USING btree"
    " (webhook_id, due_at) WHERE ((status)::text = 'pending'::text)",
    "flow_days_offer_once": "UNIQUE INDEX flow_days_offer_once ON public.flow_days USING btree (day, offer_id)"
    " WHERE (store_id IS NULL)",
    "flow_days_store_once": "UNIQUE INDEX flow_days_store_once ON public.flow_days USING btree"
    " (day, offer_id, store_id) WHERE (store_id IS NOT NULL)",
    "offer_versions_one_open": "UNIQUE INDEX offer_versions_one_open ON public.offer_versions USING btree (offer_id)"
    " WHERE ((state)::text = ANY ((ARRAY['draft'::character varying, 'submitted'::character varying,"
    " 'approved'::character varying])::text[]))",
    "offer_versions_one_in_force": "UNIQUE INDEX offer_versions_one_in_force ON public.offer_versions USING btree"
    " (offer_id) WHERE ((state)::text = 'in_force'::text)",
    "coupons_to_settle": "INDEX coupons_to_settle ON public.coupons USING btree (id)"
    " WHERE ((reserved_fen IS NOT NULL) AND (settled_at IS NULL))",
    "coupons_by_offer": "INDEX coupons_by_offer ON public.coupons USING btree (((offer_id)::text), id)",
    "offers_live_by_claim_until": "INDEX offers_live_by_claim_until ON public.offers USING btree (claim_until)"
    " WHERE ((status)::text = ANY ((ARRAY['published'::character varying, 'paused'::character varying])::text[]))",
    "coupons_by_end": "INDEX coupons_by_end ON public.coupons USING btree (ended_at)"
    " WHERE (ended_at > '2000-01-01 00:00:00+00'::timestamp with time zone)",
    "citizen_notices_unread": "INDEX citizen_notices_unread ON public.citizen_notices USING btree (citizen_id, id)"
    " WHERE (read_at IS NULL)",
    "citizen_notices_by_reading": "INDEX citizen_notices_by_reading ON public.citizen_notices USING btree (read_at)"
    " WHERE (read_at > '2000-01-01 00:00:00+00'::timestamp with time zone)",
    "messages_waiting": "INDEX messages_waiting ON public.messages USING btree (channel, template, next_try_at)"
    " WHERE ((state)::text = 'waiting'::text)",
    "messages_being_sent": "INDEX messages_being_sent ON public.messages USING btree (tried_at)"
    " WHERE ((state)::text = 'sending'::text)",
    "objections_record_once": "UNIQUE INDEX objections_record_once ON public.objections USING btree"
    " (about, record_id) WHERE (closed_at IS NULL)",
    "objections_citizen_place_once": "UNIQUE INDEX objections_citizen_place_once ON public.objections USING btree"
    " (citizen_id, place) WHERE ((closed_at IS NULL) AND (citizen_id IS NOT NULL))",
    "objections_member_place_once": "UNIQUE INDEX objections_member_place_once ON public.objections USING btree"
    " (member_id, place) WHERE ((closed_at IS NULL) AND (member_id IS NOT NULL))",
    "objections_open_by_due": "INDEX objections_open_by_due ON public.objections USING btree (due_at)"
    " WHERE (closed_at IS NULL)",
    "objections_upheld": "INDEX objections_upheld ON public.objections USING btree (source, answered_at)"
    " WHERE ((status)::text = ANY ((ARRAY['upheld'::character varying, 'corrected'::character varying])::text[]))",
    "tier_what_ifs_one_at_a_time": "UNIQUE INDEX tier_what_ifs_one_at_a_time ON public.tier_what_ifs USING btree"
    " (scheme_code) WHERE ((state)::text = 'waiting'::text)",
    "sessions_revoked": "INDEX sessions_revoked ON public.sessions USING btree (revoked_at)"
    " WHERE (revoked_at IS NOT NULL)",
}
# A look-up's month is dropped after ten years, and a key would need ids that are unique over all months.
WITHOUT_A_KEY = {("tier_snapshots", "lookup_id")}
WRITTEN_ONCE = (
    *("redemptions", "reversals", "audit_records", "offer_terms", "consent_texts"),
    *("seals", "audit_seals"),
    *("commitment_texts", "application_events", "organisation_checks", "promise_records"),
    *("statement_lines", "statement_sums", "day_closes"),
)
# Nothing of a person is tied to a citizen who had himself erased.
NOT_OF_ERASED = (
    *("natural_persons", "channel_identities", "citizen_phones", "consents", "tier_snapshots"),
    *("complaints", "citizen_notices", "data_copies", "objections", "declarations", "consent_refusals"),
    *("message_quotas", "messages", "citizen_joins"),
)
IN_CATALOGUE = ("offers", "offer_terms", "members", "stores", "store_closures", "programmes")


async def definition(connection: asyncpg.Connection, table: str, name: str) -> str | None:
    """A constraint as PostgreSQL tells it."""
    found: str | None = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND conname = $2",
        *(table, name),
    )
    return found


def test_every_model_names_its_constraints_once() -> None:
    assert len(TABLES) == len(models.__all__) >= 29
    assert len(DECLARED) == sum(len(kind._meta.constraints) for kind in TABLES.values()) > 80


@pytest.mark.parametrize("name", DECLARED)
async def test_a_declared_constraint_is_in_the_database_to_the_letter(
    scratch: asyncpg.Connection, name: str
) -> None:
    """PostgreSQL puts both into its own words: the one it has, and the declared one on an empty copy."""
    table, constraint = DECLARED[name]
    await scratch.execute(f"CREATE TEMP TABLE copy_of_it (LIKE {table})")
    body = (
        f"CHECK ({constraint.check})"
        if isinstance(constraint, CheckConstraint)
        else f"UNIQUE ({', '.join(constraint.fields)})"
    )
    await scratch.execute(f"ALTER TABLE copy_of_it ADD CONSTRAINT {name} {body}")
    assert await definition(scratch, table, name) == await definition(scratch, "copy_of_it", name) is not None


async def test_the_database_has_no_constraint_that_no_model_declares(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT conname, conrelid::regclass::text AS table FROM pg_constraint"
        " WHERE contype IN ('c', 'u') AND connamespace = 'public'::regnamespace AND conrelid <> 0"
    )
    extra = {(row["conname"], row["table"]) for row in rows if row["conname"] not in DECLARED}
    # Tortoise makes one for each one-to-one relation; its own table is not ours.
    assert {pair for pair in extra if pair[1] in TABLES} <= {
        ("tier_snapshots_lookup_id_key", "tier_snapshots")
    }


@pytest.mark.parametrize(("name", "expected"), COMPOUND_KEYS.items())
async def test_compound_keys_hold_things_together(
    connection: asyncpg.Connection, name: str, expected: str
) -> None:
    found = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", name
    )
    assert found == expected


@pytest.mark.parametrize(("name", "expected"), PARTIAL_INDEXES.items())
async def test_partial_indexes_are_there(connection: asyncpg.Connection, name: str, expected: str) -> None:
    found = await connection.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = $1", name)
    assert found == f"CREATE {expected}"


async def test_every_declared_index_is_there_with_its_columns(connection: asyncpg.Connection) -> None:
    for table, kind in TABLES.items():
        for index in kind._meta.indexes:
            found = await connection.fetchval(
                "SELECT indexdef FROM pg_indexes WHERE indexname = $1", index.name
            )
            expected = f"CREATE INDEX {index.name} ON public.{table} USING btree ({', '.join(index.fields)})"
            # One of a partitioned table is "ON ONLY" it; its partitions have their own.
            assert found is not None and found.replace(" ON ONLY ", " ON ") == expected


async def test_no_foreign_key_deletes_or_empties_anything(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT conname, confdeltype::text, confupdtype::text FROM pg_constraint WHERE contype = 'f'"
    )
    assert len(rows) > 20
    # "a" is no action, "r" is restrict; "c", "n" and "d" would change other rows.
    assert {row["confdeltype"] for row in rows} <= {"a", "r"}
    assert {row["confupdtype"] for row in rows} <= {"a", "r"}


async def test_every_relation_of_a_model_is_held_by_a_foreign_key(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT conrelid::regclass::text AS table, confrelid::regclass::text AS other, a.attname AS column"
        " FROM pg_constraint JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = ANY(conkey)"
        " WHERE contype = 'f'"
    )
    held = {(row["table"], row["column"]) for row in rows}
    wanted = {
        (table, kind._meta.fields_map[name].source_field or f"{name}_id")
        for table, kind in TABLES.items()
        for name in kind._meta.fk_fields | kind._meta.o2o_fields
    }
    assert wanted - held == WITHOUT_A_KEY


def _values(text: str) -> set[str]:
    return set(re.findall(r"'([a-z_.]+)'", text))


@pytest.mark.parametrize(
    ("table", "column", "enum"),
    [
        (table, name, field.enum_type)
        for table, kind in TABLES.items()
        for name, field in kind._meta.fields_map.items()
        if isinstance(field, CharEnumFieldInstance) and f"{table}_{name}_known" in DECLARED
    ],
)
async def test_a_closed_list_in_the_database_is_the_enums(
    connection: asyncpg.Connection, table: str, column: str, enum: type[StrEnum]
) -> None:
    found = await definition(connection, table, f"{table}_{column}_known")
    expected = set(enum)
    if table == "sessions":
        expected -= {enums.ActorKind.SYSTEM, enums.ActorKind.APPLICANT}  # neither signs in
    assert found is not None and _values(found) == expected


async def test_lists_inside_longer_constraints_are_the_enums_too(connection: asyncpg.Connection) -> None:
    kinds = await definition(connection, "offer_terms", "offer_terms_discount_complete")
    assert kinds is not None and _values(kinds) == set(DiscountKind)
    roles = await definition(connection, "admins", "admins_roles_known")
    assert roles is not None and _values(roles) == set(AdminRole)


@pytest.mark.parametrize(
    ("table", "name", "numbers"),
    [
        ("tier_bands", "tier_bands_level_known", (min(TierLevel), max(TierLevel))),
        ("tier_snapshots", "tier_snapshots_level_known", (min(TierLevel), max(TierLevel))),
        # Rule 2: the best level alone can't be asked for.
        ("offers", "offers_admit_two_bands", (min(TierLevel), max(TierLevel) - 1)),
        ("coupons", "coupons_key_generation_in_range", (0, GENERATIONS - 1)),
    ],
)
async def test_ranges_are_those_of_the_code(
    connection: asyncpg.Connection, table: str, name: str, numbers: tuple[int, int]
) -> None:
    found = await definition(connection, table, name)
    assert found is not None
    assert tuple(int(number) for number in re.findall(r"\b\d+\b", found)) == numbers


@pytest.mark.parametrize("table", WRITTEN_ONCE)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_what_is_written_once_is_never_changed(
    scratch: asyncpg.Connection, table: str, statement: str
) -> None:
    with pytest.raises(asyncpg.RestrictViolationError) as refused:
        await scratch.execute(
            statement.format(table).replace("id = id", "number = 1" if table.endswith("seals") else "id = id")
        )
    if not statement.startswith("TRUNCATE"):  # that may meet another table of the kind first
        assert refused.value.constraint_name == f"{table}_written_once"


async def test_the_triggers_are_these_and_all_are_on(connection: asyncpg.Connection) -> None:
    rows: list[Any] = await connection.fetch(
        "SELECT tgname, tgrelid::regclass::text AS table, tgenabled::text AS enabled FROM pg_trigger"
        " WHERE NOT tgisinternal"
    )
    assert {(row["table"], row["tgname"]) for row in rows} == {
        *((table, f"{table}_written_once") for table in WRITTEN_ONCE),
        *((table, f"{table}_in_catalogue") for table in IN_CATALOGUE),
        ("pgqueuer", "tg_pgqueuer_changed"),
        *(("statements", f"statements_{what}") for what in ("written_once", "kept")),
        *((table, f"{table}_onto_open") for table in ("statement_lines", "statement_sums")),
        *((table, f"{table}_not_of_erased") for table in NOT_OF_ERASED),
    }
    assert {row["enabled"] for row in rows} == {"O"}
