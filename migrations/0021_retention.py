"""What is over can be found by its end."""

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """What is over can be found by its end."""

    dependencies = [("models", "0020_rights")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.AddIndex(
            model_name="TierSnapshot", index=Index(fields=["valid_until"], name="tier_snapshots_by_end")
        ),
        ops.AddIndex(model_name="Disclosure", index=Index(fields=["shown_at"], name="disclosures_by_time")),
        ops.RunSQL(
            [
                "CREATE INDEX objections_by_end ON objections (closed_at) WHERE closed_at IS NOT NULL",
                "CREATE INDEX credit_batch_errors_by_end ON credit_batch_errors (ended_at) WHERE ended_at IS NOT NULL",
                "CREATE INDEX stored_files_forgotten ON stored_files (forgotten_at) WHERE forgotten_at IS NOT NULL",
            ]
        ),
    ]
