"""信易+ 产品: 信易游, 信易购, 信易学 …"""

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.enums import Category


class Programme(Model):
    """A 信易+ product, which groups offers of one consumption field."""

    code = fields.CharField(max_length=32, primary_key=True)
    name = fields.CharField(max_length=32)
    category = fields.CharEnumField(Category, max_length=32)
    summary = fields.CharField(max_length=256)

    class Meta:
        table = "programmes"
        constraints = (CheckConstraint(check="code ~ '^[a-z][a-z_]*$'", name="programmes_code_form"),)
