"""核销 and 撤销核销: the ledger. Rows are written once; a trigger refuses every change."""

from tortoise import fields
from tortoise.fields.db_defaults import SqlDefault
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.coupon import Coupon
from models.member import Store
from models.staff import Staff

# One row of numbers for both tables, drawn by the database: the order of the ledger, whatever clocks say.
NEXT_ENTRY = SqlDefault("nextval('ledger_entries')")


class Redemption(Model):
    """What was given, once. Money in fen; `step` is the code's 15-second step, burnt for this coupon.

    `offer_id`, `member_id` and `citizen_id` (the random subject id) are copies, so that the books can be
    read without the citizen's side. `uses_left` is what was left then: a retry gets the first answer.
    `entry` is its place in the ledger, in one order with the reversals; numbers may be left out.
    """

    id = fields.UUIDField(primary_key=True)
    coupon: fields.ForeignKeyRelation[Coupon] = fields.ForeignKeyField(
        "models.Coupon", related_name="redemptions", on_delete=fields.RESTRICT
    )
    store: fields.ForeignKeyRelation[Store] = fields.ForeignKeyField(
        "models.Store", related_name="redemptions", on_delete=fields.RESTRICT
    )
    staff: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField(
        "models.Staff", related_name="redemptions", on_delete=fields.RESTRICT
    )
    offer_id = fields.UUIDField()
    member_id = fields.UUIDField()
    citizen_id = fields.UUIDField()
    terms_id = fields.BigIntField()
    step = fields.BigIntField()
    order_amount_fen = fields.BigIntField(null=True)
    discount_fen = fields.BigIntField()
    payable_fen = fields.BigIntField(null=True)
    uses = fields.SmallIntField()
    uses_left = fields.IntField(null=True)
    redeemed_at = fields.DatetimeField()
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()
    entry = fields.BigIntField(db_default=NEXT_ENTRY)

    class Meta:
        table = "redemptions"
        indexes = (Index(fields=("store_id", "redeemed_at", "id"), name="redemptions_by_store"),)
        constraints = (
            UniqueConstraint(fields=("coupon_id", "step"), name="redemptions_step_once"),
            UniqueConstraint(fields=("staff_id", "request_key"), name="redemptions_request_key_once"),
            UniqueConstraint(fields=("entry",), name="redemptions_entry_once"),
            CheckConstraint(check="uses BETWEEN 1 AND 1000", name="redemptions_uses_sane"),
            CheckConstraint(
                check="discount_fen BETWEEN 0 AND 1000000000 AND coalesce(order_amount_fen BETWEEN 0 AND 1000000000, true)",
                name="redemptions_money_in_range",
            ),
            CheckConstraint(
                check="(payable_fen IS NULL) = (order_amount_fen IS NULL)"
                " AND coalesce(payable_fen = order_amount_fen - discount_fen AND payable_fen >= 0, true)",
                name="redemptions_money_adds_up",
            ),
            CheckConstraint(check="length(request_hash) = 32", name="redemptions_request_hash_form"),
        )


class Reversal(Model):
    """The record that undoes one redemption, at most once. Why is in `ReversalReason`."""

    id = fields.UUIDField(primary_key=True)
    redemption: fields.ForeignKeyRelation[Redemption] = fields.ForeignKeyField(
        "models.Redemption", related_name="reversals", on_delete=fields.RESTRICT
    )
    staff: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField(
        "models.Staff", related_name="reversals", on_delete=fields.RESTRICT
    )
    reversed_at = fields.DatetimeField()
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()
    entry = fields.BigIntField(db_default=NEXT_ENTRY)

    class Meta:
        table = "reversals"
        constraints = (
            UniqueConstraint(fields=("redemption_id",), name="reversals_redemption_once"),
            UniqueConstraint(fields=("staff_id", "request_key"), name="reversals_request_key_once"),
            UniqueConstraint(fields=("entry",), name="reversals_entry_once"),
            CheckConstraint(check="length(request_hash) = 32", name="reversals_request_hash_form"),
        )


class ReversalReason(Model):
    """Why a redemption was undone, in a clerk's own words, which may name somebody.

    Beside the ledger, where it can be erased (rule 7); the foreign key to the reversal is in the migration.
    """

    reversal_id = fields.UUIDField(primary_key=True)
    reason = fields.CharField(max_length=256)

    class Meta:
        table = "reversal_reasons"
        constraints = (CheckConstraint(check="reason <> ''", name="reversal_reasons_given"),)
