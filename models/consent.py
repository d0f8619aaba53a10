"""授权: versioned texts, and who agreed to which, when (PIPL 14-16)."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.enums import ConsentPurpose


class ConsentText(Model):
    """What a citizen is asked to agree to; a text that was shown is never edited, only followed by another."""

    id = fields.BigIntField(primary_key=True, generated=True)
    purpose = fields.CharEnumField(ConsentPurpose, max_length=32)
    version = fields.CharField(max_length=32)
    title = fields.CharField(max_length=128)
    text = fields.TextField()
    sha256 = fields.CharField(max_length=64)
    effective_from = fields.DatetimeField()

    class Meta:
        table = "consent_texts"
        constraints = (
            UniqueConstraint(fields=("purpose", "version"), name="consent_texts_version_once"),
            CheckConstraint(check="sha256 ~ '^[0-9a-f]{64}$'", name="consent_texts_sha256_form"),
        )


class Consent(Model):
    """One agreement; its id is the proof's id. Withdrawing dates it, nothing deletes it."""

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="consents", on_delete=fields.RESTRICT
    )
    purpose = fields.CharEnumField(ConsentPurpose, max_length=32)
    version = fields.CharField(max_length=32)
    text_sha256 = fields.CharField(max_length=64)
    granted_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)

    class Meta:
        table = "consents"
        # One consent in force per purpose: the unique partial index `consents_one_in_force` in the migration.
        indexes = (Index(fields=("citizen_id", "purpose"), name="consents_by_citizen"),)
        constraints = (
            CheckConstraint(
                check="withdrawn_at IS NULL OR withdrawn_at >= granted_at",
                name="consents_withdrawn_after_granted",
            ),
        )
