"""店员 / 核销员, and the stores where each may redeem."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import StaffRole, StaffStatus
from models.member import Member, Store


class Staff(Model):
    """A person who redeems for a member's stores.

    `self_hash` ties the person to himself as a citizen, so that nobody redeems his own coupon: a keyed
    hash of his subject id, no name; empty until he confirms it as a citizen.
    """

    id = fields.UUIDField(primary_key=True)
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="staff", on_delete=fields.RESTRICT
    )
    login = fields.CharField(max_length=64)
    password_hash = fields.CharField(max_length=255)
    role = fields.CharEnumField(StaffRole, max_length=16)
    status = fields.CharEnumField(StaffStatus, max_length=16, db_default=StaffStatus.ACTIVE.value)
    self_hash = fields.BinaryField(null=True)
    created_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "staff"
        indexes = (Index(fields=("member_id",), name="staff_by_member"),)
        constraints = (
            UniqueConstraint(fields=("login",), name="staff_login_once"),
            UniqueConstraint(fields=("id", "member_id"), name="staff_id_member"),
            CheckConstraint(
                check="role IN ('owner', 'manager', 'cashier', 'device')", name="staff_role_known"
            ),
            CheckConstraint(check="status IN ('active', 'revoked')", name="staff_status_known"),
            CheckConstraint(
                check="(status = 'revoked') = (revoked_at IS NOT NULL)", name="staff_revoked_is_dated"
            ),
            CheckConstraint(check="self_hash IS NULL OR length(self_hash) = 32", name="staff_self_hash_form"),
        )


class StaffStore(Model):
    """Where one of the staff may redeem; `position` 0 is the store that his screen opens with."""

    id = fields.BigIntField(primary_key=True, generated=True)
    staff: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField(
        "models.Staff", related_name="store_links", on_delete=fields.RESTRICT
    )
    store: fields.ForeignKeyRelation[Store] = fields.ForeignKeyField(
        "models.Store", related_name="staff_links", on_delete=fields.RESTRICT
    )
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="staff_store_links", on_delete=fields.RESTRICT
    )
    position = fields.SmallIntField(db_default=0)

    class Meta:
        table = "staff_stores"
        # Two compound foreign keys (in the migration) make sure that person and store are of one member.
        constraints = (
            UniqueConstraint(fields=("staff_id", "store_id"), name="staff_stores_once"),
            CheckConstraint(check="position >= 0", name="staff_stores_position_counts"),
        )
