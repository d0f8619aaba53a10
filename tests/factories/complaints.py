"""Complaints in any state, made the way they are made."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from alliance import complaint_answers, complaint_decisions, complaints
from alliance.complaint_states import ComplaintEvent
from alliance.complaints import Grievance
from common.actors import AdminActor, MemberActor
from common.database import Row, fetch_one
from models.enums import AdminRole
from models.office_enums import ComplaintKind, ComplaintStatus
from tests.factories.citizens import KEYS, a_citizen
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.factories.scans import a_key

TEXT = "店员说不知道这个活动，不给打折。我叫王小明，电话13812349050。"
LATER = NOON + timedelta(days=30)

# How a complaint gets into a state: the events, in order.
WAYS: dict[ComplaintStatus, tuple[ComplaintEvent, ...]] = {
    ComplaintStatus.OPEN: (),
    ComplaintStatus.ANSWERED: (ComplaintEvent.ANSWER,),
    ComplaintStatus.OVERDUE: (ComplaintEvent.BECOME_OVERDUE,),
    ComplaintStatus.UPHELD: (ComplaintEvent.ANSWER, ComplaintEvent.UPHOLD),
    ComplaintStatus.DISMISSED: (ComplaintEvent.ANSWER, ComplaintEvent.DISMISS),
    ComplaintStatus.REOPENED: (ComplaintEvent.ANSWER, ComplaintEvent.UPHOLD, ComplaintEvent.REOPEN),
    ComplaintStatus.WITHDRAWN: (ComplaintEvent.WITHDRAW,),
}


def an_admin(region: str = "330106") -> AdminActor:
    """An operator and head of a region."""
    return AdminActor(uuid4(), uuid4(), (AdminRole.OPERATOR, AdminRole.HEAD), region)


def the_manager(shop: Shop) -> MemberActor:
    """Who answers for the shop's member."""
    return MemberActor(shop.manager.id, uuid4(), shop.member_id, "manager")


async def a_complaint(shop: Shop, at: datetime = NOON, **changes: Any) -> UUID:
    """A complaint about the shop's first store, by a citizen of its own unless `citizen_id` is given; its id."""
    citizen_id = changes.pop("citizen_id", None) or await a_citizen()
    about = changes or {"store_id": shop.store_id}
    grievance = Grievance(ComplaintKind.REFUSED, TEXT, **about)
    return (await complaints.complain(citizen_id, grievance, a_key(), KEYS, at)).id


async def complaint_row(complaint_id: UUID) -> Row:
    """The complaint as it is stored."""
    row = await fetch_one("SELECT * FROM complaints WHERE id = $1", complaint_id)
    assert row is not None
    return row


async def happen(shop: Shop, complaint_id: UUID, event: ComplaintEvent) -> None:
    """Have something happen to a complaint, by whoever may do it, at a moment when it may be done."""
    row = await complaint_row(complaint_id)
    match event:
        case ComplaintEvent.ANSWER:
            await complaint_answers.answer(the_manager(shop), complaint_id, "已培训店员。", KEYS, NOON)
        case ComplaintEvent.BECOME_OVERDUE:
            await complaint_answers.mark_overdue(LATER)
        case ComplaintEvent.UPHOLD:
            await complaint_decisions.uphold(an_admin(), complaint_id, "录像为证", KEYS, NOON)
        case ComplaintEvent.DISMISS:
            await complaint_decisions.dismiss(an_admin(), complaint_id, "证据不足", KEYS, NOON)
        case ComplaintEvent.REOPEN:
            await complaint_decisions.reopen(an_admin(), complaint_id, "有新证据", NOON)
        case ComplaintEvent.WITHDRAW:
            await complaints.withdraw(row["citizen_id"], complaint_id, NOON)


async def complaint_in(shop: Shop, status: ComplaintStatus) -> UUID:
    """A complaint that has come so far; its id."""
    complaint_id = await a_complaint(shop)
    for event in WAYS[status]:
        await happen(shop, complaint_id, event)
    assert (await complaint_row(complaint_id))["status"] == status
    return complaint_id
