"""Copies of his own data that a citizen took, for his daily limit and his access log."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.citizen_enums import DataCopyFormat


class DataCopy(Model):
    """That a citizen took a copy of his data; the copy itself is kept nowhere.

    `place` is one of his places on the day `copied_on` (Asia/Shanghai); that it is unique keeps him to the daily limit.
    """

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="data_copies", on_delete=fields.RESTRICT
    )
    format = fields.CharEnumField(DataCopyFormat, max_length=8)
    copied_at = fields.DatetimeField()
    copied_on = fields.DateField()
    place = fields.SmallIntField()

    class Meta:
        table = "data_copies"
        indexes = (Index(fields=("citizen_id", "id"), name="data_copies_by_citizen"),)
        constraints = (
            UniqueConstraint(fields=("citizen_id", "copied_on", "place"), name="data_copies_place_once"),
            CheckConstraint(check="place BETWEEN 1 AND 3", name="data_copies_place_in_range"),
            CheckConstraint(check="format IN ('json', 'html')", name="data_copies_format_known"),
        )
