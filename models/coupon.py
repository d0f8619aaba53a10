"""优惠券: a citizen's right to one offer, on the terms of the moment of the claim."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.enums import CouponStatus
from models.offer import Offer, OfferTerms


class Coupon(Model):
    """A claimed coupon.

    `number` is what its codes carry: two bytes of cell and six random bytes. `slot` takes one of the
    citizen's places for this offer in `limit_period`; the unique index on them is what keeps a natural
    person to his limit, and giving back empties the slot. `uses_today` counts for `uses_day` only.
    `reserved_fen` is what the coupon holds of its offer's budget: the most it can cost, and from `settled_at` on what it
    did cost; empty where the offer had no budget.
    Offer and terms are held by one compound foreign key (in the migration). `request_key` and `request_hash` make a retried claim harmless.
    """

    id = fields.UUIDField(primary_key=True)
    number = fields.BigIntField()
    offer: fields.ForeignKeyRelation[Offer] = fields.ForeignKeyField(
        "models.Offer", related_name="coupons", on_delete=fields.RESTRICT, db_constraint=False
    )
    terms: fields.ForeignKeyRelation[OfferTerms] = fields.ForeignKeyField(
        "models.OfferTerms", related_name="coupons", on_delete=fields.RESTRICT, db_constraint=False
    )
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="coupons", on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(CouponStatus, max_length=16, db_default=CouponStatus.CLAIMED.value)
    slot = fields.SmallIntField(null=True)
    limit_period = fields.CharField(max_length=10, db_default="")
    uses_total = fields.IntField(null=True)
    uses_done = fields.IntField(db_default=0)
    uses_day = fields.DateField(null=True)
    uses_today = fields.IntField(db_default=0)
    key_generation = fields.SmallIntField(db_default=0)
    renewal_session_id = fields.UUIDField(null=True)
    valid_from = fields.DatetimeField()
    valid_until = fields.DatetimeField()
    claimed_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    ended_reason = fields.CharField(max_length=256, null=True)
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()
    reserved_fen = fields.BigIntField(null=True)
    settled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "coupons"
        indexes = (Index(fields=("citizen_id", "id"), name="coupons_by_citizen"),)
        constraints = (
            UniqueConstraint(fields=("number",), name="coupons_number_once"),
            UniqueConstraint(fields=("citizen_id", "request_key"), name="coupons_request_key_once"),
            CheckConstraint(
                check="status IN ('claimed', 'redeemed', 'given_back', 'revoked')",
                name="coupons_status_known",
            ),
            CheckConstraint(
                check="uses_done >= 0 AND coalesce(uses_done <= uses_total, true)",
                name="coupons_uses_in_range",
            ),
            CheckConstraint(
                check="status NOT IN ('claimed', 'redeemed') OR (status = 'redeemed') = coalesce(uses_done = uses_total, false)",
                name="coupons_redeemed_when_used_up",
            ),
            CheckConstraint(
                check="status <> 'given_back' OR uses_done = 0", name="coupons_given_back_unused"
            ),
            CheckConstraint(check="uses_today >= 0", name="coupons_uses_today_counts"),
            CheckConstraint(check="key_generation BETWEEN 0 AND 31", name="coupons_key_generation_in_range"),
            CheckConstraint(check="number >= 0", name="coupons_number_in_range"),
            CheckConstraint(check="valid_until > valid_from", name="coupons_validity_ahead"),
            CheckConstraint(check="length(request_hash) = 32", name="coupons_request_hash_form"),
            CheckConstraint(
                check="coalesce(reserved_fen >= 0, settled_at IS NULL)", name="coupons_reserved_counts"
            ),
        )
