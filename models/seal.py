"""封存: what vouches for the ledger and for the audit. Rows are written once; a trigger refuses every change."""

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model


def _constraints(table: str) -> tuple[CheckConstraint | UniqueConstraint, ...]:
    return (
        UniqueConstraint(fields=("last_entry",), name=f"{table}_last_entry_once"),
        CheckConstraint(check="number > 0", name=f"{table}_number_from_one"),
        CheckConstraint(check="first_entry <= last_entry", name=f"{table}_entries_ahead"),
        CheckConstraint(
            check="records > 0 AND length(leaves) = 57 * records", name=f"{table}_leaves_complete"
        ),
        CheckConstraint(
            check="length(root) = 32 AND length(previous) = 32 AND length(public_key) = 32"
            " AND length(signature) = 64",
            name=f"{table}_hashes_form",
        ),
    )


class _Seal(Model):
    """One signed Merkle root over the records with an `entry` from `first_entry` to `last_entry`.

    Seals follow one another without a gap, and each names the hash of the one before. `leaves` holds 57 bytes
    per record (see `models.seals`), so that a record that was edited or removed can be named.
    """

    number = fields.BigIntField(primary_key=True, generated=False)
    first_entry = fields.BigIntField()
    last_entry = fields.BigIntField()
    records = fields.IntField()
    root = fields.BinaryField()
    previous = fields.BinaryField()
    sealed_at = fields.DatetimeField()
    public_key = fields.BinaryField()
    signature = fields.BinaryField()
    leaves = fields.BinaryField()

    class Meta:
        abstract = True


class Seal(_Seal):
    """One signed Merkle root over the records with an `entry` from `first_entry` to `last_entry`.

    Of the ledger.
    """

    class Meta:
        table = "seals"
        constraints = _constraints(table)


class AuditSeal(_Seal):
    """One signed Merkle root over audit records, in a chain of its own."""

    class Meta:
        table = "audit_seals"
        constraints = _constraints(table)
