"""投诉: what a citizen complains of, and the words about it beside, where they can be erased (rule 7)."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.office_enums import ComplaintKind, ComplaintStatus


class Complaint(Model):
    """One complaint: ids, states and times alone.

    It is about a redemption, a refused scan, or a store (and an offer there). `region_id` is the store's: who decides.
    `place` is one of the citizen's places on the day `complained_on` (Asia/Shanghai); that it is unique keeps him to the
    daily limit; empty where two accounts of his were joined and together had made more that day. `upheld_at` is set exactly while the complaint counts against the member. `decisions` counts them.
    """

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="complaints", on_delete=fields.RESTRICT
    )
    member_id = fields.UUIDField()
    store_id = fields.UUIDField()
    region_id = fields.CharField(max_length=6)
    offer_id = fields.UUIDField(null=True)
    redemption_id = fields.UUIDField(null=True)
    attempt_id = fields.UUIDField(null=True)
    kind = fields.CharEnumField(ComplaintKind, max_length=16)
    status = fields.CharEnumField(ComplaintStatus, max_length=16, db_default=ComplaintStatus.OPEN.value)
    complained_at = fields.DatetimeField()
    complained_on = fields.DateField()
    place = fields.SmallIntField(null=True)
    answer_due_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True)
    answered_by = fields.UUIDField(null=True)
    overdue_at = fields.DatetimeField(null=True)
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    decisions = fields.SmallIntField(db_default=0)
    upheld_at = fields.DatetimeField(null=True)
    withdrawn_at = fields.DatetimeField(null=True)
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()

    class Meta:
        table = "complaints"
        indexes = (
            Index(fields=("citizen_id", "id"), name="complaints_by_citizen"),
            Index(fields=("member_id", "id"), name="complaints_by_member"),
            Index(fields=("member_id", "status", "id"), name="complaints_by_member_status"),
            Index(fields=("region_id", "id"), name="complaints_by_region"),
            Index(fields=("complained_on", "region_id"), name="complaints_by_day"),
            Index(fields=("region_id", "status", "id"), name="complaints_by_region_status"),
        )
        constraints = (
            UniqueConstraint(fields=("citizen_id", "request_key"), name="complaints_request_key_once"),
            UniqueConstraint(fields=("citizen_id", "complained_on", "place"), name="complaints_place_once"),
            CheckConstraint(check="place BETWEEN 1 AND 5", name="complaints_place_in_range"),
            CheckConstraint(
                check="kind IN ('refused', 'wrong_amount', 'price_raised', 'misleading', 'service', 'other')",
                name="complaints_kind_known",
            ),
            CheckConstraint(
                check="status IN ('open', 'answered', 'overdue', 'upheld', 'dismissed', 'reopened', 'withdrawn')",
                name="complaints_status_known",
            ),
            CheckConstraint(
                check="redemption_id IS NULL OR attempt_id IS NULL", name="complaints_about_one_thing"
            ),
            CheckConstraint(check="answer_due_at > complained_at", name="complaints_due_ahead"),
            CheckConstraint(
                check="(answered_at IS NULL) = (answered_by IS NULL)"
                " AND (status <> 'open' OR answered_at IS NULL) AND (status <> 'answered' OR answered_at IS NOT NULL)",
                name="complaints_answered_by_somebody",
            ),
            CheckConstraint(
                check="(status NOT IN ('upheld', 'dismissed') OR decided_at IS NOT NULL)"
                " AND (decided_at IS NULL) = (decided_by IS NULL)",
                name="complaints_decided_by_somebody",
            ),
            CheckConstraint(
                check="(status = 'upheld') = (upheld_at IS NOT NULL)", name="complaints_upheld_is_dated"
            ),
            CheckConstraint(
                check="(status = 'withdrawn') = (withdrawn_at IS NOT NULL)",
                name="complaints_withdrawn_is_dated",
            ),
            CheckConstraint(check="length(request_hash) = 32", name="complaints_request_hash_form"),
        )


class ComplaintText(Model):
    """What citizen, member and admin wrote, each encrypted; it may name somebody, and is erased by deleting the row."""

    complaint_id = fields.UUIDField(primary_key=True)
    text_encrypted = fields.BinaryField()
    answer_encrypted = fields.BinaryField(null=True)
    decision_encrypted = fields.BinaryField(null=True)

    class Meta:
        table = "complaint_texts"
