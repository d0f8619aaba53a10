"""通知: what the alliance tells a member or a citizen, each thing once."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.member import Member


class MemberNotice(Model):
    """One notice to a member. `once_key` names its cause: a cause that comes again tells nothing new."""

    id = fields.UUIDField(primary_key=True)
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="notices", on_delete=fields.RESTRICT
    )
    kind = fields.CharField(max_length=32)
    facts = fields.TextField()
    once_key = fields.CharField(max_length=128)
    noticed_at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "member_notices"
        indexes = (Index(fields=("member_id", "id"), name="member_notices_by_member"),)
        constraints = (
            UniqueConstraint(fields=("member_id", "once_key"), name="member_notices_once"),
            CheckConstraint(check="kind ~ '^[a-z_]+$'", name="member_notices_kind_form"),
        )


class CitizenNotice(Model):
    """One notice to a citizen; as with members, told once."""

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="notices", on_delete=fields.RESTRICT
    )
    kind = fields.CharField(max_length=32)
    facts = fields.TextField()
    once_key = fields.CharField(max_length=128)
    noticed_at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "citizen_notices"
        # Those that are unread, and those that were read long ago, are found by partial indexes in the migration.
        indexes = (Index(fields=("citizen_id", "id"), name="citizen_notices_by_citizen"),)
        constraints = (
            UniqueConstraint(fields=("citizen_id", "once_key"), name="citizen_notices_once"),
            CheckConstraint(check="kind ~ '^[a-z_]+$'", name="citizen_notices_kind_form"),
        )
