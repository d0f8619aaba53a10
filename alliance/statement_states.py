"""How a statement goes from open to settled: one table, and one guarded statement that follows it."""

from enum import StrEnum
from uuid import UUID

from common.database import Row, fetch_one
from common.errors import Refused
from models.office_enums import StatementState

OPEN, CLOSED, CONFIRMED, DISPUTED, SETTLED = StatementState


class Event(StrEnum):
    """What happens to a statement."""

    CLOSE = "close"
    CONFIRM = "confirm"
    DISPUTE = "dispute"
    REJECT = "reject"
    ACCEPT = "accept"
    SETTLE = "settle"


# What is not here is refused. An accepted dispute is agreed to: what it changes stands on the next statement.
NEXT: dict[tuple[StatementState, Event], StatementState] = {
    (OPEN, Event.CLOSE): CLOSED,
    (CLOSED, Event.CONFIRM): CONFIRMED,
    (CLOSED, Event.DISPUTE): DISPUTED,
    (DISPUTED, Event.REJECT): CLOSED,
    (DISPUTED, Event.ACCEPT): CONFIRMED,
    (CONFIRMED, Event.SETTLE): SETTLED,
}


class StatementStateWrong(Refused):
    """The statement's state does not allow it (any more, or yet)."""

    code = "statement_state_wrong"
    zh = "对账单现在的状态不能这样处理。请刷新，看清状态后再继续。"
    en = "The statement's state does not allow this. Load it again and go on from there."
    shown = ("state",)


async def move(statement_id: UUID, event: Event, **columns: object) -> Row:
    """Move a statement that is there, inside the transaction of what follows from it; the row as it is then.

    Args:
        columns: what is written with the new state.

    Raises:
        StatementStateWrong: its state does not allow it; nothing is written.
    """
    before = [state for state, happens in NEXT if happens is event]
    written = "".join(f", {name} = ${number}" for number, name in enumerate(columns, 4))
    row = await fetch_one(
        f"UPDATE statements SET state = $2{written} WHERE id = $1 AND state = ANY ($3::text[]) RETURNING *",
        *(statement_id, NEXT[before[0], event], before, *columns.values()),
    )
    if row is None:
        now_is = await fetch_one("SELECT state FROM statements WHERE id = $1", statement_id)
        assert now_is is not None
        raise StatementStateWrong(state=now_is["state"])
    return row
