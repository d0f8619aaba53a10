from tortoise import migrations
from tortoise.migrations import operations as ops
from models.enums import ActorKind, AuditOutcome, Category, Channel, ConsentPurpose, CouponStatus, DiscountKind, LimitPeriod, LookupOutcome, MemberKind, MemberStatus, OfferStatus, RegionLevel, StaffRole, StaffStatus
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Attempt",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("attempted_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("staff_id", fields.UUIDField()),
                ("member_id", fields.UUIDField()),
                ("store_id", fields.UUIDField()),
                ("coupon_id", fields.UUIDField(null=True)),
                ("code", fields.CharField(max_length=32)),
                ("is_preview", fields.BooleanField()),
            ],
            options={
                "table": "attempts",
                "app": "models",
                "constraints": [CheckConstraint(check="code ~ '^[a-z_]+$'", name="attempts_code_form")],
                "indexes": [Index(fields=["store_id", "attempted_at"], name="attempts_by_store")],
                "pk_attr": "id",
                "table_description": "One refused scan. `code` is the refusal's permanent code.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditRecord",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("recorded_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "actor_kind",
                    fields.CharEnumField(
                        description="CITIZEN: citizen\nSTAFF: staff\nADMIN: admin\nSYSTEM: system",
                        enum_type=ActorKind,
                        max_length=16,
                    ),
                ),
                ("actor_id", fields.UUIDField(null=True)),
                ("action", fields.CharField(max_length=64)),
                ("object_kind", fields.CharField(max_length=32)),
                ("object_id", fields.CharField(max_length=64)),
                (
                    "outcome",
                    fields.CharEnumField(
                        description="DONE: done\nREFUSED: refused", enum_type=AuditOutcome, max_length=16
                    ),
                ),
            ],
            options={
                "table": "audit_records",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="actor_kind IN ('citizen', 'staff', 'admin', 'system')",
                        name="audit_records_actor_kind_known",
                    ),
                    CheckConstraint(
                        check="outcome IN ('done', 'refused')", name="audit_records_outcome_known"
                    ),
                ],
                "indexes": [Index(fields=["object_kind", "object_id"], name="audit_records_by_object")],
                "pk_attr": "id",
                "table_description": "One action. Ids only: never a name, a number or a text that somebody typed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CatalogueVersion",
            fields=[
                ("id", fields.SmallIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.BigIntField(db_default=0)),
            ],
            options={
                "table": "catalogue_version",
                "app": "models",
                "constraints": [CheckConstraint(check="id = 1", name="catalogue_version_one_row")],
                "pk_attr": "id",
                "table_description": "One row that counts changes of offers, terms, members and stores (triggers keep it).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Citizen",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "citizens",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A random subject id (rule 7): ledger, attempts and audit know a citizen by it and by nothing else.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ChannelIdentity",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="identities",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "channel",
                    fields.CharEnumField(
                        description="WECHAT: wechat\nALIPAY: alipay\nZHELIBAN: zheliban\nSANDBOX: sandbox",
                        enum_type=Channel,
                        max_length=16,
                    ),
                ),
                ("subject_hash", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "channel_identities",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("channel", "subject_hash"), name="channel_identities_subject_once"
                    ),
                    CheckConstraint(
                        check="channel IN ('wechat', 'alipay', 'zheliban', 'sandbox')",
                        name="channel_identities_channel_known",
                    ),
                    CheckConstraint(check="length(subject_hash) = 32", name="channel_identities_hash_form"),
                ],
                "indexes": [Index(fields=["citizen_id"], name="channel_identities_by_citizen")],
                "pk_attr": "id",
                "table_description": "渠道身份: a channel's own id for a person, kept as a keyed hash.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Consent",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="consents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "purpose",
                    fields.CharEnumField(
                        description="CREDIT_CHECK: credit_check", enum_type=ConsentPurpose, max_length=32
                    ),
                ),
                ("version", fields.CharField(max_length=32)),
                ("text_sha256", fields.CharField(max_length=64)),
                ("granted_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("withdrawn_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "consents",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="withdrawn_at IS NULL OR withdrawn_at >= granted_at",
                        name="consents_withdrawn_after_granted",
                    )
                ],
                "indexes": [Index(fields=["citizen_id", "purpose"], name="consents_by_citizen")],
                "pk_attr": "id",
                "table_description": "One agreement; its id is the proof's id. Withdrawing dates it, nothing deletes it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ConsentText",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "purpose",
                    fields.CharEnumField(
                        description="CREDIT_CHECK: credit_check", enum_type=ConsentPurpose, max_length=32
                    ),
                ),
                ("version", fields.CharField(max_length=32)),
                ("title", fields.CharField(max_length=128)),
                ("text", fields.TextField(unique=False)),
                ("sha256", fields.CharField(max_length=64)),
                ("effective_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "consent_texts",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("purpose", "version"), name="consent_texts_version_once"),
                    CheckConstraint(check="sha256 ~ '^[0-9a-f]{64}$'", name="consent_texts_sha256_form"),
                ],
                "pk_attr": "id",
                "table_description": "What a citizen is asked to agree to; a text that was shown is never edited, only followed by another.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CreditLookup",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="lookups",
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
                        related_name="lookups",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("source", fields.CharField(max_length=32)),
                ("looked_up_by", fields.CharField(max_length=32)),
                ("reason", fields.CharField(max_length=64)),
                ("looked_up_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "outcome",
                    fields.CharEnumField(
                        description="PENDING: pending\nRATED: rated\nUNRATED: unrated\nUNAVAILABLE: unavailable\nDISCARDED: discarded",
                        enum_type=LookupOutcome,
                        max_length=16,
                    ),
                ),
            ],
            options={
                "table": "credit_lookups",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="outcome IN ('pending', 'rated', 'unrated', 'unavailable', 'discarded')",
                        name="credit_lookups_outcome_known",
                    )
                ],
                "indexes": [Index(fields=["citizen_id", "id"], name="credit_lookups_by_citizen")],
                "pk_attr": "id",
                "table_description": "One look-up: who, when, why, under which consent (rule 1). Kept 10 years.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Installation",
            fields=[
                ("id", fields.SmallIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("is_sandbox", fields.BooleanField()),
            ],
            options={
                "table": "installation",
                "app": "models",
                "constraints": [CheckConstraint(check="id = 1", name="installation_one_row")],
                "pk_attr": "id",
                "table_description": "One row, written by the first `migrate`: a sandbox and a production never share a database.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LoginFailure",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("login_hash", fields.BinaryField()),
                ("failures", fields.IntField()),
                ("window_ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "login_failures",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("login_hash",), name="login_failures_login_once"),
                    CheckConstraint(check="failures > 0", name="login_failures_counts"),
                ],
                "indexes": [Index(fields=["window_ends_at"], name="login_failures_by_window")],
                "pk_attr": "id",
                "table_description": "Wrong passwords for one login, known or not, so that both look the same from outside.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NaturalPerson",
            fields=[
                ("citizen_id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("person_hash", fields.BinaryField()),
                ("name_encrypted", fields.BinaryField()),
                ("id_number_encrypted", fields.BinaryField()),
            ],
            options={
                "table": "natural_persons",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("person_hash",), name="natural_persons_person_once"),
                    CheckConstraint(check="length(person_hash) = 32", name="natural_persons_hash_form"),
                ],
                "pk_attr": "citizen_id",
                "table_description": "The one row that ties a subject id to a natural person; erasing it leaves the ledger whole (rule 7).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OfferStock",
            fields=[
                ("offer_id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("total", fields.IntField(null=True)),
                ("daily_limit", fields.IntField(null=True)),
                ("issued", fields.IntField(db_default=0)),
            ],
            options={
                "table": "offer_stock",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="issued <= total", name="offer_stock_not_oversold"),
                    CheckConstraint(check="issued >= 0", name="offer_stock_issued_counts"),
                    CheckConstraint(
                        check="total >= 0 AND coalesce(daily_limit, 1) >= 1", name="offer_stock_limits_count"
                    ),
                ],
                "pk_attr": "offer_id",
                "table_description": "The pieces of a limited offer; an offer without a row has no limit of stock.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Programme",
            fields=[
                ("code", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ("name", fields.CharField(max_length=32)),
                (
                    "category",
                    fields.CharEnumField(
                        description="EDUCATION: education\nTOURISM_SHOPPING: tourism_shopping\nHOME_SERVICES: home_services\nELDER_CHILD_CARE: elder_child_care\nTRANSPORT: transport\nCULTURE: culture\nHEALTH: health\nHOUSING: housing",
                        enum_type=Category,
                        max_length=32,
                    ),
                ),
                ("summary", fields.CharField(max_length=256)),
            ],
            options={
                "table": "programmes",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="code ~ '^[a-z][a-z_]*$'", name="programmes_code_form")
                ],
                "pk_attr": "code",
                "table_description": "A 信易+ product, which groups offers of one consumption field.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RefusedScanCount",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("day", fields.DateField()),
                ("member_id", fields.UUIDField()),
                ("code", fields.CharField(max_length=32)),
                ("scans", fields.BigIntField()),
            ],
            options={
                "table": "refused_scan_counts",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("day", "member_id", "code"), name="refused_scan_counts_once"),
                    CheckConstraint(check="scans > 0", name="refused_scan_counts_counts"),
                ],
                "pk_attr": "id",
                "table_description": "How many malformed or forged codes one member's staff scanned on a day (Asia/Shanghai).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Region",
            fields=[
                ("code", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=6)),
                ("name", fields.CharField(max_length=64)),
                (
                    "level",
                    fields.CharEnumField(
                        description="PROVINCE: province\nCITY: city\nCOUNTY: county",
                        enum_type=RegionLevel,
                        max_length=16,
                    ),
                ),
                (
                    "parent",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="parent_id",
                        null=True,
                        db_constraint=True,
                        to_field="code",
                        related_name="children",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "regions",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="code ~ '^[1-9][0-9]{5}$'", name="regions_code_is_gbt2260"),
                    CheckConstraint(
                        check="level = CASE WHEN code LIKE '%0000' THEN 'province' WHEN code LIKE '%00' THEN 'city' ELSE 'county' END",
                        name="regions_level_follows_code",
                    ),
                    CheckConstraint(
                        check="(parent_id IS NULL) = (level = 'province')",
                        name="regions_only_province_is_root",
                    ),
                ],
                "pk_attr": "code",
                "table_description": "A region. Its six digits hold its place: two for the province, two for the city, two for the county.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Admin",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("login", fields.CharField(max_length=64)),
                ("password_hash", fields.CharField(max_length=255)),
                ("totp_encrypted", fields.BinaryField(null=True)),
                ("totp_last_step", fields.BigIntField(db_default=0)),
                ("roles", ArrayField(element_type="TEXT")),
                (
                    "region",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="region_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="admins",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="ACTIVE: active\nREVOKED: revoked",
                        db_default="active",
                        enum_type=StaffStatus,
                        max_length=16,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "admins",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("login",), name="admins_login_once"),
                    CheckConstraint(
                        check="roles <@ ARRAY['operator', 'auditor', 'supervisor']::text[] AND cardinality(roles) > 0",
                        name="admins_roles_known",
                    ),
                    CheckConstraint(check="status IN ('active', 'revoked')", name="admins_status_known"),
                    CheckConstraint(
                        check="(status = 'revoked') = (revoked_at IS NOT NULL)",
                        name="admins_revoked_is_dated",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A person of an alliance office; what he may do is bounded by his roles and by his region's subtree.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Member",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="MERCHANT: merchant\nPUBLIC_UNIT: public_unit",
                        enum_type=MemberKind,
                        max_length=16,
                    ),
                ),
                ("name", fields.CharField(max_length=128)),
                ("uscc", fields.CharField(max_length=18)),
                (
                    "region",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="region_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="members",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="ACTIVE: active\nSUSPENDED: suspended\nLEFT: left",
                        db_default="active",
                        enum_type=MemberStatus,
                        max_length=16,
                    ),
                ),
                ("joined_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "members",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("uscc",), name="members_uscc_once"),
                    UniqueConstraint(fields=("id", "kind"), name="members_id_kind"),
                    CheckConstraint(check="kind IN ('merchant', 'public_unit')", name="members_kind_known"),
                    CheckConstraint(
                        check="status IN ('active', 'suspended', 'left')", name="members_status_known"
                    ),
                    CheckConstraint(check="uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="members_uscc_form"),
                    CheckConstraint(check="name <> ''", name="members_name_given"),
                ],
                "pk_attr": "id",
                "table_description": "Who signs the alliance's commitment, known by its 统一社会信用代码 (GB 32100).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Offer",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "programme",
                    fields.ForeignKeyField(
                        "models.Programme",
                        source_field="programme_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="offers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="offers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "member_kind",
                    fields.CharEnumField(
                        description="MERCHANT: merchant\nPUBLIC_UNIT: public_unit",
                        enum_type=MemberKind,
                        max_length=16,
                    ),
                ),
                (
                    "region",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="region_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="offers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="DRAFT: draft\nPUBLISHED: published\nPAUSED: paused\nENDED: ended",
                        db_default="draft",
                        enum_type=OfferStatus,
                        max_length=16,
                    ),
                ),
                ("terms_id", fields.BigIntField(null=True)),
                ("min_tier_level", fields.SmallIntField(null=True)),
                ("ordinary_path", fields.CharField(null=True, max_length=256)),
                ("claim_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("claim_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("per_citizen_limit", fields.SmallIntField(null=True)),
                (
                    "per_citizen_period",
                    fields.CharEnumField(
                        description="EVER: ever\nDAY: day\nMONTH: month\nYEAR: year",
                        db_default="ever",
                        enum_type=LimitPeriod,
                        max_length=8,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "offers",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="status IN ('draft', 'published', 'paused', 'ended')",
                        name="offers_status_known",
                    ),
                    CheckConstraint(check="min_tier_level BETWEEN 1 AND 4", name="offers_admit_two_bands"),
                    CheckConstraint(
                        check="member_kind <> 'public_unit' OR coalesce(ordinary_path, '') <> ''",
                        name="offers_public_unit_names_ordinary_path",
                    ),
                    CheckConstraint(check="claim_until > claim_from", name="offers_claim_span_ahead"),
                    CheckConstraint(
                        check="per_citizen_limit BETWEEN 1 AND 100", name="offers_per_citizen_limit_sane"
                    ),
                    CheckConstraint(
                        check="per_citizen_period IN ('ever', 'day', 'month', 'year')",
                        name="offers_per_citizen_period_known",
                    ),
                    CheckConstraint(
                        check="status = 'draft' OR terms_id IS NOT NULL", name="offers_published_with_terms"
                    ),
                ],
                "indexes": [Index(fields=["member_id"], name="offers_by_member")],
                "pk_attr": "id",
                "table_description": "What a member gives, to whom, when it can be claimed, and how often by one citizen.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OfferDay",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "offer",
                    fields.ForeignKeyField(
                        "models.Offer",
                        source_field="offer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="days",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("day", fields.DateField()),
                ("daily_limit", fields.IntField()),
                ("issued", fields.IntField(db_default=0)),
            ],
            options={
                "table": "offer_days",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("offer_id", "day"), name="offer_days_day_once"),
                    CheckConstraint(check="issued <= daily_limit", name="offer_days_not_oversold"),
                    CheckConstraint(check="issued >= 0", name="offer_days_issued_counts"),
                ],
                "pk_attr": "id",
                "table_description": "Coupons of an offer that were claimed on one day (Asia/Shanghai) and not given back.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OfferTerms",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "offer",
                    fields.ForeignKeyField(
                        "models.Offer",
                        source_field="offer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="all_terms",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.IntField()),
                ("title", fields.CharField(max_length=64)),
                ("description", fields.TextField(unique=False)),
                (
                    "discount_kind",
                    fields.CharEnumField(
                        description="PERCENT_OFF: percent_off\nAMOUNT_OFF: amount_off\nTHRESHOLD_OFF: threshold_off\nFIXED_PRICE: fixed_price\nFREE: free\nDEPOSIT_WAIVED: deposit_waived\nPRIORITY_LANE: priority_lane\nPAY_LATER: pay_later\nHIGHER_LIMIT: higher_limit",
                        enum_type=DiscountKind,
                        max_length=16,
                    ),
                ),
                ("percent_off", fields.SmallIntField(null=True)),
                ("cap_fen", fields.BigIntField(null=True)),
                ("amount_off_fen", fields.BigIntField(null=True)),
                ("threshold_fen", fields.BigIntField(null=True)),
                ("fixed_price_fen", fields.BigIntField(null=True)),
                ("deposit_fen", fields.BigIntField(null=True)),
                ("pay_later_days", fields.SmallIntField(null=True)),
                ("higher_limit", fields.IntField(null=True)),
                ("gift", fields.CharField(null=True, max_length=64)),
                ("uses_total", fields.IntField(null=True)),
                ("daily_use_cap", fields.SmallIntField(null=True)),
                ("valid_from", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("valid_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("wait_days", fields.SmallIntField(db_default=0)),
                ("valid_days", fields.SmallIntField(null=True)),
                ("weekday_mask", fields.SmallIntField(db_default=127)),
                ("open_minute", fields.SmallIntField(db_default=0)),
                ("close_minute", fields.SmallIntField(db_default=1440)),
                ("blackout_dates", ArrayField(element_type="DATE")),
                ("store_ids", ArrayField(element_type="UUID")),
                ("is_client_renewal_allowed", fields.BooleanField(db_default=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "offer_terms",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("offer_id", "version"), name="offer_terms_version_once"),
                    UniqueConstraint(fields=("offer_id", "id"), name="offer_terms_offer_id"),
                    CheckConstraint(
                        check="CASE discount_kind WHEN 'percent_off' THEN coalesce(percent_off BETWEEN 1 AND 99, false) WHEN 'amount_off' THEN coalesce(amount_off_fen > 0, false) WHEN 'threshold_off' THEN coalesce(amount_off_fen > 0 AND threshold_fen >= amount_off_fen, false) WHEN 'fixed_price' THEN coalesce(fixed_price_fen >= 0, false) WHEN 'deposit_waived' THEN coalesce(deposit_fen > 0, false) WHEN 'pay_later' THEN coalesce(pay_later_days > 0, false) WHEN 'higher_limit' THEN coalesce(higher_limit > 0, false) ELSE discount_kind IN ('free', 'priority_lane') END",
                        name="offer_terms_discount_complete",
                    ),
                    CheckConstraint(
                        check="coalesce(cap_fen, 1) > 0 AND coalesce(cap_fen, 0) <= 1000000000 AND coalesce(amount_off_fen, 0) <= 1000000000 AND coalesce(threshold_fen, 0) BETWEEN 0 AND 1000000000 AND coalesce(fixed_price_fen, 0) <= 1000000000 AND coalesce(deposit_fen, 0) <= 1000000000",
                        name="offer_terms_money_in_range",
                    ),
                    CheckConstraint(check="uses_total BETWEEN 1 AND 1000", name="offer_terms_uses_sane"),
                    CheckConstraint(
                        check="daily_use_cap BETWEEN 1 AND 1000", name="offer_terms_daily_cap_sane"
                    ),
                    CheckConstraint(
                        check="uses_total IS NOT NULL OR daily_use_cap IS NOT NULL",
                        name="offer_terms_unlimited_has_daily_cap",
                    ),
                    CheckConstraint(
                        check="(valid_days IS NOT NULL) <> (valid_until IS NOT NULL) AND (valid_until IS NULL) = (valid_from IS NULL)",
                        name="offer_terms_one_kind_of_validity",
                    ),
                    CheckConstraint(
                        check="coalesce(valid_until > valid_from, true) AND coalesce(valid_days BETWEEN 1 AND 3660, true) AND wait_days BETWEEN 0 AND 366",
                        name="offer_terms_validity_ahead",
                    ),
                    CheckConstraint(check="weekday_mask BETWEEN 1 AND 127", name="offer_terms_some_weekday"),
                    CheckConstraint(
                        check="open_minute >= 0 AND open_minute < close_minute AND close_minute <= 1440",
                        name="offer_terms_hours_in_day",
                    ),
                    CheckConstraint(check="cardinality(store_ids) > 0", name="offer_terms_some_store"),
                    CheckConstraint(check="title <> ''", name="offer_terms_title_given"),
                ],
                "pk_attr": "id",
                "table_description": "One version of what a claimed coupon gives: never changed, so a claim freezes it by naming it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Coupon",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("number", fields.BigIntField()),
                (
                    "offer",
                    fields.ForeignKeyField(
                        "models.Offer",
                        source_field="offer_id",
                        db_constraint=False,
                        to_field="id",
                        related_name="coupons",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "terms",
                    fields.ForeignKeyField(
                        "models.OfferTerms",
                        source_field="terms_id",
                        db_constraint=False,
                        to_field="id",
                        related_name="coupons",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="coupons",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="CLAIMED: claimed\nREDEEMED: redeemed\nGIVEN_BACK: given_back\nREVOKED: revoked",
                        db_default="claimed",
                        enum_type=CouponStatus,
                        max_length=16,
                    ),
                ),
                ("slot", fields.SmallIntField(null=True)),
                ("limit_period", fields.CharField(db_default="", max_length=10)),
                ("uses_total", fields.IntField(null=True)),
                ("uses_done", fields.IntField(db_default=0)),
                ("uses_day", fields.DateField(null=True)),
                ("uses_today", fields.IntField(db_default=0)),
                ("key_generation", fields.SmallIntField(db_default=0)),
                ("renewal_session_id", fields.UUIDField(null=True)),
                ("valid_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("valid_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("claimed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_reason", fields.CharField(null=True, max_length=256)),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "coupons",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("number",), name="coupons_number_once"),
                    UniqueConstraint(fields=("citizen_id", "request_key"), name="coupons_request_key_once"),
                    CheckConstraint(
                        check="status IN ('claimed', 'redeemed', 'given_back', 'revoked')",
                        name="coupons_status_known",
                    ),
                    CheckConstraint(
                        check="uses_done >= 0 AND coalesce(uses_done <= uses_total, true)",
                        name="coupons_uses_in_range",
                    ),
                    CheckConstraint(
                        check="status NOT IN ('claimed', 'redeemed') OR (status = 'redeemed') = coalesce(uses_done = uses_total, false)",
                        name="coupons_redeemed_when_used_up",
                    ),
                    CheckConstraint(
                        check="status <> 'given_back' OR uses_done = 0", name="coupons_given_back_unused"
                    ),
                    CheckConstraint(check="uses_today >= 0", name="coupons_uses_today_counts"),
                    CheckConstraint(
                        check="key_generation BETWEEN 0 AND 31", name="coupons_key_generation_in_range"
                    ),
                    CheckConstraint(check="number >= 0", name="coupons_number_in_range"),
                    CheckConstraint(check="valid_until > valid_from", name="coupons_validity_ahead"),
                    CheckConstraint(check="length(request_hash) = 32", name="coupons_request_hash_form"),
                ],
                "indexes": [Index(fields=["citizen_id", "id"], name="coupons_by_citizen")],
                "pk_attr": "id",
                "table_description": "A claimed coupon.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReversalReason",
            fields=[
                (
                    "reversal_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("reason", fields.CharField(max_length=256)),
            ],
            options={
                "table": "reversal_reasons",
                "app": "models",
                "constraints": [CheckConstraint(check="reason <> ''", name="reversal_reasons_given")],
                "pk_attr": "reversal_id",
                "table_description": "Why a redemption was undone, in a clerk's own words, which may name somebody.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "actor_kind",
                    fields.CharEnumField(
                        description="CITIZEN: citizen\nSTAFF: staff\nADMIN: admin\nSYSTEM: system",
                        enum_type=ActorKind,
                        max_length=16,
                    ),
                ),
                ("actor_id", fields.UUIDField()),
                ("generation", fields.IntField(db_default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("rotated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_reason", fields.CharField(null=True, max_length=32)),
            ],
            options={
                "table": "sessions",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="actor_kind IN ('citizen', 'staff', 'admin')", name="sessions_actor_kind_known"
                    ),
                    CheckConstraint(check="generation >= 0", name="sessions_generation_counts"),
                    CheckConstraint(
                        check="(revoked_at IS NULL) = (revoked_reason IS NULL)",
                        name="sessions_revoked_with_reason",
                    ),
                ],
                "indexes": [
                    Index(fields=["actor_id"], name="sessions_by_actor"),
                    Index(fields=["expires_at"], name="sessions_by_expiry"),
                ],
                "pk_attr": "id",
                "table_description": "A family of refresh tokens: `generation` is the number of the one that is good now.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Staff",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="staff",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("login", fields.CharField(max_length=64)),
                ("password_hash", fields.CharField(max_length=255)),
                (
                    "role",
                    fields.CharEnumField(
                        description="OWNER: owner\nMANAGER: manager\nCASHIER: cashier",
                        enum_type=StaffRole,
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="ACTIVE: active\nREVOKED: revoked",
                        db_default="active",
                        enum_type=StaffStatus,
                        max_length=16,
                    ),
                ),
                ("self_hash", fields.BinaryField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "staff",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("login",), name="staff_login_once"),
                    UniqueConstraint(fields=("id", "member_id"), name="staff_id_member"),
                    CheckConstraint(check="role IN ('owner', 'manager', 'cashier')", name="staff_role_known"),
                    CheckConstraint(check="status IN ('active', 'revoked')", name="staff_status_known"),
                    CheckConstraint(
                        check="(status = 'revoked') = (revoked_at IS NOT NULL)", name="staff_revoked_is_dated"
                    ),
                    CheckConstraint(
                        check="self_hash IS NULL OR length(self_hash) = 32", name="staff_self_hash_form"
                    ),
                ],
                "indexes": [Index(fields=["member_id"], name="staff_by_member")],
                "pk_attr": "id",
                "table_description": "A person who redeems for a member's stores.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Store",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="stores",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "region",
                    fields.ForeignKeyField(
                        "models.Region",
                        source_field="region_id",
                        db_constraint=True,
                        to_field="code",
                        related_name="stores",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=128)),
                ("address", fields.CharField(max_length=256)),
                ("lat", fields.FloatField()),
                ("lng", fields.FloatField()),
                ("is_active", fields.BooleanField(db_default=True)),
            ],
            options={
                "table": "stores",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("id", "member_id"), name="stores_id_member"),
                    CheckConstraint(
                        check="lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180",
                        name="stores_place_on_earth",
                    ),
                    CheckConstraint(check="name <> ''", name="stores_name_given"),
                ],
                "indexes": [Index(fields=["member_id"], name="stores_by_member")],
                "pk_attr": "id",
                "table_description": "Where staff redeem. Coordinates are WGS 84 degrees.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Redemption",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "coupon",
                    fields.ForeignKeyField(
                        "models.Coupon",
                        source_field="coupon_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="redemptions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "store",
                    fields.ForeignKeyField(
                        "models.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="redemptions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "staff",
                    fields.ForeignKeyField(
                        "models.Staff",
                        source_field="staff_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="redemptions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("offer_id", fields.UUIDField()),
                ("member_id", fields.UUIDField()),
                ("citizen_id", fields.UUIDField()),
                ("terms_id", fields.BigIntField()),
                ("step", fields.BigIntField()),
                ("order_amount_fen", fields.BigIntField(null=True)),
                ("discount_fen", fields.BigIntField()),
                ("payable_fen", fields.BigIntField(null=True)),
                ("uses", fields.SmallIntField()),
                ("uses_left", fields.IntField(null=True)),
                ("redeemed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "redemptions",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("coupon_id", "step"), name="redemptions_step_once"),
                    UniqueConstraint(fields=("staff_id", "request_key"), name="redemptions_request_key_once"),
                    CheckConstraint(check="uses BETWEEN 1 AND 1000", name="redemptions_uses_sane"),
                    CheckConstraint(
                        check="discount_fen BETWEEN 0 AND 1000000000 AND coalesce(order_amount_fen BETWEEN 0 AND 1000000000, true)",
                        name="redemptions_money_in_range",
                    ),
                    CheckConstraint(
                        check="(payable_fen IS NULL) = (order_amount_fen IS NULL) AND coalesce(payable_fen = order_amount_fen - discount_fen AND payable_fen >= 0, true)",
                        name="redemptions_money_adds_up",
                    ),
                    CheckConstraint(check="length(request_hash) = 32", name="redemptions_request_hash_form"),
                ],
                "indexes": [Index(fields=["store_id", "redeemed_at", "id"], name="redemptions_by_store")],
                "pk_attr": "id",
                "table_description": "What was given, once. Money in fen; `step` is the code's 15-second step, burnt for this coupon.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Reversal",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "redemption",
                    fields.ForeignKeyField(
                        "models.Redemption",
                        source_field="redemption_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="reversals",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "staff",
                    fields.ForeignKeyField(
                        "models.Staff",
                        source_field="staff_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="reversals",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("reversed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("request_key", fields.CharField(max_length=64)),
                ("request_hash", fields.BinaryField()),
            ],
            options={
                "table": "reversals",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("redemption_id",), name="reversals_redemption_once"),
                    UniqueConstraint(fields=("staff_id", "request_key"), name="reversals_request_key_once"),
                    CheckConstraint(check="length(request_hash) = 32", name="reversals_request_hash_form"),
                ],
                "pk_attr": "id",
                "table_description": "The record that undoes one redemption, at most once. Why is in `ReversalReason`.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StaffStore",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "staff",
                    fields.ForeignKeyField(
                        "models.Staff",
                        source_field="staff_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="store_links",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "store",
                    fields.ForeignKeyField(
                        "models.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="staff_links",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="staff_store_links",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.SmallIntField(db_default=0)),
            ],
            options={
                "table": "staff_stores",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("staff_id", "store_id"), name="staff_stores_once"),
                    CheckConstraint(check="position >= 0", name="staff_stores_position_counts"),
                ],
                "pk_attr": "id",
                "table_description": "Where one of the staff may redeem; `position` 0 is the store that his screen opens with.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TierScheme",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("code", fields.CharField(max_length=32)),
                ("name", fields.CharField(max_length=64)),
                ("version", fields.IntField()),
                ("explanation", fields.TextField(unique=False)),
                ("grace_points", fields.IntField(db_default=0)),
                ("validity_days", fields.IntField()),
                ("notice_days", fields.IntField(db_default=0)),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("effective_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tier_schemes",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("code", "version"), name="tier_schemes_version_once"),
                    CheckConstraint(
                        check="effective_from >= published_at + notice_days * interval '1 day'",
                        name="tier_schemes_notice_kept",
                    ),
                    CheckConstraint(
                        check="grace_points >= 0 AND notice_days >= 0 AND validity_days > 0",
                        name="tier_schemes_spans_count",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "等级方案: one version of a scheme's bands, in force from a date that was announced before (rule 4).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TierBand",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "scheme",
                    fields.ForeignKeyField(
                        "models.TierScheme",
                        source_field="scheme_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="bands",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code", fields.CharField(max_length=32)),
                ("name", fields.CharField(max_length=32)),
                ("level", fields.SmallIntField()),
                ("low", fields.IntField()),
                ("high", fields.IntField()),
            ],
            options={
                "table": "tier_bands",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("scheme_id", "code"), name="tier_bands_code_once"),
                    UniqueConstraint(fields=("scheme_id", "low"), name="tier_bands_low_once"),
                    UniqueConstraint(fields=("scheme_id", "high"), name="tier_bands_high_once"),
                    CheckConstraint(check="low < high", name="tier_bands_not_empty"),
                    CheckConstraint(check="level BETWEEN 1 AND 5", name="tier_bands_level_known"),
                ],
                "pk_attr": "id",
                "table_description": "One band, half-open [low, high), and its place on the common ladder (`TierLevel`).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TierSnapshot",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "citizen",
                    fields.ForeignKeyField(
                        "models.Citizen",
                        source_field="citizen_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="snapshots",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "lookup",
                    fields.OneToOneField(
                        "models.CreditLookup",
                        source_field="lookup_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="snapshot",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "scheme",
                    fields.ForeignKeyField(
                        "models.TierScheme",
                        source_field="scheme_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="snapshots",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("level", fields.SmallIntField(null=True)),
                ("tier_code", fields.CharField(null=True, max_length=32)),
                ("source_record_id", fields.CharField(null=True, max_length=64)),
                ("data_date", fields.DateField()),
                ("taken_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("valid_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tier_snapshots",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="level IS NULL OR level BETWEEN 1 AND 5", name="tier_snapshots_level_known"
                    ),
                    CheckConstraint(
                        check="(level IS NULL) = (tier_code IS NULL)", name="tier_snapshots_level_is_named"
                    ),
                    CheckConstraint(check="valid_until > taken_at", name="tier_snapshots_validity_ahead"),
                ],
                "indexes": [Index(fields=["citizen_id", "taken_at"], name="tier_snapshots_by_citizen")],
                "pk_attr": "id",
                "table_description": '等级快照: what a source said, dated. The score itself is not kept; `level` is empty for "no record".',
            },
            bases=["Model"],
        ),
    ]
