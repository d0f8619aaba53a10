"""The ledger's entries get numbers, and seals vouch for them.

Adding a column with a default that is drawn per row rewrites a table, which fires no trigger: what is written
once stays as it was, and existing records get their numbers in the order in which they lie on disk.
"""

from tortoise import fields, migrations
from tortoise.fields.db_defaults import SqlDefault
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

# Requests read both tables in one statement, in either order. Whoever waits for the second table while he holds
# the first can be one side of a deadlock, and the other side would be a request: give up before PostgreSQL looks
# for deadlocks (1 s), let the requests through, and try again.
LOCK_BOTH = """
DO $$ BEGIN
    PERFORM set_config('lock_timeout', '300ms', true);
    FOR attempt IN 1..200 LOOP
        BEGIN
            LOCK TABLE redemptions IN ACCESS EXCLUSIVE MODE;
            LOCK TABLE reversals IN ACCESS EXCLUSIVE MODE;
            PERFORM set_config('lock_timeout', '0', true);
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.2);
        END;
    END LOOP;
    RAISE EXCEPTION 'the ledger is in use by long transactions: end them and migrate again';
END $$"""

CONSTRAINTS = [
    "ALTER TABLE seals ADD CONSTRAINT seals_last_entry_once UNIQUE (last_entry)",
    "ALTER TABLE seals ADD CONSTRAINT seals_number_from_one CHECK (number > 0)",
    "ALTER TABLE seals ADD CONSTRAINT seals_entries_ahead CHECK (first_entry <= last_entry)",
    "ALTER TABLE seals ADD CONSTRAINT seals_leaves_complete"
    " CHECK (records > 0 AND length(leaves) = 57 * records)",
    "ALTER TABLE seals ADD CONSTRAINT seals_hashes_form"
    " CHECK (length(root) = 32 AND length(previous) = 32 AND length(public_key) = 32"
    " AND length(signature) = 64)",
]

# Hashes don't compress; stored as they are, nobody tries.
STORAGE = ["ALTER TABLE seals ALTER COLUMN leaves SET STORAGE EXTERNAL"]

WRITTEN_ONCE = [
    "CREATE TRIGGER seals_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON seals"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
]


class Migration(migrations.Migration):
    """Number the records, in one order for both tables, and make the table of seals."""

    dependencies = [("models", "0002_constraints")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.RunSQL(["CREATE SEQUENCE ledger_entries", LOCK_BOTH]),
        ops.AddField(
            model_name="Redemption",
            name="entry",
            field=fields.BigIntField(db_default=SqlDefault("nextval('ledger_entries')")),
        ),
        ops.AddConstraint(
            model_name="Redemption",
            constraint=UniqueConstraint(fields=("entry",), name="redemptions_entry_once"),
        ),
        ops.AddField(
            model_name="Reversal",
            name="entry",
            field=fields.BigIntField(db_default=SqlDefault("nextval('ledger_entries')")),
        ),
        ops.AddConstraint(
            model_name="Reversal",
            constraint=UniqueConstraint(fields=("entry",), name="reversals_entry_once"),
        ),
        ops.CreateModel(
            name="Seal",
            fields=[
                (
                    "number",
                    fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True),
                ),
                ("first_entry", fields.BigIntField()),
                ("last_entry", fields.BigIntField()),
                ("records", fields.IntField()),
                ("root", fields.BinaryField()),
                ("previous", fields.BinaryField()),
                ("sealed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("public_key", fields.BinaryField()),
                ("signature", fields.BinaryField()),
                ("leaves", fields.BinaryField()),
            ],
            options={
                "table": "seals",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("last_entry",), name="seals_last_entry_once"),
                    CheckConstraint(check="number > 0", name="seals_number_from_one"),
                    CheckConstraint(check="first_entry <= last_entry", name="seals_entries_ahead"),
                    CheckConstraint(
                        check="records > 0 AND length(leaves) = 57 * records", name="seals_leaves_complete"
                    ),
                    CheckConstraint(
                        check="length(root) = 32 AND length(previous) = 32 AND length(public_key) = 32"
                        " AND length(signature) = 64",
                        name="seals_hashes_form",
                    ),
                ],
                "pk_attr": "number",
                "table_description": "One signed Merkle root over the records with an `entry` from `first_entry` to `last_entry`.",
            },
            bases=["Model"],
        ),
        ops.RunSQL([*CONSTRAINTS, *STORAGE, *WRITTEN_ONCE]),
    ]
