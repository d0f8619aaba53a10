"""Channel identities that can be written to, and verified mobile numbers."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from models.enums import Channel

CONSTRAINTS = [
    "ALTER TABLE citizen_phones ADD CONSTRAINT citizen_phones_channel_known CHECK (channel IN ('wechat', 'alipay', 'zheliban', 'sandbox'))",
]


class Migration(migrations.Migration):
    """Channel identities that can be written to, and verified mobile numbers."""

    dependencies = [("models", "0012_numbers_imports")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.AddField(
            model_name="ChannelIdentity", name="subject_encrypted", field=fields.BinaryField(null=True)
        ),
        ops.CreateModel(
            name="CitizenPhone",
            fields=[
                ("citizen_id", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                ("phone_encrypted", fields.BinaryField()),
                (
                    "channel",
                    fields.CharEnumField(
                        description="WECHAT: wechat\nALIPAY: alipay\nZHELIBAN: zheliban\nSANDBOX: sandbox",
                        enum_type=Channel,
                        max_length=16,
                    ),
                ),
                ("verified_at", fields.DatetimeField()),
            ],
            options={
                "table": "citizen_phones",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                        name="citizen_phones_channel_known",
                    ),
                ],
                "pk_attr": "citizen_id",
                "table_description": "The mobile number that a channel verified for a citizen; nobody is found by it (numbers change hands).",
            },
            bases=["Model"],
        ),
        ops.RunSQL(CONSTRAINTS),
    ]
