"""联盟成员 and their 门店 / 服务点."""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import Category, ClosureReason, MemberKind, MemberStatus
from models.region import Region


class Member(Model):
    """Who signs the alliance's commitment, known by its 统一社会信用代码 (GB 32100).

    `sector` is the consumption field it works in; members of old have none. `status_since` is empty as long as the
    status never changed.
    """

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharEnumField(MemberKind, max_length=16)
    name = fields.CharField(max_length=128)
    uscc = fields.CharField(max_length=18)
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="members", on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(MemberStatus, max_length=16, db_default=MemberStatus.ACTIVE.value)
    joined_at = fields.DatetimeField()
    sector = fields.CharEnumField(Category, max_length=32, null=True)
    status_since = fields.DatetimeField(null=True)

    class Meta:
        table = "members"
        indexes = (Index(fields=("region_id", "status"), name="members_by_region_and_status"),)
        constraints = (
            CheckConstraint(
                check="sector IN ('education', 'tourism_shopping', 'home_services', 'elder_child_care', 'transport',"
                " 'culture', 'health', 'housing')",
                name="members_sector_known",
            ),
            UniqueConstraint(fields=("uscc",), name="members_uscc_once"),
            UniqueConstraint(fields=("id", "kind"), name="members_id_kind"),
            CheckConstraint(check="kind IN ('merchant', 'public_unit')", name="members_kind_known"),
            CheckConstraint(check="status IN ('active', 'suspended', 'left')", name="members_status_known"),
            CheckConstraint(check="uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="members_uscc_form"),
            CheckConstraint(check="name <> ''", name="members_name_given"),
        )


class Store(Model):
    """Where staff redeem. Coordinates are WGS 84 degrees.

    `hours` are minutes of the week, Monday 00:00 in Asia/Shanghai being 0, taken in pairs [open, close): [540, 1320] is
    Monday from 9 to 22. Empty: nobody has told them.
    """

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
    hours: ArrayField = ArrayField(element_type="int", null=True)

    class Meta:
        table = "stores"
        indexes = (Index(fields=("member_id",), name="stores_by_member"),)
        constraints = (
            UniqueConstraint(fields=("id", "member_id"), name="stores_id_member"),
            CheckConstraint(
                check="lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180", name="stores_place_on_earth"
            ),
            CheckConstraint(check="name <> ''", name="stores_name_given"),
            CheckConstraint(
                check="cardinality(hours) BETWEEN 2 AND 112 AND cardinality(hours) % 2 = 0"
                " AND 0 <= ALL (hours) AND 10080 >= ALL (hours)",
                name="stores_hours_in_the_week",
            ),
        )


class StoreClosure(Model):
    """暂停营业: days, both included, on which a store is closed; taken back when it opens all the same."""

    id = fields.UUIDField(primary_key=True)
    store: fields.ForeignKeyRelation[Store] = fields.ForeignKeyField(
        "models.Store", related_name="closures", on_delete=fields.RESTRICT
    )
    first_day = fields.DateField()
    last_day = fields.DateField()
    reason = fields.CharEnumField(ClosureReason, max_length=16)
    made_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)

    class Meta:
        table = "store_closures"
        indexes = (
            Index(fields=("store_id", "last_day"), name="store_closures_by_store"),
            Index(fields=("last_day",), name="store_closures_by_day"),
        )
        constraints = (
            CheckConstraint(
                check="last_day >= first_day AND last_day - first_day <= 366", name="store_closures_span_sane"
            ),
            CheckConstraint(
                check="reason IN ('holiday', 'renovation', 'stocktaking', 'emergency', 'other')",
                name="store_closures_reason_known",
            ),
        )
