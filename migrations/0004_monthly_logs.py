"""Attempts and look-ups in partitions by month; nothing that uniqueness rests on is touched.

The old table becomes the partition of everything until the end of this month: its rows stay where they are,
and only its primary key is built anew (it has to hold the moment) and its rows are read once. With an empty
table it is a matter of milliseconds, with a million rows of a second or two, under an exclusive lock.

A snapshot's foreign key to its look-up goes: it would need a unique id over all months, and would keep an old
month from being dropped. `tier_snapshots.lookup_id` stays unique.
"""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

CONTRACTS = (
    "The release before reads and writes both tables by the same names and columns; the names that change are those of"
    " the old table, now a partition, and of its indexes, and no statement names a partition or an index."
)

# What came before the product or after this month is of a wrong clock: it moves to the DEFAULT partition.
KEEP_ROWS = """
DO $$
DECLARE
    begins timestamptz := '2026-01-01T00:00:00+08:00';
    ends timestamptz := (date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') + interval '1 month')
                        AT TIME ZONE 'Asia/Shanghai';
    part text := format('{table}_until_%s', to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY_MM'));
BEGIN
    WITH stray AS (DELETE FROM {table}_before WHERE {moment} < begins OR {moment} >= ends RETURNING *)
    INSERT INTO {table}_default SELECT * FROM stray;
    IF NOT EXISTS (SELECT FROM {table}_before) THEN
        DROP TABLE {table}_before;
    ELSE
        EXECUTE format('ALTER TABLE {table}_before RENAME TO %I', part);
        EXECUTE format('ALTER TABLE {table} ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, begins, ends);
    END IF;
END $$
"""


def by_month(table: str, moment: str, indexes: dict[str, str], keys: dict[str, str]) -> list[str]:
    """The statements that make a table one of partitions by month.

    Args:
        indexes: by name, what stands after ON.
        keys: by column, the table that a foreign key names.
    """
    return [
        f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
        f"ALTER TABLE {table} RENAME TO {table}_before",
        f"ALTER TABLE {table}_before DROP CONSTRAINT {table}_pkey",
        *(f"ALTER INDEX {name} RENAME TO {name}_before" for name in indexes),
        f"CREATE TABLE {table} (LIKE {table}_before INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE ({moment})",
        # A unique constraint has to hold the partition's key; ids are made unique by who makes them.
        f"ALTER TABLE {table} ADD PRIMARY KEY (id, {moment})",
        *(f"CREATE INDEX {name} ON {table} {what}" for name, what in indexes.items()),
        *(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fkey FOREIGN KEY ({column})"
            f" REFERENCES {other} (id) ON DELETE RESTRICT"
            for column, other in keys.items()
        ),
        f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT",
        KEEP_ROWS.format(table=table, moment=moment),
    ]


class Migration(migrations.Migration):
    """Both tables in one transaction, and the model's key without a constraint."""

    dependencies = [("models", "0003_sealed_ledger")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.RunSQL(
            [
                "ALTER TABLE tier_snapshots DROP CONSTRAINT tier_snapshots_lookup_id_fkey",
                *by_month("attempts", "attempted_at", {"attempts_by_store": "(store_id, attempted_at)"}, {}),
                *by_month(
                    "credit_lookups",
                    "looked_up_at",
                    {
                        "credit_lookups_by_citizen": "(citizen_id, id)",
                        "credit_lookups_pending": "(looked_up_at) WHERE outcome = 'pending'",
                    },
                    {"citizen_id": "citizens", "consent_id": "consents"},
                ),
            ]
        ),
        ops.AlterField(
            model_name="TierSnapshot",
            name="lookup",
            field=fields.OneToOneField(
                "models.CreditLookup",
                source_field="lookup_id",
                db_constraint=False,
                to_field="id",
                related_name="snapshot",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
    ]
