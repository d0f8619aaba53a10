"""对账: what a member and an admin do with a closed statement, each once and each recorded."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from alliance.statement_lines import next_period, open_statements
from alliance.statement_states import Event, move
from common.actors import AdminActor, MemberActor
from common.database import Row, execute, fetch_one, transaction
from common.errors import Invalid, NotFound
from common.ids import new_id
from models import audit_log, notice_log
from models.office_enums import AdjustmentReason
from models.region import subtree_prefix

ADJUST = """
INSERT INTO statement_lines (id, statement_id, kind, record_id, at, discount_fen, member_fen, public_unit_fen,
                             alliance_fen, public_unit_id, reason_code)
VALUES ($1, $2, 'adjustment', $3, $4, $5, $6, $7, $8, $9, $10)
"""


class AdjustmentEmpty(Invalid):
    """An adjustment that changes nothing."""

    code = "adjustment_empty"
    zh = "调整金额全部为零。请填写至少一项不为零的金额，或者不采纳这项异议。"
    en = "All amounts of the adjustment are zero. Give one that is not, or reject the dispute."


class PublicUnitUnknown(Invalid):
    """Who is to pay a share is named, and is a public unit of the alliance."""

    code = "public_unit_unknown"
    zh = "没有找到承担费用的公共单位。请核对公共单位的编号；金额为零时不要填写。"
    en = "The public unit that is to pay was not found. Check its id; leave it out where its amount is zero."
    pointer = "/public_unit_id"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What an accepted dispute changes, in fen, each above or below zero; together they change the discount."""

    member_fen: int
    public_unit_fen: int
    alliance_fen: int
    public_unit_id: UUID | None
    reason_code: AdjustmentReason


async def confirm(actor: MemberActor, statement_id: UUID, now: datetime) -> None:
    """The member agrees to what the statement says.

    Raises:
        NotFound: no such statement of the member's.
        StatementStateWrong: it is not closed, or was answered already.
    """
    async with transaction():
        await _must_be_own(actor, statement_id)
        row = await move(statement_id, Event.CONFIRM, decided_at=now)
        await _record(actor, "statement.confirm", row, now)


async def dispute(actor: MemberActor, statement_id: UUID, reason: str, now: datetime) -> None:
    """The member says what is wrong; an admin of its region answers.

    Raises:
        NotFound, StatementStateWrong: as for `confirm`.
    """
    async with transaction():
        await _must_be_own(actor, statement_id)
        row = await move(statement_id, Event.DISPUTE, decided_at=now, dispute_reason=reason)
        await _record(actor, "statement.dispute", row, now)


async def reject(actor: AdminActor, statement_id: UUID, reason: str, now: datetime) -> None:
    """Nothing is wrong: the statement is closed as before, and the member reads why.

    Raises:
        NotFound: no such statement in the admin's region.
        StatementStateWrong: nobody disputes it (any more).
    """
    async with transaction():
        await _must_reach(actor, statement_id)
        row = await move(statement_id, Event.REJECT, decided_at=None, rejection_reason=reason)
        # A key of its own: the same statement may be disputed and answered again.
        await _tell(row, "statement_dispute_rejected", {"reason": reason}, now, f":{new_id()}")
        await _record(actor, "statement.reject", row, now)


async def accept(actor: AdminActor, statement_id: UUID, adjustment: Adjustment, now: datetime) -> UUID:
    """The member is right: an adjustment goes onto its next statement that is open; that statement's id.

    The disputed statement stays as it was sent and counts as confirmed.

    Raises:
        NotFound, StatementStateWrong: as for `reject`.
        AdjustmentEmpty, PublicUnitUnknown: it makes no sense.
    """
    amounts = (adjustment.member_fen, adjustment.public_unit_fen, adjustment.alliance_fen)
    if not any(amounts):
        raise AdjustmentEmpty
    async with transaction():
        await _must_reach(actor, statement_id)
        await _must_be_public_unit(adjustment)
        row = await move(statement_id, Event.ACCEPT, decided_at=now)
        member_id, period = row["member_id"], next_period(row["period"])
        [onto] = (await open_statements([(member_id, row["region_id"], period)], now)).values()
        # `record_id` is the disputed statement: UNIQUE lets it be adjusted once.
        await execute(
            ADJUST,
            *(new_id(), onto, statement_id, now, sum(amounts), *amounts),
            *(adjustment.public_unit_id, adjustment.reason_code),
        )
        await _tell(row, "statement_dispute_accepted", {}, now)
        told = {**asdict(adjustment), "discount_fen": sum(amounts), "onto": onto}
        await _record(actor, "statement.accept", row, now, told)
    return onto


async def settle(actor: AdminActor, statement_id: UUID, reference: str, now: datetime) -> None:
    """The money was moved, under this reference.

    Raises:
        NotFound: no such statement in the admin's region.
        StatementStateWrong: the member has not confirmed it, or it is settled already.
    """
    async with transaction():
        await _must_reach(actor, statement_id)
        row = await move(statement_id, Event.SETTLE, settled_at=now, settlement_reference=reference)
        await _tell(row, "statement_settled", {"reference": reference}, now)
        await _record(actor, "statement.settle", row, now, {"reference": reference})


async def _must_be_own(actor: MemberActor, statement_id: UUID) -> None:
    if not await fetch_one(
        "SELECT 1 FROM statements WHERE id = $1 AND member_id = $2", statement_id, actor.member_id
    ):
        raise NotFound


async def _must_reach(actor: AdminActor, statement_id: UUID) -> None:
    if not await fetch_one(
        "SELECT 1 FROM statements WHERE id = $1 AND region_id LIKE $2 || '%'",
        *(statement_id, subtree_prefix(actor.region)),
    ):
        raise NotFound


async def _must_be_public_unit(adjustment: Adjustment) -> None:
    if adjustment.public_unit_id is None:
        is_known = adjustment.public_unit_fen == 0
    else:
        is_known = adjustment.public_unit_fen != 0 and bool(
            await fetch_one(
                "SELECT 1 FROM members WHERE id = $1 AND kind = 'public_unit'", adjustment.public_unit_id
            )
        )
    if not is_known:
        raise PublicUnitUnknown


async def _tell(row: Row, kind: str, facts: Mapping[str, object], now: datetime, suffix: str = "") -> None:
    about = {"statement_id": row["id"], "period": f"{row['period']:%Y-%m}", **facts}
    await notice_log.tell("member", row["member_id"], kind, f"{kind}:{row['id']}{suffix}", about, now)


async def _record(
    actor: MemberActor | AdminActor,
    action: str,
    row: Row,
    now: datetime,
    more: Mapping[str, object] | None = None,
) -> None:
    await audit_log.record(
        audit_log.who(actor),
        action,
        ("statement", row["id"]),
        now,
        region=row["region_id"],
        after={"state": row["state"], "member_id": row["member_id"], "period": row["period"], **(more or {})},
    )
