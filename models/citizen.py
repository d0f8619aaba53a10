"""市民: a random subject id for everything that lasts, and one erasable row that ties it to a person."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.enums import Channel

# The constraint that triggers name when they refuse what is to be tied to an erased citizen.
NOT_ERASED = "citizens_not_erased"


class Citizen(Model):
    """A random subject id (rule 7): ledger, attempts and audit know a citizen by it and by nothing else.

    `erased_at`: he had his data erased. The id stays for the books; triggers (in the migration) keep anything of a
    person from being tied to it again.
    """

    id = fields.UUIDField(primary_key=True)
    created_at = fields.DatetimeField()
    erased_at = fields.DatetimeField(null=True)

    class Meta:
        table = "citizens"


class NaturalPerson(Model):
    """The one row that ties a subject id to a natural person; erasing it leaves the ledger whole (rule 7).

    `person_hash` is a keyed hash of the ID number, so that one person is one citizen however many
    channels he logs in from; name and ID number are encrypted (rule 15).
    """

    citizen_id = fields.UUIDField(primary_key=True)
    person_hash = fields.BinaryField()
    name_encrypted = fields.BinaryField()
    id_number_encrypted = fields.BinaryField()

    class Meta:
        table = "natural_persons"
        constraints = (
            UniqueConstraint(fields=("person_hash",), name="natural_persons_person_once"),
            CheckConstraint(check="length(person_hash) = 32", name="natural_persons_hash_form"),
        )


class CitizenJoin(Model):
    """Two accounts of one person became one: the subject id that went, and the citizen whose it was.

    Ledger, attempts and audit keep the id that went; erasing the person deletes this row (rule 7). `request_key` and
    `request_hash` make a retried join harmless.
    """

    absorbed_id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="joins", on_delete=fields.RESTRICT
    )
    joined_at = fields.DatetimeField()
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()

    class Meta:
        table = "citizen_joins"
        indexes = (Index(fields=("citizen_id",), name="citizen_joins_by_citizen"),)
        constraints = (
            CheckConstraint(check="absorbed_id <> citizen_id", name="citizen_joins_of_two"),
            CheckConstraint(check="length(request_hash) = 32", name="citizen_joins_request_hash_form"),
        )


class CitizenPhone(Model):
    """The mobile number that a channel verified for a citizen; nobody is found by it (numbers change hands)."""

    citizen_id = fields.UUIDField(primary_key=True)
    phone_encrypted = fields.BinaryField()
    channel = fields.CharEnumField(Channel, max_length=16)
    verified_at = fields.DatetimeField()

    class Meta:
        table = "citizen_phones"
        constraints = (
            CheckConstraint(
                check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                name="citizen_phones_channel_known",
            ),
        )


class ChannelIdentity(Model):
    """渠道身份: a channel's own id for a person, kept as a keyed hash.

    Encrypted as well, for what is sent to him through the channel; who signed in before that was kept has none.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="identities", on_delete=fields.RESTRICT
    )
    channel = fields.CharEnumField(Channel, max_length=16)
    subject_hash = fields.BinaryField()
    subject_encrypted = fields.BinaryField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "channel_identities"
        indexes = (Index(fields=("citizen_id",), name="channel_identities_by_citizen"),)
        constraints = (
            UniqueConstraint(fields=("channel", "subject_hash"), name="channel_identities_subject_once"),
            CheckConstraint(
                check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                name="channel_identities_channel_known",
            ),
            CheckConstraint(check="length(subject_hash) = 32", name="channel_identities_hash_form"),
        )
