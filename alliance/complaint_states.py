"""投诉的状态: what may happen to a complaint in each state, and where it goes from there; the one table of it."""

from collections.abc import Mapping
from enum import StrEnum

from common.errors import Refused
from models.office_enums import ComplaintStatus

OPEN, ANSWERED, OVERDUE = ComplaintStatus.OPEN, ComplaintStatus.ANSWERED, ComplaintStatus.OVERDUE
UPHELD, DISMISSED = ComplaintStatus.UPHELD, ComplaintStatus.DISMISSED
REOPENED, WITHDRAWN = ComplaintStatus.REOPENED, ComplaintStatus.WITHDRAWN


class ComplaintEvent(StrEnum):
    """What happens to a complaint."""

    ANSWER = "answer"
    BECOME_OVERDUE = "become_overdue"
    UPHOLD = "uphold"
    DISMISS = "dismiss"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"


# The member answers, or its time runs out; either way the office decides. A head may have a decision made anew. The
# citizen may withdraw as long as nothing is decided.
TRANSITIONS: Mapping[tuple[ComplaintStatus, ComplaintEvent], ComplaintStatus] = {
    (OPEN, ComplaintEvent.ANSWER): ANSWERED,
    (OPEN, ComplaintEvent.BECOME_OVERDUE): OVERDUE,
    **{(state, ComplaintEvent.UPHOLD): UPHELD for state in (ANSWERED, OVERDUE, REOPENED)},
    **{(state, ComplaintEvent.DISMISS): DISMISSED for state in (ANSWERED, OVERDUE, REOPENED)},
    **{(state, ComplaintEvent.REOPEN): REOPENED for state in (UPHELD, DISMISSED)},
    **{(state, ComplaintEvent.WITHDRAW): WITHDRAWN for state in (OPEN, ANSWERED, OVERDUE, REOPENED)},
}


class ComplaintNotPossible(Refused):
    """The complaint is in a state in which that can't happen to it."""

    code = "complaint_not_possible"
    zh = "这件投诉现在的状态（{status}）不能这样处理。请刷新页面，看看它现在到了哪一步。"
    en = "That can't be done to a complaint that is {status}. Reload the page to see how far it has come."
    shown = ("status",)


def after(state: str, event: ComplaintEvent) -> ComplaintStatus:
    """The state that follows.

    Raises:
        ComplaintNotPossible: the event can't happen in this state.
    """
    found = TRANSITIONS.get((ComplaintStatus(state), event))
    if found is None:
        raise ComplaintNotPossible(status=str(state))
    return found
