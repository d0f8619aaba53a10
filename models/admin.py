"""联盟管理员 at province, city or county level."""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import StaffStatus
from models.region import Region


class Admin(Model):
    """A person of an alliance office; what he may do is bounded by his roles and by his region's subtree."""

    id = fields.UUIDField(primary_key=True)
    login = fields.CharField(max_length=64)
    password_hash = fields.CharField(max_length=255)
    totp_encrypted = fields.BinaryField(null=True)
    totp_last_step = fields.BigIntField(db_default=0)
    roles: ArrayField = ArrayField(element_type="text")
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="admins", on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(StaffStatus, max_length=16, db_default=StaffStatus.ACTIVE.value)
    created_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "admins"
        constraints = (
            UniqueConstraint(fields=("login",), name="admins_login_once"),
            CheckConstraint(
                check="roles <@ ARRAY['reviewer', 'operator', 'auditor', 'head', 'supervisor']::text[] AND cardinality(roles) > 0",
                name="admins_roles_known",
            ),
            CheckConstraint(check="status IN ('active', 'revoked')", name="admins_status_known"),
            CheckConstraint(
                check="(status = 'revoked') = (revoked_at IS NOT NULL)", name="admins_revoked_is_dated"
            ),
        )
