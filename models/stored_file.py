"""Files that were sent in or made; their content lies in a folder of its own, under its hash."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.office_enums import FilePurpose


class StoredFile(Model):
    """One file. `name` is what the sender called it, `owner_id` whose it is (application, member or admin).

    Content is found by `sha256` (hexadecimal) in `common.files`; two rows may share it. `deleted_at`: its time is
    over, the content may be gone; `forgotten_at`: it is gone, unless another file has the same.
    """

    id = fields.UUIDField(primary_key=True)
    purpose = fields.CharEnumField(FilePurpose, max_length=32)
    owner_id = fields.UUIDField()
    name = fields.CharField(max_length=128)
    media_type = fields.CharField(max_length=128)
    size = fields.BigIntField()
    sha256 = fields.CharField(max_length=64)
    stored_at = fields.DatetimeField()
    deleted_at = fields.DatetimeField(null=True)
    forgotten_at = fields.DatetimeField(null=True)

    class Meta:
        table = "stored_files"
        indexes = (
            Index(fields=("owner_id", "id"), name="stored_files_by_owner"),
            Index(fields=("sha256",), name="stored_files_by_content"),
        )
        constraints = (
            CheckConstraint(
                check="purpose IN ('member_document', 'price_evidence', 'import', 'import_errors', 'export', 'objection_evidence', 'declaration_evidence', 'guardian_evidence', 'credit_batch_errors')",
                name="stored_files_purpose_known",
            ),
            CheckConstraint(check="size >= 0", name="stored_files_size_counts"),
            CheckConstraint(check="sha256 ~ '^[0-9a-f]{64}$'", name="stored_files_sha256_form"),
        )
