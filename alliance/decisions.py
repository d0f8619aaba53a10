"""What is carried out when a second admin agrees: one function for each kind of request."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from json import loads
from typing import Any
from uuid import UUID

from alliance import (
    approvals,
    coupon_revocations,
    exports,
    objection_answers,
    tier_mapping_changes,
    tier_scheme_changes,
    uscc_overrides,
    white_list,
)
from benefits import (
    budgets,
    offer_changes,
)
from common.actors import AdminActor
from common.database import Row, transaction, wait_for_older_statements
from models.office_enums import ApprovalKind, ApprovalStatus

# The deciding admin, who asked, the payload, the reason, now. Each runs inside the decision's transaction and writes
# its own audit record; what it refuses undoes the decision as well.
CarryOut = Callable[[AdminActor, Row, Mapping[str, Any], datetime], Awaitable[None]]


async def _revoke_coupons(actor: AdminActor, asked: Row, payload: Mapping[str, Any], now: datetime) -> None:
    if "offer_id" in payload:
        return await coupon_revocations.begin_all(asked)
    await offer_changes.revoke_coupon(actor, UUID(payload["coupon_id"]), asked["reason"], now)


async def _publish_tier_scheme(
    actor: AdminActor, asked: Row, payload: Mapping[str, Any], now: datetime
) -> None:
    await tier_scheme_changes.publish(actor, payload, now)


async def _raise_budget(actor: AdminActor, _: Row, payload: Mapping[str, Any], now: datetime) -> None:
    await budgets.set_budget(actor, UUID(payload["offer_id"]), payload["from_fen"], payload["to_fen"], now)


CARRY_OUT: dict[ApprovalKind, CarryOut] = {
    ApprovalKind.TIER_SCHEME: _publish_tier_scheme,
    ApprovalKind.USCC_OVERRIDE: uscc_overrides.carry_out,
    ApprovalKind.WHITE_LIST: white_list.carry_out,
    ApprovalKind.COUPON_REVOCATION: _revoke_coupons,
    ApprovalKind.BUDGET_RAISE: _raise_budget,
    ApprovalKind.EXPORT: exports.begin,
    ApprovalKind.OBJECTION_EXTENSION: objection_answers.extend,
    ApprovalKind.TIER_MAPPING: tier_mapping_changes.carry_out,
}


async def approve(actor: AdminActor, approval_id: UUID, reason: str, now: datetime) -> None:
    """Agree, and carry out what was asked for, in one transaction.

    Raises:
        NotFound: no such request in the admin's region.
        OwnRequest, NotConfirmed, NotOpen: he may not decide it, or nobody may any more.
        DomainError: what the thing itself refuses; the request stays open.
    """
    async with transaction():
        asked = await approvals.decide(actor, approval_id, ApprovalStatus.APPROVED, reason, now)
        await CARRY_OUT[ApprovalKind(asked["kind"])](actor, asked, loads(asked["payload"]), now)
    # What an old right still allowed is over when this is answered.
    await wait_for_older_statements()


async def refuse(actor: AdminActor, approval_id: UUID, reason: str, now: datetime) -> None:
    """Refuse it; nothing is carried out.

    Raises:
        NotFound, OwnRequest, NotOpen: as for `approve`.
    """
    async with transaction():
        await approvals.decide(actor, approval_id, ApprovalStatus.REFUSED, reason, now)
