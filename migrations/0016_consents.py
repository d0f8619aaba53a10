"""Consents by purpose and recipient, what members were shown, guardians and helpers."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from models.citizen_enums import AgentKind, BindingEnd, BindingState, ConsentEnd, GuardianshipState
from models.enums import Channel, ConsentPurpose

CONTRACTS = "The purpose of a consent is the same varchar(32) as before; only the list of values in its comment grows."

CONSTRAINTS = [
    "ALTER TABLE agent_bindings ADD CONSTRAINT agent_bindings_kind_known CHECK (kind IN ('guardian', 'helper'))",
    "ALTER TABLE agent_bindings ADD CONSTRAINT agent_bindings_of_two CHECK (agent_id <> principal_id)",
    "ALTER TABLE agent_bindings ADD CONSTRAINT agent_bindings_places_in_range CHECK (agent_place BETWEEN 1 AND 10 AND principal_place BETWEEN 1 AND CASE kind WHEN 'guardian' THEN 4 ELSE 5 END)",
    "ALTER TABLE agent_bindings ADD CONSTRAINT agent_bindings_state_is_dated CHECK (CASE state WHEN 'waiting' THEN active_at IS NULL AND ended_at IS NULL AND ends_at IS NOT NULL WHEN 'active' THEN active_at IS NOT NULL AND ended_at IS NULL ELSE state = 'ended' AND ended_at IS NOT NULL END)",
    "ALTER TABLE agent_bindings ADD CONSTRAINT agent_bindings_guardian_until_of_age CHECK (kind <> 'guardian' OR (ends_at IS NOT NULL AND active_at IS NOT NULL))",
    "ALTER TABLE agent_bindings ADD CONSTRAINT agent_bindings_end_has_cause CHECK ((ended_at IS NULL) = (ended_because IS NULL) AND ended_because IN ('agent', 'principal', 'office', 'of_age', 'expired'))",
    "ALTER TABLE consent_refusals ADD CONSTRAINT consent_refusals_recipient_where_shared CHECK ((purpose = 'member_sharing') = (recipient_member_id IS NOT NULL))",
    "ALTER TABLE disclosures ADD CONSTRAINT disclosures_what_known CHECK (what = 'masked_name')",
    "ALTER TABLE guardianship_requests ADD CONSTRAINT guardianship_requests_state_known CHECK (state IN ('requested', 'confirmed', 'refused', 'withdrawn'))",
    "ALTER TABLE guardianship_requests ADD CONSTRAINT guardianship_requests_place_in_range CHECK (place BETWEEN 1 AND 5)",
    "ALTER TABLE guardianship_requests ADD CONSTRAINT guardianship_requests_child_until_decided CHECK ((child_hash IS NOT NULL) = (state = 'requested') AND (name_encrypted IS NOT NULL) = (state = 'requested') AND (id_number_encrypted IS NOT NULL) = (state = 'requested'))",
    "ALTER TABLE guardianship_requests ADD CONSTRAINT guardianship_requests_hash_form CHECK (length(child_hash) = 32)",
    "ALTER TABLE guardianship_requests ADD CONSTRAINT guardianship_requests_decided_by_somebody CHECK ((state = 'requested') = (decided_at IS NULL) AND (state IN ('confirmed', 'refused')) = (decided_by IS NOT NULL))",
    "ALTER TABLE guardianship_requests ADD CONSTRAINT guardianship_requests_confirmed_has_child CHECK ((state = 'confirmed') = (child_id IS NOT NULL) AND (child_id IS NULL) = (binding_id IS NULL))",
    "ALTER TABLE guardianship_requests ADD CONSTRAINT guardianship_requests_refused_with_reason CHECK (state <> 'refused' OR coalesce(reason, '') <> '')",
]

NOBODY = "'00000000-0000-0000-0000-000000000000'::uuid"
# One consent in force per purpose and recipient. The index before it allowed one per purpose, and goes: several members
# may be named at once. The new one comes first, so that at no time two for the same are possible.
INDEXES = [
    "CREATE UNIQUE INDEX consents_one_per_recipient ON consents"
    f" (citizen_id, purpose, (coalesce(recipient_member_id, {NOBODY}))) WHERE withdrawn_at IS NULL",
    "DROP INDEX consents_one_in_force",
    "CREATE INDEX consents_by_age ON consents (purpose, granted_at) WHERE withdrawn_at IS NULL",
    "CREATE UNIQUE INDEX consent_refusals_last_one ON consent_refusals"
    f" (citizen_id, purpose, (coalesce(recipient_member_id, {NOBODY})))",
    "CREATE UNIQUE INDEX agent_bindings_pair_once ON agent_bindings (agent_id, principal_id, kind) WHERE ended_at IS NULL",
    "CREATE UNIQUE INDEX agent_bindings_agent_place_once ON agent_bindings (agent_id, kind, agent_place)"
    " WHERE ended_at IS NULL",
    "CREATE UNIQUE INDEX agent_bindings_principal_place_once ON agent_bindings (principal_id, kind, principal_place)"
    " WHERE ended_at IS NULL",
    "CREATE INDEX agent_bindings_by_end ON agent_bindings (ends_at) WHERE ended_at IS NULL",
    "CREATE UNIQUE INDEX guardianship_requests_child_once ON guardianship_requests (guardian_id, child_hash)"
    " WHERE state = 'requested'",
    "CREATE UNIQUE INDEX guardianship_requests_place_once ON guardianship_requests (guardian_id, place)"
    " WHERE state = 'requested'",
]


class Migration(migrations.Migration):
    """Consents by purpose and recipient, what members were shown, guardians and helpers."""

    dependencies = [("models", "0015_credit_batches")]  # noqa: RUF012 - the base class says so

    operations = [  # noqa: RUF012
        ops.CreateModel(
            name="AgentBinding",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="GUARDIAN: guardian\nHELPER: helper", enum_type=AgentKind, max_length=16
                    ),
                ),
                (
                    "agent",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="agent_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="acts_for",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "principal",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="principal_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="agents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: waiting\nACTIVE: active\nENDED: ended",
                        enum_type=BindingState,
                        max_length=16,
                    ),
                ),
                ("agent_place", fields.SmallIntField()),
                ("principal_place", fields.SmallIntField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("active_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "ended_because",
                    fields.CharEnumField(
                        null=True,
                        description="AGENT: agent\nPRINCIPAL: principal\nOFFICE: office\nOF_AGE: of_age\nEXPIRED: expired",
                        enum_type=BindingEnd,
                        max_length=16,
                    ),
                ),
            ],
            options={
                "table": "agent_bindings",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="kind IN ('guardian', 'helper')", name="agent_bindings_kind_known"),
                    CheckConstraint(check="agent_id <> principal_id", name="agent_bindings_of_two"),
                    CheckConstraint(
                        check="agent_place BETWEEN 1 AND 10 AND principal_place BETWEEN 1 AND CASE kind WHEN 'guardian' THEN 4 ELSE 5 END",
                        name="agent_bindings_places_in_range",
                    ),
                    CheckConstraint(
                        check="CASE state WHEN 'waiting' THEN active_at IS NULL AND ended_at IS NULL AND ends_at IS NOT NULL WHEN 'active' THEN active_at IS NOT NULL AND ended_at IS NULL ELSE state = 'ended' AND ended_at IS NOT NULL END",
                        name="agent_bindings_state_is_dated",
                    ),
                    CheckConstraint(
                        check="kind <> 'guardian' OR (ends_at IS NOT NULL AND active_at IS NOT NULL)",
                        name="agent_bindings_guardian_until_of_age",
                    ),
                    CheckConstraint(
                        check="(ended_at IS NULL) = (ended_because IS NULL) AND ended_because IN ('agent', 'principal', 'office', 'of_age', 'expired')",
                        name="agent_bindings_end_has_cause",
                    ),
                ],
                "indexes": [
                    Index(fields=["agent_id", "id"], name="agent_bindings_by_agent"),
                    Index(fields=["principal_id", "id"], name="agent_bindings_by_principal"),
                ],
                "pk_attr": "id",
                "table_description": "One agent of one principal. While it has not ended it holds a place of each of the two: so many, and no more.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ConsentRefusal",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="consent_refusals",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "purpose",
                    fields.CharEnumField(
                        description="CREDIT_CHECK: credit_check\nMEMBER_SHARING: member_sharing\nNOTICES: notices\nGUARDIANSHIP: guardianship",
                        enum_type=ConsentPurpose,
                        max_length=32,
                    ),
                ),
                ("recipient_member_id", fields.UUIDField(null=True)),
                ("refused_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "consent_refusals",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="(purpose = 'member_sharing') = (recipient_member_id IS NOT NULL)",
                        name="consent_refusals_recipient_where_shared",
                    )
                ],
                "pk_attr": "id",
                "table_description": 'The last time that a citizen said "not now": for a while nobody asks him again.',
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Disclosure",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="disclosures",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "consent",
                    fields.ForeignKeyField(
                        "models.Consent",
                        source_field="consent_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="disclosures",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("member_id", fields.UUIDField()),
                ("store_id", fields.UUIDField()),
                ("offer_id", fields.UUIDField()),
                ("what", fields.CharField(max_length=32)),
                ("shown_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "disclosures",
                "app": "models",
                "constraints": [CheckConstraint(check="what = 'masked_name'", name="disclosures_what_known")],
                "indexes": [Index(fields=["citizen_id", "id"], name="disclosures_by_citizen")],
                "pk_attr": "id",
                "table_description": "One time that a member's staff were shown something of a citizen, under the consent that names the member.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="GuardianshipRequest",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "guardian",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="guardian_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="guardianship_requests",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("region_id", fields.CharField(max_length=6)),
                (
                    "state",
                    fields.CharEnumField(
                        description="REQUESTED: requested\nCONFIRMED: confirmed\nREFUSED: refused\nWITHDRAWN: withdrawn",
                        db_default="requested",
                        enum_type=GuardianshipState,
                        max_length=16,
                    ),
                ),
                ("place", fields.SmallIntField()),
                ("child_hash", fields.BinaryField(null=True)),
                ("name_encrypted", fields.BinaryField(null=True)),
                ("id_number_encrypted", fields.BinaryField(null=True)),
                ("child_id", fields.UUIDField(null=True)),
                ("binding_id", fields.UUIDField(null=True)),
                ("requested_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("reason", fields.CharField(null=True, max_length=512)),
            ],
            options={
                "table": "guardianship_requests",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('requested', 'confirmed', 'refused', 'withdrawn')",
                        name="guardianship_requests_state_known",
                    ),
                    CheckConstraint(
                        check="place BETWEEN 1 AND 5", name="guardianship_requests_place_in_range"
                    ),
                    CheckConstraint(
                        check="(child_hash IS NOT NULL) = (state = 'requested') AND (name_encrypted IS NOT NULL) = (state = 'requested') AND (id_number_encrypted IS NOT NULL) = (state = 'requested')",
                        name="guardianship_requests_child_until_decided",
                    ),
                    CheckConstraint(check="length(child_hash) = 32", name="guardianship_requests_hash_form"),
                    CheckConstraint(
                        check="(state = 'requested') = (decided_at IS NULL) AND (state IN ('confirmed', 'refused')) = (decided_by IS NOT NULL)",
                        name="guardianship_requests_decided_by_somebody",
                    ),
                    CheckConstraint(
                        check="(state = 'confirmed') = (child_id IS NOT NULL) AND (child_id IS NULL) = (binding_id IS NULL)",
                        name="guardianship_requests_confirmed_has_child",
                    ),
                    CheckConstraint(
                        check="state <> 'refused' OR coalesce(reason, '') <> ''",
                        name="guardianship_requests_refused_with_reason",
                    ),
                ],
                "indexes": [
                    Index(fields=["guardian_id", "id"], name="guardianship_requests_by_guardian"),
                    Index(fields=["region_id", "id"], name="guardianship_requests_by_region"),
                    Index(fields=["region_id", "state", "id"], name="guardianship_requests_by_state"),
                ],
                "pk_attr": "id",
                "table_description": "A guardian asks to act for a child; who the child is, is kept here until somebody decides, and no longer.",
            },
            bases=["Model"],
        ),
        ops.AlterField(
            model_name="Consent",
            name="purpose",
            field=fields.CharEnumField(
                description="CREDIT_CHECK: credit_check\nMEMBER_SHARING: member_sharing\nNOTICES: notices\nGUARDIANSHIP: guardianship",
                enum_type=ConsentPurpose,
                max_length=32,
            ),
        ),
        ops.AddField(
            model_name="Consent",
            name="ended_because",
            field=fields.CharEnumField(
                null=True,
                description="WITHDRAWN: withdrawn\nREPLACED: replaced\nOUTDATED: outdated",
                enum_type=ConsentEnd,
                max_length=16,
            ),
        ),
        ops.AddField(
            model_name="Consent",
            name="given_by",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Consent",
            name="given_through",
            field=fields.CharEnumField(
                null=True,
                description="WECHAT: wechat\nALIPAY: alipay\nZHELIBAN: zheliban\nSANDBOX: sandbox",
                enum_type=Channel,
                max_length=16,
            ),
        ),
        ops.AddField(
            model_name="Consent",
            name="recipient_member_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Consent",
            name="recipient_name",
            field=fields.CharField(null=True, max_length=128),
        ),
        ops.AddIndex(
            model_name="Consent",
            index=Index(fields=["citizen_id", "id"], name="consents_history"),
        ),
        ops.AddConstraint(
            model_name="Consent",
            constraint=CheckConstraint(
                check="(purpose = 'member_sharing') = (recipient_member_id IS NOT NULL) AND (recipient_member_id IS NULL) = (recipient_name IS NULL)",
                name="consents_recipient_where_shared",
            ),
        ),
        ops.AddConstraint(
            model_name="Consent",
            constraint=CheckConstraint(
                check="ended_because IS NULL OR withdrawn_at IS NOT NULL", name="consents_end_is_dated"
            ),
        ),
        ops.AddConstraint(
            model_name="Consent",
            constraint=CheckConstraint(
                check="ended_because IN ('withdrawn', 'replaced', 'outdated')",
                name="consents_ended_because_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Consent",
            constraint=CheckConstraint(
                check="given_through IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                name="consents_given_through_known",
            ),
        ),
        ops.AlterField(
            model_name="ConsentText",
            name="purpose",
            field=fields.CharEnumField(
                description="CREDIT_CHECK: credit_check\nMEMBER_SHARING: member_sharing\nNOTICES: notices\nGUARDIANSHIP: guardianship",
                enum_type=ConsentPurpose,
                max_length=32,
            ),
        ),
        ops.AddField(
            model_name="ConsentText",
            name="is_wider",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="OfferTerms",
            name="shows_holder",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Session",
            name="channel",
            field=fields.CharEnumField(
                null=True,
                description="WECHAT: wechat\nALIPAY: alipay\nZHELIBAN: zheliban\nSANDBOX: sandbox",
                enum_type=Channel,
                max_length=16,
            ),
        ),
        ops.AddConstraint(
            model_name="Session",
            constraint=CheckConstraint(
                check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')", name="sessions_channel_known"
            ),
        ),
        ops.RunSQL(CONSTRAINTS),
        ops.RunSQL(INDEXES),
    ]
