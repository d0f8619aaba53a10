"""Statements: what each member's month adds up to, the day-closes, and exports."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.office_enums import AdjustmentReason, ExportFormat, ExportState, StatementLineKind, StatementState

CONSTRAINTS = [
    "ALTER TABLE day_closes ADD CONSTRAINT day_closes_request_key_once UNIQUE (staff_id, request_key)",
    "ALTER TABLE day_closes ADD CONSTRAINT day_closes_request_hash_form CHECK (length(request_hash) = 32)",
    "ALTER TABLE day_closes ADD CONSTRAINT day_closes_counts CHECK (least(redemptions, reversals, discount_fen, server_redemptions, server_reversals, server_discount_fen) >= 0)",
    "ALTER TABLE exports ADD CONSTRAINT exports_format_known CHECK (format IN ('csv', 'xlsx'))",
    "ALTER TABLE exports ADD CONSTRAINT exports_state_known CHECK (state IN ('waiting', 'ready', 'deleted'))",
    "ALTER TABLE exports ADD CONSTRAINT exports_rows_count CHECK (rows_done >= 0)",
    "ALTER TABLE exports ADD CONSTRAINT exports_period_is_a_month CHECK (EXTRACT(day FROM period) = 1)",
    "ALTER TABLE exports ADD CONSTRAINT exports_ready_has_file CHECK ((state = 'waiting') = (file_id IS NULL) AND (file_id IS NULL) = (ready_at IS NULL))",
    "ALTER TABLE exports ADD CONSTRAINT exports_deleted_is_dated CHECK ((state = 'deleted') = (deleted_at IS NOT NULL))",
    "ALTER TABLE statements ADD CONSTRAINT statements_period_once UNIQUE (member_id, period)",
    "ALTER TABLE statements ADD CONSTRAINT statements_state_known CHECK (state IN ('open', 'closed', 'confirmed', 'disputed', 'settled'))",
    "ALTER TABLE statements ADD CONSTRAINT statements_period_is_a_month CHECK (EXTRACT(day FROM period) = 1)",
    "ALTER TABLE statements ADD CONSTRAINT statements_shares_add_up CHECK (discount_fen = member_fen + public_unit_fen + alliance_fen)",
    "ALTER TABLE statements ADD CONSTRAINT statements_closed_is_dated CHECK ((state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (settled_entry IS NULL))",
    "ALTER TABLE statements ADD CONSTRAINT statements_settled_is_dated CHECK ((state = 'settled') = (settled_at IS NOT NULL) AND (settled_at IS NULL) = (settlement_reference IS NULL))",
    "ALTER TABLE statements ADD CONSTRAINT statements_dispute_has_reason CHECK (state <> 'disputed' OR coalesce(dispute_reason, '') <> '')",
    "ALTER TABLE statement_cursor ADD CONSTRAINT statement_cursor_one_row CHECK (id = 1)",
    "ALTER TABLE statement_cursor ADD CONSTRAINT statement_cursor_counts CHECK (last_entry >= 0)",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_entry_once UNIQUE (entry)",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_record_once UNIQUE (record_id)",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_kind_known CHECK (kind IN ('redemption', 'reversal', 'adjustment'))",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_reason_code_known CHECK (reason_code IN ('amount_wrong', 'share_wrong', 'not_given', 'missing', 'other'))",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_shares_add_up CHECK (discount_fen = member_fen + public_unit_fen + alliance_fen)",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_traceable CHECK ((kind = 'adjustment') = (entry IS NULL) AND (kind = 'adjustment') = (reason_code IS NOT NULL) AND (kind = 'adjustment' OR store_id IS NOT NULL AND offer_id IS NOT NULL))",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_counter_entry_named CHECK ((kind = 'reversal') = (redemption_id IS NOT NULL))",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_sign CHECK (CASE kind WHEN 'redemption' THEN least(discount_fen, member_fen, public_unit_fen, alliance_fen) >= 0 WHEN 'reversal' THEN greatest(discount_fen, member_fen, public_unit_fen, alliance_fen) <= 0 ELSE true END)",
    "ALTER TABLE statement_lines ADD CONSTRAINT statement_lines_public_unit_named CHECK (public_unit_fen = 0 OR public_unit_id IS NOT NULL)",
    "ALTER TABLE statement_sums ADD CONSTRAINT statement_sums_shares_add_up CHECK (discount_fen = member_fen + public_unit_fen + alliance_fen)",
]


# What stands on a statement is answered by a counter-entry on the next one, never changed.
WRITTEN_ONCE = [
    f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    for table in ("statement_lines", "statement_sums", "day_closes")
]
# Once a statement is not open any more it says what it said: only its state and the answers to it go on.
CLOSED = [
    "CREATE TRIGGER statements_written_once BEFORE UPDATE ON statements FOR EACH ROW WHEN (OLD.state <> 'open' AND"
    " (OLD.id, OLD.member_id, OLD.region_id, OLD.period, OLD.redemptions, OLD.reversals, OLD.discount_fen, OLD.member_fen,"
    " OLD.public_unit_fen, OLD.alliance_fen, OLD.settled_entry, OLD.opened_at, OLD.closed_at) IS DISTINCT FROM"
    " (NEW.id, NEW.member_id, NEW.region_id, NEW.period, NEW.redemptions, NEW.reversals, NEW.discount_fen, NEW.member_fen,"
    " NEW.public_unit_fen, NEW.alliance_fen, NEW.settled_entry, NEW.opened_at, NEW.closed_at))"
    " EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER statements_kept BEFORE DELETE OR TRUNCATE ON statements"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    # Locked first, and looked at by a later statement: whoever is closing one is waited for.
    "CREATE FUNCTION refuse_onto_closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " PERFORM FROM statements WHERE id IN (SELECT statement_id FROM added) ORDER BY id FOR SHARE;"
    " IF EXISTS (SELECT FROM statements WHERE id IN (SELECT statement_id FROM added) AND state <> 'open') THEN"
    " RAISE EXCEPTION '% takes nothing for a statement that is closed', TG_TABLE_NAME"
    " USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_onto_open'; END IF; RETURN NULL; END $$",
    *(
        f"CREATE TRIGGER {table}_onto_open AFTER INSERT ON {table} REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_onto_closed()"
        for table in ("statement_lines", "statement_sums")
    ),
]

# The queue keeps few indexes, and those that failed for good are looked for every few minutes among all that waits.
FAILED_JOBS = "CREATE INDEX pgqueuer_failed ON pgqueuer (dedupe_key) WHERE status = 'failed'"


class Migration(migrations.Migration):
    """Statements: what each member's month adds up to, the day-closes, and exports."""

    dependencies = [("models", "0010_complaints_audit")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="DayClose",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("member_id", fields.UUIDField()),
                ("store_id", fields.UUIDField()),
                ("staff_id", fields.UUIDField()),
                ("day", fields.DateField()),
                ("redemptions", fields.IntField()),
                ("reversals", fields.IntField()),
                ("discount_fen", fields.BigIntField()),
                ("server_redemptions", fields.IntField()),
                ("server_reversals", fields.IntField()),
                ("server_discount_fen", fields.BigIntField()),
                ("closed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "day_closes",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("staff_id", "request_key"), name="day_closes_request_key_once"),
                    CheckConstraint(check="length(request_hash) = 32", name="day_closes_request_hash_form"),
                    CheckConstraint(
                        check="least(redemptions, reversals, discount_fen, server_redemptions, server_reversals, server_discount_fen) >= 0",
                        name="day_closes_counts",
                    ),
                ],
                "indexes": [
                    Index(fields=["store_id", "day", "id"], name="day_closes_by_store"),
                    Index(fields=["member_id", "id"], name="day_closes_by_member"),
                ],
                "pk_attr": "id",
                "table_description": "日结: what a clerk counted at his store for one day, beside what the service had then; the newest counts.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Export",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("region_id", fields.CharField(max_length=6)),
                ("period", fields.DateField()),
                (
                    "format",
                    fields.CharEnumField(
                        description="CSV: csv\nXLSX: xlsx", enum_type=ExportFormat, max_length=8
                    ),
                ),
                ("asked_by", fields.UUIDField()),
                ("agreed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: waiting\nREADY: ready\nDELETED: deleted",
                        db_default="waiting",
                        enum_type=ExportState,
                        max_length=16,
                    ),
                ),
                ("rows_done", fields.BigIntField(db_default=0)),
                ("file_id", fields.UUIDField(null=True)),
                ("ready_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("deleted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "exports",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="format IN ('csv', 'xlsx')", name="exports_format_known"),
                    CheckConstraint(
                        check="state IN ('waiting', 'ready', 'deleted')", name="exports_state_known"
                    ),
                    CheckConstraint(check="rows_done >= 0", name="exports_rows_count"),
                    CheckConstraint(check="EXTRACT(day FROM period) = 1", name="exports_period_is_a_month"),
                    CheckConstraint(
                        check="(state = 'waiting') = (file_id IS NULL) AND (file_id IS NULL) = (ready_at IS NULL)",
                        name="exports_ready_has_file",
                    ),
                    CheckConstraint(
                        check="(state = 'deleted') = (deleted_at IS NOT NULL)",
                        name="exports_deleted_is_dated",
                    ),
                ],
                "indexes": [
                    Index(fields=["asked_by", "id"], name="exports_by_asker"),
                    Index(fields=["state", "ready_at"], name="exports_by_state"),
                ],
                "pk_attr": "id",
                "table_description": "One file that an admin asked for; he alone reads it. `id` is the approval's: agreed to once, made once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Statement",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("member_id", fields.UUIDField()),
                ("region_id", fields.CharField(max_length=6)),
                ("period", fields.DateField()),
                (
                    "state",
                    fields.CharEnumField(
                        description="OPEN: open\nCLOSED: closed\nCONFIRMED: confirmed\nDISPUTED: disputed\nSETTLED: settled",
                        db_default="open",
                        enum_type=StatementState,
                        max_length=16,
                    ),
                ),
                ("redemptions", fields.BigIntField(db_default=0)),
                ("reversals", fields.BigIntField(db_default=0)),
                ("discount_fen", fields.BigIntField(db_default=0)),
                ("member_fen", fields.BigIntField(db_default=0)),
                ("public_unit_fen", fields.BigIntField(db_default=0)),
                ("alliance_fen", fields.BigIntField(db_default=0)),
                ("settled_entry", fields.BigIntField(null=True)),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("dispute_reason", fields.CharField(null=True, max_length=256)),
                ("rejection_reason", fields.CharField(null=True, max_length=256)),
                ("settled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("settlement_reference", fields.CharField(null=True, max_length=64)),
            ],
            options={
                "table": "statements",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("member_id", "period"), name="statements_period_once"),
                    CheckConstraint(
                        check="state IN ('open', 'closed', 'confirmed', 'disputed', 'settled')",
                        name="statements_state_known",
                    ),
                    CheckConstraint(
                        check="EXTRACT(day FROM period) = 1", name="statements_period_is_a_month"
                    ),
                    CheckConstraint(
                        check="discount_fen = member_fen + public_unit_fen + alliance_fen",
                        name="statements_shares_add_up",
                    ),
                    CheckConstraint(
                        check="(state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (settled_entry IS NULL)",
                        name="statements_closed_is_dated",
                    ),
                    CheckConstraint(
                        check="(state = 'settled') = (settled_at IS NOT NULL) AND (settled_at IS NULL) = (settlement_reference IS NULL)",
                        name="statements_settled_is_dated",
                    ),
                    CheckConstraint(
                        check="state <> 'disputed' OR coalesce(dispute_reason, '') <> ''",
                        name="statements_dispute_has_reason",
                    ),
                ],
                "indexes": [
                    Index(fields=["state", "period", "id"], name="statements_by_state"),
                    Index(fields=["region_id", "id"], name="statements_by_region"),
                    Index(fields=["period", "id"], name="statements_by_period"),
                ],
                "pk_attr": "id",
                "table_description": "A member's statement of one month (`period` is its first day, Asia/Shanghai).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StatementCursor",
            fields=[
                ("id", fields.SmallIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("last_entry", fields.BigIntField(db_default=0)),
            ],
            options={
                "table": "statement_cursor",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="id = 1", name="statement_cursor_one_row"),
                    CheckConstraint(check="last_entry >= 0", name="statement_cursor_counts"),
                ],
                "pk_attr": "id",
                "table_description": "One row: up to which number the ledger is on statements.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StatementLine",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("statement_id", fields.UUIDField()),
                (
                    "kind",
                    fields.CharEnumField(
                        description="REDEMPTION: redemption\nREVERSAL: reversal\nADJUSTMENT: adjustment",
                        enum_type=StatementLineKind,
                        max_length=16,
                    ),
                ),
                ("entry", fields.BigIntField(null=True)),
                ("record_id", fields.UUIDField()),
                ("redemption_id", fields.UUIDField(null=True)),
                ("store_id", fields.UUIDField(null=True)),
                ("offer_id", fields.UUIDField(null=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("order_amount_fen", fields.BigIntField(null=True)),
                ("discount_fen", fields.BigIntField()),
                ("member_fen", fields.BigIntField()),
                ("public_unit_fen", fields.BigIntField()),
                ("alliance_fen", fields.BigIntField()),
                ("public_unit_id", fields.UUIDField(null=True)),
                (
                    "reason_code",
                    fields.CharEnumField(
                        null=True,
                        description="AMOUNT_WRONG: amount_wrong\nSHARE_WRONG: share_wrong\nNOT_GIVEN: not_given\nMISSING: missing\nOTHER: other",
                        enum_type=AdjustmentReason,
                        max_length=16,
                    ),
                ),
            ],
            options={
                "table": "statement_lines",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("entry",), name="statement_lines_entry_once"),
                    UniqueConstraint(fields=("record_id",), name="statement_lines_record_once"),
                    CheckConstraint(
                        check="kind IN ('redemption', 'reversal', 'adjustment')",
                        name="statement_lines_kind_known",
                    ),
                    CheckConstraint(
                        check="reason_code IN ('amount_wrong', 'share_wrong', 'not_given', 'missing', 'other')",
                        name="statement_lines_reason_code_known",
                    ),
                    CheckConstraint(
                        check="discount_fen = member_fen + public_unit_fen + alliance_fen",
                        name="statement_lines_shares_add_up",
                    ),
                    CheckConstraint(
                        check="(kind = 'adjustment') = (entry IS NULL) AND (kind = 'adjustment') = (reason_code IS NOT NULL) AND (kind = 'adjustment' OR store_id IS NOT NULL AND offer_id IS NOT NULL)",
                        name="statement_lines_traceable",
                    ),
                    CheckConstraint(
                        check="(kind = 'reversal') = (redemption_id IS NOT NULL)",
                        name="statement_lines_counter_entry_named",
                    ),
                    CheckConstraint(
                        check="CASE kind WHEN 'redemption' THEN least(discount_fen, member_fen, public_unit_fen, alliance_fen) >= 0 WHEN 'reversal' THEN greatest(discount_fen, member_fen, public_unit_fen, alliance_fen) <= 0 ELSE true END",
                        name="statement_lines_sign",
                    ),
                    CheckConstraint(
                        check="public_unit_fen = 0 OR public_unit_id IS NOT NULL",
                        name="statement_lines_public_unit_named",
                    ),
                ],
                "indexes": [Index(fields=["statement_id", "id"], name="statement_lines_by_statement")],
                "pk_attr": "id",
                "table_description": "One record of the ledger, on the statement that it counts in; written once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StatementSum",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("statement_id", fields.UUIDField()),
                ("member_id", fields.UUIDField()),
                ("region_id", fields.CharField(max_length=6)),
                ("period", fields.DateField()),
                ("store_id", fields.UUIDField(null=True)),
                ("offer_id", fields.UUIDField(null=True)),
                ("public_unit_id", fields.UUIDField(null=True)),
                ("redemptions", fields.BigIntField()),
                ("reversals", fields.BigIntField()),
                ("discount_fen", fields.BigIntField()),
                ("member_fen", fields.BigIntField()),
                ("public_unit_fen", fields.BigIntField()),
                ("alliance_fen", fields.BigIntField()),
            ],
            options={
                "table": "statement_sums",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="discount_fen = member_fen + public_unit_fen + alliance_fen",
                        name="statement_sums_shares_add_up",
                    )
                ],
                "indexes": [
                    Index(fields=["statement_id"], name="statement_sums_by_statement"),
                    Index(fields=["period", "region_id"], name="statement_sums_by_period"),
                    Index(fields=["public_unit_id", "period"], name="statement_sums_by_public_unit"),
                ],
                "pk_attr": "id",
                "table_description": "What a closed statement's lines add up to by store, offer and public unit: what others' sums are made of.",
            },
            bases=["Model"],
        ),
        ops.RunSQL([*CONSTRAINTS, *WRITTEN_ONCE, *CLOSED, FAILED_JOBS]),
    ]
