"""Links and codes that are good once: invitations, forgotten passwords, pairing."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.office_enums import LinkPurpose


class OneTimeLink(Model):
    """One link. Only the SHA-256 of its secret is kept; `subject_id` is what it opens (an account, a device)."""

    id = fields.UUIDField(primary_key=True)
    purpose = fields.CharEnumField(LinkPurpose, max_length=32)
    subject_id = fields.UUIDField()
    secret_hash = fields.BinaryField()
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "one_time_links"
        indexes = (
            Index(fields=("subject_id",), name="one_time_links_by_subject"),
            Index(fields=("expires_at",), name="one_time_links_by_expiry"),
        )
        constraints = (
            UniqueConstraint(fields=("secret_hash",), name="one_time_links_secret_once"),
            CheckConstraint(check="length(secret_hash) = 32", name="one_time_links_secret_form"),
            CheckConstraint(check="expires_at > made_at", name="one_time_links_expiry_ahead"),
            CheckConstraint(
                check="purpose IN ('staff_invitation', 'staff_reset', 'device_pairing', 'admin_invitation', 'admin_reset', 'elder_binding', 'account_join')",
                name="one_time_links_purpose_known",
            ),
        )
