"""经营数据: sums that the background process keeps of what happened, so that nobody reads a ledger for a chart."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.office_enums import NumberSource


class FlowDay(Model):
    """One offer's day (Asia/Shanghai): views → claims → redemptions → customers (以实惠换流量).

    Without a store it holds what belongs to no store (views, claims, given back); with one, what happened there. A
    reversal counts on its own day, with what it took back in `reversed_fen`. `region_id` is the offer's when its
    day began. Two partial unique indexes (in the migration) make a row the only one of its kind.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    day = fields.DateField()
    offer_id = fields.UUIDField()
    store_id = fields.UUIDField(null=True)
    member_id = fields.UUIDField()
    region_id = fields.CharField(max_length=6)
    views = fields.BigIntField(db_default=0)
    claims = fields.BigIntField(db_default=0)
    given_back = fields.BigIntField(db_default=0)
    redemptions = fields.BigIntField(db_default=0)
    reversals = fields.BigIntField(db_default=0)
    discount_fen = fields.BigIntField(db_default=0)
    reversed_fen = fields.BigIntField(db_default=0)
    new_customers = fields.BigIntField(db_default=0)
    returning_customers = fields.BigIntField(db_default=0)

    class Meta:
        table = "flow_days"
        indexes = (
            Index(fields=("member_id", "day"), name="flow_days_by_member"),
            Index(fields=("day", "region_id"), name="flow_days_by_region"),
        )
        constraints = (
            CheckConstraint(
                check="views >= 0 AND claims >= 0 AND given_back >= 0 AND redemptions >= 0 AND reversals >= 0"
                " AND discount_fen >= 0 AND reversed_fen >= 0 AND new_customers >= 0 AND returning_customers >= 0",
                name="flow_days_counts",
            ),
            CheckConstraint(
                check="CASE WHEN store_id IS NULL THEN redemptions + reversals + new_customers + returning_customers = 0"
                " ELSE views + claims + given_back = 0 END",
                name="flow_days_where_it_happened",
            ),
        )


class RefusalDay(Model):
    """Refused scans of a member's staff on one day by reason; those that never reached a coupon are in
    `RefusedScanCount`."""

    id = fields.BigIntField(primary_key=True, generated=True)
    day = fields.DateField()
    member_id = fields.UUIDField()
    code = fields.CharField(max_length=32)
    refusals = fields.BigIntField()

    class Meta:
        table = "refusal_days"
        constraints = (
            UniqueConstraint(fields=("day", "member_id", "code"), name="refusal_days_once"),
            CheckConstraint(check="refusals > 0", name="refusal_days_counts"),
        )


class MemberCustomer(Model):
    """Who redeemed at a member before, by his random id: what tells new customers from returning ones.

    `first_entry` is his first record of the ledger there, `last_day` the latest day that he came on.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    member_id = fields.UUIDField()
    citizen_id = fields.UUIDField()
    first_entry = fields.BigIntField()
    first_day = fields.DateField()
    last_day = fields.DateField()

    class Meta:
        table = "member_customers"
        indexes = (Index(fields=("citizen_id",), name="member_customers_by_citizen"),)
        constraints = (
            UniqueConstraint(fields=("member_id", "citizen_id"), name="member_customers_once"),
            CheckConstraint(check="last_day >= first_day", name="member_customers_days_in_order"),
        )


class NumberMark(Model):
    """How far one source was counted; advanced in the same transaction as the sums.

    For the ledger `mark` is an entry. For the others it is a slice (a minute), and nothing below `kept_from` is
    counted again, because its slices are gone.
    """

    source = fields.CharEnumField(NumberSource, max_length=16, primary_key=True)
    mark = fields.BigIntField(db_default=0)
    kept_from = fields.BigIntField(db_default=0)

    class Meta:
        table = "number_marks"
        constraints = (
            CheckConstraint(
                check="source IN ('ledger', 'claims', 'given_back', 'attempts')",
                name="number_marks_source_known",
            ),
            CheckConstraint(check="mark >= 0 AND kept_from >= 0", name="number_marks_counts"),
        )


class NumberSlice(Model):
    """What one source's minute added to the sums: counted again, it replaces itself and adds the difference.

    `subject_id` is an offer, or for refused scans the member, with their `code`.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    source = fields.CharEnumField(NumberSource, max_length=16)
    slice = fields.BigIntField()
    day = fields.DateField()
    subject_id = fields.UUIDField()
    code = fields.CharField(max_length=32, db_default="")
    count = fields.BigIntField()

    class Meta:
        table = "number_slices"
        constraints = (
            UniqueConstraint(
                fields=("source", "slice", "day", "subject_id", "code"), name="number_slices_once"
            ),
            CheckConstraint(
                check="source IN ('ledger', 'claims', 'given_back', 'attempts')",
                name="number_slices_source_known",
            ),
            CheckConstraint(check="count > 0", name="number_slices_counts"),
        )
