"""What decides whether a member may go on: suspensions, re-checks, the white list, promises kept and broken."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from models.application import Commitment
from models.enums import PromiseCause, PromiseOutcome, SuspensionCause
from models.member import Member
from models.region import Region


class Suspension(Model):
    """One cause for which a member is or was suspended. `facts` is JSON that the member reads.

    A partial unique index (in the migration) keeps one open row for a member and cause.
    """

    id = fields.UUIDField(primary_key=True)
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="suspensions", on_delete=fields.RESTRICT
    )
    cause = fields.CharEnumField(SuspensionCause, max_length=16)
    facts = fields.TextField()
    suspended_at = fields.DatetimeField()
    lifted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "suspensions"
        indexes = (Index(fields=("member_id", "id"), name="suspensions_by_member"),)
        constraints = (
            CheckConstraint(
                check="cause IN ('grade', 'dishonest_list', 'complaints', 'office')",
                name="suspensions_cause_known",
            ),
            CheckConstraint(check="lifted_at >= suspended_at", name="suspensions_lifted_afterwards"),
        )


class MemberRecheck(Model):
    """When a member is checked next; one that has left has no row."""

    member_id = fields.UUIDField(primary_key=True)
    due_at = fields.DatetimeField()

    class Meta:
        table = "member_rechecks"
        indexes = (Index(fields=("due_at",), name="member_rechecks_by_time"),)


class WhiteListEntry(Model):
    """白名单: a USCC that may join and stay in a region in spite of its grade; two admins wanted it.

    A partial unique index (in the migration) keeps one entry for a USCC and region that has not ended.
    """

    id = fields.UUIDField(primary_key=True)
    uscc = fields.CharField(max_length=18)
    region: fields.ForeignKeyRelation[Region] = fields.ForeignKeyField(
        "models.Region", related_name="white_list", on_delete=fields.RESTRICT
    )
    reason = fields.CharField(max_length=256)
    approval_id = fields.UUIDField()
    added_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "white_list"
        indexes = (Index(fields=("region_id", "id"), name="white_list_by_region"),)
        constraints = (
            CheckConstraint(check="uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="white_list_uscc_form"),
            CheckConstraint(check="reason <> ''", name="white_list_reason_given"),
            CheckConstraint(check="ended_at >= added_at", name="white_list_ended_afterwards"),
        )


class PromiseRecord(Model):
    """承诺践诺: a promise of a member's commitment that was kept or broken, and what showed it.

    Members of old signed before commitments were kept here; theirs point to none.
    """

    id = fields.UUIDField(primary_key=True)
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="promises", on_delete=fields.RESTRICT
    )
    commitment: fields.ForeignKeyNullableRelation[Commitment] = fields.ForeignKeyField(
        "models.Commitment", related_name="promises", null=True, on_delete=fields.RESTRICT
    )
    outcome = fields.CharEnumField(PromiseOutcome, max_length=8)
    cause = fields.CharEnumField(PromiseCause, max_length=16)
    cause_id = fields.CharField(max_length=64)
    note = fields.CharField(max_length=256)
    recorded_at = fields.DatetimeField()

    class Meta:
        table = "promise_records"
        indexes = (Index(fields=("member_id", "id"), name="promise_records_by_member"),)
        constraints = (
            UniqueConstraint(
                fields=("member_id", "outcome", "cause", "cause_id"), name="promise_records_cause_once"
            ),
            CheckConstraint(check="outcome IN ('kept', 'broken')", name="promise_records_outcome_known"),
            CheckConstraint(
                check="cause IN ('complaint', 'credit_check', 'inspection', 'office')",
                name="promise_records_cause_known",
            ),
            CheckConstraint(check="cause_id <> ''", name="promise_records_cause_named"),
        )
