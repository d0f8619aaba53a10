"""Changing an offer's budget: less at once, more when a second admin agrees."""

from datetime import datetime
from uuid import UUID

from alliance import approvals
from benefits import budgets, share_consents
from benefits.budgets import BudgetChanged
from benefits.proposals import BudgetNeedsMostCost
from common.actors import AdminActor
from common.errors import Invalid
from models.office_enums import ApprovalKind


class RaiseNeedsReason(Invalid):
    """The second admin has to know why."""

    code = "reason_required"
    zh = "提高预算需要另一位负责人审批，请写明原因。"
    en = "Raising a budget takes a second admin; say why."
    pointer = "/reason"


async def change(
    actor: AdminActor,
    offer_id: UUID,
    amounts: tuple[int | None, int | None],
    reason: str | None,
    now: datetime,
) -> UUID | None:
    """Lower a budget, or give one, at once; ask for a raise: the request's id, and nothing has changed yet.

    Args:
        amounts: what the caller saw and what he wants, in fen; without a budget None.

    Raises:
        NotFound: no such offer with a stock or a budget in the admin's region.
        BudgetChanged: it is not what the caller saw.
        BudgetBelowReserved, BudgetNeedsMostCost: it can't be so.
        RaiseNeedsReason, AlreadyAsked: it can't be asked for so.
        RaiseNotAgreed: a public unit agreed to pay its share of less.
    """
    from_fen, to_fen = amounts
    if not budgets.is_raise(from_fen, to_fen):
        await budgets.set_budget(actor, offer_id, from_fen, to_fen, now)
        return None
    row = await budgets.of_offer(actor, offer_id)
    if row["budget_fen"] != from_fen:
        raise BudgetChanged(budget_fen=row["budget_fen"])
    if row["piece_fen"] is None:
        raise BudgetNeedsMostCost
    await share_consents.must_be_agreed(offer_id, "budget_fen", to_fen)
    if not reason:
        raise RaiseNeedsReason
    return await approvals.ask(
        actor,
        ApprovalKind.BUDGET_RAISE,
        ("offer", offer_id),
        row["region_id"],
        {"offer_id": offer_id, "from_fen": from_fen, "to_fen": to_fen},
        reason,
        now,
    )
