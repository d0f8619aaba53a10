"""Tiers that are over can be found by their end."""

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Tiers that are over can be found by their end."""

    dependencies = [("models", "0020_rights")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.AddIndex(
            model_name="TierSnapshot", index=Index(fields=["valid_until"], name="tier_snapshots_by_end")
        ),
    ]
