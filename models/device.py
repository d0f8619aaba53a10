"""扫码终端: what staff scan with, beside the till."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model


class Device(Model):
    """What a row of `staff` with the role `device` is: rights, sessions and revocation are that row's.

    So everything that is true of a clerk who redeems is true of it. `paired_at` is when its code was typed last.
    """

    staff_id = fields.UUIDField(primary_key=True)
    member_id = fields.UUIDField()
    store_id = fields.UUIDField()
    name = fields.CharField(max_length=64)
    made_at = fields.DatetimeField()
    made_by = fields.UUIDField()
    paired_at = fields.DatetimeField(null=True)

    class Meta:
        table = "devices"
        # Two compound foreign keys (in the migration) make sure that account and store are of one member.
        indexes = (Index(fields=("member_id", "staff_id"), name="devices_by_member"),)
        constraints = (CheckConstraint(check="name <> ''", name="devices_name_given"),)
