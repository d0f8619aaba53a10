"""联盟管理员 at province, city or county level, and the codes that stand in for a lost phone."""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import AdminStatus
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
    status = fields.CharEnumField(AdminStatus, max_length=16, db_default=AdminStatus.ACTIVE.value)
    created_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)
    # Whoever was shown the last link that opened the account (none: made at the command line) could have used it
    # himself: until another head has confirmed the person, the account is nobody's second pair of eyes.
    linked_by = fields.UUIDField(null=True)
    confirmed_by = fields.UUIDField(null=True)
    confirmed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "admins"
        constraints = (
            UniqueConstraint(fields=("login",), name="admins_login_once"),
            CheckConstraint(
                check="roles <@ ARRAY['reviewer', 'operator', 'auditor', 'head', 'supervisor']::text[] AND cardinality(roles) > 0",
                name="admins_roles_known",
            ),
            CheckConstraint(check="status IN ('invited', 'active', 'revoked')", name="admins_status_known"),
            CheckConstraint(
                check="(status = 'revoked') = (revoked_at IS NOT NULL)", name="admins_revoked_is_dated"
            ),
            CheckConstraint(
                check="confirmed_by <> linked_by AND confirmed_by <> id", name="admins_confirmed_by_another"
            ),
            CheckConstraint(
                check="(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="admins_confirmed_is_dated"
            ),
        )


class AdminRecoveryCode(Model):
    """A code that signs its admin in once in place of a one-time code; only its keyed hash is kept."""

    id = fields.UUIDField(primary_key=True)
    admin: fields.ForeignKeyRelation[Admin] = fields.ForeignKeyField(
        "models.Admin", related_name="recovery_codes", on_delete=fields.RESTRICT
    )
    code_hash = fields.BinaryField()
    made_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "admin_recovery_codes"
        indexes = (Index(fields=("admin_id",), name="admin_recovery_codes_by_admin"),)
        constraints = (
            UniqueConstraint(fields=("code_hash",), name="admin_recovery_codes_code_once"),
            CheckConstraint(check="length(code_hash) = 32", name="admin_recovery_codes_hash_form"),
            CheckConstraint(check="used_at >= made_at", name="admin_recovery_codes_used_after_made"),
        )
