"""What kind of installation a database belongs to."""

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model


class Installation(Model):
    """One row, written by the first `migrate`: a sandbox and a production never share a database."""

    id = fields.SmallIntField(primary_key=True)
    is_sandbox = fields.BooleanField()

    class Meta:
        table = "installation"
        constraints = (CheckConstraint(check="id = 1", name="installation_one_row"),)
