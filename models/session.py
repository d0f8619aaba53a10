"""Signed-in sessions and failed sign-ins."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import ActorKind, Channel


class Session(Model):
    """A family of refresh tokens: `generation` is the number of the one that is good now.

    The tokens themselves are not stored: each is a MAC over this id and its generation. `channel`: where a citizen came from.
    """

    id = fields.UUIDField(primary_key=True)
    actor_kind = fields.CharEnumField(ActorKind, max_length=16)
    actor_id = fields.UUIDField()
    generation = fields.IntField(db_default=0)
    created_at = fields.DatetimeField()
    rotated_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)
    revoked_reason = fields.CharField(max_length=32, null=True)
    channel = fields.CharEnumField(Channel, max_length=16, null=True)

    class Meta:
        table = "sessions"
        indexes = (
            Index(fields=("actor_id",), name="sessions_by_actor"),
            Index(fields=("expires_at",), name="sessions_by_expiry"),
        )
        constraints = (
            CheckConstraint(
                check="actor_kind IN ('citizen', 'staff', 'admin')", name="sessions_actor_kind_known"
            ),
            CheckConstraint(check="generation >= 0", name="sessions_generation_counts"),
            CheckConstraint(
                check="(revoked_at IS NULL) = (revoked_reason IS NULL)", name="sessions_revoked_with_reason"
            ),
            CheckConstraint(
                check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')", name="sessions_channel_known"
            ),
        )


class LoginFailure(Model):
    """Wrong passwords for one login, known or not, so that both look the same from outside."""

    id = fields.BigIntField(primary_key=True, generated=True)
    login_hash = fields.BinaryField()
    failures = fields.IntField()
    window_ends_at = fields.DatetimeField()

    class Meta:
        table = "login_failures"
        indexes = (Index(fields=("window_ends_at",), name="login_failures_by_window"),)
        constraints = (
            UniqueConstraint(fields=("login_hash",), name="login_failures_login_once"),
            CheckConstraint(check="failures > 0", name="login_failures_counts"),
        )
