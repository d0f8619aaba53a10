"""异议的状态: what may happen to an objection in each state, and where it goes from there; the one table of it."""

from collections.abc import Mapping

from common.errors import Refused
from models.citizen_enums import ObjectionEvent, ObjectionStatus

OPEN, FORWARDED = ObjectionStatus.OPEN, ObjectionStatus.FORWARDED
WAITING = (OPEN, FORWARDED)

# The office passes it on to the agency that keeps the record, or knows the answer by itself. Its time limit may run out
# or be extended meanwhile, which changes no state. Whoever filed it may add evidence, or withdraw, until it is answered.
TRANSITIONS: Mapping[tuple[ObjectionStatus, ObjectionEvent], ObjectionStatus] = {
    (OPEN, ObjectionEvent.FORWARD): FORWARDED,
    **{
        (state, event): state
        for state in WAITING
        for event in (ObjectionEvent.ADD_EVIDENCE, ObjectionEvent.EXTEND, ObjectionEvent.BECOME_OVERDUE)
    },
    **{(state, ObjectionEvent.UPHOLD): ObjectionStatus.UPHELD for state in WAITING},
    **{(state, ObjectionEvent.CORRECT): ObjectionStatus.CORRECTED for state in WAITING},
    **{(state, ObjectionEvent.DISMISS): ObjectionStatus.DISMISSED for state in WAITING},
    **{(state, ObjectionEvent.WITHDRAW): ObjectionStatus.WITHDRAWN for state in WAITING},
}


class ObjectionNotPossible(Refused):
    """The objection is in a state in which that can't happen to it."""

    code = "objection_not_possible"
    zh = "这件异议现在的状态（{status}）不能这样处理。请刷新页面，看看它现在到了哪一步。"
    en = "That can't be done to an objection that is {status}. Reload the page to see how far it has come."
    shown = ("status",)


def after(state: str, event: ObjectionEvent) -> ObjectionStatus:
    """The state that follows.

    Raises:
        ObjectionNotPossible: the event can't happen in this state.
    """
    found = TRANSITIONS.get((ObjectionStatus(state), event))
    if found is None:
        raise ObjectionNotPossible(status=str(state))
    return found
