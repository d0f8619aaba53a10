"""对账单: what a member's month adds up to, who funds it, and what the clerks counted at the day's end."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.office_enums import AdjustmentReason, StatementLineKind, StatementState

ADDS_UP = "discount_fen = member_fen + public_unit_fen + alliance_fen"


class Statement(Model):
    """A member's statement of one month (`period` is its first day, Asia/Shanghai).

    The totals are those of its lines, written when it is closed and never changed afterwards. `settled_entry`: up to
    where the ledger was settled then; every record with a smaller number is in this statement or in another one.
    `dispute_reason` is the member's own words, `rejection_reason` the office's last answer, `settlement_reference` the payment's number.
    """

    id = fields.UUIDField(primary_key=True)
    member_id = fields.UUIDField()
    region_id = fields.CharField(max_length=6)
    period = fields.DateField()
    state = fields.CharEnumField(StatementState, max_length=16, db_default=StatementState.OPEN.value)
    redemptions = fields.BigIntField(db_default=0)
    reversals = fields.BigIntField(db_default=0)
    discount_fen = fields.BigIntField(db_default=0)
    member_fen = fields.BigIntField(db_default=0)
    public_unit_fen = fields.BigIntField(db_default=0)
    alliance_fen = fields.BigIntField(db_default=0)
    settled_entry = fields.BigIntField(null=True)
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    decided_at = fields.DatetimeField(null=True)
    dispute_reason = fields.CharField(max_length=256, null=True)
    rejection_reason = fields.CharField(max_length=256, null=True)
    settled_at = fields.DatetimeField(null=True)
    settlement_reference = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "statements"
        indexes = (
            Index(fields=("state", "period", "id"), name="statements_by_state"),
            Index(fields=("region_id", "id"), name="statements_by_region"),
            Index(fields=("period", "id"), name="statements_by_period"),
        )
        constraints = (
            UniqueConstraint(fields=("member_id", "period"), name="statements_period_once"),
            CheckConstraint(
                check="state IN ('open', 'closed', 'confirmed', 'disputed', 'settled')",
                name="statements_state_known",
            ),
            CheckConstraint(check="EXTRACT(day FROM period) = 1", name="statements_period_is_a_month"),
            CheckConstraint(check=ADDS_UP, name="statements_shares_add_up"),
            CheckConstraint(
                check="(state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (settled_entry IS NULL)",
                name="statements_closed_is_dated",
            ),
            CheckConstraint(
                check="(state = 'settled') = (settled_at IS NOT NULL)"
                " AND (settled_at IS NULL) = (settlement_reference IS NULL)",
                name="statements_settled_is_dated",
            ),
            CheckConstraint(
                check="state <> 'disputed' OR coalesce(dispute_reason, '') <> ''",
                name="statements_dispute_has_reason",
            ),
        )


class StatementLine(Model):
    """One record of the ledger, on the statement that it counts in; written once.

    `entry` is the record's number there (none for an adjustment), `record_id` its id, and for a reversal
    `redemption_id` what it undoes. A reversal is a counter-entry: all its amounts are below zero. The three shares
    are from the frozen terms of the redemption and add up to the discount.
    """

    id = fields.UUIDField(primary_key=True)
    statement_id = fields.UUIDField()
    kind = fields.CharEnumField(StatementLineKind, max_length=16)
    entry = fields.BigIntField(null=True)
    record_id = fields.UUIDField()
    redemption_id = fields.UUIDField(null=True)
    store_id = fields.UUIDField(null=True)
    offer_id = fields.UUIDField(null=True)
    at = fields.DatetimeField()
    order_amount_fen = fields.BigIntField(null=True)
    discount_fen = fields.BigIntField()
    member_fen = fields.BigIntField()
    public_unit_fen = fields.BigIntField()
    alliance_fen = fields.BigIntField()
    public_unit_id = fields.UUIDField(null=True)
    reason_code = fields.CharEnumField(AdjustmentReason, max_length=16, null=True)

    class Meta:
        table = "statement_lines"
        indexes = (Index(fields=("statement_id", "id"), name="statement_lines_by_statement"),)
        constraints = (
            UniqueConstraint(fields=("entry",), name="statement_lines_entry_once"),
            UniqueConstraint(fields=("record_id",), name="statement_lines_record_once"),
            CheckConstraint(
                check="kind IN ('redemption', 'reversal', 'adjustment')", name="statement_lines_kind_known"
            ),
            CheckConstraint(
                check="reason_code IN ('amount_wrong', 'share_wrong', 'not_given', 'missing', 'other')",
                name="statement_lines_reason_code_known",
            ),
            CheckConstraint(check=ADDS_UP, name="statement_lines_shares_add_up"),
            CheckConstraint(
                check="(kind = 'adjustment') = (entry IS NULL) AND (kind = 'adjustment') = (reason_code IS NOT NULL)"
                " AND (kind = 'adjustment' OR store_id IS NOT NULL AND offer_id IS NOT NULL)",
                name="statement_lines_traceable",
            ),
            CheckConstraint(
                check="(kind = 'reversal') = (redemption_id IS NOT NULL)",
                name="statement_lines_counter_entry_named",
            ),
            CheckConstraint(
                check="CASE kind WHEN 'redemption' THEN least(discount_fen, member_fen, public_unit_fen, alliance_fen) >= 0"
                " WHEN 'reversal' THEN greatest(discount_fen, member_fen, public_unit_fen, alliance_fen) <= 0"
                " ELSE true END",
                name="statement_lines_sign",
            ),
            CheckConstraint(
                check="public_unit_fen = 0 OR public_unit_id IS NOT NULL",
                name="statement_lines_public_unit_named",
            ),
        )


class StatementSum(Model):
    """What a closed statement's lines add up to by store, offer and public unit: what others' sums are made of."""

    id = fields.UUIDField(primary_key=True)
    statement_id = fields.UUIDField()
    member_id = fields.UUIDField()
    region_id = fields.CharField(max_length=6)
    period = fields.DateField()
    store_id = fields.UUIDField(null=True)
    offer_id = fields.UUIDField(null=True)
    public_unit_id = fields.UUIDField(null=True)
    redemptions = fields.BigIntField()
    reversals = fields.BigIntField()
    discount_fen = fields.BigIntField()
    member_fen = fields.BigIntField()
    public_unit_fen = fields.BigIntField()
    alliance_fen = fields.BigIntField()

    class Meta:
        table = "statement_sums"
        indexes = (
            Index(fields=("statement_id",), name="statement_sums_by_statement"),
            Index(fields=("period", "region_id"), name="statement_sums_by_period"),
            Index(fields=("public_unit_id", "period"), name="statement_sums_by_public_unit"),
        )
        constraints = (CheckConstraint(check=ADDS_UP, name="statement_sums_shares_add_up"),)


class StatementCursor(Model):
    """One row: up to which number the ledger is on statements."""

    id = fields.SmallIntField(primary_key=True)
    last_entry = fields.BigIntField(db_default=0)

    class Meta:
        table = "statement_cursor"
        constraints = (
            CheckConstraint(check="id = 1", name="statement_cursor_one_row"),
            CheckConstraint(check="last_entry >= 0", name="statement_cursor_counts"),
        )


class DayClose(Model):
    """日结: what a clerk counted at his store for one day, beside what the service had then; the newest counts.

    `reversals` are those of the day's redemptions that are undone; `discount_fen` is what is left without them.
    """

    id = fields.UUIDField(primary_key=True)
    member_id = fields.UUIDField()
    store_id = fields.UUIDField()
    staff_id = fields.UUIDField()
    day = fields.DateField()
    redemptions = fields.IntField()
    reversals = fields.IntField()
    discount_fen = fields.BigIntField()
    server_redemptions = fields.IntField()
    server_reversals = fields.IntField()
    server_discount_fen = fields.BigIntField()
    closed_at = fields.DatetimeField()
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()

    class Meta:
        table = "day_closes"
        indexes = (
            Index(fields=("store_id", "day", "id"), name="day_closes_by_store"),
            Index(fields=("member_id", "id"), name="day_closes_by_member"),
        )
        constraints = (
            UniqueConstraint(fields=("staff_id", "request_key"), name="day_closes_request_key_once"),
            CheckConstraint(check="length(request_hash) = 32", name="day_closes_request_hash_form"),
            CheckConstraint(
                check="least(redemptions, reversals, discount_fen, server_redemptions, server_reversals,"
                " server_discount_fen) >= 0",
                name="day_closes_counts",
            ),
        )
