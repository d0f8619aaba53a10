"""代办: who acts for a citizen who can't, or would rather not, do it himself; and guardians' requests (PIPL 31)."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.citizen import Citizen
from models.citizen_enums import AgentKind, BindingEnd, BindingState, GuardianshipState


class AgentBinding(Model):
    """One agent of one principal. While it has not ended it holds a place of each of the two: so many, and no more.

    `ends_at`: of a guardian's, the beginning of the child's 14th birthday; of one that waits to be confirmed, until when.
    """

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharEnumField(AgentKind, max_length=16)
    agent: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="acts_for", on_delete=fields.RESTRICT
    )
    principal: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="agents", on_delete=fields.RESTRICT
    )
    state = fields.CharEnumField(BindingState, max_length=16)
    agent_place = fields.SmallIntField()
    principal_place = fields.SmallIntField()
    made_at = fields.DatetimeField()
    active_at = fields.DatetimeField(null=True)
    ends_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    ended_because = fields.CharEnumField(BindingEnd, max_length=16, null=True)

    class Meta:
        table = "agent_bindings"
        # Partial unique indexes in the migration: a pair once, and each place once, among those that have not ended.
        indexes = (
            Index(fields=("agent_id", "id"), name="agent_bindings_by_agent"),
            Index(fields=("principal_id", "id"), name="agent_bindings_by_principal"),
        )
        constraints = (
            CheckConstraint(check="kind IN ('guardian', 'helper')", name="agent_bindings_kind_known"),
            CheckConstraint(check="agent_id <> principal_id", name="agent_bindings_of_two"),
            CheckConstraint(
                check="agent_place BETWEEN 1 AND 10"
                " AND principal_place BETWEEN 1 AND CASE kind WHEN 'guardian' THEN 4 ELSE 5 END",
                name="agent_bindings_places_in_range",
            ),
            CheckConstraint(
                check="CASE state WHEN 'waiting' THEN active_at IS NULL AND ended_at IS NULL AND ends_at IS NOT NULL"
                " WHEN 'active' THEN active_at IS NOT NULL AND ended_at IS NULL"
                " ELSE state = 'ended' AND ended_at IS NOT NULL END",
                name="agent_bindings_state_is_dated",
            ),
            CheckConstraint(
                check="kind <> 'guardian' OR (ends_at IS NOT NULL AND active_at IS NOT NULL)",
                name="agent_bindings_guardian_until_of_age",
            ),
            CheckConstraint(
                check="(ended_at IS NULL) = (ended_because IS NULL)"
                " AND ended_because IN ('agent', 'principal', 'office', 'of_age', 'expired')",
                name="agent_bindings_end_has_cause",
            ),
        )


class GuardianshipRequest(Model):
    """A guardian asks to act for a child; who the child is, is kept here until somebody decides, and no longer.

    `child_hash` is the keyed hash of the ID number, as in `natural_persons`; `child_id` and `binding_id` are there once it
    is confirmed. `place` is one of the guardian's places for open requests.
    """

    id = fields.UUIDField(primary_key=True)
    guardian: fields.ForeignKeyRelation[Citizen] = fields.ForeignKeyField(
        "models.Citizen", related_name="guardianship_requests", on_delete=fields.RESTRICT
    )
    region_id = fields.CharField(max_length=6)
    state = fields.CharEnumField(
        GuardianshipState, max_length=16, db_default=GuardianshipState.REQUESTED.value
    )
    place = fields.SmallIntField()
    child_hash = fields.BinaryField(null=True)
    name_encrypted = fields.BinaryField(null=True)
    id_number_encrypted = fields.BinaryField(null=True)
    child_id = fields.UUIDField(null=True)
    binding_id = fields.UUIDField(null=True)
    requested_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=512, null=True)

    class Meta:
        table = "guardianship_requests"
        # Partial unique indexes in the migration: an open request per child once, and each place once.
        indexes = (
            Index(fields=("guardian_id", "id"), name="guardianship_requests_by_guardian"),
            Index(fields=("region_id", "id"), name="guardianship_requests_by_region"),
            Index(fields=("region_id", "state", "id"), name="guardianship_requests_by_state"),
        )
        constraints = (
            CheckConstraint(
                check="state IN ('requested', 'confirmed', 'refused', 'withdrawn')",
                name="guardianship_requests_state_known",
            ),
            CheckConstraint(check="place BETWEEN 1 AND 5", name="guardianship_requests_place_in_range"),
            CheckConstraint(
                check="(child_hash IS NOT NULL) = (state = 'requested')"
                " AND (name_encrypted IS NOT NULL) = (state = 'requested')"
                " AND (id_number_encrypted IS NOT NULL) = (state = 'requested')",
                name="guardianship_requests_child_until_decided",
            ),
            CheckConstraint(check="length(child_hash) = 32", name="guardianship_requests_hash_form"),
            CheckConstraint(
                check="(state = 'requested') = (decided_at IS NULL)"
                " AND (state IN ('confirmed', 'refused')) = (decided_by IS NOT NULL)",
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
        )
