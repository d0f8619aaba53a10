"""联盟成员 and their 门店 / 服务点."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import MemberKind, MemberStatus
from models.region import Region


class Member(Model):
    """Who signs the alliance's commitment, known by its 统一社会信用代码 (GB 32100)."""

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharEnumField(MemberKind, max_length=16)
    name = fields.CharField(max_length=128)
    uscc = fields.CharField(max_length=18)
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="members", on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(MemberStatus, max_length=16, db_default=MemberStatus.ACTIVE.value)
    joined_at = fields.DatetimeField()

    class Meta:
        table = "members"
        indexes = (Index(fields=("region_id", "status"), name="members_by_region_and_status"),)
        constraints = (
            UniqueConstraint(fields=("uscc",), name="members_uscc_once"),
            UniqueConstraint(fields=("id", "kind"), name="members_id_kind"),
            CheckConstraint(check="kind IN ('merchant', 'public_unit')", name="members_kind_known"),
            CheckConstraint(check="status IN ('active', 'suspended', 'left')", name="members_status_known"),
            CheckConstraint(check="uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="members_uscc_form"),
            CheckConstraint(check="name <> ''", name="members_name_given"),
        )


class Store(Model):
    """Where staff redeem. Coordinates are WGS 84 degrees."""

    id = fields.UUIDField(primary_key=True)
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="stores", on_delete=fields.RESTRICT
    )
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="stores", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=128)
    address = fields.CharField(max_length=256)
    lat = fields.FloatField()
    lng = fields.FloatField()
    is_active = fields.BooleanField(db_default=True)

    class Meta:
        table = "stores"
        indexes = (Index(fields=("member_id",), name="stores_by_member"),)
        constraints = (
            UniqueConstraint(fields=("id", "member_id"), name="stores_id_member"),
            CheckConstraint(
                check="lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180", name="stores_place_on_earth"
            ),
            CheckConstraint(check="name <> ''", name="stores_name_given"),
        )
