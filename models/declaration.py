"""自主申报: what a citizen declares of himself, its words beside and encrypted; he may delete it at any time (rule 7)."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.citizen_enums import DeclarationKind, DeclarationStatus


class Declaration(Model):
    """One self-declared record. It denies nothing and makes no tier; deleting it deletes the row.

    `region_id` is whose office looks at it, `happened_on` the day (or the last day) of what is declared, `hours` those
    of voluntary service. `may_forward` is the citizen's consent that it is passed on to the credit source. `place` is
    one of the twenty that a citizen has.
    """

    id = fields.UUIDField(primary_key=True)
    citizen: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="declarations", on_delete=fields.RESTRICT
    )
    kind = fields.CharEnumField(DeclarationKind, max_length=16)
    region_id = fields.CharField(max_length=6)
    status = fields.CharEnumField(DeclarationStatus, max_length=16, db_default=DeclarationStatus.DRAFT.value)
    happened_on = fields.DateField()
    hours = fields.SmallIntField(null=True)
    may_forward = fields.BooleanField()
    begun_at = fields.DatetimeField()
    submitted_at = fields.DatetimeField(null=True)
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    valid_until = fields.DateField(null=True)
    forwarded_at = fields.DatetimeField(null=True)
    place = fields.SmallIntField()
    request_key = fields.CharField(max_length=64)
    request_hash = fields.BinaryField()

    class Meta:
        table = "declarations"
        indexes = (
            Index(fields=("citizen_id", "id"), name="declarations_by_citizen"),
            Index(fields=("region_id", "status", "id"), name="declarations_by_region_status"),
        )
        constraints = (
            UniqueConstraint(fields=("citizen_id", "request_key"), name="declarations_request_key_once"),
            UniqueConstraint(fields=("citizen_id", "place"), name="declarations_place_once"),
            CheckConstraint(check="kind IN ('volunteer_hours', 'honour')", name="declarations_kind_known"),
            CheckConstraint(
                check="status IN ('draft', 'submitted', 'accepted', 'refused')",
                name="declarations_status_known",
            ),
            CheckConstraint(
                check="(kind = 'volunteer_hours') = (hours IS NOT NULL) AND hours BETWEEN 1 AND 8784",
                name="declarations_hours_of_service",
            ),
            CheckConstraint(
                check="(status = 'draft') = (submitted_at IS NULL)", name="declarations_submission_is_dated"
            ),
            CheckConstraint(
                check="(status IN ('accepted', 'refused')) = (decided_at IS NOT NULL)"
                " AND (decided_at IS NULL) = (decided_by IS NULL)",
                name="declarations_decided_by_somebody",
            ),
            CheckConstraint(
                check="(status = 'accepted') = (valid_until IS NOT NULL)",
                name="declarations_validity_is_dated",
            ),
            CheckConstraint(
                check="forwarded_at IS NULL OR (may_forward AND status = 'accepted')",
                name="declarations_forwarded_by_consent",
            ),
            CheckConstraint(check="place BETWEEN 1 AND 20", name="declarations_place_in_range"),
            CheckConstraint(check="length(request_hash) = 32", name="declarations_request_hash_form"),
        )


class DeclarationText(Model):
    """What a citizen wrote of his record, and why it was refused, each encrypted."""

    declaration_id = fields.UUIDField(primary_key=True)
    text_encrypted = fields.BinaryField()
    refusal_encrypted = fields.BinaryField(null=True)

    class Meta:
        table = "declaration_texts"
