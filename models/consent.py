"""授权: versioned texts, and who agreed to which, when (PIPL 14-16)."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.citizen_enums import ConsentEnd
from models.enums import Channel, ConsentPurpose


class ConsentText(Model):
    """What a citizen is asked to agree to; a text that was shown is never edited, only followed by another.

    `is_wider`: it allows more than the texts before it, so that who agreed to one of those has to be asked anew.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    purpose = fields.CharEnumField(ConsentPurpose, max_length=32)
    version = fields.CharField(max_length=32)
    title = fields.CharField(max_length=128)
    text = fields.TextField()
    sha256 = fields.CharField(max_length=64)
    effective_from = fields.DatetimeField()
    is_wider = fields.BooleanField(db_default=False)

    class Meta:
        table = "consent_texts"
        constraints = (
            UniqueConstraint(fields=("purpose", "version"), name="consent_texts_version_once"),
            CheckConstraint(check="sha256 ~ '^[0-9a-f]{64}$'", name="consent_texts_sha256_form"),
        )


class Consent(Model):
    """One agreement; its id is the proof's id. Withdrawing dates it, nothing deletes it.

    `recipient_member_id` and `recipient_name`: whom data may be given to, with the name that was agreed to (PIPL 23).
    `given_by`: the guardian who agreed for a child; empty when the citizen did himself. `given_through`: the channel of
    the sign-in that it was given in.
    """

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="consents", on_delete=fields.RESTRICT
    )
    purpose = fields.CharEnumField(ConsentPurpose, max_length=32)
    version = fields.CharField(max_length=32)
    text_sha256 = fields.CharField(max_length=64)
    granted_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)
    recipient_member_id = fields.UUIDField(null=True)
    recipient_name = fields.CharField(max_length=128, null=True)
    given_by = fields.UUIDField(null=True)
    given_through = fields.CharEnumField(Channel, max_length=16, null=True)
    ended_because = fields.CharEnumField(ConsentEnd, max_length=16, null=True)

    class Meta:
        table = "consents"
        # One in force per purpose and recipient: the unique partial index `consents_one_per_recipient` in the migration.
        indexes = (
            Index(fields=("citizen_id", "purpose"), name="consents_by_citizen"),
            Index(fields=("citizen_id", "id"), name="consents_history"),
        )
        constraints = (
            CheckConstraint(
                check="withdrawn_at IS NULL OR withdrawn_at >= granted_at",
                name="consents_withdrawn_after_granted",
            ),
            CheckConstraint(
                check="(purpose = 'member_sharing') = (recipient_member_id IS NOT NULL)"
                " AND (recipient_member_id IS NULL) = (recipient_name IS NULL)",
                name="consents_recipient_where_shared",
            ),
            CheckConstraint(
                check="ended_because IS NULL OR withdrawn_at IS NOT NULL", name="consents_end_is_dated"
            ),
            CheckConstraint(
                check="ended_because IN ('withdrawn', 'replaced', 'outdated')",
                name="consents_ended_because_known",
            ),
            CheckConstraint(
                check="given_through IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                name="consents_given_through_known",
            ),
        )


class ConsentRefusal(Model):
    """The last time that a citizen said "not now": for a while nobody asks him again."""

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="consent_refusals", on_delete=fields.RESTRICT
    )
    purpose = fields.CharEnumField(ConsentPurpose, max_length=32)
    recipient_member_id = fields.UUIDField(null=True)
    refused_at = fields.DatetimeField()

    class Meta:
        table = "consent_refusals"
        # One row per purpose and recipient: the unique index `consent_refusals_last_one` in the migration.
        constraints = (
            CheckConstraint(
                check="(purpose = 'member_sharing') = (recipient_member_id IS NOT NULL)",
                name="consent_refusals_recipient_where_shared",
            ),
        )


class Disclosure(Model):
    """One time that a member's staff were shown something of a citizen, under the consent that names the member.

    `what` is `masked_name` and nothing else so far; the citizen reads these lines.
    """

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="disclosures", on_delete=fields.RESTRICT
    )
    consent: fields.ForeignKeyRelation[Consent] = fields.ForeignKeyField(
        "models.Consent", related_name="disclosures", on_delete=fields.RESTRICT
    )
    member_id = fields.UUIDField()
    store_id = fields.UUIDField()
    offer_id = fields.UUIDField()
    what = fields.CharField(max_length=32)
    shown_at = fields.DatetimeField()

    class Meta:
        table = "disclosures"
        indexes = (
            Index(fields=("citizen_id", "id"), name="disclosures_by_citizen"),
            Index(fields=("shown_at",), name="disclosures_by_time"),
        )
        constraints = (CheckConstraint(check="what = 'masked_name'", name="disclosures_what_known"),)
